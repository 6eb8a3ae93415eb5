// expect: plait::stack: what is repeated must give its output placed as it takes its input
// SPDX-License-Identifier: Apache-2.0
#include <plait/core/repeat.hpp>
#include <plait/layers/linear.hpp>
#include <plait/layers/softmax_cross_entropy.hpp>
#include <plait/model/stack.hpp>

const plait::stack model{plait::repeat<2>(plait::column_linear{4, 4}), plait::softmax_cross_entropy{4}};
