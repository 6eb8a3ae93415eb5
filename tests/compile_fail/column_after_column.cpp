// expect: plait::stack: a layer takes its input placed otherwise than the layer before it gives it
// SPDX-License-Identifier: Apache-2.0
// The first gives its features split over the tensor axis and the second wants all of them on every rank.
#include <plait/layers/linear.hpp>
#include <plait/layers/softmax_cross_entropy.hpp>
#include <plait/model/stack.hpp>

const plait::stack model{plait::column_linear{4, 6}, plait::column_linear{6, 2}, plait::softmax_cross_entropy{2}};
