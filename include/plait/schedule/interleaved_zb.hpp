// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/schedule/detail/split_one_f_one_b.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait {

/// Interleaved 1F1B with split backward passes.
///
/// Bubble: (ranks - 1) / (3 micro * chunks + ranks - 1) of the step in the unit case, for micro >= ranks.
/// Peak: the first group through all chunks but the last, and one for each rank. Groups are those of `interleaved`.
/// Source: the order of torch's `ScheduleInterleavedZeroBubble`, from section 2.1 of arXiv 2401.10241.
template <int Chunks, int Group = 0>
struct interleaved_zb {
  static_assert(Chunks >= 1, "plait::interleaved_zb<Chunks, Group>: Chunks counts stages on a rank");
  static_assert(Group >= 0, "plait::interleaved_zb<Chunks, Group>: Group counts micro-batches; 0 chooses even groups");

  static constexpr std::string_view name = "interleaved_zb";
  static constexpr std::string_view suffix = "interleaved_zb";
  static constexpr int chunks = Chunks;
  using placement = loop_placement;

  static constexpr shape_verdict accepts(pipe_shape shape) {
    if (shape.chunks != Chunks) return {false, "the shape's chunks are not the Chunks of the type"};
    return detail::depth_first{shape, Group}.accepts();
  }
  static constexpr int peak_activations(pipe_shape shape, int) {
    const int all = shape.micro * shape.chunks;
    const int wanted = (shape.chunks - 1) * detail::depth_first{shape, Group}.first_group() + shape.ranks;
    return wanted < all ? wanted : all;
  }
  static constexpr int passes(pipe_shape shape) { return 3 * shape.micro * shape.chunks; }

  /// Writes the order of `rank` to `next`, which has room for `passes`; returns its end.
  static constexpr pass* order(pipe_shape shape, int rank, pass* next) {
    return detail::split_interleaved({shape, Group}, rank, next);
  }
};

}  // namespace plait
