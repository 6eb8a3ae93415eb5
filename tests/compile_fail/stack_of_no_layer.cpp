// expect: plait::stack: each item is a layer, a block or a repeat, and the last a loss
// SPDX-License-Identifier: Apache-2.0
#include <plait/layers/linear.hpp>
#include <plait/layers/softmax_cross_entropy.hpp>
#include <plait/model/stack.hpp>

struct dropout {
  double share = 0.1;
};

const plait::stack model{plait::column_linear{4, 2}, dropout{0.5}, plait::softmax_cross_entropy{2}};
