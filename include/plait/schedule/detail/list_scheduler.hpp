// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <plait/core/scratch.hpp>
#include <plait/schedule/costs.hpp>
#include <plait/schedule/detail/stage_table.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait::detail {

/// What a list scheduler goes by.
struct list_rules {
  bool split = false;               ///< whether backward passes come in halves
  const int* limit = nullptr;       ///< [ranks]: most activations alive, counted over chunks; none: no limit
  int window = 0;                   ///< micro-batch i comes in when i - window has left the pipeline; 0: no limit
  const double* forward = nullptr;  ///< [stages]: time of a pass; none: 1
  const double* input = nullptr;
  const double* weight = nullptr;
  double message = 0;         ///< time between ranks
  bool deepest_first = true;  ///< of two forward passes that can run, the one of the later chunk
  bool input_before_forward = true;
  /// [ranks]: the forward passes and input halves of each rank in a given order, of which there are 2 chunks * micro;
  /// weight halves go where it leaves a rank idle, and where a forward pass would exceed the limit. The forward passes
  /// before its first input half, and the input halves after its last forward pass, may change places. None: no order.
  const pass* const* given = nullptr;
};

/// Writes orders as time goes on: the rank that can begin a pass first begins the one that its rules like best among
/// those it can begin then: input halves (or whole backward passes), then forward passes, then weight halves. Passes of
/// one kind and chunk run in the order of micro-batches, and messages are taken in the order in which they were sent,
/// for each pair of ranks and direction of pass. Stages have no copies.
///
/// Under a limit a rank always keeps room for the chunks behind, one each, so that the oldest micro-batch can go on: it
/// completes for limits from `chunks` on, where no queue between two ranks serves several pairs of stages (loops and
/// one wave).   Source: list scheduling, Graham, SIAM J. Appl. Math. 17 (1969).
class list_scheduler {
 public:
  constexpr list_scheduler(const stage_table& table, pipe_shape shape, const list_rules& rules)
      : table_{table},
        shape_{shape},
        rules_{rules},
        micro_{shape.micro},
        end_memory_(static_cast<std::size_t>(2 * shape.stages() * micro_)),
        chunk_memory_(static_cast<std::size_t>(shape.ranks * shape.chunks)),
        rank_memory_(static_cast<std::size_t>(shape.ranks)),
        number_memory_(static_cast<std::size_t>(2 * shape.stages() * micro_)),
        queue_memory_(static_cast<std::size_t>(2 * shape.ranks * shape.ranks)),
        forward_end_{end_memory_.data()},
        backward_end_{forward_end_ + shape.stages() * micro_},
        chunk_{chunk_memory_.data()},
        rank_{rank_memory_.data()} {
    for (int i = 0; i < 2 * shape.stages() * micro_; ++i) forward_end_[i] = -1;
    if (rules.given != nullptr)
      for (int rank = 0; rank < shape.ranks; ++rank) find_ends(rank);
  }

  /// orders: [ranks], each with room for all passes of a rank. Returns when the last pass ends; -1: it got stuck.
  constexpr double run(pass* const* orders) {
    for (int rank = 0; rank < shape_.ranks; ++rank) find_next(rank);
    double makespan = 0;
    for (int left = shape_.stages() * micro_ * (rules_.split ? 3 : 2); left > 0; --left) {
      int first = -1;
      for (int rank = 0; rank < shape_.ranks; ++rank)
        if (rank_[rank].has_next && (first < 0 || rank_[rank].begin < rank_[first].begin)) first = rank;
      if (first < 0) return -1;
      rank_state& mine = rank_[first];
      orders[first][mine.count++] = mine.next;
      const double end = commit(first);
      if (end > makespan) makespan = end;
      find_next(first);
      for (const int neighbour : {mine.stage - 1, mine.stage + 1})
        if (neighbour >= 0 && neighbour < shape_.stages()) find_next(table_.copy(neighbour, 0).rank);
      if (rules_.window > 0) find_next(table_.copy(0, 0).rank);
    }
    return makespan;
  }

