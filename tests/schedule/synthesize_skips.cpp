// SPDX-License-Identifier: Apache-2.0
// Orders that are found for models with skip edges, and for costs with passes that hide each other.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/schedule/named.hpp>
#include <plait/schedule/shortest_makespan.hpp>

#include <doctest/doctest.h>

#include "symbolic_run.hpp"
#include "synthesis_checks.hpp"

namespace {

using namespace plait;
using testing::check_found;
using testing::synthesis_case;

skip_edge edge(int from, int to) {
  return {static_cast<std::int16_t>(from), static_cast<std::int16_t>(to)};
}

/// A case with edges of some kind: from the first stage to the last, those of a U-Net, from the first to all, between
/// neighbours and twice the same. What goes along them takes a while.
synthesis_case with_edges(pipe_shape shape, std::uint64_t seed) {
  synthesis_case one{.shape = shape, .costs = testing::mixed_costs(shape, seed)};
  const int stages = shape.stages();
  if (seed % 4 == 0) one.skips.add(edge(0, stages - 1));
  for (int stage = 0; seed % 4 == 1 && stage < stages - 1 - stage; ++stage)
    one.skips.add(edge(stage, stages - 1 - stage));
  for (int stage = 1; seed % 4 == 2 && stage < stages; ++stage) one.skips.add(edge(0, stage));
  for (int stage = 1; seed % 4 == 3 && stage < stages; ++stage) {
    one.skips.add(edge(stage - 1, stage));
    one.skips.add(edge((stage - 1) / 2, stages - 1));
  }
  for (int i = 0; seed % 2 == 0 && i < one.skips.size(); ++i)
    one.costs.skips.push_back({static_cast<std::int64_t>(4 + 3 * (i % 4))});
  return one;
}

TEST_CASE("a lower bound with a skip edge that a reader can check by hand") {
  // One micro-batch: the last stage waits for what came along the edge, 10 + 6 after the first; so does the first.
  const pipe_shape shape{3, 1, 1};
  step_costs costs{.stages = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}, .skips = {{6}}};
  costs.between_ranks.latency = {10};
  costs.links.assign(9, {});
  costs.links[0 * 3 + 2] = costs.links[2 * 3 + 0] = {.latency = {10}};
  CHECK(lower_bound(shape, costs, {}, {{0, 2}}) == 1 + 16 + 7 + 8 + 16 + 2 + 3);
  const orders found = synthesize(shape, costs, {}, {}, {{0, 2}});
  CHECK(simulate(programs_of(found, {.skips = {{0, 2}}}), costs).makespan == 1 + 16 + 7 + 8 + 16 + 2 + 3);
  costs.skips.clear();
  CHECK(lower_bound(shape, costs, {}) == 1 + 4 + 7 + 8 + 5 + 6);  // the weight half of stage 1 ends last
}

