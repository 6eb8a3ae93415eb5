// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include <plait/core/require.hpp>
#include <plait/schedule/costs.hpp>
#include <plait/schedule/detail/stage_table.hpp>
#include <plait/schedule/shape.hpp>
#include <plait/schedule/skip_edge.hpp>

namespace plait::detail {

/// What joins a stage to a neighbour. Between stages of one rank both times are 0 and there is no queue.
struct stage_link {
  int rank = -1;        ///< that holds the neighbour; -1: there is none
  bool remote = false;  ///< whether that is another rank
  double occupies = 0;  ///< time that a message keeps its link
  double latency = 0;
  [[nodiscard]] double message() const { return occupies + latency; }
};

/// The times of one stage on the rank that holds it.
struct stage_time {
  int rank = 0;
  int chunk = 0;
  double takes[3]{};    ///< forward, input half, weight half
  stage_link after{};   ///< where its output goes
  stage_link before{};  ///< where the gradient of its input goes
  [[nodiscard]] double all() const { return takes[0] + takes[1] + takes[2]; }
};

/// What goes along a skip edge between two ranks. Within a rank it is there as soon as the chain allows its reader.
struct skip_time {
  int from = 0;             ///< stage
  int to = 0;               ///< stage
  stage_link activation{};  ///< to the rank of `to`
  stage_link gradient{};    ///< back to that of `from`
};

/// How long messages of some size take from the holder of a stage to that of another; -1: there is none.
inline stage_link joined(pipe_shape shape, const stage_table& table, const step_costs& costs, int from, int to,
                         byte_count size) {
  stage_link way{};
  if (to < 0 || to >= shape.stages()) return way;
  const int sender = table.copy(from, 0).rank;
  way.rank = table.copy(to, 0).rank;
  way.remote = way.rank != sender;
  if (!way.remote) return way;
  const link& between = costs.between(sender, way.rank, shape.ranks);
  way.occupies = (size / between.bandwidth).value;
  way.latency = between.latency.value;
  return way;
}

/// The times of all stages, each held by one rank.
/// Throws: usage, where there are not costs for each stage, a time is below 0, or a stage has no holder or several.
inline std::vector<stage_time> stage_times(pipe_shape shape, const stage_table& table, const step_costs& costs) {
  const auto ranks = static_cast<std::size_t>(shape.ranks);
  require(static_cast<int>(costs.stages.size()) == shape.stages(), "plait::synthesize",
          "there must be costs for each stage");
  require((costs.links.empty() || costs.links.size() == ranks * ranks) &&
              (costs.slowness.empty() || costs.slowness.size() == ranks),
          "plait::synthesize", "links are for each sender and receiver, and slowness for each rank, or none");
  std::vector<stage_time> all(static_cast<std::size_t>(shape.stages()));
  const auto join = [&](int from, int to, byte_count size) { return joined(shape, table, costs, from, to, size); };
  for (int stage = 0; stage < shape.stages(); ++stage) {
    require(table.copies(stage) == 1, "plait::synthesize", "each stage is held by one rank");
    stage_time& here = all[static_cast<std::size_t>(stage)];
    const stage_costs& each = costs.stages[static_cast<std::size_t>(stage)];
    const holder at = table.copy(stage, 0);
    here.rank = at.rank;
    here.chunk = at.chunk;
    const double slowness = costs.slowness.empty() ? 1 : costs.slowness[static_cast<std::size_t>(at.rank)];
    here.takes[0] = each.forward * slowness;
    here.takes[1] = each.backward_input * slowness;
    here.takes[2] = each.backward_weight * slowness;
    for (const double time : here.takes) require(time >= 0, "plait::synthesize", "no pass takes less than no time");
    here.after = join(stage, stage + 1, each.message);
    here.before =
        join(stage, stage - 1, stage > 0 ? costs.stages[static_cast<std::size_t>(stage - 1)].message : byte_count{});
  }
  return all;
}

/// The times of messages along the skip edges between two ranks, by number.
/// Throws: usage, for edges that do not lead from a stage to a later one, or sizes that are not for each of them.
inline std::vector<skip_time> skip_times(pipe_shape shape, const stage_table& table, const step_costs& costs,
                                         const skip_edges& skips) {
  require(skips.fit(shape.stages()), "plait::synthesize",
          "a skip edge leads from a stage to a later one of the same model");
  require(costs.skips.empty() || costs.skips.size() == static_cast<std::size_t>(skips.size()), "plait::synthesize",
          "there must be a size of what goes along each skip edge, or none");
  std::vector<skip_time> all;
  for (int edge = 0; edge < skips.size(); ++edge) {
    const int from = skips[edge].from, to = skips[edge].to;
    const byte_count size = costs.skips.empty() ? costs.stages[static_cast<std::size_t>(from)].message
                                                : costs.skips[static_cast<std::size_t>(edge)];
    const skip_time one{.from = from,
                        .to = to,
                        .activation = joined(shape, table, costs, from, to, size),
                        .gradient = joined(shape, table, costs, to, from, size)};
    if (one.activation.remote) all.push_back(one);
  }
  return all;
}

}  // namespace plait::detail
