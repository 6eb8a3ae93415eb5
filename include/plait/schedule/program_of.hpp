// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include <plait/core/require.hpp>
#include <plait/core/scratch.hpp>
#include <plait/schedule/detail/message_plan.hpp>
#include <plait/schedule/detail/program_builder.hpp>
#include <plait/schedule/detail/stage_table.hpp>
#include <plait/schedule/program.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait {

namespace detail {

/// The passes of an order that an evaluation runs; returns their end.
constexpr pass* keep_forward(pass* order, const pass* end) {
  pass* kept = order;
  for (const pass* one = order; one != end; ++one)
    if (one->kind == op::forward || one->kind == op::send_activation || one->kind == op::receive_activation)
      *kept++ = *one;
  return kept;
}

/// Copies of a stage must have their gradients summed, in one bucket where nothing else is said.
constexpr step_options with_sums(step_options options, bool has_copies) {
  if (has_copies && options.optimize && options.buckets == 0) options.buckets = 1;
  return options;
}

template <class InFlight>
constexpr program build_program(const stage_table& table, pipe_shape shape, int rank, rank_order_of_passes order,
                                step_options options, weight_versions policy, const message_plan* plan,
                                InFlight&& in_flight, bool others_train = false, const int* skips_in_flight = nullptr) {
  program_builder builder{table, shape, rank, options, policy, plan, in_flight, skips_in_flight};
  program result{.shape = shape, .rank = rank, .options = options};
  result.actions.resize(program_builder::room(shape, static_cast<std::size_t>(order.end - order.begin), options));
  action* const begin = result.actions.data();
  result.actions.resize(static_cast<std::size_t>(builder.build(order.begin, order.end, begin, others_train) - begin));
  result.trains = builder.trains();
  result.policy = builder.trains() ? builder.policy() : weight_versions::flush;
  for (int chunk = 0; chunk < shape.chunks; ++chunk) {
    result.slots.push_back(builder.slots(chunk));
    result.messages.push_back(builder.messages(chunk));
    result.pending.push_back(builder.pending(chunk));
    result.versions.push_back(builder.versions(chunk));
    result.skips.push_back(builder.skips(chunk));
  }
  return result;
}

inline constexpr std::string_view wrong_skips = "a skip edge leads from a stage to a later one of the same model";

/// The programs of all ranks, or of one where `only` is not below 0.   orders: [ranks]
constexpr std::vector<program> build_programs(const stage_table& table, pipe_shape shape,
                                              const rank_order_of_passes* orders, step_options options,
                                              weight_versions policy, int only = -1) {
  options = with_sums(options, table.lanes() > 1);
  bool trains = false;
  for (int rank = 0; rank < shape.ranks; ++rank)
    for (const pass* one = orders[rank].begin; one != orders[rank].end; ++one) {
      if (one->chunk < 0 || one->chunk >= shape.chunks || one->micro < 0 || one->micro >= shape.all_micro() ||
          table.stage_of(rank, one->chunk) < 0)
        require(false, "plait::program_of", "the schedule's order names a chunk or micro-batch that the shape lacks");
      trains = trains || is_backward(one->kind);
    }
  if (!options.skips.fit(shape.stages())) require(false, "plait::program_of", std::string{wrong_skips});
  const message_plan plan{table, shape, orders, trains, options.skips};
  std::vector<program> all;
  for (int rank = 0; rank < shape.ranks; ++rank)
    if (only < 0 || rank == only)
      all.push_back(build_program(
          table, shape, rank, orders[rank], options, policy, &plan, [](int, op) { return 0; }, trains));
  return all;
}

/// The programs of a schedule's ranks, all or one. One alone is quick where the schedule states how many messages may
/// be under way and the model has no skip edges; else it takes all orders to tell.
template <schedule S>
constexpr std::vector<program> programs_of_schedule(pipe_shape shape, step_options options, bool forward_only,
                                                    int only = -1) {
  // An evaluation has no updates to wait for: one step of it is legal under every schedule that keeps versions.
  const bool evaluates = forward_only && shape.steps == 1 && versions_of<S>() != weight_versions::flush;
  require_legal(S::name, shape, evaluates ? positive_shape(shape) : S::accepts(shape));
  const stage_table table{shape, [&](int rank, int chunk) { return S::placement::stage_of(shape, rank, chunk); }};
  if constexpr (states_messages_in_flight<S>) {
    if (options.skips.empty()) {
      std::vector<program> all;
      scratch<pass> order(static_cast<std::size_t>(S::passes(shape)));
      options = with_sums(options, table.lanes() > 1);
      for (int rank = only < 0 ? 0 : only; rank < (only < 0 ? shape.ranks : only + 1); ++rank) {
        const pass* end = S::order(shape, rank, order.data());
        if (forward_only) end = keep_forward(order.data(), end);
        all.push_back(build_program(table, shape, rank, {order.data(), end}, options, versions_of<S>(), nullptr,
                                    [&](int chunk, op kind) { return S::in_flight(shape, rank, chunk, kind); }));
      }
      return all;
    }
  }
  const int passes = S::passes(shape);
  scratch<pass> memory(static_cast<std::size_t>(passes * shape.ranks));
  scratch<rank_order_of_passes> orders(static_cast<std::size_t>(shape.ranks));
  write_orders<S>(shape, memory.data(), orders.data());
  if (forward_only)
    for (int rank = 0; rank < shape.ranks; ++rank)
      orders.data()[rank].end = keep_forward(memory.data() + rank * passes, orders.data()[rank].end);
  return build_programs(table, shape, orders.data(), options, versions_of<S>(), only);
}

}  // namespace detail

/// The program of one rank: the schedule's order with the messages, reductions and updates that follow from it.
/// Throws: usage, with the nearest legal numbers of micro-batches, for a shape that the schedule does not accept.
template <schedule S>
constexpr program program_of(pipe_shape shape, int rank, step_options options = {}) {
  return std::move(detail::programs_of_schedule<S>(shape, options, /*forward_only=*/false, rank)[0]);
}

/// The forward projection of the same order: what evaluation runs.
template <schedule S>
constexpr program forward_program_of(pipe_shape shape, int rank, step_options options = {}) {
  return std::move(detail::programs_of_schedule<S>(shape, options, /*forward_only=*/true, rank)[0]);
}

/// The programs of all ranks.
template <schedule S>
constexpr std::vector<program> programs_of(pipe_shape shape, step_options options = {}) {
  return detail::programs_of_schedule<S>(shape, options, /*forward_only=*/false);
}

/// The forward projections of all ranks.
template <schedule S>
constexpr std::vector<program> forward_programs_of(pipe_shape shape, step_options options = {}) {
  return detail::programs_of_schedule<S>(shape, options, /*forward_only=*/true);
}

}  // namespace plait
