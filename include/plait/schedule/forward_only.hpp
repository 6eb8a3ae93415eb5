// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/schedule/schedule.hpp>

namespace plait {

/// The forward passes of a schedule alone, in its order: evaluation as a schedule of its own.
template <schedule S>
struct forward_only {
  static constexpr std::string_view name = "forward_only";
  static constexpr std::string_view suffix = "forward_only";
  static constexpr int chunks = S::chunks;
  using placement = typename S::placement;
  static constexpr int stages(int ranks) { return shape_of<S>(ranks, 1).stages(); }

  static constexpr shape_verdict accepts(pipe_shape shape) { return S::accepts(shape); }
  static constexpr int passes(pipe_shape shape) { return S::passes(shape); }
  /// Nothing is kept for a backward pass.
  static constexpr int peak_activations(pipe_shape, int) { return 0; }

  /// Writes the order of `rank` to `next`, which has room for `passes`; returns its end.
  static constexpr pass* order(pipe_shape shape, int rank, pass* next) {
    pass* kept = next;
    const pass* const end = S::order(shape, rank, next);
    for (const pass* one = next; one != end; ++one)
      if (one->kind == op::forward) *kept++ = *one;
    return kept;
  }
};

}  // namespace plait
