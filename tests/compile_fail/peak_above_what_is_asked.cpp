// expect: more than 3 activations are alive at once
// SPDX-License-Identifier: Apache-2.0
// The first of 4 ranks has 4.
#include <plait/mesh/mesh.hpp>
#include <plait/schedule/of_layout.hpp>
#include <plait/schedule/one_f_one_b.hpp>

using layout = plait::mesh<plait::pipeline<4>>;
static_assert(plait::peak_activations<layout>(plait::micro(8)) <= 4);
static_assert(plait::peak_activations<layout>(plait::micro(8)) <= 3, "more than 3 activations are alive at once");
