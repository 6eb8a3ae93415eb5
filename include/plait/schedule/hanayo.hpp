// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <plait/core/scratch.hpp>
#include <plait/schedule/detail/counted_peak.hpp>
#include <plait/schedule/detail/list_scheduler.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait {

namespace detail {

/// The orders of one wave: as many activations as `ranks` micro-batches have, on whichever micro-batches.
constexpr void one_wave_orders(const stage_table& table, pipe_shape shape, pass* const* orders) {
  scratch<int> limits(static_cast<std::size_t>(shape.ranks));
  for (int rank = 0; rank < shape.ranks; ++rank) limits.data()[rank] = 2 * shape.ranks;
  list_scheduler{table, shape, list_rules{.limit = limits.data()}}.run(orders);
}

/// Writes the orders of waves for all ranks, for any even number of chunks.
constexpr void wave_orders(pipe_shape shape, pass* const* orders) {
  const stage_table table{shape, [&](int rank, int chunk) { return wave_placement::stage_of(shape, rank, chunk); }};
  if (shape.chunks == 2) return one_wave_orders(table, shape, orders);
  // Queues between two ranks serve several pairs of stages, where a limit can lock: a window cannot.
  const double narrow = list_scheduler{table, shape, list_rules{.window = shape.ranks}}.run(orders);
  if (shape.micro <= shape.ranks) return;
  const int passes = 2 * shape.micro * shape.chunks;
  scratch<pass> memory(static_cast<std::size_t>(shape.ranks * passes));
  scratch<pass*> wider(static_cast<std::size_t>(shape.ranks));
  for (int rank = 0; rank < shape.ranks; ++rank) wider.data()[rank] = memory.data() + rank * passes;
  const list_rules rules{.window = shape.ranks + (shape.ranks + 3) / 4};
  if (list_scheduler{table, shape, rules}.run(wider.data()) >= narrow) return;
  for (int rank = 0; rank < shape.ranks; ++rank)
    for (int i = 0; i < passes; ++i) orders[rank][i] = wider.data()[rank][i];
}

}  // namespace detail

/// Hanayo: stages in waves, down and up the ranks `Waves` times. A rank runs a backward pass if it can, else the
/// forward pass of the deepest chunk that is ready.
///
/// A wave is Chimera's pair of directions without its second copy of the model. Each wave more makes the bubble smaller
/// and the messages more.
///
/// The paper speaks of as many micro-batches as there are ranks, whose peak is 2 Waves ranks chunks. Of more, one wave
/// runs whichever keep within that peak: 65 units for 8 micro-batches on 4 ranks, where it takes 78 if a micro-batch
/// comes in only when the one `ranks` before it has left. With more waves a micro-batch comes in when the one `ranks`
/// before it has left or, where that is shorter, a quarter more; so the peak is then up to a quarter higher.
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
