// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <plait/core/scratch.hpp>
#include <plait/schedule/detail/counted_peak.hpp>
#include <plait/schedule/detail/v_pattern.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait {

/// ZB-V: a V-shaped placement with split backward passes, so that in the unit case no rank idles between its first pass
/// and its last, with the memory of 1F1B.
///
/// Step: 6 micro + ranks - 1 in the unit case, for micro >= ranks.   Peak: 2 ranks chunks on every rank.
/// From 2 ranks - 1 micro-batches on it is the order of torch's `ScheduleZBVZeroBubble`; for fewer, whose published
/// order drops passes of a longer one and keeps their holes, a list schedule under the same limit. Source: Qi et al.,
/// ICLR 2024 (arXiv 2401.10241), section 6.
struct zb_v {
  static constexpr std::string_view name = "zb_v";
  static constexpr std::string_view suffix = "zb_v";
  static constexpr int chunks = 2;
  using placement = wave_placement;

  static constexpr shape_verdict accepts(pipe_shape shape) { return detail::accepts_v(shape); }
  static constexpr int passes(pipe_shape shape) { return 6 * shape.micro; }
  static constexpr int peak_activations(pipe_shape shape, int rank) { return detail::counted_peak<zb_v>(shape, rank); }

  /// Writes the orders of all ranks, `passes` each.
  static constexpr void order_all(pipe_shape shape, pass* const* orders) {
    const int whole = 2 * shape.ranks - 1;
    if (shape.micro >= whole) {
      for (int rank = 0; rank < shape.ranks; ++rank) write(shape.ranks, shape.micro, rank, orders[rank]);
      return;
    }
    scratch<pass> longer(static_cast<std::size_t>(6 * whole));
    const auto given = [&](int rank, pass* next) {
      const pass* const end = write(shape.ranks, whole, rank, longer.data());
      for (const pass* one = longer.data(); one != end; ++one)
        if (one->micro < shape.micro && one->kind != op::backward_weight) *next++ = *one;
    };
    detail::fill_with_weights(shape, 2 * shape.ranks, given, orders);
  }
  /// Writes the order of `rank` to `next`, which has room for `passes`; returns its end.
  static constexpr pass* order(pipe_shape shape, int rank, pass* next) {
    return detail::order_of_one<zb_v>(shape, rank, next);
  }

 private:
  /// Needs: micro >= 2 ranks - 1.
  static constexpr pass* write(int ranks, int micro, int rank, pass* next) {
    std::int16_t forward[2]{}, input[2]{}, weight[2]{};
    const auto run = [&](op kind, int chunk) {
      std::int16_t& number = (kind == op::forward ? forward : kind == op::backward_input ? input : weight)[chunk];
      *next++ = {kind, static_cast<std::int16_t>(chunk), number++};
    };
    const int behind = ranks - rank;
    for (int i = 0; i < 2 * behind - 1; ++i) run(op::forward, 0);
    for (int i = 0; i < rank; ++i) run(op::forward, 1), run(op::forward, 0);
    for (int i = 0; i < behind; ++i) run(op::forward, 1), run(op::backward_input, 1), run(op::backward_weight, 1);
    while (forward[1] < forward[0] || forward[0] < micro) {
      if (forward[0] < micro) run(op::forward, 0);
      run(op::backward_input, 0), run(op::backward_weight, 0);
      run(op::forward, 1), run(op::backward_input, 1), run(op::backward_weight, 1);
    }
    for (int i = 0; i < rank; ++i) run(op::backward_input, 0), run(op::backward_input, 1);
    for (int i = 0; i < behind; ++i) run(op::backward_input, 0), run(op::backward_weight, 0);
    while (weight[1] < micro) run(op::backward_weight, 1);
    while (weight[0] < micro) run(op::backward_weight, 0);
    return next;
  }
};

}  // namespace plait
