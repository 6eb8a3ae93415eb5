// expect: the layer before gives them whole; put scatter_features between them
// SPDX-License-Identifier: Apache-2.0
// Every rank would count every class.
#include <plait/layers/linear.hpp>
#include <plait/layers/softmax_cross_entropy.hpp>
#include <plait/model/stack.hpp>

const plait::stack model{plait::column_linear{4, 6}, plait::row_linear{6, 2}, plait::softmax_cross_entropy{2}};
