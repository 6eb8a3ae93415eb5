// expect: schedule
// SPDX-License-Identifier: Apache-2.0
#include <plait/mesh/mesh.hpp>
#include <plait/schedule/of_layout.hpp>

struct as_fast_as_possible {};

using layout = plait::mesh<plait::pipeline<4, as_fast_as_possible>>;
static_assert(plait::completes<layout>(plait::micro(8)));
