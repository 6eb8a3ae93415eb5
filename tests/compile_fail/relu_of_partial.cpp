// expect: a layer cannot work on a sum that has not been taken over the tensor axis; put sum_partials before it
// SPDX-License-Identifier: Apache-2.0
#include <plait/layers/activation.hpp>
#include <plait/layers/linear.hpp>
#include <plait/layers/softmax_cross_entropy.hpp>
#include <plait/model/stack.hpp>

const plait::stack model{plait::column_linear{4, 6}, plait::row_product{6, 4}, plait::relu{},
                         plait::column_linear{4, 2}, plait::softmax_cross_entropy{2}};
