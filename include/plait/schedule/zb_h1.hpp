// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/schedule/detail/split_one_f_one_b.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait {

/// ZB-H1: 1F1B whose backward passes are split; the weight halves, which nobody waits for, fill the bubble.
///
///     ranks = 4, micro = 4, rank 1:   F0 F1 F2 I0 F3 I1 W0 I2 W1 I3 W2 W3
///
/// Bubble: (ranks - 1) / (3 micro + ranks - 1) of the step in the unit case, for micro >= ranks: a third of that of
/// 1F1B.   Peak: as many as there are ranks, on every rank.
/// Source: Qi et al., "Zero Bubble Pipeline Parallelism", ICLR 2024 (arXiv 2401.10241), section 2.1.
struct zb_h1 {
  static constexpr std::string_view name = "zb_h1";
  static constexpr std::string_view suffix = "zb_h1";
  static constexpr int chunks = 1;
  using placement = loop_placement;

  static constexpr shape_verdict accepts(pipe_shape shape) {
    if (shape.chunks != 1) return {false, "each rank has 1 chunk; interleaved_zb<Chunks> has more"};
    return positive_shape(shape);
  }
  static constexpr int peak_activations(pipe_shape shape, int) {
    return shape.micro < shape.ranks ? shape.micro : shape.ranks;
  }
  static constexpr int passes(pipe_shape shape) { return 3 * shape.micro; }

  /// Writes the order of `rank` to `next`, which has room for `passes`; returns its end.
  static constexpr pass* order(pipe_shape shape, int rank, pass* next) {
    return detail::split_one_f_one_b({shape, 0}, shape.ranks - 1 - rank, rank, next);
  }
};

}  // namespace plait
