// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/schedule/detail/counted_peak.hpp>
#include <plait/schedule/detail/list_scheduler.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait {

namespace detail {

/// Writes the orders of waves for all ranks, for any even number of chunks.
constexpr void wave_orders(pipe_shape shape, pass* const* orders) {
  const stage_table table{shape, [&](int rank, int chunk) { return wave_placement::stage_of(shape, rank, chunk); }};
  list_scheduler{table, shape, list_rules{.window = shape.ranks}}.run(orders);
}

}  // namespace detail

/// Hanayo: stages in waves, down and up the ranks `Waves` times. A rank runs a backward pass if it can, else the
/// forward pass of the deepest chunk that is ready.
///
/// A wave is Chimera's pair of directions without its second copy of the model. Each wave more makes the bubble smaller
/// and the messages more. At most `ranks` micro-batches are in the pipeline at once, so the peak is at most
/// 2 Waves ranks chunks.
/// Source: Liu et al., "Hanayo: Harnessing Wave-like Pipeline Parallelism for Enhanced Large Model Training
/// Efficiency", SC 2023 (arXiv 2308.15762), whose rule of precedence this plays in unit time.
template <int Waves>
struct hanayo {
  static_assert(Waves >= 1, "plait::hanayo<Waves>: Waves counts ways down and up, so it is at least 1");

  static constexpr std::string_view name = "hanayo";
  static constexpr std::string_view suffix = "hanayo";
  static constexpr int chunks = 2 * Waves;
  using placement = wave_placement;

  static constexpr shape_verdict accepts(pipe_shape shape) {
    if (shape.chunks != 2 * Waves) return {false, "each rank has two chunks for each of the Waves of the type"};
    return positive_shape(shape);
  }
  static constexpr int passes(pipe_shape shape) { return 2 * shape.micro * shape.chunks; }
  static constexpr int peak_activations(pipe_shape shape, int rank) {
    return detail::counted_peak<hanayo>(shape, rank);
  }

  /// Writes the orders of all ranks, `passes` each.
  static constexpr void order_all(pipe_shape shape, pass* const* orders) { detail::wave_orders(shape, orders); }
  /// Writes the order of `rank` to `next`, which has room for `passes`; returns its end.
  static constexpr pass* order(pipe_shape shape, int rank, pass* next) {
    return detail::order_of_one<hanayo>(shape, rank, next);
  }
};

}  // namespace plait
