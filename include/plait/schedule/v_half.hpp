// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/schedule/detail/counted_peak.hpp>
#include <plait/schedule/detail/v_pattern.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait {

/// V-Half: a V with split backward passes that needs half the activations of 1F1B, for half its bubble.
///
/// A pattern of 6 units for each micro-batch, repeated, the holes filled with weight halves and then squeezed out.
/// Step: 6 micro + 3 ranks - 7 (even ranks) or - 4 (odd) in the unit case, for ranks >= 3, micro >= 2 ranks.
/// Peak: ranks + 2 chunks (even) or ranks + 1 (odd).   Slow where input halves take longer than weight halves.
/// Source: Qi et al., "Pipeline Parallelism with Controllable Memory", NeurIPS 2024 (arXiv 2405.15362).
struct v_half {
  static constexpr std::string_view name = "v_half";
  static constexpr std::string_view suffix = "v_half";
  static constexpr int chunks = 2;
  using placement = wave_placement;

  static constexpr shape_verdict accepts(pipe_shape shape) { return detail::accepts_v(shape); }
  static constexpr int passes(pipe_shape shape) { return 6 * shape.micro; }
  static constexpr int peak_activations(pipe_shape shape, int rank) {
    return detail::counted_peak<v_half>(shape, rank);
  }

  /// Where the passes of a micro-batch lie on a rank.
  static constexpr detail::v_pattern pattern(pipe_shape shape, int rank) {
    const int p = shape.ranks, shift = p % 2 == 0 ? 3 : 0;
    return {.forward = {2 * rank, 3 * p - rank - 2},
            .backward = {6 * p + shift - rank - 2, 3 * p + shift + 2 * rank - 1}};
  }
  /// Chunks that a rank keeps at most.
  static constexpr int limit(pipe_shape shape) { return shape.ranks % 2 == 0 ? shape.ranks + 2 : shape.ranks + 1; }

  /// Writes the orders of all ranks, `passes` each.
  static constexpr void order_all(pipe_shape shape, pass* const* orders) {
    const auto given = [&](int rank, pass* next) {
      detail::repeat_pattern(pattern(shape, rank), shape.micro, op::backward_input, next);
    };
    detail::fill_with_weights(shape, limit(shape), given, orders);
  }
  /// Writes the order of `rank` to `next`, which has room for `passes`; returns its end.
  static constexpr pass* order(pipe_shape shape, int rank, pass* next) {
    return detail::order_of_one<v_half>(shape, rank, next);
  }
};

}  // namespace plait
