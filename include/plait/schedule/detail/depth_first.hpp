// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/core/ranges.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait::detail {

/// The way of interleaved schedules through micro-batches and chunks: micro-batches go in groups; inside a group all
/// run through the first chunk, then all through the next, and so on. Backward passes take the chunks in reverse.
struct depth_first {
  pipe_shape shape;
  int group_size = 0;  ///< micro-batches of a group; 0: dealt evenly to as many groups as have at least `ranks` each

  [[nodiscard]] constexpr int groups() const {
    if (group_size > 0) return (shape.micro + group_size - 1) / group_size;
    return shape.micro < shape.ranks ? 1 : shape.micro / shape.ranks;
  }
  /// Micro-batches of group number `index`.
  [[nodiscard]] constexpr index_range group(int index) const {
    if (group_size == 0) return balanced_part(shape.micro, groups(), index);
    const int begin = index * group_size;
    return {begin, begin + group_size < shape.micro ? begin + group_size : shape.micro};
  }
  [[nodiscard]] constexpr int first_group() const { return static_cast<int>(group(0).size()); }

  [[nodiscard]] constexpr shape_verdict accepts() const {
    if (group_size > 0) {
      if (group_size < shape.ranks)
        return {false, "a group must have at least as many micro-batches as there are ranks"};
      const int left = shape.micro % group_size;
      if (shape.micro > group_size && left > 0 && left < shape.ranks)
        return {false, "micro-batches left over after whole groups must be none or at least the number of ranks",
                shape.micro - left, shape.micro - left + shape.ranks};
    }
    return positive_shape(shape);
  }

  /// Messages that go on to another chunk, from the last rank to the first or back, wait for the rest of the group.
  [[nodiscard]] constexpr int in_flight(int rank, int chunk, op kind) const {
    const bool round =
        kind == op::send_gradient ? rank == 0 && chunk > 0 : rank == shape.ranks - 1 && chunk < shape.chunks - 1;
    const int waiting = first_group() - shape.ranks + 1;
    return (round || shape.ranks == 1) && waiting > 2 ? waiting : 2;
  }

  /// The next pass of a kind, from the first to the last.
  class walk {
   public:
    constexpr explicit walk(const depth_first& way) : way_{way}, members_{way.group(0)} {}

    constexpr pass step(op kind) {
      const pass now{kind, static_cast<std::int16_t>(kind == op::forward ? chunk_ : way_.shape.chunks - 1 - chunk_),
                     static_cast<std::int16_t>(micro_)};
      if (++micro_ == members_.end) {
        if (++chunk_ == way_.shape.chunks) {
          chunk_ = 0;
          if (++at_group_ < way_.groups()) members_ = way_.group(at_group_);
        }
        micro_ = members_.begin;
      }
      return now;
    }

   private:
    const depth_first& way_;
    index_range members_;
    int at_group_ = 0;
    std::int64_t micro_ = 0;
    int chunk_ = 0;
  };
};

}  // namespace plait::detail
