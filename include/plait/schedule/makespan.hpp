// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <plait/core/scratch.hpp>
#include <plait/schedule/costs.hpp>
#include <plait/schedule/detail/pass_times.hpp>
#include <plait/schedule/detail/stage_table.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait {

/// How long a step of a schedule takes when all stages are alike and messages take no time; by default in the unit
/// case, forward 1 and backward 2.
///
/// Passes alone, without messages and slots, so that compilers get through 16 ranks, 64 micro-batches and 4 chunks
/// within their default limits. It is what `simulate` gives for the schedule's programs
/// (tests/schedule/closed_forms.cpp).
/// Throws: usage, for a shape that the schedule does not accept. An order that does not complete has makespan -1.
template <schedule S>
constexpr double makespan(pipe_shape shape, stage_costs each = {}) {
  require_legal(S::name, shape, S::accepts(shape));
  const detail::stage_table table{shape,
                                  [&](int rank, int chunk) { return S::placement::stage_of(shape, rank, chunk); }};
  const auto passes = static_cast<std::size_t>(S::passes(shape));
  scratch<pass> order_memory(passes * static_cast<std::size_t>(shape.ranks));
  scratch<detail::rank_order_of_passes> orders(static_cast<std::size_t>(shape.ranks));
  detail::write_orders<S>(shape, order_memory.data(), orders.data());
  return detail::pass_times{table, shape, orders.data(), each}.makespan();
}

}  // namespace plait
