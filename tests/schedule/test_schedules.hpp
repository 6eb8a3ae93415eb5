// SPDX-License-Identifier: Apache-2.0
#pragma once
// Schedules such as users may bring, with what those of the library do not have: halves of backward passes, and a
// placement that puts neighbouring stages on one rank.

#include <algorithm>

#include <plait/schedule/schedule.hpp>

namespace testing {

/// ZB-H1: 1F1B whose backward passes are split, the weight halves filling the bubble.
/// Source: Qi et al., "Zero Bubble Pipeline Parallelism", arXiv:2401.10241, section 2.1.
struct zero_bubble_h1 {
  static constexpr std::string_view name = "zero_bubble_h1";
  static constexpr std::string_view suffix = "zbh1";
  static constexpr int chunks = 1;
  using placement = plait::loop_placement;

  static constexpr plait::shape_verdict accepts(plait::pipe_shape shape) {
    if (shape.micro < shape.ranks) return {false, "it needs as many micro-batches as ranks", 0, shape.ranks};
    return plait::positive_shape(shape);
  }
  static constexpr int peak_activations(plait::pipe_shape shape, int) { return shape.ranks; }
  static constexpr int passes(plait::pipe_shape shape) { return 3 * shape.micro; }

  static constexpr plait::pass* order(plait::pipe_shape shape, int rank, plait::pass* next) {
    std::int16_t forward = 0, input = 0, weight = 0;
    const auto add = [&](plait::op kind, std::int16_t& micro) { *next++ = {kind, 0, micro++}; };
    while (forward < shape.ranks - 1 - rank) add(plait::op::forward, forward);
    for (int pair = 0; forward < shape.micro; ++pair) {
      add(plait::op::forward, forward);
      add(plait::op::backward_input, input);
      if (pair >= rank) add(plait::op::backward_weight, weight);
    }
    while (input < shape.micro) {
      add(plait::op::backward_input, input);
      add(plait::op::backward_weight, weight);
    }
    while (weight < shape.micro) add(plait::op::backward_weight, weight);
    return next;
  }
};

/// Stages go down the ranks and up again: the last rank has two neighbouring stages.
struct v_placement {
  static constexpr int rank_of(plait::pipe_shape shape, int stage) {
    return std::min(stage, 2 * shape.ranks - 1 - stage);
  }
  static constexpr int stage_of(plait::pipe_shape shape, int rank, int chunk) {
    return chunk == 0 ? rank : 2 * shape.ranks - 1 - rank;
  }
};

/// `Depth` micro-batches at a time go down and up and back again: little overlap, but a V.
template <int Depth>
struct few_at_a_time {
  static constexpr std::string_view name = "few_at_a_time";
  static constexpr std::string_view suffix = "few";
  static constexpr int chunks = 2;
  using placement = v_placement;

  static constexpr plait::shape_verdict accepts(plait::pipe_shape shape) { return plait::positive_shape(shape); }
  static constexpr int peak_activations(plait::pipe_shape shape, int) { return 2 * std::min(Depth, shape.micro); }
  static constexpr int passes(plait::pipe_shape shape) { return 4 * shape.micro; }

  static constexpr plait::pass* order(plait::pipe_shape shape, int, plait::pass* next) {
    for (int first = 0; first < shape.micro; first += Depth) {
      const int end = std::min(first + Depth, shape.micro);
      for (plait::op kind : {plait::op::forward, plait::op::backward})
        for (int turn : {0, 1})
          for (int micro = first; micro < end; ++micro)
            *next++ = {kind, static_cast<std::int16_t>(kind == plait::op::forward ? turn : 1 - turn),
                       static_cast<std::int16_t>(micro)};
    }
    return next;
  }
};

}  // namespace testing
