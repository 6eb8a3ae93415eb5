// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/schedule/schedule.hpp>

namespace plait::detail {

/// The eight phases of DualPipe on one rank. Direction 0 is the one whose entrance is nearer.
///
/// half: ranks from an entrance to where the directions meet; place: how far from the entrance this rank is.
/// micro_of(direction, k): the number of the k-th micro-batch of a direction; chunk_of(direction): its chunk here.
template <class ChunkOf, class MicroOf>
class dualpipe_phases {
 public:
  constexpr dualpipe_phases(pass* next, ChunkOf chunk_of, MicroOf micro_of)
      : next_{next}, chunk_of_{chunk_of}, micro_of_{micro_of} {}

  /// micro: of each direction.
  constexpr pass* write(int half, int place, int micro, pass* weights) {
    weights_ = weights;
    const int inner = half - 1 - place;
    for (int i = 0; i < 2 * inner; ++i) forward(0);
    for (int i = 0; i <= place; ++i) forward(0), forward(1);
    for (int i = 0; i < inner; ++i) backward_input(1), weight(), forward(1);
    for (int i = 0; i < micro - 2 * half + place + 1; ++i) {
      both(0, 1, i > 0 || inner > 0);
      both(1, 0, true);
    }
    for (int i = 0; i < inner; ++i) backward(1), both(1, 0, true);
    // Of the pairs of backward passes the later half is split, so that weight halves are left for the end.
    for (int i = 0; i <= place; ++i)
      for (int direction : {1, 0}) 2 * i + (1 - direction) > place ? backward_input(direction) : backward(direction);
    for (int i = 0; i < inner; ++i) weight(), backward_input(0);
    while (weights_begin_ < weights_end_) weight();
    return next_;
  }

 private:
  constexpr pass make(op kind, int direction, int k, bool beside = false) const {
    return {kind, static_cast<std::int16_t>(chunk_of_(direction)), static_cast<std::int16_t>(micro_of_(direction, k)),
            beside};
  }
  constexpr void forward(int direction) { *next_++ = make(op::forward, direction, forward_[direction]++); }
  constexpr void backward(int direction) { *next_++ = make(op::backward, direction, backward_[direction]++); }
  constexpr void backward_input(int direction) {
    weights_[weights_end_++] = make(op::backward_weight, direction, backward_[direction]);
    *next_++ = make(op::backward_input, direction, backward_[direction]++);
  }
  constexpr void weight() { *next_++ = weights_[weights_begin_++]; }
  constexpr void both(int forward_direction, int backward_direction, bool together) {
    forward(forward_direction);
    *next_++ = make(op::backward, backward_direction, backward_[backward_direction]++, together);
  }

  pass* next_;
  ChunkOf chunk_of_;
  MicroOf micro_of_;
  pass* weights_ = nullptr;  ///< halves put off, in order
  int weights_begin_ = 0;
  int weights_end_ = 0;
  int forward_[2]{};
  int backward_[2]{};
};

}  // namespace plait::detail
