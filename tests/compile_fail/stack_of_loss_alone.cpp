// expect: plait::stack: a model has at least one layer and a loss
// SPDX-License-Identifier: Apache-2.0
#include <plait/layers/softmax_cross_entropy.hpp>
#include <plait/model/stack.hpp>

const plait::stack model{plait::softmax_cross_entropy{2}};
