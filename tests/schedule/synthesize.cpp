// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <ctime>
#include <limits>
#include <string>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/schedule/makespan.hpp>
#include <plait/schedule/shortest_makespan.hpp>
#include <plait/schedule/simulate.hpp>
#include <plait/schedule/synthesize.hpp>
#include <plait/schedule/verify.hpp>

#include <doctest/doctest.h>

#include "synthesis_grid.hpp"

namespace {

using namespace plait;
using testing::synthesis_case;

/// What every order that is found must keep; its makespan.
double check_found(const synthesis_case& one, const orders& found) {
  const std::vector<program> programs = programs_of(found);
  const verification verdict = verify(programs);
  CHECK_MESSAGE(verdict.valid, to_string(verdict.cell), ": ", verdict.reason);
  const double makespan = simulate(programs, one.costs).makespan;
  for (int rank = 0; rank < one.shape.ranks; ++rank) {
    const std::vector<pass>& mine = found.passes[static_cast<std::size_t>(rank)];
    const int peak = detail::peak_of(mine.data(), mine.data() + mine.size());
    if (!one.limit.empty()) CHECK(peak <= one.limit[static_cast<std::size_t>(rank)]);
  }
  CHECK(makespan >= lower_bound(one.shape, one.costs, one.limit) * (1 - 1e-9));
  return makespan;
}

TEST_CASE("a lower bound that a reader can check by hand") {
  // One micro-batch: down, up, and the weight half of the first stage, whatever is done.
  const pipe_shape shape{3, 1, 1};
  step_costs costs{.stages = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}};
  costs.between_ranks.latency = {10};
  CHECK(lower_bound(shape, costs, {}) == 1 + 10 + 4 + 10 + 7 + 8 + 10 + 5 + 10 + 2 + 3);
  // Three micro-batches on one rank with room for one or for all: the work.
  CHECK(lower_bound({1, 3, 1}, step_costs::uniform({1, 3, 1}), {1}) == 9);
  // Two ranks with room for one activation: nothing overlaps but weight halves of rank 1, which come when rank 0 has
  // the gradient. A round trip of 1 + 1 + 1 + 1 + 1 for each micro-batch.
  CHECK(lower_bound({2, 4, 1}, step_costs::uniform({2, 4, 1}), {1, 1}) == 4 * 5);
}

TEST_CASE("equal stages: the order that is found is as short as the papers' zero-bubble schedules") {
  for (int ranks = 2; ranks <= 8; ranks += 2)
    for (const int micro : {ranks, 2 * ranks, 4 * ranks}) {
      const pipe_shape one{ranks, micro, 1}, two{ranks, micro, 2};
      CAPTURE(ranks);
      CAPTURE(micro);
      const step_costs costs = step_costs::uniform(one), halves = step_costs::uniform(two);
      CHECK(simulate(programs_of(synthesize(one, costs, {}, {.passes = 100'000})), costs).makespan ==
            3 * micro + ranks - 1);
      CHECK(lower_bound(one, costs, {}) == 3 * micro + ranks - 1);
      CHECK(simulate(programs_of(synthesize(two, halves, {}, {.passes = 100'000})), halves).makespan ==
            6 * micro + ranks - 1);
      CHECK(lower_bound(two, halves, {}) == 6 * micro + ranks - 1);
    }
}

TEST_CASE("an order that is found is valid, keeps the limit and is no longer than any fixed schedule that does") {
  int all = 0, shorter = 0;
  for (const synthesis_case& one : testing::synthesis_grid({2, 3, 5, 8}, {2, 3, 8, 12})) {
    CAPTURE(one.name());
    const double found = check_found(one, synthesize(one.shape, one.costs, one.limit, {.passes = 200'000}));
    const double fixed = testing::best_fixed(one).makespan;
    CHECK(found <= fixed);
    if (fixed == std::numeric_limits<double>::infinity()) continue;  // no fixed schedule keeps the limit
    ++all;
    if (found < fixed * (1 - 1e-9)) ++shorter;
  }
  MESSAGE(shorter, " of ", all, " strictly shorter");
  CHECK(all > 500);
  CHECK(2 * shorter > all);
}

TEST_CASE("on tiny shapes the order that is found is proved to be the shortest by trying all") {
  int all = 0, shortest = 0;
  for (const synthesis_case& one : testing::synthesis_grid({2, 3}, {2, 3, 4})) {
    if (one.shape.stages() * one.shape.micro > 12) continue;
    CAPTURE(one.name());
    const double found = check_found(one, synthesize(one.shape, one.costs, one.limit, {.passes = 1'000'000}));
    double least = shortest_makespan<loop_placement>(one.shape, one.costs, one.limit, found).makespan;
    if (one.shape.chunks > 1)
      least = std::min(least, shortest_makespan<wave_placement>(one.shape, one.costs, one.limit, found).makespan);
    CHECK(least >= lower_bound(one.shape, one.costs, one.limit) * (1 - 1e-9));
    ++all;
    if (least == found)
      ++shortest;
    else
      MESSAGE(one.name(), " found ", found, " shortest ", least);
  }
  MESSAGE(shortest, " of ", all, " proved the shortest");
}

}  // namespace
