// SPDX-License-Identifier: Apache-2.0
#pragma once

// A classifier of real-valued samples, trained with clipping: sums round, in an order that depends on the layout.

#include <algorithm>
#include <cmath>

#include "harness.hpp"

namespace harness {

inline auto real_model() {
  return stack{column_linear{30, 40}, relu{},
               row_linear{40, 24},    gelu{},
               column_linear{24, 32}, relu{},
               row_linear{32, 24},    relu{},
               column_linear{24, 10}, softmax_cross_entropy{10}};
}

template <real T>
task<T, std::int32_t> real_task(int micro, int steps = 20) {
  return {.features = 30,
          .target_columns = 1,
          .steps = steps,
          .settings = {.features = 30, .batch = 48, .micro = micro, .seed = 5, .clip_norm = 1},
          .sample =
              [](std::uint64_t step, std::int64_t row, std::int64_t feature) {
                const auto element = static_cast<std::uint64_t>(row * 30 + feature);
                return static_cast<T>(2 * random_stream{3, "x", step}.uniform(element) - 1);
              },
          .target =
              [](std::uint64_t step, std::int64_t row, std::int64_t) {
                // Learnable: the class is where the first feature falls.
                const double first = random_stream{3, "x", step}.uniform(static_cast<std::uint64_t>(row * 30));
                return static_cast<std::int32_t>(first * 10);
              }};
}

/// Largest relative difference of the losses.
template <real T>
double loss_difference(const outcome<T>& a, const outcome<T>& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.losses.size(); ++i)
    worst = std::max(worst, std::abs(a.losses[i] - b.losses[i]) / std::abs(b.losses[i]));
  return worst;
}

/// Largest difference of anything that a run leaves behind.
template <real T>
double any_difference(const outcome<T>& a, const outcome<T>& b) {
  double worst = std::max({loss_difference(a, b), std::abs(a.evaluated_loss - b.evaluated_loss),
                           std::abs(a.evaluated_hits - b.evaluated_hits)});
  for (std::size_t i = 0; i < a.norms.size(); ++i) worst = std::max(worst, std::abs(a.norms[i] - b.norms[i]));
  for (const auto& [name, values] : a.parameters) {
    const auto& others = b.parameters.at(name);
    for (std::size_t i = 0; i < values.size(); ++i)
      worst = std::max(worst, static_cast<double>(std::abs(values[i] - others[i])));
  }
  return std::isnan(worst) ? HUGE_VAL : worst;
}

}  // namespace harness
