// SPDX-License-Identifier: Apache-2.0
// Orders that are found: against fixed schedules, against the lower bound, and on tiny shapes against all orders.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <limits>
#include <string>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/core/random.hpp>
#include <plait/schedule/gpipe.hpp>
#include <plait/schedule/shortest_makespan.hpp>
#include <plait/schedule/simulate.hpp>
#include <plait/schedule/synthesize.hpp>
#include <plait/schedule/verify.hpp>

#include <doctest/doctest.h>

#include "synthesis_checks.hpp"
#include "synthesis_grid.hpp"

namespace {

using namespace plait;
using testing::check_found;
using testing::synthesis_case;

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
  int all = 0, shorter = 0, at_bound = 0;
  for (const synthesis_case& one : testing::synthesis_grid({2, 3, 5, 8}, {2, 3, 8, 12})) {
    CAPTURE(one.name());
    const double found = check_found(one, synthesize(one.shape, one.costs, one.limit, {.passes = 60'000}));
    const double fixed = testing::best_fixed(one).makespan;
    CHECK(found <= fixed);
    if (fixed == std::numeric_limits<double>::infinity()) continue;  // no fixed schedule keeps the limit
    ++all;
    if (found < fixed * (1 - 1e-9))
      ++shorter;
    else if (found <= lower_bound(one.shape, one.costs, one.limit) * (1 + 1e-9))
      ++at_bound;  // nothing is shorter than the fixed one
  }
  MESSAGE(shorter, " of ", all, " strictly shorter; of the others ", at_bound, " are at the lower bound");
  CHECK(all > 500);
  CHECK(3 * shorter > all);
  CHECK(10 * (shorter + at_bound) > 8 * all);
}

TEST_CASE("links, sizes, slow ranks and messages that keep their sender: what is found is no longer than fixed") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    synthesis_case one{
        .shape = {2 + static_cast<int>(seed % 4), 2 + static_cast<int>(seed % 7), 1 + static_cast<int>(seed % 2)}};
    one.costs = testing::mixed_costs(one.shape, seed);
    const orders found = synthesize(one.shape, one.costs, one.limit, {.passes = 200'000});
    CHECK(check_found(one, found) <= testing::best_fixed(one).makespan);
    CHECK(testing::waits_for_no_buffer(one, found));
  }
}

TEST_CASE("an order is found again, to the last pass") {
  const synthesis_case one = testing::synthesis_grid({4}, {8}).at(30);
  const orders a = synthesize(one.shape, one.costs, one.limit), b = synthesize(one.shape, one.costs, one.limit);
  CHECK(a.passes == b.passes);
  CHECK(a.in_flight == b.in_flight);
}

TEST_CASE("more than two chunks a rank, and one rank alone") {
  for (const pipe_shape shape : {pipe_shape{3, 4, 3}, pipe_shape{2, 5, 4}, pipe_shape{1, 3, 1}, pipe_shape{1, 2, 3}}) {
    const synthesis_case one{.shape = shape, .costs = step_costs::uniform(shape)};
    const double found = check_found(one, synthesize(shape, one.costs, {}, {.passes = 300'000}));
    CHECK(found <= 3 * shape.micro * shape.chunks + shape.ranks + 1);
  }
}

TEST_CASE("what cannot be ordered is refused with a reason") {
  const pipe_shape shape{2, 4, 2};
  const step_costs costs = step_costs::uniform(shape);
  CHECK_THROWS_WITH_AS(synthesize(shape, costs, {1, 2}), doctest::Contains("room for an activation of each"), error);
  CHECK_THROWS_WITH_AS(synthesize(shape, costs, {2}), doctest::Contains("a limit on live activations for each"), error);
  CHECK_THROWS_WITH_AS(synthesize(shape, step_costs::uniform({2, 4, 1}), {}), doctest::Contains("costs for each stage"),
                       error);
  CHECK_THROWS_WITH_AS(synthesize({2, 4, 2, 2}, costs, {}), doctest::Contains("one step"), error);
  CHECK_THROWS_WITH_AS(lower_bound(shape, costs, {1, 2}), doctest::Contains("room for an activation of each"), error);
  step_costs negative = costs;
  negative.stages[1].backward_weight = -1;
  CHECK_THROWS_WITH_AS(synthesize(shape, negative, {}), doctest::Contains("less than no time"), error);
}

TEST_CASE("orders say how many gradients may be under way, and programs have as many message slots") {
  orders one = orders_of<gpipe>({2, 5, 1});
  step_costs costs{.stages = {{1, 5, 5}, {1, 0.5, 0.5}}};
  // With two slots rank 1 waits for rank 0 to take gradients, with five it never does; the step takes as long.
  one.in_flight = {2, 5};
  CHECK(programs_of(one)[1].messages == std::vector<int>{5});
  double end_of_last = 0;
  const auto seen = [&](int rank, const action& act, double, double end) {
    if (rank == 1 && act.kind == op::backward) end_of_last = end;
  };
  simulate(programs_of(one), costs, seen);
  CHECK(end_of_last == 11);
  one.in_flight = {2, 2};
  simulate(programs_of(one), costs, seen);
  CHECK(end_of_last == 28);
  CHECK(verify(programs_of(one)).valid);
  one.in_flight = {2};
  CHECK_THROWS_WITH_AS(programs_of(one), doctest::Contains("for each chunk of each rank"), error);
}

TEST_CASE("the exhaustive search finds what simulating every order one by one finds") {
  for (const pipe_shape shape : {pipe_shape{2, 2, 1}, pipe_shape{2, 3, 1}, pipe_shape{3, 2, 1}})
    for (const int limit : {1, 2, 3})
      for (std::uint64_t seed = 0; seed < 6; ++seed) {
        CAPTURE(seed);
        CAPTURE(limit);
        synthesis_case one{.shape = shape, .costs = testing::mixed_costs(shape, seed)};
        one.limit.assign(static_cast<std::size_t>(shape.ranks), limit);
        const double least = testing::shortest_of_all_words(one);
        const shortest_found shortest = shortest_makespan<loop_placement>(shape, one.costs, one.limit);
        CHECK(shortest.proved);
        CHECK(shortest.makespan == doctest::Approx(least).epsilon(1e-12));
        CHECK(lower_bound(shape, one.costs, one.limit) <= least * (1 + 1e-12));
        const shortest_found none = shortest_makespan<loop_placement>(shape, one.costs, one.limit, least);
        CHECK(none.makespan == least);
        CHECK(none.states <= shortest.states);
      }
  CHECK_FALSE(shortest_makespan<loop_placement>({3, 4, 1}, step_costs::uniform({3, 4, 1}), {}, 1e9, 10).proved);
}

TEST_CASE("a sample of the published grid, searched as it is by default") {
  int with_fixed = 0, shorter = 0, at_bound = 0, all = 0;
  for (const synthesis_case& one : testing::every(testing::published_grid(), 41)) {
    CAPTURE(one.name());
    const double found = check_found(one, synthesize(one.shape, one.costs, one.limit));
    const double fixed = testing::best_fixed(one).makespan;
    CHECK(found <= fixed * (1 + 1e-12));
    ++all;
    at_bound += found <= lower_bound(one.shape, one.costs, one.limit) * (1 + 1e-9) ? 1 : 0;
    with_fixed += fixed < std::numeric_limits<double>::infinity() ? 1 : 0;
    shorter += fixed < std::numeric_limits<double>::infinity() && found < fixed * (1 - 1e-9) ? 1 : 0;
  }
  MESSAGE(all, " cases, ", with_fixed, " with a fixed schedule, ", shorter, " shorter, ", at_bound, " at the bound");
  CHECK(all == 61);
  CHECK(5 * shorter > 2 * with_fixed);
  CHECK(5 * at_bound > 3 * all);
}

TEST_CASE("with two chunks a rank and little room no order is shorter than the lower bound, and some are as short") {
  int all = 0, at_bound = 0;
  for (const pipe_shape shape : {pipe_shape{2, 2, 2}, pipe_shape{2, 3, 2}})
    for (const int limit : {2, 3, 4, 5})
      for (std::uint64_t seed = 0; seed < 8; ++seed) {
        CAPTURE(seed);
        CAPTURE(limit);
        const step_costs costs = testing::mixed_costs(shape, seed);
        const std::vector<int> limits(static_cast<std::size_t>(shape.ranks), limit);
        const auto compare = [&]<class Placement>(Placement) {
          const shortest_found least = shortest_makespan<Placement>(shape, costs, limits);
          if (!least.proved) return;
          const double bound = lower_bound_placed<Placement>(shape, costs, limits);
          CHECK(bound <= least.makespan * (1 + 1e-12));
          ++all;
          at_bound += bound >= least.makespan * (1 - 1e-12) ? 1 : 0;
        };
        compare(loop_placement{});
        compare(wave_placement{});
      }
  MESSAGE(at_bound, " of ", all, " shortest orders are at the bound");
  CHECK(all > 64);
  CHECK(5 * at_bound > 2 * all);
}

TEST_CASE("where ranks have room for one micro-batch, with two chunks too, the lower bound is the shortest order") {
  for (const synthesis_case& one : testing::synthesis_grid({2, 3, 4}, {2, 3, 8})) {
    if (one.limit.empty() || one.limit[0] != one.shape.chunks) continue;
    CAPTURE(one.name());
    CHECK(check_found(one, synthesize(one.shape, one.costs, one.limit)) ==
          doctest::Approx(lower_bound(one.shape, one.costs, one.limit)).epsilon(1e-9));
  }
}

TEST_CASE("on tiny shapes the order that is found is proved to be the shortest by trying all") {
  int all = 0, shortest = 0;
  for (const synthesis_case& one : testing::synthesis_grid({2, 3}, {2, 3, 4})) {
    if (one.shape.stages() * one.shape.micro > 12) continue;
    CAPTURE(one.name());
    const double found = check_found(one, synthesize(one.shape, one.costs, one.limit));
    shortest_found least = shortest_makespan<loop_placement>(one.shape, one.costs, one.limit, found);
    REQUIRE(least.proved);
    if (one.shape.chunks > 1) {
      const shortest_found wave = shortest_makespan<wave_placement>(one.shape, one.costs, one.limit, found);
      REQUIRE(wave.proved);
      if (wave.makespan < least.makespan) least = wave;
    }
    CHECK(least.makespan >= lower_bound(one.shape, one.costs, one.limit) * (1 - 1e-9));
    if (one.shape.chunks == 1) CHECK(least.makespan == found);
    ++all;
    if (least.makespan == found) ++shortest;
  }
  MESSAGE(shortest, " of ", all, " proved the shortest");
  CHECK(100 * shortest >= 97 * all);
}

#if defined(NDEBUG) && defined(__OPTIMIZE__)
TEST_CASE("eight stages or sixteen and 32 micro-batches take less than a second of a processor") {
  for (synthesis_case& one : testing::synthesis_grid({8}, {32})) {
    if (one.costs_name != "all uneven" || one.message == 0) continue;
    CAPTURE(one.name());
    const std::clock_t begin = std::clock();
    synthesize(one.shape, one.costs, one.limit);
    CHECK(std::clock() - begin < CLOCKS_PER_SEC);
  }
}
#endif

}  // namespace
