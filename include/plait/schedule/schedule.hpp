// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <plait/core/scratch.hpp>
#include <plait/schedule/action.hpp>
#include <plait/schedule/placement.hpp>
#include <plait/schedule/shape.hpp>
#include <plait/schedule/weight_versions.hpp>

namespace plait {

/// One pass of a rank's order: which chunk of the rank, which micro-batch. The stage follows from the placement.
struct pass {
  op kind = op::forward;
  std::int16_t chunk = 0;
  std::int16_t micro = 0;
  bool beside = false;  ///< a backward pass that runs together with the forward pass before it

  friend constexpr bool operator==(const pass&, const pass&) = default;
};

/// A schedule gives each rank of a pipeline the order of its forward and backward passes. Sends, receives and
/// reductions are derived from the order (`program_of`), not written in it.
///
/// Laws, for every shape that `accepts` finds legal (tests/schedule/laws.cpp):
///   1. each micro-batch is run forward exactly once and backward exactly once through each stage, in that order
///   2. the programs of all ranks together complete, and each message is the one its receiver waits for (`verify`)
///   3. activations alive on a rank reach `peak_activations` and never exceed it
///
/// A schedule may say more: `versions`, the weight versions it keeps (else it flushes); `stages(ranks)`, where ranks
/// hold copies; `in_flight`, how many messages may be under way (else that follows from the order); and
/// `order_all(shape, pass* const* orders)`, which writes the orders of all ranks, where one cannot be had without the
/// others.
template <class S>
concept schedule = requires(pipe_shape shape, int rank, int chunk, pass* next) {
  { S::name } -> std::convertible_to<std::string_view>;
  { S::suffix } -> std::convertible_to<std::string_view>;  // in the names of layouts; empty for the default schedule
  { S::placement::stage_of(shape, rank, chunk) } -> std::convertible_to<int>;
  { S::accepts(shape) } -> std::same_as<shape_verdict>;
  { S::passes(shape) } -> std::convertible_to<int>;        // in the order of one rank, at most
  { S::order(shape, rank, next) } -> std::same_as<pass*>;  // writes them; returns the end
  { S::peak_activations(shape, rank) } -> std::convertible_to<int>;
};

/// The shape of a schedule's pipeline: its chunks, and its stages where ranks hold copies of them.
/// steps: that one program makes; schedules that flush make 1.
template <schedule S>
constexpr pipe_shape shape_of(int ranks, int micro, int steps = 1) {
  pipe_shape shape{.ranks = ranks, .micro = micro, .chunks = S::chunks, .steps = steps};
  if constexpr (requires { S::stages(ranks); }) shape.model_stages = S::stages(ranks);
  return shape;
}

/// The weight versions that a schedule keeps.
template <schedule S>
constexpr weight_versions versions_of() {
  if constexpr (requires { S::versions; })
    return S::versions;
  else
    return weight_versions::flush;
}

/// Whether a schedule says itself how many outputs (`send_activation`) or gradients (`send_gradient`) of a rank's chunk
/// may be under way at once: `static constexpr int in_flight(pipe_shape shape, int rank, int chunk, op kind)`. Two let
/// a rank go on where the receiver keeps pace. Two chunks of one rank that are neighbouring stages need equal numbers.
template <class S>
concept states_messages_in_flight = requires(pipe_shape shape) {
  { S::in_flight(shape, 0, 0, op::send_gradient) } -> std::convertible_to<int>;
};

namespace detail {

/// The order of one rank.
struct rank_order_of_passes {
  const pass* begin = nullptr;
  const pass* end = nullptr;
};

/// Writes the orders of all ranks into `memory`, which has room for `passes` of each.
template <schedule S>
constexpr void write_orders(pipe_shape shape, pass* memory, rank_order_of_passes* orders) {
  const int passes = S::passes(shape);
  if constexpr (requires(pass* const* all) { S::order_all(shape, all); }) {
    scratch<pass*> begins(static_cast<std::size_t>(shape.ranks));
    for (int rank = 0; rank < shape.ranks; ++rank) begins.data()[rank] = memory + rank * passes;
    S::order_all(shape, begins.data());
    for (int rank = 0; rank < shape.ranks; ++rank)
      orders[rank] = {memory + rank * passes, memory + (rank + 1) * passes};
  } else {
    for (int rank = 0; rank < shape.ranks; ++rank) {
      pass* const begin = memory + rank * passes;
      orders[rank] = {begin, S::order(shape, rank, begin)};
    }
  }
}

/// The order of one rank of a schedule that makes them all at once; returns its end.
template <class S>
constexpr pass* order_of_one(pipe_shape shape, int rank, pass* next) {
  const int passes = S::passes(shape);
  scratch<pass> memory(static_cast<std::size_t>(passes * shape.ranks));
  scratch<pass*> begins(static_cast<std::size_t>(shape.ranks));
  for (int each = 0; each < shape.ranks; ++each)
    begins.data()[each] = each == rank ? next : memory.data() + each * passes;
  S::order_all(shape, begins.data());
  return next + passes;
}

}  // namespace detail

}  // namespace plait
