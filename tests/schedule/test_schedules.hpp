// SPDX-License-Identifier: Apache-2.0
#pragma once
// Schedules such as users may bring, with a placement that puts neighbouring stages on one rank, and no word about
// how many messages are under way.

#include <algorithm>

#include <plait/schedule/schedule.hpp>

namespace testing {

/// `Depth` micro-batches at a time go down and up and back again: little overlap, but a V.
template <int Depth>
struct few_at_a_time {
  static constexpr std::string_view name = "few_at_a_time";
  static constexpr std::string_view suffix = "few";
  static constexpr int chunks = 2;
  using placement = plait::wave_placement;

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
