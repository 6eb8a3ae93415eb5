// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include <plait/schedule/costs.hpp>
#include <plait/timeline/timeline.hpp>

namespace plait {

/// How long each kind of action took, measured on rows of steps that ran: what `simulate` is given to predict the next.
///
/// Takes the median over micro-batches, ranks and steps, for each stage: forward, and backward, half of it for each
/// half. `work` holds the seconds of each row that a processor worked on it, where threads share processors; empty:
/// each row's length.
inline step_costs calibrate(const std::vector<timeline_row>& rows, const std::vector<double>& work, pipe_shape shape) {
  // By counting, which needs no more of the library than a vector does; there are some hundred values.
  const auto median = [](const std::vector<double>& of) {
    for (const double one : of) {
      std::size_t below = 0, equal = 0;
      for (const double other : of) {
        below += static_cast<std::size_t>(other < one);
        equal += static_cast<std::size_t>(other == one);
      }
      if (below <= of.size() / 2 && of.size() / 2 < below + equal) return one;
    }
    return 0.0;
  };
  const auto samples = [&](op kind, int stage) {
    std::vector<double> found;
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (rows[i].kind == kind && (stage < 0 || rows[i].stage == stage))
        found.push_back(work.empty() ? rows[i].end - rows[i].begin : work[i]);
    return median(found);
  };
  step_costs costs = step_costs::uniform(shape);
  for (int stage = 0; stage < shape.stages(); ++stage) {
    stage_costs& one = costs.stages[static_cast<std::size_t>(stage)];
    one.forward = samples(op::forward, stage);
    const double backward = samples(op::backward, stage);
    one.backward_input = one.backward_weight = backward / 2;
  }
  costs.reduce_gradients = samples(op::reduce_gradients, -1);
  costs.reduce_norm = samples(op::reduce_norm, -1);
  costs.optimizer_step = samples(op::optimizer_step, -1);
  costs.reduce_loss = samples(op::reduce_loss, -1);
  return costs;
}

}  // namespace plait
