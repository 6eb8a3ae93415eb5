// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/schedule/schedule.hpp>

namespace plait {

/// Chimera: two 1F1B pipelines in opposite directions, whose passes fall into each other's bubbles. Micro-batches come
/// in units of `ranks`, half of each unit in either direction; the first passes of a unit run among the last of the one
/// before.
///
///     ranks = 4, micro = 4, rank 0 (a down, b up):   F0a F2a F1b B1b F3b B3b B0a B2a
///
/// In slots of one pass, micro-batch k of the way down is at rank r forward in slot r + 2 k and backward in slot
/// 2 ranks - 1 - r + 2 k; the way up is its mirror image. For even ranks no two passes of a rank share a slot.
///
/// Step: 3 micro + (units + 1)(ranks - 2) in the unit case.   Peak: ranks / 2 + 1 + min(rank, ranks - 1 - rank), at
/// most. Two copies of every stage: their gradients are summed by actions of the program. Needs: even ranks; micro
/// divisible by ranks.   Source: Li and Hoefler, "Chimera: Efficiently Training Large-Scale Neural Networks with
/// Bidirectional Pipelines", SC 2021, section 3.
struct chimera {
  static constexpr std::string_view name = "chimera";
  static constexpr std::string_view suffix = "chimera";
  static constexpr int chunks = 2;
  using placement = bidirectional_placement;
  static constexpr int stages(int ranks) { return ranks; }

  static constexpr shape_verdict accepts(pipe_shape shape) {
    if (shape.chunks != 2) return {false, "each rank has 2 chunks, one of either direction"};
    if (shape.stages() != shape.ranks) return {false, "there are as many stages as ranks, each with a copy"};
    if (shape.ranks % 2 != 0) return {false, "the number of ranks must be even"};
    const int left = shape.micro % shape.ranks;
    if (left != 0)
      return {false, "the number of micro-batches must be a multiple of the number of ranks", shape.micro - left,
              shape.micro - left + shape.ranks};
    return positive_shape(shape);
  }
  static constexpr int peak_activations(pipe_shape shape, int rank) {
    const int behind = shape.ranks - 1 - rank;
    return shape.ranks / 2 + 1 + (rank < behind ? rank : behind);
  }
  static constexpr int passes(pipe_shape shape) { return 2 * shape.micro; }

  /// Writes the order of `rank` to `next`, which has room for `passes`; returns its end.
  static constexpr pass* order(pipe_shape shape, int rank, pass* next) {
    const int ranks = shape.ranks, units = shape.micro / ranks;
    for (int slot = 0; slot < 2 * ranks * (units + 1); ++slot)  // units follow 2 ranks slots apart
      for (int unit = slot < 2 * ranks ? 0 : slot / (2 * ranks) - 1; unit <= slot / (2 * ranks) && unit < units; ++unit)
        for (int way : {0, 1}) {
          const int place = way == 0 ? rank : ranks - 1 - rank;
          for (op kind : {op::forward, op::backward}) {
            const int from = slot - 2 * ranks * unit - (kind == op::forward ? place : 2 * ranks - 1 - place);
            if (from >= 0 && from % 2 == 0 && from < ranks)
              *next++ = {kind, static_cast<std::int16_t>(way), static_cast<std::int16_t>(unit * ranks + from + way)};
          }
        }
    return next;
  }
};

}  // namespace plait
