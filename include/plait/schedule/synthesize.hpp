// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <plait/core/require.hpp>
#include <plait/schedule/costs.hpp>
#include <plait/schedule/detail/placed_search.hpp>
#include <plait/schedule/lower_bound.hpp>
#include <plait/schedule/orders.hpp>
#include <plait/schedule/placement.hpp>
#include <plait/schedule/simulate.hpp>
#include <plait/schedule/skip_edge.hpp>
#include <plait/schedule/with_room.hpp>

namespace plait {

/// How hard `synthesize` tries. The same effort gives the same orders everywhere.
struct synthesis_effort {
  std::int64_t passes = 24'000'000;  ///< that are played in the search at most, some 10 to 20 ns each
  int moves = 60'000;                ///< that are tried at most
  int starts = 4;                    ///< orders that are improved for each placement, the shortest first
};

namespace detail {

/// Replaces an order by the shortest fixed schedule within the limit that is shorter, if there is one.
inline void take_shorter_fixed(orders& found, double makespan, const step_costs& costs, const std::vector<int>& limit,
                               const skip_edges& skips) {
  const pipe_shape shape = found.shape;
  for_each_fixed([&]<class S>() {
    if (S::chunks != shape.chunks || !S::accepts(shape).legal) return;
    for (int rank = 0; rank < shape.ranks; ++rank)
      if (S::peak_activations(shape, rank) > limit[static_cast<std::size_t>(rank)]) return;
    orders fixed = with_room(orders_of<S>(shape), costs, skips);
    const double length = simulate(programs_of(fixed, {.skips = skips}), costs).makespan;
    if (length >= makespan) return;
    makespan = length;
    found = std::move(fixed);
  });
}

}  // namespace detail

/// Finds an order for a pipeline whose stages take the times that `costs` say, within a limit on live activations:
/// never longer, by `simulate`, than the shortest fixed schedule of the shape that keeps the limit, mostly shorter.
///
///     orders found = synthesize({.ranks = 4, .micro = 8}, costs, {4, 4, 4, 4});
///     simulate(programs_of(found), costs).makespan;      // compare with lower_bound(shape, costs, limit)
///
/// Backward passes are split. With one chunk a rank stage r is on rank r; with more it chooses the loop or the wave.
/// `in_flight` of what it returns has room for enough gradients under way that no rank waits for a buffer, at these
/// costs. It starts from the fixed schedules and from list schedules, and moves passes of the longest chain about
/// (`docs/design/synthesize.md`); it ends early at `lower_bound`. By default some half a second of a processor
/// at most, up to 8 ranks, 32 micro-batches and 2 chunks.
///
/// limit: [ranks], live activations in chunks, from the start of a forward pass to the end of its weight half; empty:
/// none.   skips: edges between stages that are not neighbours. What came along one is part of the activation of its
/// reader, so limits mean the same with and without; `skips_in_flight` has room for the gradients.
///
/// No passes run together in the orders that are searched. Where the costs say that such passes hide each other
/// (`hidden_in_pairs`) and a fixed schedule with pairs, `dualpipe_v`, is shorter for that, it is what comes back.
/// Left aside: sums and updates at the end.
/// Throws: usage, for limits below the number of chunks, costs that are not for each stage, copies, several steps,
/// edges that the model cannot have.
inline orders synthesize(pipe_shape shape, const step_costs& costs, const std::vector<int>& limit,
                         synthesis_effort effort = {}, const skip_edges& skips = {}) {
  const std::vector<int> most = detail::limits_of(shape, limit);
  require(effort.passes >= 0 && effort.moves >= 0 && effort.starts >= 1, "plait::synthesize",
          "an effort has at least 1 start and no counts below 0");
  std::vector<std::unique_ptr<detail::placed_search>> searches;
  const auto search = [&]<class Placement>(detail::in_placement<Placement> placement) {
    searches.push_back(std::make_unique<detail::placed_search>(
        placement, shape, costs, most, lower_bound_placed<Placement>(shape, costs, limit, skips), skips));
  };
  search(detail::in_placement<loop_placement>{});
  if (shape.chunks > 1) search(detail::in_placement<wave_placement>{});

  const std::int64_t passes = std::int64_t{3} * shape.stages() * shape.micro;
  const std::int64_t moves = std::min<std::int64_t>(effort.moves, effort.passes / passes);
  // Half of the moves go to the starts, half to the best of what they come to.
  detail::placed_search* best = nullptr;
  for (const auto& one : searches) {
    one->improve_starts(effort.starts, static_cast<int>(moves / 2 / static_cast<std::int64_t>(searches.size())));
    if (best == nullptr || one->makespan() < best->makespan()) best = one.get();
  }
  best->improve_best(static_cast<int>(moves / 2));
  orders found = best->found();
  if (costs.hidden_in_pairs > 0) detail::take_shorter_fixed(found, best->makespan(), costs, most, skips);
  return found;
}

}  // namespace plait
