// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <plait/core/scratch.hpp>
#include <plait/schedule/detail/dualpipe_phases.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait {

/// DualPipeV: DualPipe cut in half. Each rank holds a stage of the way down and one of the way up, so no stage has a
/// copy; the turn is on the last rank.
///
/// Bubble: 2 (ranks - 1) of 6 micro + 2 (ranks - 1) in the unit case.   Peak: 2 ranks + 1 chunks.
/// Needs: micro >= 2 ranks.   Source: DeepSeek's published `dualpipev.py`; "Cut-in-half" in Sea AI Lab's note on it.
struct dualpipe_v {
  static constexpr std::string_view name = "dualpipe_v";
  static constexpr std::string_view suffix = "dualpipe_v";
  static constexpr int chunks = 2;
  using placement = wave_placement;

  static constexpr shape_verdict accepts(pipe_shape shape) {
    if (shape.chunks != 2) return {false, "each rank has 2 chunks"};
    if (shape.micro < 2 * shape.ranks)
      return {false, "there must be at least twice as many micro-batches as ranks", 0, 2 * shape.ranks};
    return positive_shape(shape);
  }
  static constexpr int peak_activations(pipe_shape shape, int) { return 2 * shape.ranks + 1; }
  static constexpr int passes(pipe_shape shape) { return 6 * shape.micro; }

  /// Writes the order of `rank` to `next`, which has room for `passes`; returns its end.
  static constexpr pass* order(pipe_shape shape, int rank, pass* next) {
    detail::dualpipe_phases phases{next, [](int direction) { return direction; }, [](int, int k) { return k; }};
    scratch<pass> weights(static_cast<std::size_t>(2 * shape.micro));
    return phases.write(shape.ranks, rank, shape.micro, weights.data());
  }
};

}  // namespace plait
