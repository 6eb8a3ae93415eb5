// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <plait/core/require.hpp>
#include <plait/schedule/costs.hpp>
#include <plait/schedule/detail/memory_bound.hpp>
#include <plait/schedule/detail/pass_graph.hpp>
#include <plait/schedule/detail/stage_times.hpp>
#include <plait/schedule/placement.hpp>
#include <plait/schedule/skip_edge.hpp>

namespace plait {

namespace detail {

/// [ranks]: the most activations that each may keep: `limit`, or all that there are.
/// Throws: usage, unless there is a limit for each rank or none, and each is at least the number of chunks.
inline std::vector<int> limits_of(pipe_shape shape, const std::vector<int>& limit) {
  require(shape.steps == 1 && !shape.has_copies() && positive_shape(shape).legal, "plait::synthesize",
          "a shape has at least 1 rank, chunk and micro-batch, one step, and one holder of each stage");
  if (limit.empty()) return std::vector<int>(static_cast<std::size_t>(shape.ranks), shape.chunks * shape.micro);
  require(limit.size() == static_cast<std::size_t>(shape.ranks), "plait::synthesize",
          "there must be a limit on live activations for each rank, or none");
  for (const int one : limit)
    require(one >= shape.chunks, "plait::synthesize",
            "a rank must have room for an activation of each of its chunks, or no micro-batch gets through");
  return limit;
}

}  // namespace detail

/// A time that no order of a shape's passes, with whole or split backward passes, can be shorter than.
///
/// The largest of
///   * on each rank: its passes one at a time, each no earlier than what must come before it allows (its chain, the
///     passes that precede it on its rank, and where the limit is reached the weight half that makes room), and with
///     what must come after it still to come: Jackson's preemptive schedule of these heads and tails;
///   * on each rank: the times that its activations are alive at least, over the limit, which it reaches one forward
///     pass after the other and leaves one weight half after the other.
/// Derivation: docs/design/synthesize.md. Messages are taken not to wait for each other; slots are not looked at. Where
/// passes that run together hide each other, all are taken to be as short as they could be for that.
/// skips: edges between stages that are not neighbours; their messages are waited for as well.
/// limit: [ranks], live activations in chunks, from the start of a forward pass to the end of its weight half; empty:
/// none.   Throws: usage, as `synthesize` does.
template <class Placement>
double lower_bound_placed(pipe_shape shape, const step_costs& costs, const std::vector<int>& limit,
                          const skip_edges& skips = {}) {
  const std::vector<int> most = detail::limits_of(shape, limit);
  const detail::stage_table table{shape, [&](int rank, int chunk) { return Placement::stage_of(shape, rank, chunk); }};
  std::vector<detail::stage_time> stages = detail::stage_times(shape, table, costs);
  // Two passes that run together take at least this share of what they take one after the other.
  for (detail::stage_time& one : stages)
    for (double& time : one.takes) time *= 1 - costs.hidden_in_pairs / 2;
  const std::vector<detail::skip_time> edges = detail::skip_times(shape, table, costs, skips);
  const detail::pass_graph graph{shape, stages, edges, most};
  double bound = graph.bound();
  for (int rank = 0; rank < shape.ranks; ++rank)
    bound =
        std::max(bound, detail::memory_bound(shape, stages, edges, graph, rank, most[static_cast<std::size_t>(rank)]));
  return bound;
}

/// The same over the placements that `synthesize` chooses from: the smaller of the two bounds.
inline double lower_bound(pipe_shape shape, const step_costs& costs, const std::vector<int>& limit,
                          const skip_edges& skips = {}) {
  const double loop = lower_bound_placed<loop_placement>(shape, costs, limit, skips);
  return shape.chunks == 1 ? loop : std::min(loop, lower_bound_placed<wave_placement>(shape, costs, limit, skips));
}

}  // namespace plait
