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

/// One step in time: what `simulate` keeps of messages, slots, links and sums while the programs run. Cells are
/// numbered [direction, stage of the receiver or skip edge behind all stages, micro-batch].
class simulated_step {
 public:
  constexpr simulated_step(const std::vector<program>& programs, const step_costs& costs)
      : ranks_{programs.size()},
        shape_{programs[0].shape},
        micro_{shape_.all_micro()},
        buckets_{programs[0].options.buckets},
        costs_{costs},
        skips_{programs[0].options.skips},
        slots_{micro_ + most_messages(programs)},
        message_memory_(2 * static_cast<std::size_t>((shape_.stages() + skips_.size()) * micro_)),
        slot_memory_(static_cast<std::size_t>(shape_.ranks * shape_.chunks * slots_)),
        skip_memory_(static_cast<std::size_t>(2 * skips_.size() * shape_.ranks * shape_.chunks * micro_)),
        link_memory_(ranks_ * ranks_ * 2),
        come_memory_(ranks_ * op_count),
        copies_memory_(static_cast<std::size_t>(shape_.has_copies() ? shape_.stages() : 0)),
        sum_memory_(static_cast<std::size_t>(shape_.has_copies() ? shape_.stages() * buckets_ * (micro_ + 1) : 0)),
        round_memory_(static_cast<std::size_t>(shape_.has_copies() ? shape_.ranks * shape_.chunks * buckets_ : 0)) {
    if (shape_.has_copies()) count_copies(programs);
  }

