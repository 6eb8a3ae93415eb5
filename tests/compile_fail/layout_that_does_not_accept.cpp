// expect: this layout does not take 6 micro-batches
// SPDX-License-Identifier: Apache-2.0
// Groups of 4 leave 2 micro-batches over, which are fewer than there are ranks.
#include <plait/mesh/mesh.hpp>
#include <plait/schedule/interleaved.hpp>
#include <plait/schedule/of_layout.hpp>

using layout = plait::mesh<plait::pipeline<4, plait::interleaved<2, 4>>>;
static_assert(plait::completes<layout>(plait::micro(8)));
static_assert(plait::completes<layout>(plait::micro(6)), "this layout does not take 6 micro-batches");
