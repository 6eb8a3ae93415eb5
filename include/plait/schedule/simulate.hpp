// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include <plait/core/require.hpp>
#include <plait/core/scratch.hpp>
#include <plait/schedule/costs.hpp>
#include <plait/schedule/makespan.hpp>
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

namespace detail {

/// One step in time: what `simulate` keeps of messages, slots and links while the programs run. Cells are numbered
/// [direction, stage of the receiver, micro-batch].
class simulated_step {
 public:
  constexpr simulated_step(const std::vector<program>& programs, const step_costs& costs)
      : ranks_{programs.size()},
        shape_{programs[0].shape},
        costs_{costs},
        slots_{shape_.micro + most_messages(programs)},
        message_memory_(2 * static_cast<std::size_t>(shape_.stages() * shape_.micro)),
        slot_memory_(static_cast<std::size_t>(shape_.stages() * slots_)),
        link_memory_(ranks_ * ranks_ * 2),
        come_memory_(ranks_ * op_count) {}

  /// When a rank that is free from `now` on begins and ends an action. Neither is set where it must wait for an action
  /// that has not been reached.
  struct span {
    bool goes = false;
    double begin = 0;
    double end = 0;
  };
  constexpr span run(std::size_t rank, const action& act, double now) {
    if (is_receive(act.kind)) {
      message& one = message_memory_.data()[cell(act.kind == op::receive_gradient, act.stage, act.micro)];
      double end = now;
      if (!one.sent || (act.kind == op::receive_activation && !wait_for_slot(act, end))) return {};
      if (one.arrival > end) end = one.arrival;
      one.taken = true;
      one.taken_at = end;
      return {true, now, end};
    }
    if (is_send(act.kind)) {
      send(rank, act, now);
      return {true, now, now};
    }
    if (act.kind == op::reduce_norm || act.kind == op::reduce_loss) return gather(rank, act.kind, now);
    double begin = now;
    const bool writes = act.kind != op::backward_weight && is_compute(act.kind);
    if (writes && !wait_for_slot(act, begin)) return {};
    return {true, begin, begin + costs_.of(act)};
  }

 private:
  struct message {
    bool sent = false;
    bool taken = false;
    double arrival = 0;
    double taken_at = 0;
  };
  struct gathering {
    std::size_t ranks = 0;
    double begin = 0;
  };

  static constexpr int most_messages(const std::vector<program>& programs) {
    int most = 0;
    for (const program& one : programs)
      for (int messages : one.messages)
        if (messages > most) most = messages;
    return most;
  }
  [[nodiscard]] constexpr std::size_t cell(bool backward, int stage, int micro) const {
    return static_cast<std::size_t>(((backward ? shape_.stages() : 0) + stage) * shape_.micro + micro);
  }
  /// The last message sent from the slot that an action writes or sends from, as its cell plus 1; 0: none.
  constexpr std::size_t& last_from(const action& act) {
    const bool backward = is_backward(act.kind) || act.kind == op::send_gradient;
    const int slot = backward ? shape_.micro + act.message : act.slot;
    return slot_memory_.data()[act.stage * slots_ + slot];
  }

  /// Puts off `time` to when the last message from the slot has been taken. False: that is not known yet.
  constexpr bool wait_for_slot(const action& act, double& time) {
    const std::size_t last = last_from(act);
    if (last == 0) return true;
    const message& one = message_memory_.data()[last - 1];
    if (one.taken && one.taken_at > time) time = one.taken_at;
    return one.taken;
  }

  constexpr void send(std::size_t rank, const action& act, double now) {
    const bool backward = act.kind == op::send_gradient;
    const std::size_t to = cell(backward, act.stage + (backward ? -1 : 1), act.micro);
    double& free = link_memory_.data()[(rank * ranks_ + static_cast<std::size_t>(act.peer)) * 2 + (backward ? 1 : 0)];
    const double departure = free > now ? free : now;
    free = departure + (costs_.message_of(act) / costs_.between_ranks.bandwidth).value;
    message_memory_.data()[to] = message{.sent = true, .arrival = free + costs_.between_ranks.latency.value};
    last_from(act) = to + 1;
  }

  constexpr span gather(std::size_t rank, op kind, double now) {
    gathering& group = all_[static_cast<int>(kind)];
    bool& here = come_memory_.data()[rank * op_count + static_cast<std::size_t>(kind)];
    if (!here) {
      here = true;
      ++group.ranks;
      if (now > group.begin) group.begin = now;
    }
    if (group.ranks < ranks_) return {};
    return {true, group.begin, group.begin + costs_.of(action{.kind = kind})};
  }

  std::size_t ranks_;
  pipe_shape shape_;
  const step_costs& costs_;
  int slots_;  ///< of a stage: for activations, then for messages
  scratch<message> message_memory_;
  scratch<std::size_t> slot_memory_;  ///< [stage, slots]
  scratch<double> link_memory_;       ///< [sender, receiver, direction]: when it is free
  scratch<bool> come_memory_;         ///< [rank, op]
  gathering all_[op_count]{};
};

}  // namespace detail

/// Runs the programs of all ranks against each other in time, each rank on a processor of its own.
///
/// An action begins when the one before it on its rank has ended and what it waits for is there. A message leaves when
/// its send is reached and its queue's link is free, keeps the link busy for bytes / bandwidth, and arrives a latency
/// later; sends and receives take no time of the ranks themselves. Whoever writes a slot waits until the last message
/// from it has been taken. Collectives over all ranks begin together, when the last has come. Calls `seen(rank, action,
/// begin, end)` for every action, in the order of each rank; a receive begins with the wait, all else after it.
///
/// Needs: programs whose fields are in range, such as `program_of` makes. Where the programs do not complete, so does
/// the result say; `verify` tells why.
/// Throws: usage, when there are not costs for each stage.
template <class Seen>
constexpr simulation simulate(const std::vector<program>& programs, const step_costs& costs, Seen&& seen) {
  simulation result{.ranks = static_cast<int>(programs.size())};
  if (programs.empty()) return result;
  const pipe_shape shape = programs[0].shape;
  require(static_cast<int>(costs.stages.size()) == shape.stages(), "plait::simulate",
          "there must be costs for each stage");
  const std::size_t ranks = programs.size();
  detail::simulated_step step{programs, costs};
  scratch<double> now_memory(ranks);
  scratch<std::size_t> position_memory(ranks);
  double* const now = now_memory.data();
  std::size_t* const position = position_memory.data();

  std::size_t finished = 0;
  for (bool moved = true; moved && finished < ranks;) {
    moved = false;
    finished = 0;
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      const action* const actions = programs[rank].actions.data();
      const std::size_t count = programs[rank].actions.size();
      for (; position[rank] < count; ++position[rank]) {
        const action& act = actions[position[rank]];
        const auto [goes, begin, end] = step.run(rank, act, now[rank]);
        if (!goes) break;
        if (!is_receive(act.kind)) result.busy += end - begin;
        now[rank] = end;
        seen(static_cast<int>(rank), act, begin, end);
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

}  // namespace plait
