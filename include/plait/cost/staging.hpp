// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <plait/cost/layer_profile.hpp>
#include <plait/cost/memory.hpp>
#include <plait/schedule/action.hpp>
#include <plait/schedule/program.hpp>

namespace plait {

/// What a rank keeps for steps that are captured, since they find what changes from one to the next at addresses that
/// stay: its part of the batches, as far as its stages read them, and the optimizer's numbers.
struct staging {
  std::int64_t inputs = 0;   ///< elements of samples, over all steps of a program
  std::int64_t targets = 0;  ///< elements of targets
  std::int64_t numbers = 0;  ///< bytes of the optimizer's numbers

  /// As they are taken from an arena. alignment: of buffers.
  [[nodiscard]] constexpr std::int64_t bytes(const model_profile& model, std::int64_t alignment) const {
    const auto padded = [&](std::int64_t size) { return (size + alignment - 1) / alignment * alignment; };
    return padded(inputs * model.element_bytes) + padded(targets * model.target_bytes) + padded(numbers);
  }
};

/// The staging of a rank. features: of a sample.   numbers: bytes of the optimizer's numbers for one step.
inline staging staging_of(const model_profile& model, const std::vector<stage_place>& places, const program& trains,
                          std::int64_t features, std::int64_t numbers) {
  const std::int64_t rows = trains.shape.all_micro() * model.rows;
  staging need{.numbers = trains.shape.steps * numbers};
  for (const action& act : trains.actions) {
    if (act.kind != op::forward) continue;
    const stage_place& place = places[static_cast<std::size_t>(act.chunk)];
    if (!place.has_before) need.inputs = rows * features;
    if (place.last) need.targets = rows * model.target_columns;
  }
  return need;
}

}  // namespace plait
