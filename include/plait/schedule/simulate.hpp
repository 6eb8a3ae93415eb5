// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include <plait/core/require.hpp>
#include <plait/core/scratch.hpp>
#include <plait/schedule/costs.hpp>
#include <plait/schedule/program.hpp>

namespace plait {

/// What a simulated step came to.
struct simulation {
  bool completes = false;
  double makespan = 0;  ///< from the start of the step to the end of its last action
  double busy = 0;      ///< passes, reductions and updates, summed over ranks
  int ranks = 0;

  /// Idle share of ranks x makespan.
  [[nodiscard]] constexpr double bubble() const { return makespan > 0 ? 1 - busy / (makespan * ranks) : 0; }
};

/// Runs the programs of all ranks against each other in time, each rank on a processor of its own.
///
/// An action begins when the one before it on its rank has ended and what it waits for is there. A message leaves when
/// its send is reached and its queue's link is free, keeps the link busy for bytes / bandwidth, and arrives a latency
/// later; sends and receives take no time of the ranks themselves. Collectives over all ranks end together. Calls
/// `seen(rank, action, begin, end)` for every action, in the order of each rank.
///
/// Where the programs do not complete, so does the result say; `verify` tells why.
template <class Seen>
constexpr simulation simulate(const std::vector<program>& programs, const step_costs& costs, Seen&& seen) {
  simulation result{.ranks = static_cast<int>(programs.size())};
  if (programs.empty()) return result;
  const pipe_shape shape = programs[0].shape;
  require(static_cast<int>(costs.stages.size()) == shape.stages(), "plait::simulate",
          "there must be costs for each stage");
  const auto ranks = programs.size();
  const auto cells = static_cast<std::size_t>(shape.stages() * shape.micro);
  scratch<double> arrival_memory(2 * cells), now_memory(ranks), link_memory(ranks * ranks * 2);
  scratch<bool> sent_memory(2 * cells), come_memory(ranks * op_count);
  scratch<std::size_t> position_memory(ranks);
  double* const arrival = arrival_memory.data();  // [direction, stage of the receiver, micro]
  double* const now = now_memory.data();
  double* const link_free = link_memory.data();  // [sender, receiver, direction]
  bool* const sent = sent_memory.data();
  bool* const come = come_memory.data();  // [rank, op]
  std::size_t* const position = position_memory.data();
  struct gathering {
    std::size_t ranks = 0;
    double begin = 0;
  };
  gathering all[op_count]{};

  std::size_t finished = 0;
  for (bool moved = true; moved && finished < ranks;) {
    moved = false;
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      const action* const actions = programs[rank].actions.data();
      const std::size_t count = programs[rank].actions.size();
      if (position[rank] == count) continue;
      while (position[rank] < count) {
        const action& act = actions[position[rank]];
        double begin = now[rank], end = begin;
        if (is_receive(act.kind)) {
          const bool backward = act.kind == op::receive_gradient;
          const auto cell = static_cast<std::size_t>(backward) * cells +
                            static_cast<std::size_t>(act.stage * shape.micro + act.micro);
          if (!sent[cell]) break;
          end = arrival[cell] > begin ? arrival[cell] : begin;
        } else if (is_send(act.kind)) {
          const bool backward = act.kind == op::send_gradient;
          const int receiver = act.stage + (backward ? -1 : 1);
          const auto cell =
              static_cast<std::size_t>(backward) * cells + static_cast<std::size_t>(receiver * shape.micro + act.micro);
          double& free =
              link_free[(rank * ranks + static_cast<std::size_t>(act.peer)) * 2 + static_cast<std::size_t>(backward)];
          const double departure = free > begin ? free : begin;
          free = departure + (costs.message_of(act) / costs.between_ranks.bandwidth).value;
          arrival[cell] = free + costs.between_ranks.latency.value;
          sent[cell] = true;
        } else if (act.kind == op::reduce_norm || act.kind == op::reduce_loss) {
          gathering& group = all[static_cast<int>(act.kind)];
          bool& here = come[rank * op_count + static_cast<std::size_t>(act.kind)];
          if (!here) {
            here = true;
            ++group.ranks;
            if (begin > group.begin) group.begin = begin;
          }
          if (group.ranks < ranks) break;
          end = group.begin + costs.of(act);
          result.busy += costs.of(act);
        } else {
          end = begin + costs.of(act);
          result.busy += costs.of(act);
        }
        now[rank] = end;
        seen(static_cast<int>(rank), act, begin, end);
        ++position[rank];
        moved = true;
      }
      if (position[rank] == count) ++finished;
      if (now[rank] > result.makespan) result.makespan = now[rank];
    }
  }
  result.completes = finished == ranks;
  return result;
}

/// The same without looking at the actions.
constexpr simulation simulate(const std::vector<program>& programs, const step_costs& costs) {
  return simulate(programs, costs, [](int, const action&, double, double) {});
}

/// How long a step of a schedule takes in the unit case: forward 1, backward 2, messages nothing.
template <schedule S>
constexpr double makespan(pipe_shape shape) {
  return simulate(programs_of<S>(shape, {.optimize = false}), step_costs::uniform(shape)).makespan;
}

}  // namespace plait
