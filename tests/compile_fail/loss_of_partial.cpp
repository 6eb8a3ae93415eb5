// expect: the layer before leaves a sum over it to be taken; put sum_partials and scatter_features between them
// SPDX-License-Identifier: Apache-2.0
#include <plait/layers/linear.hpp>
#include <plait/layers/softmax_cross_entropy.hpp>
#include <plait/model/stack.hpp>

const plait::stack model{plait::column_linear{4, 6}, plait::row_product{6, 2}, plait::softmax_cross_entropy{2}};
