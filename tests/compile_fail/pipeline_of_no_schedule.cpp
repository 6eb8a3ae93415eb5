// expect: plait::mesh: the second argument of pipeline<N, Schedule> is a schedule
// SPDX-License-Identifier: Apache-2.0
#include <plait/mesh/mesh.hpp>
#include <plait/train/rank.hpp>

struct as_fast_as_possible {};

using layout = plait::mesh<plait::pipeline<4, as_fast_as_possible>>;
const auto handle = plait::handle_of_layout<layout>();
