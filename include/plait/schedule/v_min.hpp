// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/schedule/detail/counted_peak.hpp>
#include <plait/schedule/detail/v_pattern.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait {

/// V-Min: as V-Half, with the fewest activations that a V can do with, about a third of those of 1F1B, for two thirds
/// of its bubble.
///
/// Step: 6 micro + 4 ranks - 5, or - 7 where 3 divides ranks, in the unit case, for ranks >= 3, micro >= 2 ranks.
/// Peak: about 2 ranks / 3 + 2 chunks.   Slow wherever the three kinds of passes differ in length.
/// Source: Qi et al., NeurIPS 2024 (arXiv 2405.15362).
struct v_min {
  static constexpr std::string_view name = "v_min";
  static constexpr std::string_view suffix = "v_min";
  static constexpr int chunks = 2;
  using placement = wave_placement;

  static constexpr shape_verdict accepts(pipe_shape shape) { return detail::accepts_v(shape); }
  static constexpr int passes(pipe_shape shape) { return 6 * shape.micro; }
  static constexpr int peak_activations(pipe_shape shape, int rank) { return detail::counted_peak<v_min>(shape, rank); }

  /// Where the passes of a micro-batch lie on a rank.
  static constexpr detail::v_pattern pattern(pipe_shape shape, int rank) {
    const int p = shape.ranks, shift = p % 3 == 0 ? 2 : 0;
    return {.forward = {rank, 2 * p - rank - 1}, .backward = {4 * p + shift - rank - 1, 2 * p + shift + rank}};
  }
  /// Chunks that a rank keeps at most.
  static constexpr int limit(pipe_shape shape) { return 2 * ((shape.ranks + 1) / 3) + 2; }

  /// Writes the orders of all ranks, `passes` each.
  static constexpr void order_all(pipe_shape shape, pass* const* orders) {
    const auto given = [&](int rank, pass* next) {
      detail::repeat_pattern(pattern(shape, rank), shape.micro, op::backward_input, next);
    };
    detail::fill_with_weights(shape, limit(shape), given, orders);
  }
  /// Writes the order of `rank` to `next`, which has room for `passes`; returns its end.
  static constexpr pass* order(pipe_shape shape, int rank, pass* next) {
    return detail::order_of_one<v_min>(shape, rank, next);
  }
};

}  // namespace plait
