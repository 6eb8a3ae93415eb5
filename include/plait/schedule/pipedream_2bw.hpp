// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/schedule/schedule.hpp>

namespace plait {

/// PipeDream-2BW: 1F1B that does not drain between steps, with two versions of the weights. Step t computes its
/// gradients with version t - 1, whatever the stage, and its update makes version t + 1 of version t:
///
///     W(t + 1) = W(t) - rate * gradient(W(t - 1))
///
/// The gradients of the micro-batches of a step are added up before the update (coalescing).
/// Bubble: none once the pipeline is full.   Peak: ranks - rank activations, 2 versions of the weights.
/// Needs: micro >= ranks, so that no version is still needed when its buffer is written.
/// Source: Narayanan et al., "Memory-Efficient Pipeline-Parallel DNN Training", ICML 2021, sections 3.1 and 3.2.
struct pipedream_2bw {
  static constexpr std::string_view name = "pipedream_2bw";
  static constexpr std::string_view suffix = "pipedream_2bw";
  static constexpr int chunks = 1;
  static constexpr weight_versions versions = weight_versions::double_buffered;
  using placement = loop_placement;

  static constexpr shape_verdict accepts(pipe_shape shape) {
    if (shape.chunks != 1) return {false, "each rank has 1 chunk"};
    if (shape.micro < shape.ranks)
      return {false, "a step must have at least as many micro-batches as there are ranks", 0, shape.ranks};
    return positive_shape(shape);
  }
  /// The same as a compile error, for sizes known early: `pipedream_2bw::require_micro<Ranks, Micro>()`.
  template <int Ranks, int Micro>
  static constexpr bool require_micro() {
    static_assert(Micro >= Ranks,
                  "plait::pipedream_2bw: a step must have at least as many micro-batches as the pipeline has ranks");
    return true;
  }
  static constexpr int peak_activations(pipe_shape shape, int rank) { return shape.ranks - rank; }
  static constexpr int passes(pipe_shape shape) { return 2 * shape.all_micro(); }
  static constexpr int in_flight(pipe_shape, int, int, op) { return 2; }

  /// Writes the order of `rank` to `next`, which has room for `passes`; returns its end.
  static constexpr pass* order(pipe_shape shape, int rank, pass* next) {
    std::int16_t forward = 0, backward = 0;
    for (int i = shape.ranks - 1 - rank; i > 0; --i) *next++ = {op::forward, 0, forward++};
    while (forward < shape.all_micro()) {
      *next++ = {op::forward, 0, forward++};
      *next++ = {op::backward, 0, backward++};
    }
    while (backward < shape.all_micro()) *next++ = {op::backward, 0, backward++};
    return next;
  }
};

}  // namespace plait
