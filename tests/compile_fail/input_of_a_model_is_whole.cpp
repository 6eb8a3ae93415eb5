// expect: plait::detail::input
// SPDX-License-Identifier: Apache-2.0
// What stands before the first layer gives whole features: the message names it as the layer before.
#include <plait/layers/linear.hpp>
#include <plait/layers/softmax_cross_entropy.hpp>
#include <plait/model/stack.hpp>

const plait::stack model{plait::row_linear{4, 6}, plait::column_linear{6, 2}, plait::softmax_cross_entropy{2}};
