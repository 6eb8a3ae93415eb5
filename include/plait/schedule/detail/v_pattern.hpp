// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <plait/core/scratch.hpp>
#include <plait/schedule/detail/list_scheduler.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait::detail {

/// Whether a shape is a V: two chunks on each rank, down and up again.
constexpr shape_verdict accepts_v(pipe_shape shape) {
  if (shape.chunks != 2) return {false, "each rank has 2 chunks, one on the way down and one on the way up"};
  return positive_shape(shape);
}

/// When a micro-batch's passes begin on one rank, in units of time; micro-batch i comes 6 i later.
struct v_pattern {
  int forward[2];   ///< [chunks]
  int backward[2];  ///< the input half, or a whole pass of two units
};

/// Repeats a pattern: the forward and backward passes of one rank in the order of their times; returns their end.
constexpr pass* repeat_pattern(const v_pattern& pattern, int micro, op backward, pass* next) {
  int done = 0;
  for (int time = 0; done < 4 * micro; ++time)
    for (const op kind : {op::forward, backward})
      for (const int chunk : {0, 1}) {
        const int from = time - (kind == op::forward ? pattern.forward[chunk] : pattern.backward[chunk]);
        if (from < 0 || from % 6 != 0 || from / 6 >= micro) continue;
        *next++ = {kind, static_cast<std::int16_t>(chunk), static_cast<std::int16_t>(from / 6)};
        ++done;
      }
  return next;
}

/// The orders of all ranks of a V with split backward passes: forward passes and input halves as `given(rank, next)`
/// writes them, weight halves where a rank would idle or keep more than `limit` activations. The idle time between
/// passes is squeezed out of it, and what warms up or drains may change places.
template <class Given>
constexpr void fill_with_weights(pipe_shape shape, int limit, Given&& given, pass* const* orders) {
  const auto ranks = static_cast<std::size_t>(shape.ranks), passes = static_cast<std::size_t>(4 * shape.micro);
  scratch<pass> memory(ranks * passes);
  scratch<const pass*> begins(ranks);
  scratch<int> limits(ranks);
  for (int rank = 0; rank < shape.ranks; ++rank) {
    pass* const begin = memory.data() + passes * static_cast<std::size_t>(rank);
    given(rank, begin);
    begins.data()[rank] = begin;
    limits.data()[rank] = limit;
  }
  const stage_table table{shape, [&](int rank, int chunk) { return wave_placement::stage_of(shape, rank, chunk); }};
  list_scheduler{table, shape, list_rules{.split = true, .limit = limits.data(), .given = begins.data()}}.run(orders);
}

}  // namespace plait::detail
