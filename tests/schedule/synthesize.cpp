// SPDX-License-Identifier: Apache-2.0
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

/// Costs with everything that a message and a rank can have: sizes, links of their own, slow ranks.
step_costs mixed_costs(pipe_shape shape, std::uint64_t seed) {
  const random_stream random{seed, "synthesis", 0};
  std::uint64_t next = 0;
  const auto whole = [&](std::uint32_t least, std::uint32_t most) {
    return static_cast<double>(least + random.below(next++, most - least + 1));
  };
  step_costs costs;
  for (int stage = 0; stage < shape.stages(); ++stage)
    costs.stages.push_back({whole(1, 6), whole(1, 6), whole(0, 6), {static_cast<std::int64_t>(whole(0, 8))}});
  for (int pair = 0; pair < shape.ranks * shape.ranks; ++pair)
    costs.links.push_back({.latency = {whole(0, 2)}, .bandwidth = {whole(1, 4)}});
  for (int rank = 0; rank < shape.ranks; ++rank) costs.slowness.push_back(whole(1, 2));
  costs.overlaps = seed % 3 != 0;
  return costs;
}

TEST_CASE("links, sizes, slow ranks and messages that keep their sender: what is found is no longer than fixed") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    synthesis_case one{
        .shape = {2 + static_cast<int>(seed % 4), 2 + static_cast<int>(seed % 7), 1 + static_cast<int>(seed % 2)}};
    one.costs = mixed_costs(one.shape, seed);
    const orders found = synthesize(one.shape, one.costs, one.limit, {.passes = 200'000});
    CHECK(check_found(one, found) <= testing::best_fixed(one).makespan);
    // Nobody waits for a buffer: the makespan is that of passes and messages alone.
    const detail::stage_table table{one.shape, [&](int rank, int chunk) { return found.stage(rank, chunk); }};
    detail::word_clock clock{one.shape, detail::stage_times(one.shape, table, one.costs), one.costs.overlaps};
    CHECK(simulate(programs_of(found), one.costs).makespan ==
          doctest::Approx(clock.run(detail::words_of(one.shape, found.passes))).epsilon(1e-12));
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

/// All words of one rank with one chunk that keep a limit.
void all_words(std::vector<std::uint8_t>& word, int micro, int limit, std::vector<std::vector<std::uint8_t>>& all) {
  const auto count = [&](int letter) { return std::count(word.begin(), word.end(), letter); };
  if (word.size() == static_cast<std::size_t>(3 * micro)) all.push_back(word);
  for (const std::uint8_t letter : std::vector<std::uint8_t>{0, 1, 2}) {
    if (count(letter) == micro || (letter > 0 && count(letter - 1) == count(letter))) continue;
    if (letter == 0 && count(0) - count(2) == limit) continue;
    word.push_back(letter);
    all_words(word, micro, limit, all);
    word.pop_back();
  }
}

TEST_CASE("the exhaustive search finds what simulating every order one by one finds") {
  for (const pipe_shape shape : {pipe_shape{2, 2, 1}, pipe_shape{2, 3, 1}, pipe_shape{3, 2, 1}})
    for (const int limit : {1, 2, 3})
      for (std::uint64_t seed = 0; seed < 6; ++seed) {
        CAPTURE(seed);
        CAPTURE(limit);
        const step_costs costs = mixed_costs(shape, seed);
        std::vector<std::uint8_t> word;
        std::vector<std::vector<std::uint8_t>> words;
        all_words(word, shape.micro, limit, words);
        std::size_t number = 1;
        for (int rank = 0; rank < shape.ranks; ++rank) number *= words.size();
        double least = std::numeric_limits<double>::infinity();
        for (std::size_t i = 0; i < number; ++i) {
          detail::order_words each{shape};
          std::size_t left = i;
          for (int rank = 0; rank < shape.ranks; ++rank, left /= words.size())
            std::copy(words[left % words.size()].begin(), words[left % words.size()].end(), each.of(rank).begin());
          orders one{.name = "one", .shape = shape, .passes = detail::passes_of_words(each)};
          for (int rank = 0; rank < shape.ranks; ++rank) one.stage_of.push_back(static_cast<std::int16_t>(rank));
          one.in_flight.assign(static_cast<std::size_t>(shape.ranks), shape.micro);
          const simulation found = simulate(programs_of(one), costs);
          if (found.completes) least = std::min(least, found.makespan);
        }
        const std::vector<int> limits(static_cast<std::size_t>(shape.ranks), limit);
        const shortest_found shortest = shortest_makespan<loop_placement>(shape, costs, limits);
        CHECK(shortest.proved);
        CHECK(shortest.makespan == doctest::Approx(least).epsilon(1e-12));
        CHECK(lower_bound(shape, costs, limits) <= least * (1 + 1e-12));
        const shortest_found none = shortest_makespan<loop_placement>(shape, costs, limits, least);
        CHECK(none.makespan == least);
        CHECK(none.states <= shortest.states);
      }
  CHECK_FALSE(shortest_makespan<loop_placement>({3, 4, 1}, step_costs::uniform({3, 4, 1}), {}, 1e9, 10).proved);
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