TEST_CASE("with skip edges an order that is found is valid, keeps the limit and is no longer than any fixed schedule") {
  int shorter = 0, all = 0;
  for (std::uint64_t seed = 0; seed < 120; ++seed) {
    CAPTURE(seed);
    synthesis_case one = with_edges(
        {2 + static_cast<int>(seed % 5), 2 + static_cast<int>(seed % 7), 1 + static_cast<int>(seed / 4 % 2)}, seed);
    if (seed % 3 != 0)
      one.limit.assign(static_cast<std::size_t>(one.shape.ranks),
                       one.shape.chunks * (seed % 3 == 1 ? one.shape.ranks : 1 + static_cast<int>(seed % 2)));
    const orders found = synthesize(one.shape, one.costs, one.limit, {.passes = 200'000}, one.skips);
    const double makespan = check_found(one, found), fixed = testing::best_fixed(one).makespan;
    CHECK(makespan <= fixed);
    CHECK(testing::waits_for_no_buffer(one, found));
    const auto programs = programs_of(found, {.skips = one.skips});
    const bool loops = found.stage(0, one.shape.chunks - 1) == (one.shape.chunks - 1) * one.shape.ranks;
    CHECK((loops ? testing::computes_a_step<loop_placement>(programs)
                 : testing::computes_a_step<wave_placement>(programs)));
    ++all;
    shorter += makespan < fixed * (1 - 1e-9) ? 1 : 0;
  }
  MESSAGE(shorter, " of ", all, " strictly shorter, or no fixed schedule keeps the limit");
  CHECK(2 * shorter > all);
}

TEST_CASE("the exhaustive search knows skip edges: it finds what simulating every order one by one finds") {
  int later = 0;
  for (const pipe_shape shape : {pipe_shape{2, 2, 1}, pipe_shape{2, 3, 1}, pipe_shape{3, 2, 1}})
    for (const int limit : {1, 2, 3})
      for (std::uint64_t seed = 0; seed < 8; ++seed) {
        CAPTURE(seed);
        CAPTURE(limit);
        synthesis_case one = with_edges(shape, seed);
        one.limit.assign(static_cast<std::size_t>(shape.ranks), limit);
        const double least = testing::shortest_of_all_words(one);
        const shortest_found shortest =
            shortest_makespan<loop_placement>(shape, one.costs, one.limit, 1e9, 1'000'000, one.skips);
        CHECK(shortest.proved);
        CHECK(shortest.makespan == doctest::Approx(least).epsilon(1e-12));
        CHECK(lower_bound(shape, one.costs, one.limit, one.skips) <= least * (1 + 1e-12));
        one.skips = {};
        one.costs.skips.clear();
        later += testing::shortest_of_all_words(one) < least ? 1 : 0;
        CHECK(testing::shortest_of_all_words(one) <= least);
      }
  CHECK(later > 20);  // so the edges do make a difference
}

TEST_CASE("on tiny shapes with skip edges what is found is the shortest order, or nearly always") {
  int all = 0, shortest = 0;
  for (std::uint64_t seed = 0; seed < 48; ++seed) {
    CAPTURE(seed);
    const synthesis_case one = with_edges(seed % 3 == 0   ? pipe_shape{2, 3, 2}
                                          : seed % 3 == 1 ? pipe_shape{3, 3, 1}
                                                          : pipe_shape{3, 2, 2},
                                          seed);
    const double found = check_found(one, synthesize(one.shape, one.costs, one.limit, {}, one.skips));
    const double below = found * (1 - 1e-12);
    shortest_found least =
        shortest_makespan<loop_placement>(one.shape, one.costs, one.limit, below, 400'000, one.skips);
    if (!least.proved) continue;
    bool is_shortest = least.makespan >= below;
    if (one.shape.chunks > 1) {
      least = shortest_makespan<wave_placement>(one.shape, one.costs, one.limit, below, 400'000, one.skips);
      if (!least.proved) continue;
      is_shortest = is_shortest && least.makespan >= below;
    }
    ++all;
    shortest += is_shortest ? 1 : 0;
  }
  MESSAGE(shortest, " of ", all, " proved the shortest");
  CHECK(all > 30);
  CHECK(10 * shortest > 9 * all);
}

TEST_CASE("with room for its messages an order with skip edges takes as long as with a buffer for every micro-batch") {
  int gained = 0;
  for (const schedule_facts& known : known_schedules)
    for (const double message : {0.0, 2.0}) {
      const std::string name{known.name};
      CAPTURE(name);
      CAPTURE(message);
      orders all = orders_of(known.name, {.ranks = 4, .micro = 16});
      skip_edges skips;
      for (int stage = 0; stage < all.shape.stages() - 1 - stage; ++stage)
        skips.add(edge(stage, all.shape.stages() - 1 - stage));
      step_costs costs = step_costs::uniform(all.shape);
      costs.between_ranks.latency = {message};
      const double plain = simulate(programs_of(all, {.skips = skips}), costs).makespan;
      const orders roomy = with_room(all, costs, skips);
      const auto programs = programs_of(roomy, {.skips = skips});
      const verification found = verify(programs);
      CHECK_MESSAGE(found.valid, to_string(found));
      const double with = simulate(programs, costs).makespan;
      all.in_flight.assign(all.stage_of.size(), all.shape.all_micro());
      all.skips_in_flight = all.in_flight;
      CHECK(with == simulate(programs_of(all, {.skips = skips}), costs).makespan);
      CHECK(with <= plain);
      gained += with < plain ? 1 : 0;
      // Some chunk has fewer buffers than micro-batches: it is not that all are given one each.
      CHECK(*std::max_element(roomy.skips_in_flight.begin(), roomy.skips_in_flight.end()) < all.shape.all_micro() + 1);
    }
  MESSAGE(gained, " orders gained");
  CHECK(gained > 5);
}

TEST_CASE("orders without room along an edge of the model are refused, as are edges that it cannot have") {
  const pipe_shape shape{4, 4, 1};
  const step_costs costs = step_costs::uniform(shape);
  const orders found = synthesize(shape, costs, {}, {.passes = 1'000}, {{0, 3}});
  CHECK(found.skips_in_flight[3] > 0);
  CHECK(found.skips_in_flight[2] == 0);
  CHECK_THROWS_WITH_AS(programs_of(found, {.skips = {{0, 2}}}),
                       doctest::Contains("no room for gradients along the skip edge from stage 0 to stage 2"), error);
  CHECK_THROWS_WITH_AS(synthesize(shape, costs, {}, {}, {{3, 0}}), doctest::Contains("to a later one"), error);
  CHECK_THROWS_WITH_AS(lower_bound(shape, costs, {}, {{1, 4}}), doctest::Contains("to a later one"), error);
  step_costs sizes = costs;
  sizes.skips = {{1}, {2}};
  CHECK_THROWS_WITH_AS(synthesize(shape, sizes, {}, {}, {{0, 3}}), doctest::Contains("along each skip edge"), error);
}

TEST_CASE("where passes that run together hide each other, what is found is no longer than DualPipeV") {
  int pairs = 0;
  for (const int ranks : {2, 3, 4})
    for (const double hidden : {0.0, 0.05, 0.3, 1.0})
      for (const int limit : {0, 2 * ranks, 2 * ranks + 1}) {
        CAPTURE(ranks);
        CAPTURE(hidden);
        CAPTURE(limit);
        synthesis_case one{.shape = {ranks, 4 * ranks, 2}};
        one.costs = step_costs::uniform(one.shape);
        one.costs.hidden_in_pairs = hidden;
        if (limit > 0) one.limit.assign(static_cast<std::size_t>(ranks), limit);
        const orders found = synthesize(one.shape, one.costs, one.limit, {.passes = 200'000});
        CHECK(check_found(one, found) <= testing::best_fixed(one).makespan);
        const bool in_pairs = found.name == "dualpipe_v";
        if (hidden == 0) CHECK_FALSE(in_pairs);
        pairs += in_pairs ? 1 : 0;
      }
  CHECK(pairs > 5);
}

}  // namespace
