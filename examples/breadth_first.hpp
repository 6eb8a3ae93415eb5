// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include <plait/schedule/schedule.hpp>

// [breadth_first]
/// Breadth first: every micro-batch through one chunk before any goes through the next, forward and back.
///
///     ranks = 2, micro = 3, chunks = 2, either rank (the letter is the chunk):
///       F0a F1a F2a F0b F1b F2b B0b B1b B2b B0a B1a B2a
///
/// Bubble: (ranks - 1) / (micro * chunks + ranks - 1) of the step, for micro >= ranks, as interleaved 1F1B; a message
/// that is late keeps fewer ranks waiting.   Peak: every micro-batch is alive in every chunk at once.
/// Source: Lamy-Poirier, "Breadth-First Pipeline Parallelism", arXiv 2211.05953, section 4.
template <int Chunks>
struct breadth_first {
  static constexpr std::string_view name = "breadth_first";
  static constexpr std::string_view suffix = "breadth_first";
  static constexpr int chunks = Chunks;
  using placement = plait::loop_placement;

  static constexpr plait::shape_verdict accepts(plait::pipe_shape shape) {
    if (shape.chunks != Chunks) return {false, "the shape's chunks are not the Chunks of the type"};
    return plait::positive_shape(shape);
  }

  static constexpr int peak_activations(plait::pipe_shape shape, int) { return shape.micro * Chunks; }

  static constexpr int passes(plait::pipe_shape shape) { return 2 * shape.micro * Chunks; }

  /// Writes the order of any rank to `next`, which has room for `passes`; returns its end.
  static constexpr plait::pass* order(plait::pipe_shape shape, int, plait::pass* next) {
    for (plait::op kind : {plait::op::forward, plait::op::backward})
      for (int turn = 0; turn < Chunks; ++turn)
        for (int micro = 0; micro < shape.micro; ++micro)
          *next++ = {kind, static_cast<std::int16_t>(kind == plait::op::forward ? turn : Chunks - 1 - turn),
                     static_cast<std::int16_t>(micro)};
    return next;
  }

  /// From the last rank to the first, and back: what arrives for the next chunk waits until this one is through.
  static constexpr int in_flight(plait::pipe_shape shape, int rank, int chunk, plait::op kind) {
    const bool round =
        kind == plait::op::send_gradient ? rank == 0 && chunk > 0 : rank == shape.ranks - 1 && chunk < Chunks - 1;
    const int waiting = shape.micro - shape.ranks + 1;
    return (round || shape.ranks == 1) && waiting > 2 ? waiting : 2;
  }
};
// [breadth_first]
