// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/schedule/schedule.hpp>

namespace plait {

/// ZB-H2: more forward passes before the first backward pass, so that no rank idles between its first pass and its
/// last; ranks begin and end one after the other, which makes a step a parallelogram.
///
///     ranks = 4, micro = 8, rank 2:   F0 F1 F2 I0 F3 I1 F4 I2 F5 I3 F6 I4 W0 F7 I5 W1 I6 W2 I7 W3 W4 W5 W6 W7
///
/// Bubble: none within a rank's own span, which is 3 micro in the unit case, for micro >= 2 ranks - 1; ranks - 1 at its
/// ends. In the paper the next step begins there; here no step begins before the one before it has been validated
/// (docs/design/split_backward.md), so at equal costs a step is as long as one of ZB-H1, and shorter where messages
/// take time or input halves take longer than weight halves. Peak: 2 ranks - 1 on every rank, about twice that of 1F1B.
/// Source: Qi et al., ICLR 2024 (arXiv 2401.10241), section 2.2.
struct zb_h2 {
  static constexpr std::string_view name = "zb_h2";
  static constexpr std::string_view suffix = "zb_h2";
  static constexpr int chunks = 1;
  using placement = loop_placement;

  static constexpr shape_verdict accepts(pipe_shape shape) {
    if (shape.chunks != 1) return {false, "each rank has 1 chunk"};
    return positive_shape(shape);
  }
  static constexpr int peak_activations(pipe_shape shape, int) {
    const int most = 2 * shape.ranks - 1;
    return shape.micro < most ? shape.micro : most;
  }
  static constexpr int passes(pipe_shape shape) { return 3 * shape.micro; }

  /// Writes the order of `rank` to `next`, which has room for `passes`; returns its end.
  static constexpr pass* order(pipe_shape shape, int rank, pass* next) {
    std::int16_t forward = 0, input = 0, weight = 0;
    const int warm_up = 2 * (shape.ranks - rank) - 1;
    while (forward < warm_up && forward < shape.micro) *next++ = {op::forward, 0, forward++};
    while (input < shape.micro) {
      *next++ = {op::backward_input, 0, input++};
      if (input > 2 * rank || forward == shape.micro) *next++ = {op::backward_weight, 0, weight++};
      if (forward < shape.micro) *next++ = {op::forward, 0, forward++};
    }
    while (weight < shape.micro) *next++ = {op::backward_weight, 0, weight++};
    return next;
  }
};

}  // namespace plait
