// expect: neighbours<plait::row_linear, plait::placement<plait::sharded<0>, plait::replicated>, plait::squared_error
// SPDX-License-Identifier: Apache-2.0
#include <plait/layers/linear.hpp>
#include <plait/layers/squared_error.hpp>
#include <plait/model/stack.hpp>

const plait::stack model{plait::column_linear{4, 6}, plait::row_linear{6, 2}, plait::squared_error{2}};
