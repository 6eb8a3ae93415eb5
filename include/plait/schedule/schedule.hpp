// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include <plait/schedule/action.hpp>
#include <plait/schedule/shape.hpp>

namespace plait {

/// One pass of a rank's order: which chunk of the rank, which micro-batch. The stage follows from the placement.
struct pass {
  op kind = op::forward;
  std::int16_t chunk = 0;
  std::int16_t micro = 0;

  friend constexpr bool operator==(const pass&, const pass&) = default;
};

/// Which rank runs a stage: placement is chosen apart from order. Stage `chunk * ranks + rank`: stages go round and
/// round.
struct loop_placement {
  static constexpr int rank_of(pipe_shape shape, int stage) { return stage % shape.ranks; }
  static constexpr int stage_of(pipe_shape shape, int rank, int chunk) { return chunk * shape.ranks + rank; }
};

/// A schedule gives each rank of a pipeline the order of its forward and backward passes. Sends, receives and
/// reductions are derived from the order (`program_of`), not written in it.
///
/// Laws, for every shape that `accepts` finds legal (tests/schedule/laws.cpp):
///   1. each (micro-batch, chunk) is run forward exactly once and backward exactly once, in that order
///   2. the programs of all ranks together complete, and each message is the one its receiver waits for (`verify`)
///   3. activations alive on a rank reach `peak_activations` and never exceed it
template <class S>
concept schedule = requires(pipe_shape shape, int rank, pass* next) {
  { S::name } -> std::convertible_to<std::string_view>;
  { S::suffix } -> std::convertible_to<std::string_view>;  // in the names of layouts; empty for the default schedule
  typename S::placement;
  { S::accepts(shape) } -> std::same_as<shape_verdict>;
  { S::passes(shape) } -> std::convertible_to<int>;        // in the order of one rank
  { S::order(shape, rank, next) } -> std::same_as<pass*>;  // writes them; returns the end
  { S::peak_activations(shape, rank) } -> std::convertible_to<int>;
};

/// How many outputs (`send_activation`) or gradients (`send_gradient`) of a rank's chunk may be under way at once. Two
/// let a rank go on where the receiver keeps pace. A schedule whose receivers come to messages later says how many it
/// takes: `static constexpr int in_flight(pipe_shape shape, int rank, int chunk, op kind)`. Two chunks of one rank that
/// are neighbouring stages need equal numbers.
template <schedule S>
constexpr int messages_in_flight(pipe_shape shape, int rank, int chunk, op kind) {
  if constexpr (requires { S::in_flight(shape, rank, chunk, kind); })
    return S::in_flight(shape, rank, chunk, kind);
  else
    return 2;
}

}  // namespace plait
