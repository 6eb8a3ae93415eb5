// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/schedule/schedule.hpp>

namespace plait {

/// All forward passes, then all backward passes, both in the order of the micro-batches.
///
///     ranks = 4, micro = 4, rank 1:   F0 F1 F2 F3 B0 B1 B2 B3
///
/// Bubble: (ranks - 1) / (micro + ranks - 1) of the step.   Peak: every micro-batch is alive at once.
/// Source: Huang et al., "GPipe: Efficient Training of Giant Neural Networks using Pipeline Parallelism", NeurIPS 2019,
/// section 2. The paper leaves the order of the backward passes open; ascending is what torch runs.
struct gpipe {
  static constexpr std::string_view name = "gpipe";
  static constexpr std::string_view suffix = "gpipe";
  static constexpr int chunks = 1;
  using placement = loop_placement;

  static constexpr shape_verdict accepts(pipe_shape shape) {
    if (shape.chunks != 1) return {false, "each rank has 1 chunk; interleaved<Chunks> has more"};
    return positive_shape(shape);
  }

  static constexpr int peak_activations(pipe_shape shape, int) { return shape.micro; }

  /// Receivers keep pace.
  static constexpr int in_flight(pipe_shape, int, int, op) { return 2; }

  static constexpr int passes(pipe_shape shape) { return 2 * shape.micro * shape.chunks; }

  /// Writes the order of any rank to `next`, which has room for `passes`; returns its end.
  static constexpr pass* order(pipe_shape shape, int, pass* next) {
    for (op kind : {op::forward, op::backward})
      for (int micro = 0; micro < shape.micro; ++micro) *next++ = {kind, 0, static_cast<std::int16_t>(micro)};
    return next;
  }
};

}  // namespace plait
