// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/schedule/shape.hpp>

namespace plait {

// Placements say which stage a rank holds as its chunk number `chunk`; they are chosen apart from the order of passes.
// A stage that several (rank, chunk) hold has copies, numbered by chunk and then by rank: micro-batch i goes through
// copy i mod copies of it, and the copies' gradients are summed.

/// Stages go round and round: stage `chunk * ranks + rank`.
struct loop_placement {
  static constexpr int stage_of(pipe_shape shape, int rank, int chunk) { return chunk * shape.ranks + rank; }
};

/// Stages bounce between the first rank and the last, so that the last of one way and the first of the next are on one
/// rank: down through chunk 0, up through chunk 1, down through chunk 2. Two chunks make a V, more make waves.
///
///     ranks = 3, chunks = 2:   rank 0 holds stages 0 and 5, rank 1 holds 1 and 4, rank 2 holds 2 and 3
struct wave_placement {
  static constexpr int stage_of(pipe_shape shape, int rank, int chunk) {
    return chunk * shape.ranks + (chunk % 2 == 0 ? rank : shape.ranks - 1 - rank);
  }
};

/// The rank that runs a stage for a micro-batch; -1: none holds it.
template <class Placement>
constexpr int rank_of(pipe_shape shape, int stage, int micro = 0) {
  int copies = 0;
  for (int at = 0; at < shape.chunks * shape.ranks; ++at)
    if (Placement::stage_of(shape, at % shape.ranks, at / shape.ranks) == stage) ++copies;
  if (copies == 0) return -1;
  int left = micro % copies, at = 0;
  while (Placement::stage_of(shape, at % shape.ranks, at / shape.ranks) != stage || left-- > 0) ++at;
  return at % shape.ranks;
}

/// Two copies of every stage, for micro-batches that go down the ranks (chunk 0) and others that go up (chunk 1).
struct bidirectional_placement {
  static constexpr int stage_of(pipe_shape shape, int rank, int chunk) {
    return chunk == 0 ? rank : shape.ranks - 1 - rank;
  }
};

/// Stage s on `Copies[s]` ranks, one stage a rank: the first `Copies[0]` ranks hold stage 0, and so on.
template <int... Copies>
struct replicated_placement {
  static_assert(((Copies >= 1) && ...), "plait::replicated_placement<Copies...>: each stage is on at least 1 rank");
  static constexpr int stages = sizeof...(Copies);
  static constexpr int ranks = (Copies + ... + 0);

  static constexpr int stage_of(pipe_shape, int rank, int) {
    int stage = 0, left = rank;
    static_cast<void>(((left >= Copies ? (left -= Copies, ++stage, true) : false) && ...));
    return stage;
  }
};

}  // namespace plait