 private:
  /// Where the given order of a rank is strict: between the forward passes that come first and the backward passes that
  /// come last.
  constexpr void find_ends(int rank) {
    const int all = 2 * shape_.chunks * micro_;
    rank_state& mine = rank_[rank];
    for (const pass* one = rules_.given[rank]; mine.strict_from < all && one->kind == op::forward; ++one) {
      ++mine.strict_from;
      ++chunk_[rank * shape_.chunks + one->chunk].warm_up;
    }
    mine.strict_to = all;
    while (mine.strict_to > 0 && rules_.given[rank][mine.strict_to - 1].kind != op::forward) --mine.strict_to;
  }

  struct chunk_state {
    int warm_up = 0;   ///< forward passes before the first backward pass of its rank, in a given order
    int forwards = 0;  ///< passes done: the number of the next micro-batch
    int inputs = 0;
    int weights = 0;
  };
  struct queue {
    int sent = 0;
    int taken = 0;
  };
  struct rank_state {
    double now = 0;
    int alive = 0;
    int count = 0;  ///< passes written
    int given = 0;  ///< of the given order
    int strict_from = 0;
    int strict_to = 0;
    bool has_next = false;
    double begin = 0;  ///< of the next
    int rank_of_next = 0;
    pass next{};
    int stage = 0;  ///< of the last
  };

  [[nodiscard]] constexpr double time(const double* of, int stage) const { return of == nullptr ? 1 : of[stage]; }
  /// When a pass has what it needs of the neighbouring stage `from`; below 0: not before other passes have run.
  [[nodiscard]] constexpr double arrival(bool backward, int from, int stage, int micro) const {
    const double end = (backward ? backward_end_ : forward_end_)[from * micro_ + micro];
    const int sender = table_.copy(from, 0).rank, receiver = table_.copy(stage, 0).rank;
    if (end < 0 || sender == receiver) return end;
    const queue& line =
        queue_memory_.data()[(backward ? shape_.ranks : 0) * shape_.ranks + sender * shape_.ranks + receiver];
    const int number = number_memory_.data()[((backward ? shape_.stages() : 0) + stage) * micro_ + micro];
    return number == line.taken ? end + rules_.message : -1;
  }
  /// A message is taken with the pass that needs it, and sent with the one that makes it.
  constexpr void take_and_send(bool backward, int from, int stage, int to, int micro) {
    const int here = table_.copy(stage, 0).rank;
    queue* const lines = queue_memory_.data() + (backward ? shape_.ranks * shape_.ranks : 0);
    if (from >= 0 && from < shape_.stages() && table_.copy(from, 0).rank != here)
      ++lines[table_.copy(from, 0).rank * shape_.ranks + here].taken;
    if (to < 0 || to >= shape_.stages() || table_.copy(to, 0).rank == here) return;
    number_memory_.data()[((backward ? shape_.stages() : 0) + to) * micro_ + micro] =
        lines[here * shape_.ranks + table_.copy(to, 0).rank].sent++;
  }

  [[nodiscard]] constexpr double ready(const pass& one, int stage) const {
    if (one.kind == op::forward) return stage == 0 ? entrance(one.micro) : arrival(false, stage - 1, stage, one.micro);
    if (stage == shape_.stages() - 1) return forward_end_[stage * micro_ + one.micro];
    return arrival(true, stage + 1, stage, one.micro);
  }

