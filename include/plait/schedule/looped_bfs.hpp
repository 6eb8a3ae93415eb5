// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/schedule/schedule.hpp>

namespace plait {

namespace detail {

/// Looped breadth-first order, for any number of chunks; returns its end.
constexpr pass* looped_order(pipe_shape shape, pass* next) {
  for (int chunk = 0; chunk < shape.chunks; ++chunk)
    for (int micro = 0; micro < shape.micro; ++micro)
      *next++ = {op::forward, static_cast<std::int16_t>(chunk), static_cast<std::int16_t>(micro)};
  for (int chunk = shape.chunks - 1; chunk >= 0; --chunk)
    for (int micro = shape.micro - 1; micro >= 0; --micro)
      *next++ = {op::backward, static_cast<std::int16_t>(chunk), static_cast<std::int16_t>(micro)};
  return next;
}

}  // namespace detail

/// Looped breadth-first: every micro-batch through one chunk before any goes through the next, forward and back.
///
///     ranks = 2, micro = 3, chunks = 2, either rank (the letter is the chunk):
///       F0a F1a F2a F0b F1b F2b B2b B1b B0b B2a B1a B0a
///
/// Bubble: (ranks - 1) / (micro * chunks + ranks - 1) of the step, for micro >= ranks.   Peak: every micro-batch is
/// alive in every chunk at once.   Each stage's weights are needed for one run of passes forward and one backward,
/// which suits weights that are gathered for it; a message that is late keeps fewer ranks waiting than in interleaved
/// 1F1B. Source: Lamy-Poirier, "Breadth-First Pipeline Parallelism", arXiv 2211.05953, section 4. The order of the
/// backward passes, micro-batches descending, is torch's.
template <int Chunks>
struct looped_bfs {
  static_assert(Chunks >= 1, "plait::looped_bfs<Chunks>: Chunks counts stages on a rank, so it is at least 1");

  static constexpr std::string_view name = "looped_bfs";
  static constexpr std::string_view suffix = "looped_bfs";
  static constexpr int chunks = Chunks;
  using placement = loop_placement;

  static constexpr shape_verdict accepts(pipe_shape shape) {
    if (shape.chunks != Chunks) return {false, "the shape's chunks are not the Chunks of the type"};
    return positive_shape(shape);
  }

  static constexpr int peak_activations(pipe_shape shape, int) { return shape.micro * shape.chunks; }

  static constexpr int passes(pipe_shape shape) { return 2 * shape.micro * shape.chunks; }

  /// Writes the order of any rank to `next`, which has room for `passes`; returns its end.
  static constexpr pass* order(pipe_shape shape, int, pass* next) { return detail::looped_order(shape, next); }
};

}  // namespace plait
