// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/schedule/detail/counted_peak.hpp>
#include <plait/schedule/detail/v_pattern.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait {

/// V-1F1B: a V whose backward passes stay whole, with the memory of 1F1B and two thirds of its bubble.
///
/// The pattern: passes go down the ranks 2 units apart and up 4 apart, so that with a period of 6 all ranks have the
/// same one, shifted; where ways turn they wait until their place in the period is free.
/// Step: 6 micro + 4 (ranks - 1) in the unit case, for micro >= ranks.   Peak: 2 ranks chunks, at most.
/// Source: the family of arXiv 2405.15362, section 3, whose building blocks repeat with any offsets that do not
/// collide.
struct v_1f1b {
  static constexpr std::string_view name = "v_1f1b";
  static constexpr std::string_view suffix = "v_1f1b";
  static constexpr int chunks = 2;
  using placement = wave_placement;

  static constexpr shape_verdict accepts(pipe_shape shape) { return detail::accepts_v(shape); }
  static constexpr int passes(pipe_shape shape) { return 4 * shape.micro; }
  static constexpr int peak_activations(pipe_shape shape, int rank) {
    return detail::counted_peak<v_1f1b>(shape, rank);
  }

  /// Writes the order of `rank` to `next`, which has room for `passes`; returns its end.
  static constexpr pass* order(pipe_shape shape, int rank, pass* next) {
    // Places in the period, shifted by 2 units a rank: forward 0, forward of the way up 1, backward 2 and 3 on the way
    // down again, 4 and 5 on the way up.
    const int last = shape.ranks - 1;
    const auto not_before = [](int earliest, int place) { return earliest + ((place - earliest) % 6 + 6) % 6; };
    const int up = not_before(2 * last + 1, 1 + 2 * last);           // forward of the way up, on the last rank
    const int down = not_before(up + 4 * last + 1, 2);               // backward of the way up, on the first
    const int back = not_before(down + 2 * last + 2, 4 + 2 * last);  // backward of the way down, on the last
    return detail::repeat_pattern(
        {.forward = {2 * rank, up + 4 * (last - rank)}, .backward = {back + 4 * (last - rank), down + 2 * rank}},
        shape.micro, op::backward, next);
  }
};

}  // namespace plait
