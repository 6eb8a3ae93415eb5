// SPDX-License-Identifier: Apache-2.0
// Law 1 for every schedule that flushes: it trains the model of one rank, bit for bit where no sum rounds.

#include <doctest/doctest.h>

#include "exact_model.hpp"
#include "trains_as_one_rank.hpp"

namespace {

using namespace harness;

TEST_CASE_TEMPLATE("a schedule that flushes trains what one rank trains, bit for bit", S, looped_bfs<2>, zb_h1, zb_h2,
                   interleaved_zb<2>, zb_v, v_half, v_min, v_1f1b, dualpipe, dualpipe_v, chimera, hanayo<1>,
                   hanayo<2>) {
  trains_as_one_rank<S>(exact_model(), {1, 2, 3, 4, 5, 8});
}

}  // namespace
