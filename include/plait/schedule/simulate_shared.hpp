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

/// Processors that ranks share.
struct shared_processors {
  int processors = 1;
  int threads_per_rank = 1;  ///< threads that each pipeline rank stands for: its ranks on the data and tensor axes
};

/// Runs the programs of all ranks against each other on fewer processors than there are threads: what happens when
/// eight ranks are threads of a machine with two cores.
///
/// All threads that have work advance at one rate, min(1, processors / threads with work), as a fair operating system
/// lets them; a thread that waits for a message or for others takes no processor. Otherwise as `simulate`, except that
/// messages take a latency and no bandwidth, and that slots are taken to be free when they are written. Costs are
/// seconds of processor time of one thread.
///
/// Calls `seen(rank, action, begin, end)` for every action as it ends. With a processor for each thread it gives what
/// `simulate` gives, where no slot makes a rank wait.   Time: actions x ranks.
template <class Seen>
simulation simulate_shared(const std::vector<program>& programs, const step_costs& costs, shared_processors machine,
                           Seen&& seen) {
  require(machine.processors >= 1 && machine.threads_per_rank >= 1, "plait::simulate_shared",
          "processors and threads_per_rank are at least 1");
  simulation result{.ranks = static_cast<int>(programs.size())};
  if (programs.empty()) return result;
  const pipe_shape shape = programs[0].shape;
  require(static_cast<int>(costs.stages.size()) == shape.stages(), "plait::simulate_shared",
          "there must be costs for each stage");
  constexpr double never = std::numeric_limits<double>::infinity();
  const auto cells = static_cast<std::size_t>(shape.stages() * shape.micro);
  std::vector<double> arrival(2 * cells, never);  // [direction, stage of the receiver, micro]
  struct rank_state {
    std::size_t position = 0;
    double begin = 0;       ///< of the action at hand
    double left = -1;       ///< work left of it; below 0: it has not begun
    bool has_come = false;  ///< to the collective at hand
  };
  std::vector<rank_state> ranks(programs.size());
  std::size_t come[op_count]{};
  double now = 0;
  const auto cell_of = [&](const action& act, int stage, bool backward) {
    return static_cast<std::size_t>(backward) * cells + static_cast<std::size_t>(stage * shape.micro + act.micro);
  };

  // Begins or ends what needs no time, until every rank works, waits or has finished.
  const auto settle = [&] {
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t r = 0; r < ranks.size(); ++r) {
        rank_state& rank = ranks[r];
        while (rank.position < programs[r].actions.size() && rank.left < 0) {
          const action& act = programs[r].actions[rank.position];
          if (is_receive(act.kind)) {
            if (arrival[cell_of(act, act.stage, act.kind == op::receive_gradient)] > now) break;
          } else if (is_send(act.kind)) {
            const bool backward = act.kind == op::send_gradient;
            arrival[cell_of(act, act.stage + (backward ? -1 : 1), backward)] = now + costs.between_ranks.latency.value;
          } else {
            if (act.kind == op::reduce_norm || act.kind == op::reduce_loss) {
              std::size_t& group = come[static_cast<int>(act.kind)];
              if (!rank.has_come) {
                rank.has_come = true;
                moved = ++group == ranks.size() || moved;
              }
              if (group < ranks.size()) break;
            }
            rank.left = costs.of(act);
            rank.begin = now;
            break;
          }
          seen(static_cast<int>(r), act, rank.begin, now);
          ++rank.position;
          rank.begin = now;
          moved = true;
        }
      }
    }
  };

  settle();
  for (;;) {
    std::size_t working = 0;
    double soonest = never;  // of work left, at rate 1
    for (const rank_state& rank : ranks)
      if (rank.left >= 0) {
        ++working;
        if (rank.left < soonest) soonest = rank.left;
      }
    double next_arrival = never;
    for (double at : arrival)
      if (at > now && at < next_arrival) next_arrival = at;
    if (working == 0 && next_arrival == never) break;
    const double threads = static_cast<double>(working) * machine.threads_per_rank;
    const double rate = threads > machine.processors ? machine.processors / threads : 1.0;
    const double next_end = working > 0 ? now + soonest / rate : never;
    const double until = next_end < next_arrival ? next_end : next_arrival;
    const double done = (until - now) * rate;
    const bool ends_work = next_end <= until;
    now = until;
    for (std::size_t r = 0; r < ranks.size(); ++r) {
      rank_state& rank = ranks[r];
      if (rank.left < 0) continue;
      rank.left = ends_work && rank.left <= soonest ? 0 : rank.left - done;
      if (rank.left > 0) continue;
      const action& act = programs[r].actions[rank.position];
      seen(static_cast<int>(r), act, rank.begin, now);
      result.busy += now - rank.begin;
      ++rank.position;
      rank = rank_state{.position = rank.position, .begin = now, .left = -1, .has_come = false};
    }
    settle();
  }
  result.makespan = now;
  result.completes = true;
  for (std::size_t r = 0; r < ranks.size(); ++r)
    result.completes = result.completes && ranks[r].position == programs[r].actions.size();
  return result;
}

}  // namespace plait
