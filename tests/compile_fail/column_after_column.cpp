// expect: the layer before gives them split over the tensor axis; put gather_features between them
// SPDX-License-Identifier: Apache-2.0
// The second wants all features on every rank, and the first gives each rank its part.
#include <plait/layers/linear.hpp>
#include <plait/layers/softmax_cross_entropy.hpp>
#include <plait/model/stack.hpp>

const plait::stack model{plait::column_linear{4, 6}, plait::column_linear{6, 2}, plait::softmax_cross_entropy{2}};
