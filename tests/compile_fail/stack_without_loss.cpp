// expect: plait::stack: the last item is a loss, such as softmax_cross_entropy or squared_error
// SPDX-License-Identifier: Apache-2.0
#include <plait/layers/activation.hpp>
#include <plait/layers/linear.hpp>
#include <plait/model/stack.hpp>

const plait::stack model{plait::column_linear{4, 6}, plait::relu{}, plait::row_linear{6, 2}};
