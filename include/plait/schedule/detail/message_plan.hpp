// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <plait/core/scratch.hpp>
#include <plait/schedule/detail/pass_times.hpp>
#include <plait/schedule/detail/stage_table.hpp>
#include <plait/schedule/schedule.hpp>
#include <plait/schedule/skip_edge.hpp>

namespace plait::detail {

/// Deals message slots out to the gradients that go between stages, and output slots to evaluations, so that nobody
/// waits for a slot when all passes take equally long: the orders are played in time, and intervals coloured.
///
/// A slot is held from the start of the pass that writes it to the start of the pass that reads it elsewhere. Because
/// no rank ever chooses, an order that completes without waiting for slots in one playing completes in all. Where the
/// orders do not complete, each micro-batch has a slot of its own, and `verify` says what is wrong.
///
/// Neighbouring stages of one rank hand gradients over in place: they use the slots of the last of them.
///
/// Gradients that go along skip edges have slots of their own: those of all edges into a stage one slot together, until
/// the last of them has been taken. In an evaluation an output is held until the last stage that needs it has read it.
class message_plan {
 public:
  /// orders: of all ranks.   trains: whether they have backward passes.   Needs: stages that all have a holder; edges
  /// from stages to later ones.
  constexpr message_plan(const stage_table& table, pipe_shape shape, const rank_order_of_passes* orders, bool trains,
                         const skip_edges& skips)
      : table_{table},
        shape_{shape},
        skips_{skips},
        micro_{shape.all_micro()},
        slot_memory_(static_cast<std::size_t>(shape.stages() * micro_)),
        count_memory_(static_cast<std::size_t>(shape.ranks * shape.chunks)),
        skip_memory_(static_cast<std::size_t>(skips.empty() ? 0 : shape.stages() * micro_)),
        free_memory_(static_cast<std::size_t>(micro_)) {
    const pass_times times{table, shape, orders, stage_costs{}};
    for (int place = 0; place < shape.ranks * shape.chunks; ++place) count_memory_.data()[place] = 2;
    for (int rank = 0; rank < shape.ranks; ++rank)
      for (int chunk = 0; chunk < shape.chunks; ++chunk) {
        used_ = 0;
        for (const pass* one = orders[rank].begin; one != orders[rank].end; ++one)
          if (one->chunk == chunk) trains ? gradient(times, rank, *one) : output(times, rank, *one);
        if (!trains || skips.empty()) continue;
        used_ = 0;
        for (const pass* one = orders[rank].begin; one != orders[rank].end; ++one)
          if (one->chunk == chunk && (one->kind == op::backward || one->kind == op::backward_input))
            skip_gradients(times, rank, *one);
      }
  }

  /// The message slot of a micro-batch's gradients at a stage, or in an evaluation the slot of its activations.
  [[nodiscard]] constexpr int slot(int stage, int micro) const { return slot_memory_.data()[stage * micro_ + micro]; }
  /// The slot for the gradients that a micro-batch leaves at a stage for skip edges; -1: no edge leads to it.
  [[nodiscard]] constexpr int skip_slot(int stage, int micro) const {
    return skip_memory_.data()[stage * micro_ + micro] - 1;
  }
  /// Slots of a chunk.
  [[nodiscard]] constexpr int count(int rank, int chunk) const {
    return count_memory_.data()[rank * shape_.chunks + chunk];
  }

 private:
  [[nodiscard]] constexpr bool is_on(int rank, int stage, int micro) const {
    return stage >= 0 && stage < shape_.stages() && table_.holder_of(stage, micro).rank == rank;
  }

  constexpr void gradient(const pass_times& times, int rank, const pass& one) {
    const int stage = table_.stage_of(rank, one.chunk), micro = one.micro;
    if (one.kind != op::backward && one.kind != op::backward_input) return;
    if (is_on(rank, stage + 1, micro)) return;  // it has the slot of that stage
    int first = stage;
    while (is_on(rank, first - 1, micro)) --first;
    const double taken = first > 0 ? times.backward_begin(first - 1, micro) : times.backward_end(0, micro);
    const int taken_slot = times.completes() ? colour(times.backward_begin(stage, micro), taken) : micro;
    for (int each = first; each <= stage; ++each) put(each, micro, taken_slot);
  }
  constexpr void output(const pass_times& times, int rank, const pass& one) {
    if (one.kind != op::forward) return;
    const int stage = table_.stage_of(rank, one.chunk), micro = one.micro;
    double read = stage + 1 == shape_.stages()    ? times.forward_end(stage, micro)
                  : is_on(rank, stage + 1, micro) ? times.forward_end(stage + 1, micro)
                                                  : times.forward_begin(stage + 1, micro);
    for (const skip_edge& edge : skips_)
      if (edge.from == stage) {
        const double last =
            is_on(rank, edge.to, micro) ? times.forward_end(edge.to, micro) : times.forward_begin(edge.to, micro);
        if (last > read) read = last;
      }
    put(stage, micro, times.completes() ? colour(times.forward_begin(stage, micro), read) : micro);
  }

  constexpr void skip_gradients(const pass_times& times, int rank, const pass& one) {
    const int stage = table_.stage_of(rank, one.chunk), micro = one.micro;
    double taken = -1;
    for (const skip_edge& edge : skips_)
      if (edge.to == stage) {
        const double read = is_on(rank, edge.from, micro) ? times.backward_end(edge.from, micro)
                                                          : times.backward_begin(edge.from, micro);
        if (read > taken) taken = read;
        skip_memory_.data()[stage * micro_ + micro] = static_cast<std::int16_t>(micro + 1);
      }
    if (taken >= 0 && times.completes())
      skip_memory_.data()[stage * micro_ + micro] =
          static_cast<std::int16_t>(colour(times.backward_begin(stage, micro), taken) + 1);
  }

  constexpr void put(int stage, int micro, int slot) {
    slot_memory_.data()[stage * micro_ + micro] = static_cast<std::int16_t>(slot);
    const holder at = table_.holder_of(stage, micro);
    int& count = count_memory_.data()[at.rank * shape_.chunks + at.chunk];
    if (slot >= count) count = slot + 1;
  }
  /// A slot that is free from `begin` on, from then on held until `end`.
  constexpr int colour(double begin, double end) {
    double* const free_at = free_memory_.data();
    int slot = 0;
    while (slot < used_ && free_at[slot] > begin) ++slot;
    if (slot == used_) ++used_;
    free_at[slot] = end;
    return slot;
  }

  const stage_table& table_;
  pipe_shape shape_;
  const skip_edges& skips_;
  int micro_;
  scratch<std::int16_t> slot_memory_;  ///< [stages, micro]
  scratch<int> count_memory_;          ///< [ranks, chunks]
  scratch<std::int16_t> skip_memory_;  ///< [stages, micro], plus 1; nothing where there are no skip edges
  scratch<double> free_memory_;        ///< [slots]: when each is free, for the chunk at hand
  int used_ = 0;
};

}  // namespace plait::detail
