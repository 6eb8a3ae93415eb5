// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <limits>
#include <vector>

#include <plait/core/require.hpp>
#include <plait/schedule/costs.hpp>
#include <plait/schedule/program.hpp>
#include <plait/schedule/simulate.hpp>

namespace plait {

/// Processors that the ranks of a mesh share, as threads.
struct shared_processors {
  int processors = 1;
  int tensor_ways = 1;  ///< ranks that meet inside every pass, and so run side by side
  int data_ways = 1;    ///< copies of the pipeline
};

/// Runs the programs of all ranks against each other on fewer processors than there are ranks: what happens when eight
/// ranks are threads of a machine with two cores.
///
/// A crew is the ranks of one tensor group: one pipeline rank of one copy of the pipeline. As many crews run at a time
/// as there are processors for, or one at the rate that the processors give it. A crew that has a pass to do waits its
/// turn, first come first served; one that runs goes on until it must wait for a message or for others. Otherwise as
/// `simulate`, except that messages take a latency and no bandwidth, and that slots are taken to be free when they are
/// written; the sum over the data axis begins when all copies have come to it. Costs are seconds of processor time of
/// one rank.
///
/// Calls `seen(pipeline rank, copy, action, begin, end)` for every action as it ends. With a processor for each rank
/// and one copy it gives what `simulate` gives, where no slot makes a rank wait. `ranks` of the result counts crews.
/// Source: list scheduling, Graham, "Bounds on Multiprocessing Timing Anomalies", 1969.   Time: actions x crews.
template <class Seen>
simulation simulate_shared(const std::vector<program>& programs, const step_costs& costs, shared_processors machine,
                           Seen&& seen) {
  require(machine.processors >= 1 && machine.tensor_ways >= 1 && machine.data_ways >= 1, "plait::simulate_shared",
          "processors and ways are at least 1");
  const std::size_t ranks = programs.size(), copies = static_cast<std::size_t>(machine.data_ways);
  simulation result{.ranks = static_cast<int>(ranks * copies)};
  if (programs.empty()) return result;
  const pipe_shape shape = programs[0].shape;
  require(static_cast<int>(costs.stages.size()) == shape.stages(), "plait::simulate_shared",
          "there must be costs for each stage");
  constexpr double never = std::numeric_limits<double>::infinity();
  const bool fits = machine.tensor_ways <= machine.processors;
  const std::size_t seats = fits ? static_cast<std::size_t>(machine.processors / machine.tensor_ways) : 1;
  const double rate = fits ? 1.0 : static_cast<double>(machine.processors) / machine.tensor_ways;

  enum class state { ready, waiting, queued, running, finished };
  struct crew {
    std::size_t rank = 0, copy = 0, position = 0;
    state now = state::ready;
    bool has_come = false;  ///< to the collective at hand
    double begin = 0, end = 0;
  };
  std::vector<crew> crews;
  for (std::size_t copy = 0; copy < copies; ++copy)
    for (std::size_t rank = 0; rank < ranks; ++rank) crews.push_back({.rank = rank, .copy = copy});
  // Messages are known by the stage of the receiver, or the skip edge behind all stages.
  const auto cells = static_cast<std::size_t>((shape.stages() + programs[0].options.skips.size()) * shape.all_micro());
  std::vector<double> arrival(copies * 2 * cells, never);  // [copy, direction, stage of the receiver, micro]
  std::vector<std::size_t> come_all(op_count);             // to collectives over all ranks
  std::vector<std::vector<std::size_t>> come_copies;       // [rank][action]: to sums over the data axis
  for (const program& one : programs) come_copies.emplace_back(one.actions.size());
  std::vector<std::size_t> queue;  // crews that wait their turn, first come first
  std::size_t running = 0;
  double now = 0;

  const auto cell_of = [&](const crew& one, int stage, int micro, bool backward) {
    return (one.copy * 2 + static_cast<std::size_t>(backward)) * cells +
           static_cast<std::size_t>(stage * shape.all_micro() + micro);
  };
  /// Whether the collective at hand may begin; a crew counts once.
  const auto all_have_come = [&](crew& one, const action& act) {
    const bool over_data = act.kind == op::reduce_gradients;
    if (!over_data && act.kind != op::reduce_norm && act.kind != op::reduce_loss) return true;
    std::size_t& here = over_data ? come_copies[one.rank][one.position] : come_all[static_cast<std::size_t>(act.kind)];
    if (!one.has_come) {
      one.has_come = true;
      ++here;
    }
    return here == (over_data ? copies : crews.size());
  };
  const auto next = [&](crew& one) {
    ++one.position;
    one.begin = now;
    one.has_come = false;
  };
  /// Takes a crew past what needs no time, up to work, or to what it must wait for. True: it moved or began to wait.
  const auto settle = [&](std::size_t index, bool has_seat) {
    crew& one = crews[index];
    const program& mine = programs[one.rank];
    for (;;) {
      if (one.position == mine.actions.size()) {
        one.now = state::finished;
        break;
      }
      const action& act = mine.actions[one.position];
      if (is_receive(act.kind)) {
        one.now = state::waiting;
        const int to = act.edge < 0 ? act.stage : shape.stages() + act.edge;
        if (arrival[cell_of(one, to, act.micro, act.kind == op::receive_gradient)] > now) break;
      } else if (is_send(act.kind)) {
        const bool backward = act.kind == op::send_gradient;
        const int to = act.edge < 0 ? act.stage + (backward ? -1 : 1) : shape.stages() + act.edge;
        arrival[cell_of(one, to, act.micro, backward)] = now + costs.between_ranks.latency.value;
      } else {
        one.now = state::waiting;
        if (!all_have_come(one, act)) break;
        if (has_seat) {
          one.now = state::running;
          one.begin = now;
          one.end = now + costs.of(act) / rate;
        } else {
          one.now = state::queued;
          queue.push_back(index);
        }
        return;
      }
      seen(static_cast<int>(one.rank), static_cast<int>(one.copy), act, one.begin, now);
      next(one);
    }
    if (has_seat) --running;
  };
  const auto settle_waiting = [&] {
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t i = 0; i < crews.size(); ++i) {
        if (crews[i].now != state::waiting && crews[i].now != state::ready) continue;
        const std::size_t before = crews[i].position;
        const bool came = crews[i].has_come;
        settle(i, false);
        moved = moved || crews[i].position != before || crews[i].has_come != came;
      }
    }
    while (running < seats && !queue.empty()) {
      crew& one = crews[queue.front()];
      queue.erase(queue.begin());
      ++running;
      one.now = state::running;
      one.begin = now;
      one.end = now + costs.of(programs[one.rank].actions[one.position]) / rate;
    }
  };

  settle_waiting();
  for (;;) {
    double until = never;
    for (const crew& one : crews)
      if (one.now == state::running && one.end < until) until = one.end;
    for (const double at : arrival)
      if (at > now && at < until) until = at;
    if (until == never) break;
    now = until;
    for (std::size_t i = 0; i < crews.size(); ++i) {
      crew& one = crews[i];
      if (one.now != state::running || one.end > now) continue;
      seen(static_cast<int>(one.rank), static_cast<int>(one.copy), programs[one.rank].actions[one.position], one.begin,
           one.end);
      result.busy += one.end - one.begin;
      next(one);
      settle(i, true);
    }
    settle_waiting();
  }
  result.makespan = now;
  result.completes = true;
  for (const crew& one : crews) result.completes = result.completes && one.now == state::finished;
  return result;
}

}  // namespace plait
