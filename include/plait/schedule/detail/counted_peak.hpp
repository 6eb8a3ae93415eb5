// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <plait/core/scratch.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait::detail {

/// Most activations alive at once in an order.
constexpr int peak_of(const pass* order, const pass* end) {
  int alive = 0, peak = 0;
  for (const pass* one = order; one != end; ++one) {
    if (one->kind == op::forward) peak = ++alive > peak ? alive : peak;
    if (one->kind == op::backward || one->kind == op::backward_weight) --alive;
  }
  return peak;
}

/// The same for a rank of a schedule that has no closed form for it.
template <class S>
constexpr int counted_peak(pipe_shape shape, int rank) {
  scratch<pass> order(static_cast<std::size_t>(S::passes(shape)));
  return peak_of(order.data(), S::order(shape, rank, order.data()));
}

}  // namespace plait::detail
