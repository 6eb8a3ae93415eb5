// SPDX-License-Identifier: Apache-2.0
// Law 1 for every schedule that flushes: it trains the model of one rank, bit for bit where no sum rounds.

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "exact_model.hpp"
#include "real_model.hpp"

namespace {

using namespace harness;

/// Every pipeline that the schedule accepts, alone and beside data and tensor axes.
template <schedule S>
void trains_as_one_rank() {
  const auto model = exact_model();
  const outcome<double> one = train_serial<double, double>(model, exact_optimizer<double>(), exact_task<double>(1));
  REQUIRE(one.exact);
  int tried = 0;
  for (const coordinate ways : {coordinate{1, 1, 1}, {1, 1, 2}, {1, 1, 3}, {1, 1, 4}, {2, 1, 2}, {1, 2, 2}, {2, 2, 2}})
    for (const int micro : {1, 2, 3, 4, 5, 8}) {
      const layout_handle layout = layout_under<S>(ways);
      if (!S::accepts(shape_of<S>(ways.pipeline, micro)).legal) continue;
      if (ways.data * ways.tensor > 1 && micro != 4) continue;
      CAPTURE(to_string(ways));
      CAPTURE(micro);
      ++tried;
      CHECK(equal_bits(
          train<double, double>(threads{}, layout, model, exact_optimizer<double>(), exact_task<double>(micro)), one));
    }
  CHECK(tried > 3);
}

TEST_CASE_TEMPLATE("a schedule that flushes trains what one rank trains, bit for bit", S, looped_bfs<2>, zb_h1, zb_h2,
                   interleaved_zb<2>, zb_v, v_half, v_min, v_1f1b, dualpipe, dualpipe_v, chimera, hanayo<1>,
                   hanayo<2>) {
  trains_as_one_rank<S>();
}

}  // namespace
