// expect: the layer before leaves a sum over the tensor axis to be taken; put sum_partials between them
// SPDX-License-Identifier: Apache-2.0
// Each rank would add the bias to its summand.
#include <plait/layers/bias.hpp>
#include <plait/layers/linear.hpp>
#include <plait/layers/softmax_cross_entropy.hpp>
#include <plait/model/stack.hpp>

const plait::stack model{plait::column_linear{4, 6}, plait::row_product{6, 4}, plait::bias<plait::whole_features>{4},
                         plait::column_linear{4, 2}, plait::softmax_cross_entropy{2}};
