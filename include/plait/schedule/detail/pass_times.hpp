// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <plait/core/scratch.hpp>
#include <plait/schedule/costs.hpp>
#include <plait/schedule/detail/stage_table.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait::detail {

/// When the passes of all ranks run if all stages are alike, messages take no time and no buffer is ever missing. Sends
/// and receives in the orders are passed over.
class pass_times {
 public:
  constexpr pass_times(const stage_table& table, pipe_shape shape, const rank_order_of_passes* orders, stage_costs each)
      : micro_{shape.all_micro()},
        cells_{shape.stages() * micro_},
        memory_(static_cast<std::size_t>(4 * cells_)),
        forward_begin_{memory_.data()},
        forward_end_{forward_begin_ + cells_},
        backward_begin_{forward_end_ + cells_},
        backward_end_{backward_begin_ + cells_} {
    for (int i = 0; i < 4 * cells_; ++i) forward_begin_[i] = -1;
    run(table, shape, orders, each);
  }

  [[nodiscard]] constexpr bool completes() const { return makespan_ >= 0; }
  /// -1: some rank waits for ever.
  [[nodiscard]] constexpr double makespan() const { return makespan_; }
  // Of the forward pass, and of the whole backward pass or its input half.
  [[nodiscard]] constexpr double forward_begin(int stage, int micro) const { return forward_begin_[at(stage, micro)]; }
  [[nodiscard]] constexpr double forward_end(int stage, int micro) const { return forward_end_[at(stage, micro)]; }
  [[nodiscard]] constexpr double backward_begin(int stage, int micro) const {
    return backward_begin_[at(stage, micro)];
  }
  [[nodiscard]] constexpr double backward_end(int stage, int micro) const { return backward_end_[at(stage, micro)]; }

 private:
  [[nodiscard]] constexpr int at(int stage, int micro) const { return stage * micro_ + micro; }

  constexpr void run(const stage_table& table, pipe_shape shape, const rank_order_of_passes* orders, stage_costs each) {
    const int last_stage = shape.stages() - 1, ranks = shape.ranks, micro = micro_;
    scratch<const pass*> position_memory(static_cast<std::size_t>(ranks));
    scratch<double> now_memory(static_cast<std::size_t>(ranks));
    const pass** const next = position_memory.data();
    double* const now = now_memory.data();
    for (int rank = 0; rank < ranks; ++rank) next[rank] = orders[rank].begin;
    for (bool moved = true; moved;) {
      moved = false;
      for (int rank = 0; rank < ranks; ++rank) {
        const pass* const end = orders[rank].end;
        while (next[rank] != end) {
          const pass& one = *next[rank];
          const int cell = table.stage_of(rank, one.chunk) * micro + one.micro;
          double ready = now[rank], takes = each.forward;
          double* begins = forward_begin_;
          if (one.kind == op::forward) {
            if (cell >= micro) ready = forward_end_[cell - micro];
          } else if (one.kind == op::backward_weight) {
            ready = backward_end_[cell];
            takes = each.backward_weight;
          } else if (is_compute(one.kind)) {
            ready = cell < last_stage * micro ? backward_end_[cell + micro] : forward_end_[cell];
            takes = each.backward_input + (one.kind == op::backward ? each.backward_weight : 0);
            begins = backward_begin_;
          } else {
            ++next[rank];
            moved = true;
            continue;
          }
          const pass* const pair = next[rank] + 1;
          const bool fused = pair != end && pair->beside;
          if (fused) {  // both begin when both can, and what they make is there when both are done
            const int other = table.stage_of(rank, pair->chunk) * micro + pair->micro;
            const double gradient = other < last_stage * micro ? backward_end_[other + micro] : forward_end_[other];
            if (gradient < 0) break;
            if (gradient > ready && ready >= 0) ready = gradient;
          }
          if (ready < 0) break;
          double begin = now[rank] < ready ? ready : now[rank];
          now[rank] = begin + takes;
          if (fused) {
            now[rank] += each.backward_input + (pair->kind == op::backward ? each.backward_weight : 0);
            const int other = table.stage_of(rank, pair->chunk) * micro + pair->micro;
            backward_begin_[other] = begin;
            backward_end_[other] = now[rank];
            ++next[rank];
          }
          if (one.kind != op::backward_weight) {
            begins[cell] = begin;
            begins[cell + cells_] = now[rank];
          }
          ++next[rank];
          moved = true;
        }
      }
    }
    makespan_ = 0;
    for (int rank = 0; rank < ranks; ++rank) {
      if (next[rank] != orders[rank].end) {
        makespan_ = -1;
        return;
      }
      if (now[rank] > makespan_) makespan_ = now[rank];
    }
  }

  int micro_;
  int cells_;
  scratch<double> memory_;
  double* forward_begin_;  ///< [stages, micro]; below 0: not yet
  double* forward_end_;    ///< directly behind `forward_begin_`, as `backward_end_` is behind `backward_begin_`
  double* backward_begin_;
  double* backward_end_;
  double makespan_ = -1;
};

}  // namespace plait::detail
