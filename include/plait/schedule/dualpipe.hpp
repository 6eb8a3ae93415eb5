// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <plait/core/scratch.hpp>
#include <plait/schedule/detail/dualpipe_phases.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait {

/// DualPipe: micro-batches enter at both ends, half of them at each, and every rank holds a stage of either direction;
/// forward passes of one direction run together with backward passes of the other, so that their messages hide.
///
///     ranks = 4: rank 0 holds stages 0 (down) and 3 (up); even micro-batches go down, odd ones up
///
/// Bubble: (ranks / 2 - 1) (F&B + B - 3 W), that is 2 (ranks / 2 - 1) in the unit case.   Peak: ranks + 1.
/// Two copies of every stage: their gradients are summed by actions of the program.
/// Needs: even ranks, even micro >= 2 ranks.   Source: DeepSeek-AI, "DeepSeek-V3 Technical Report", arXiv 2412.19437,
/// section 3.2.1, and its published implementation.
struct dualpipe {
  static constexpr std::string_view name = "dualpipe";
  static constexpr std::string_view suffix = "dualpipe";
  static constexpr int chunks = 2;
  using placement = bidirectional_placement;
  static constexpr int stages(int ranks) { return ranks; }

  static constexpr shape_verdict accepts(pipe_shape shape) {
    if (shape.chunks != 2) return {false, "each rank has 2 chunks, one of either direction"};
    if (shape.stages() != shape.ranks) return {false, "there are as many stages as ranks, each with a copy"};
    if (shape.ranks % 2 != 0) return {false, "the number of ranks must be even"};
    if (shape.micro < 2 * shape.ranks)
      return {false, "there must be at least twice as many micro-batches as ranks", 0, 2 * shape.ranks};
    if (shape.micro % 2 != 0)
      return {false, "the number of micro-batches must be even", shape.micro - 1, shape.micro + 1};
    return positive_shape(shape);
  }
  static constexpr int peak_activations(pipe_shape shape, int) { return shape.ranks + 1; }
  static constexpr int passes(pipe_shape shape) { return 3 * shape.micro; }

  /// Writes the order of `rank` to `next`, which has room for `passes`; returns its end.
  static constexpr pass* order(pipe_shape shape, int rank, pass* next) {
    const bool second_half = rank >= shape.ranks / 2;
    const int place = second_half ? shape.ranks - 1 - rank : rank;
    const auto way = [=](int direction) { return second_half ? 1 - direction : direction; };
    detail::dualpipe_phases phases{next, way, [=](int direction, int k) { return 2 * k + way(direction); }};
    scratch<pass> weights(static_cast<std::size_t>(shape.micro));
    return phases.write(shape.ranks / 2, place, shape.micro / 2, weights.data());
  }
};

}  // namespace plait
