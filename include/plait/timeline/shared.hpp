// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include <plait/schedule/simulate_shared.hpp>
#include <plait/timeline/timeline.hpp>

namespace plait {

/// The timeline that `simulate_shared` predicts for ranks that share processors.
inline timeline predicted_timeline(const std::vector<program>& programs, const step_costs& costs,
                                   shared_processors machine) {
  timeline result{.name = "predicted", .ranks = static_cast<int>(programs.size())};
  if (programs.empty()) return result;
  result.stages = programs[0].shape.stages();
  result.chunks = programs[0].shape.chunks;
  result.micro = programs[0].shape.micro;
  simulate_shared(programs, costs, machine, [&](int rank, const action& act, double begin, double end) {
    result.rows.push_back(timeline_row{.rank = rank,
                                       .kind = act.kind,
                                       .stage = act.stage,
                                       .chunk = act.chunk,
                                       .micro = act.micro,
                                       .begin = begin,
                                       .end = end,
                                       .bytes = costs.message_of(act).value});
  });
  return result;
}

}  // namespace plait
