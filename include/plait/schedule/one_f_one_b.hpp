// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/schedule/schedule.hpp>

namespace plait {

/// One forward, one backward: after a warm-up each rank alternates, so at most `ranks - rank` micro-batches are alive.
///
///     ranks = 4, micro = 8, rank 1:   F0 F1 F2 B0 F3 B1 F4 B2 F5 B3 F6 B4 F7 B5 B6 B7
///
/// Bubble: (ranks - 1) / (micro + ranks - 1) of the step.   Fewer micro-batches than ranks are legal.
/// Source: Narayanan et al., "Memory-Efficient Pipeline-Parallel DNN Training", ICML 2021, section 3 (PipeDream-Flush).
struct one_f_one_b {
  static constexpr std::string_view name = "1f1b";
  static constexpr std::string_view suffix = "";
  static constexpr int chunks = 1;
  using placement = loop_placement;

  static constexpr shape_verdict accepts(pipe_shape shape) {
    if (shape.chunks != 1) return {false, "each rank has 1 chunk; interleaved<Chunks> has more"};
    return positive_shape(shape);
  }

  /// Forward passes before the first backward pass; one for each rank behind this one.
  static constexpr int warm_up(pipe_shape shape, int rank) {
    const int behind = shape.ranks - 1 - rank;
    return shape.micro < behind ? shape.micro : behind;
  }

  static constexpr int peak_activations(pipe_shape shape, int rank) {
    return shape.micro < shape.ranks - rank ? shape.micro : shape.ranks - rank;
  }

  /// Receivers keep pace.
  static constexpr int in_flight(pipe_shape, int, int, op) { return 2; }

  static constexpr int passes(pipe_shape shape) { return 2 * shape.micro * shape.chunks; }

  /// Writes the order of `rank` to `next`, which has room for `passes`; returns its end.
  static constexpr pass* order(pipe_shape shape, int rank, pass* next) {
    std::int16_t forward = 0, backward = 0;
    for (int i = warm_up(shape, rank); i > 0; --i) *next++ = {op::forward, 0, forward++};
    while (forward < shape.micro) {
      *next++ = {op::forward, 0, forward++};
      *next++ = {op::backward, 0, backward++};
    }
    while (backward < shape.micro) *next++ = {op::backward, 0, backward++};
    return next;
  }
};

}  // namespace plait
