// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <plait/core/scratch.hpp>
#include <plait/schedule/costs.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait {

/// How long a step of a schedule takes when all stages are alike and messages take no time; by default in the unit
/// case, forward 1 and backward 2.
///
/// Passes alone, without messages and slots, so that compilers get through 16 ranks, 64 micro-batches and 4 chunks
/// within their default limits. It is what `simulate` gives for the schedule's programs (tests/schedule/laws.cpp).
/// Throws: usage, for a shape that the schedule does not accept. An order that does not complete has makespan -1.
template <schedule S>
constexpr double makespan(pipe_shape shape, stage_costs each = {}) {
  require_legal(S::name, shape, S::accepts(shape));
  const std::size_t passes = static_cast<std::size_t>(S::passes(shape));
  const int micro = shape.micro, last_stage = shape.stages() - 1, cells = shape.stages() * micro;
  scratch<pass> order_memory(passes * static_cast<std::size_t>(shape.ranks));
  scratch<const pass*> at_memory(static_cast<std::size_t>(shape.ranks)),
      end_memory(static_cast<std::size_t>(shape.ranks));
  scratch<double> now_memory(static_cast<std::size_t>(shape.ranks)), done_memory(2 * static_cast<std::size_t>(cells));
  const pass** const at = at_memory.data();
  const pass** const end = end_memory.data();
  double* const now = now_memory.data();
  double* const forward = done_memory.data();           // [stages, micro]: when it was done; below 0: it is not
  double* const backward = done_memory.data() + cells;  // of the input half
  for (int cell = 0; cell < 2 * cells; ++cell) forward[cell] = -1;
  for (int rank = 0; rank < shape.ranks; ++rank) {
    pass* const begin = order_memory.data() + passes * static_cast<std::size_t>(rank);
    at[rank] = begin;
    end[rank] = S::order(shape, rank, begin);
  }

  for (bool moved = true; moved;) {
    moved = false;
    for (int rank = 0; rank < shape.ranks; ++rank)
      for (; at[rank] != end[rank]; ++at[rank], moved = true) {
        const pass& one = *at[rank];
        const int stage = S::placement::stage_of(shape, rank, one.chunk), cell = stage * micro + one.micro;
        double ready = 0, takes = each.forward;
        if (one.kind == op::forward) {
          if (stage > 0) ready = forward[cell - micro];
        } else if (one.kind == op::backward_weight) {
          ready = backward[cell];
          takes = each.backward_weight;
        } else {
          ready = stage < last_stage ? backward[cell + micro] : forward[cell];
          takes = each.backward_input + (one.kind == op::backward ? each.backward_weight : 0);
        }
        if (ready < 0) break;
        now[rank] = (now[rank] < ready ? ready : now[rank]) + takes;
        if (one.kind != op::backward_weight) (one.kind == op::forward ? forward : backward)[cell] = now[rank];
      }
  }
  double latest = 0;
  for (int rank = 0; rank < shape.ranks; ++rank) {
    if (at[rank] != end[rank]) return -1;
    if (now[rank] > latest) latest = now[rank];
  }
  return latest;
}

}  // namespace plait
