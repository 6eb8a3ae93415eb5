// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/schedule/detail/depth_first.hpp>
#include <plait/schedule/detail/whole_one_f_one_b.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait {

/// Interleaved 1F1B: each rank has `Chunks` stages, so a micro-batch goes round the ranks `Chunks` times and the bubble
/// is that much smaller, for that many times the messages.
///
///     ranks = 2, micro = 4, chunks = 2, rank 0 (the letter is the chunk):
///       F0a F1a F0b F1b F2a B0b F3a B1b F2b B0a F3b B1a B2b B3b B2a B3a
///
/// Micro-batches go in groups: inside a group all run through chunk 0, then all through chunk 1, and so on; backward
/// passes take the chunks in reverse. A group needs at least `ranks` micro-batches, or a rank would wait for an output
/// that it has yet to make room for. With `Group` = 0 the micro-batches are dealt evenly to as many groups as there is
/// room for, so every number of micro-batches is legal; with `Group` given, groups have that size, and what is left
/// over must be none or at least `ranks`.
///
/// Bubble: (ranks - 1) / (micro * chunks + ranks - 1) of the step, for micro >= ranks.
/// Source: Narayanan et al., "Efficient Large-Scale Language Model Training on GPU Clusters Using Megatron-LM", SC
/// 2021, section 2.2; for micro divisible by ranks the order is Megatron's. Even groups:
/// `docs/design/interleaved_groups.md`.
template <int Chunks, int Group = 0>
struct interleaved {
  static_assert(Chunks >= 1, "plait::interleaved<Chunks, Group>: Chunks counts stages on a rank, so it is at least 1");
  static_assert(Group >= 0, "plait::interleaved<Chunks, Group>: Group counts micro-batches; 0 chooses even groups");

  static constexpr std::string_view name = "interleaved_1f1b";
  static constexpr std::string_view suffix = "interleaved";
  static constexpr int chunks = Chunks;
  using placement = loop_placement;

  static constexpr shape_verdict accepts(pipe_shape shape) {
    if (shape.chunks != Chunks) return {false, "the shape's chunks are not the Chunks of the type"};
    return way(shape).accepts();
  }

  /// Forward passes before the first backward pass.
  static constexpr int warm_up(pipe_shape shape, int rank) { return detail::interleaved_warm_up(way(shape), rank); }

  static constexpr int peak_activations(pipe_shape shape, int rank) {
    const int all = shape.micro * shape.chunks;
    return warm_up(shape, rank) < all ? warm_up(shape, rank) + 1 : all;
  }

  static constexpr int in_flight(pipe_shape shape, int rank, int chunk, op kind) {
    return way(shape).in_flight(rank, chunk, kind);
  }

  static constexpr int passes(pipe_shape shape) { return 2 * shape.micro * shape.chunks; }

  /// Writes the order of `rank` to `next`, which has room for `passes`; returns its end.
  static constexpr pass* order(pipe_shape shape, int rank, pass* next) {
    return detail::whole_one_f_one_b(way(shape), warm_up(shape, rank), next);
  }

 private:
  static constexpr detail::depth_first way(pipe_shape shape) { return {shape, Group}; }
};

}  // namespace plait