  /// When a rank that is free from `now` on begins and ends an action. Neither is set where it must wait for an action
  /// that has not been reached.   share: of the time that the action takes alone.
  struct span {
    bool goes = false;
    double begin = 0;
    double end = 0;
  };
  constexpr span run(std::size_t rank, const action& act, double now, double share) {
    if (is_receive(act.kind)) {
      message& one = message_memory_.data()[cell(act.kind == op::receive_gradient,
                                                 act.edge < 0 ? act.stage : shape_.stages() + act.edge, act.micro)];
      double end = now;
      if (!one.sent || (act.kind == op::receive_activation && !wait_for_slot(rank, act, end)) ||
          (act.kind == op::receive_activation && !skips_.empty() && !wait_for_skips(rank, act, end)))
        return {};
      if (one.arrival > end) end = one.arrival;
      one.taken = true;
      one.taken_at = end;
      return {true, now, end};
    }
    if (is_send(act.kind)) return {true, now, send(rank, act, now)};
    const double takes = costs_.of(act, static_cast<int>(rank));
    if (act.kind == op::reduce_norm || act.kind == op::reduce_loss) return gather(rank, act.kind, now, takes);
    if (act.kind == op::reduce_gradients && shape_.has_copies()) return sum_copies(rank, act, now, takes);
    double begin = now;
    const bool writes = act.kind != op::backward_weight && is_compute(act.kind);
    if (writes && (!wait_for_slot(rank, act, begin) || (!skips_.empty() && !wait_for_skips(rank, act, begin))))
      return {};
    return {true, begin, begin + takes * share};
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
  constexpr void count_copies(const std::vector<program>& programs) {
    scratch<bool> seen(static_cast<std::size_t>(shape_.chunks));
    for (const program& one : programs) {
      for (int chunk = 0; chunk < shape_.chunks; ++chunk) seen.data()[chunk] = false;
      for (const action& act : one.actions)
        if (act.kind == op::forward && !seen.data()[act.chunk]) {
          seen.data()[act.chunk] = true;
          ++copies_memory_.data()[act.stage];
        }
    }
  }
  [[nodiscard]] constexpr std::size_t cell(bool backward, int stage, int micro) const {
    return static_cast<std::size_t>(((backward ? shape_.stages() + skips_.size() : 0) + stage) * micro_ + micro);
  }
  /// The last message sent from the slot that an action writes or sends from, as its cell plus 1; 0: none.
  constexpr std::size_t& last_from(std::size_t rank, const action& act) {
    const bool backward = is_backward(act.kind) || act.kind == op::send_gradient;
    const int slot = backward ? micro_ + act.message : act.slot;
    return slot_memory_.data()[(static_cast<int>(rank) * shape_.chunks + act.chunk) * slots_ + slot];
  }

  /// Puts off `time` to when the last message from the slot has been taken. False: that is not known yet.
  constexpr bool wait_for_slot(std::size_t rank, const action& act, double& time) {
    const std::size_t last = last_from(rank, act);
    if (last == 0) return true;
    const message& one = message_memory_.data()[last - 1];
    if (one.taken && one.taken_at > time) time = one.taken_at;
    return one.taken;
  }

  /// The last message that went along an edge from a slot of a chunk: an activation slot at the beginning of the edge,
  /// a slot for gradients at its end.
  constexpr std::size_t& last_along(std::size_t rank, int edge, int chunk, int slot, bool backward) {
    const int place = static_cast<int>(rank) * shape_.chunks + chunk;
    return skip_memory_
        .data()[((2 * edge + (backward ? 1 : 0)) * shape_.ranks * shape_.chunks + place) * micro_ + slot];
  }
  /// As `wait_for_slot`, for messages along edges from the slots that an action writes.
  constexpr bool wait_for_skips(std::size_t rank, const action& act, double& time) {
    const bool backward = is_backward(act.kind);
    for (int edge = 0; edge < skips_.size(); ++edge) {
      if ((backward ? skips_[edge].to : skips_[edge].from) != act.stage) continue;
      const std::size_t last = last_along(rank, edge, act.chunk, backward ? act.skip : act.slot, backward);
      if (last == 0) continue;
      const message& one = message_memory_.data()[last - 1];
      if (!one.taken) return false;
      if (one.taken_at > time) time = one.taken_at;
    }
    return true;
  }

  /// Until when the sender is busy with it.
  constexpr double send(std::size_t rank, const action& act, double now) {
    const bool backward = act.kind == op::send_gradient;
    const int receiver = act.edge < 0 ? act.stage + (backward ? -1 : 1) : shape_.stages() + act.edge;
    const std::size_t to = cell(backward, receiver, act.micro);
    double& free = link_memory_.data()[(rank * ranks_ + static_cast<std::size_t>(act.peer)) * 2 + (backward ? 1 : 0)];
    const double departure = free > now ? free : now;
    const link& way = costs_.between(static_cast<int>(rank), act.peer, static_cast<int>(ranks_));
    free = departure + (costs_.message_of(act, skips_) / way.bandwidth).value;
    message_memory_.data()[to] = message{.sent = true, .arrival = free + way.latency.value};
    (act.edge < 0 ? last_from(rank, act)
                  : last_along(rank, act.edge, act.chunk, backward ? act.skip : act.slot, backward)) = to + 1;
    return costs_.overlaps ? now : free + way.latency.value;
  }

  constexpr span gather(std::size_t rank, op kind, double now, double takes) {
    gathering& group = all_[static_cast<int>(kind)];
    bool& here = come_memory_.data()[rank * op_count + static_cast<std::size_t>(kind)];
    if (!here) {
      here = true;
      ++group.ranks;
      if (now > group.begin) group.begin = now;
    }
    if (group.ranks < ranks_) return {};
    return {true, group.begin, group.begin + takes};
  }

  /// The sum of a bucket over the copies of its stage begins when the last of them has come.
  constexpr span sum_copies(std::size_t rank, const action& act, double now, double takes) {
    round& mine = round_memory_.data()[(static_cast<int>(rank) * shape_.chunks + act.chunk) * buckets_ + act.bucket];
    gathering& group = sum_memory_.data()[(act.stage * buckets_ + act.bucket) * (micro_ + 1) + mine.number];
    if (!mine.has_come) {
      mine.has_come = true;
      ++group.ranks;
      if (now > group.begin) group.begin = now;
    }
    if (group.ranks < copies_memory_.data()[act.stage]) return {};
    mine = round{mine.number + 1, false};
    return {true, group.begin, group.begin + takes};
  }
  struct round {
    int number = 0;  ///< of sums of the bucket so far
    bool has_come = false;
  };

  std::size_t ranks_;
  pipe_shape shape_;
  int micro_;
  int buckets_;
  const step_costs& costs_;
  const skip_edges& skips_;
  int slots_;  ///< of a chunk: for activations, then for messages
  scratch<message> message_memory_;
  scratch<std::size_t> slot_memory_;    ///< [ranks, chunks, slots]
  scratch<std::size_t> skip_memory_;    ///< [edges, direction, ranks, chunks, slots]
  scratch<double> link_memory_;         ///< [sender, receiver, direction]: when it is free
  scratch<bool> come_memory_;           ///< [rank, op]
  scratch<std::size_t> copies_memory_;  ///< [stages], where stages have copies
  scratch<gathering> sum_memory_;       ///< [stages, buckets, rounds], where stages have copies
  scratch<round> round_memory_;         ///< [ranks, chunks, buckets], where stages have copies
  gathering all_[op_count]{};
};

}  // namespace detail

/// Runs the programs of all ranks against each other in time, each rank on a processor of its own.
///
/// An action begins when the one before it on its rank has ended and what it waits for is there. A message leaves when
/// its send is reached and its queue's link is free, keeps the link busy for bytes / bandwidth, and arrives a latency
/// later; sends and receives take no time of the ranks themselves, unless the costs say that they do not overlap with
/// work. Whoever writes a slot waits until the last message from it has been taken. Collectives begin together, when
/// the last rank has come. Calls `seen(rank, action,
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
  require(costs.links.empty() || costs.links.size() == programs.size() * programs.size(), "plait::simulate",
          "there must be a link for each sender and receiver, or none");
  require(costs.slowness.empty() || costs.slowness.size() == programs.size(), "plait::simulate",
          "there must be a slowness for each rank, or none");
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
        const action* const pair = act.beside && position[rank] > 0                                   ? &act - 1
                                   : position[rank] + 1 < count && actions[position[rank] + 1].beside ? &act + 1
                                                                                                      : nullptr;
        const auto [goes, begin, end] =
            step.run(rank, act, now[rank], pair == nullptr ? 1 : costs.share_of_pair(act, *pair));
        if (!goes) break;
        if (!is_receive(act.kind) && !is_send(act.kind)) result.busy += end - begin;
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
