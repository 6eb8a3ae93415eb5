// SPDX-License-Identifier: Apache-2.0
#pragma once
// What orders that are found are held to.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <plait/core/random.hpp>
#include <plait/schedule/simulate.hpp>
#include <plait/schedule/synthesize.hpp>
#include <plait/schedule/verify.hpp>

#include <doctest/doctest.h>

#include "synthesis_grid.hpp"

namespace testing {

using namespace plait;

/// What every order that is found must keep; its makespan.
inline double check_found(const synthesis_case& one, const orders& found) {
  const std::vector<program> programs = programs_of(found, {.skips = one.skips});
  const verification verdict = verify(programs);
  CHECK_MESSAGE(verdict.valid, to_string(verdict.cell), ": ", verdict.reason);
  const double makespan = simulate(programs, one.costs).makespan;
  for (int rank = 0; rank < one.shape.ranks; ++rank) {
    const std::vector<pass>& mine = found.passes[static_cast<std::size_t>(rank)];
    const int peak = detail::peak_of(mine.data(), mine.data() + mine.size());
    if (!one.limit.empty()) CHECK(peak <= one.limit[static_cast<std::size_t>(rank)]);
  }
  CHECK(makespan >= lower_bound(one.shape, one.costs, one.limit, one.skips) * (1 - 1e-9));
  return makespan;
}

/// Whether the makespan of an order that was found is that of passes and messages alone.
inline bool waits_for_no_buffer(const synthesis_case& one, const orders& found) {
  const detail::stage_table table{one.shape, [&](int rank, int chunk) { return found.stage(rank, chunk); }};
  detail::word_clock clock{one.shape, detail::stage_times(one.shape, table, one.costs),
                           detail::skip_times(one.shape, table, one.costs, one.skips), one.costs.overlaps};
  return simulate(programs_of(found, {.skips = one.skips}), one.costs).makespan ==
         doctest::Approx(clock.run(detail::words_of(one.shape, found.passes))).epsilon(1e-12);
}

/// Costs with everything that a message and a rank can have: sizes, links of their own, slow ranks.
inline step_costs mixed_costs(pipe_shape shape, std::uint64_t seed) {
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

/// All words of one rank with one chunk that keep a limit.
inline void all_words(std::vector<std::uint8_t>& word, int micro, int limit,
                      std::vector<std::vector<std::uint8_t>>& all) {
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

/// The shortest of all orders of a tiny case with one chunk a rank, each simulated by itself.
inline double shortest_of_all_words(const synthesis_case& one) {
  const pipe_shape shape = one.shape;
  std::vector<std::uint8_t> word;
  std::vector<std::vector<std::uint8_t>> words;
  all_words(word, shape.micro, one.limit[0], words);
  std::size_t number = 1;
  for (int rank = 0; rank < shape.ranks; ++rank) number *= words.size();
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < number; ++i) {
    detail::order_words each{shape};
    std::size_t left = i;
    for (int rank = 0; rank < shape.ranks; ++rank, left /= words.size())
      std::copy(words[left % words.size()].begin(), words[left % words.size()].end(), each.of(rank).begin());
    orders order{.name = "one", .shape = shape, .passes = detail::passes_of_words(each)};
    for (int rank = 0; rank < shape.ranks; ++rank) order.stage_of.push_back(static_cast<std::int16_t>(rank));
    order.in_flight.assign(static_cast<std::size_t>(shape.ranks), shape.micro);
    order.skips_in_flight = order.in_flight;
    const simulation found = simulate(programs_of(order, {.skips = one.skips}), one.costs);
    if (found.completes) least = std::min(least, found.makespan);
  }
  return least;
}

}  // namespace testing
