// expect: completes<layout>
// SPDX-License-Identifier: Apache-2.0
// With two chunks a rank, micro-batches come in groups of as many as there are ranks: 6 do not divide by 4.
#include <plait/mesh/mesh.hpp>
#include <plait/schedule/interleaved.hpp>
#include <plait/schedule/of_layout.hpp>

using layout = plait::mesh<plait::pipeline<4, plait::interleaved<2>>>;
static_assert(plait::completes<layout>(plait::micro(6)));
