// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <type_traits>

#include <plait/schedule/schedule.hpp>

namespace plait {

/// PipeDream: asynchronous 1F1B. Micro-batches follow one another without a drain, and every stage updates its weights
/// after each backward pass; a micro-batch goes backward with the weights it went forward with, which are kept.
///
///     ranks = 4, rank 2 (U: update):   F0 F1 B0 U F2 B1 U F3 B2 U ...
///
/// One program makes `steps` steps of one micro-batch each, and drains at its end, as PipeDream does between epochs.
/// Bubble: none once the pipeline is full.   Peak: ranks - rank activations, and as many versions of the weights with
/// `stash`; `ranks` versions with `synchronised`, where a micro-batch uses one version at all stages.   Gradients are
/// computed with weights that are up to ranks - 1 - rank updates old.
///
/// Copies...: how many ranks hold each stage (none: one each). Micro-batch i goes through copy i mod copies; the copies
/// average their gradients over each round and update together. A rank of a stage with c copies warms up with
/// (ranks that hold it or later stages - 1) / c forward passes, rounded down.
/// Source: Narayanan et al., SOSP 2019, sections 3.2 and 3.3; warm-up as in the published runtime.
template <weight_versions Versions = weight_versions::stash, int... Copies>
struct pipedream {
  static_assert(Versions == weight_versions::stash || Versions == weight_versions::synchronised,
                "plait::pipedream<Versions>: its weights are stashed, with or without vertical sync");
  static_assert(
      sizeof...(Copies) == 0 || Versions == weight_versions::stash,
      "plait::pipedream<Versions, Copies...>: copies of a stage count their updates each for themselves, so no "
      "version is the same at all stages; use weight_versions::stash");

  static constexpr std::string_view name = "pipedream";
  static constexpr std::string_view suffix = "pipedream";
  static constexpr int chunks = 1;
  static constexpr weight_versions versions = Versions;
  using placement = std::conditional_t<sizeof...(Copies) == 0, loop_placement, replicated_placement<Copies...>>;
  static constexpr int stages(int ranks) {
    return sizeof...(Copies) == 0 ? ranks : static_cast<int>(sizeof...(Copies));
  }

  static constexpr shape_verdict accepts(pipe_shape shape) {
    if (shape.chunks != 1) return {false, "each rank has 1 chunk"};
    if (shape.micro != 1)
      return {false, "every micro-batch is a step with an update of its own; pipedream_2bw has more to a step", 1, 0};
    if (sizeof...(Copies) > 0 && (shape.ranks != (Copies + ... + 0) || shape.stages() != stages(shape.ranks)))
      return {false, "the ranks must be as many as the copies of all stages"};
    if (((shape.steps % Copies != 0) || ...)) return {false, "the steps must divide by the copies of each stage"};
    return positive_shape(shape);
  }

  /// Copies of the stage of a rank, and the number of this one.
  struct place {
    int stage = 0;
    int copies = 1;
    int copy = 0;
  };
  static constexpr place place_of(int rank) {
    if constexpr (sizeof...(Copies) == 0) {
      return {rank, 1, 0};
    } else {
      constexpr int copies[]{Copies...};
      place here{.copies = copies[0], .copy = rank};
      for (; here.copy >= here.copies; here.copies = copies[here.stage]) here.copy -= here.copies, ++here.stage;
      return here;
    }
  }
  static constexpr int warm_up(pipe_shape shape, int rank) {
    const place here = place_of(rank);
    const int wanted = (shape.ranks - 1 - (rank - here.copy)) / here.copies, all = shape.steps / here.copies;
    return wanted < all ? wanted : all;
  }
  static constexpr int peak_activations(pipe_shape shape, int rank) {
    const int all = shape.steps / place_of(rank).copies;
    return warm_up(shape, rank) < all ? warm_up(shape, rank) + 1 : all;
  }
  static constexpr int passes(pipe_shape shape) { return 2 * shape.steps; }
  static constexpr int in_flight(pipe_shape, int, int, op) { return 2; }

  /// Writes the order of `rank` to `next`, which has room for `passes`; returns its end.
  static constexpr pass* order(pipe_shape shape, int rank, pass* next) {
    const place here = place_of(rank);
    int forward = here.copy, backward = here.copy;
    const auto write = [&](op kind, int& micro) {
      *next++ = {kind, 0, static_cast<std::int16_t>(micro)};
      micro += here.copies;
    };
    for (int i = warm_up(shape, rank); i > 0; --i) write(op::forward, forward);
    while (forward < shape.steps) write(op::forward, forward), write(op::backward, backward);
    while (backward < shape.steps) write(op::backward, backward);
    return next;
  }
};

}  // namespace plait