  /// The pass that a rank would begin next.
  constexpr void find_next(int rank) {
    rank_state& mine = rank_[rank];
    mine.has_next = false;
    const op whole_or_input = rules_.split ? op::backward_input : op::backward;
    const bool strict = rules_.given != nullptr && mine.given >= mine.strict_from && mine.given < mine.strict_to;
    const bool warms_up = rules_.given != nullptr && mine.given < mine.strict_from;
    if (strict) {
      const pass& one = rules_.given[rank][mine.given];
      if (one.kind != op::forward || has_room(rank, one.chunk))
        offer(rank, ready(one, table_.stage_of(rank, one.chunk)), 0, one);
    }
    for (int chunk = 0; chunk < shape_.chunks; ++chunk) {
      const int stage = table_.stage_of(rank, chunk);
      if (stage < 0) continue;
      const chunk_state& here = chunk_[rank * shape_.chunks + chunk];
      const auto number = static_cast<std::int16_t>(chunk);
      if (!strict && !warms_up && here.inputs < here.forwards) {
        const pass one{whole_or_input, number, static_cast<std::int16_t>(here.inputs)};
        offer(rank, ready(one, stage), rules_.input_before_forward ? chunk : 1000 + chunk, one);
      }
      if (!strict && here.forwards < (warms_up ? here.warm_up : micro_) && has_room(rank, chunk)) {
        const pass one{op::forward, number, static_cast<std::int16_t>(here.forwards)};
        offer(rank, ready(one, stage), 500 + (rules_.deepest_first ? shape_.chunks - chunk : chunk), one);
      }
      if (rules_.split && here.weights < here.inputs)
        offer(rank, 0, 2000 - chunk, {op::backward_weight, number, static_cast<std::int16_t>(here.weights)});
    }
  }
  constexpr void offer(int rank, double ready, int order, pass what) {
    rank_state& mine = rank_[rank];
    if (ready < 0) return;
    const double begin = ready > mine.now ? ready : mine.now;
    if (mine.has_next && (begin > mine.begin || (begin == mine.begin && order >= mine.rank_of_next))) return;
    mine.has_next = true;
    mine.begin = begin;
    mine.rank_of_next = order;
    mine.next = what;
  }
  /// When a micro-batch may come into the pipeline.
  [[nodiscard]] constexpr double entrance(int micro) const {
    return rules_.window == 0 || micro < rules_.window ? 0 : backward_end_[micro - rules_.window];
  }
  [[nodiscard]] constexpr bool has_room(int rank, int chunk) const {
    const int behind = rules_.given == nullptr ? shape_.chunks - 1 - chunk : 0;
    return rules_.limit == nullptr || rank_[rank].alive + 1 + behind <= rules_.limit[rank];
  }

  constexpr double commit(int rank) {
    rank_state& mine = rank_[rank];
    chunk_state& here = chunk_[rank * shape_.chunks + mine.next.chunk];
    const int stage = table_.stage_of(rank, mine.next.chunk), cell = stage * micro_ + mine.next.micro;
    mine.stage = stage;
    if (rules_.given != nullptr && mine.next.kind != op::backward_weight) ++mine.given;
    if (mine.next.kind == op::forward) {
      take_and_send(false, stage - 1, stage, stage + 1, mine.next.micro);
      ++here.forwards;
      ++mine.alive;
      forward_end_[cell] = mine.now = mine.begin + time(rules_.forward, stage);
    } else if (mine.next.kind == op::backward_weight) {
      ++here.weights;
      --mine.alive;
      mine.now = mine.begin + time(rules_.weight, stage);
    } else {
      take_and_send(true, stage + 1, stage, stage - 1, mine.next.micro);
      ++here.inputs;
      mine.now = mine.begin + time(rules_.input, stage);
      if (!rules_.split) {
        --mine.alive;
        mine.now += time(rules_.weight, stage);
      }
      backward_end_[cell] = mine.now;
    }
    return mine.now;
  }

  const stage_table& table_;
  pipe_shape shape_;
  list_rules rules_;
  int micro_;
  scratch<double> end_memory_;
  scratch<chunk_state> chunk_memory_;
  scratch<rank_state> rank_memory_;
  scratch<int> number_memory_;   ///< [direction, stages, micro]: place of a pass's message in its queue
  scratch<queue> queue_memory_;  ///< [direction, sender, receiver]
  double* forward_end_;          ///< [stages, micro]; below 0: not yet
  double* backward_end_;
  chunk_state* chunk_;  ///< [ranks, chunks]
  rank_state* rank_;    ///< [ranks]
};

}  // namespace plait::detail
