// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include <plait/mesh/description.hpp>
#include <plait/schedule/simulate_shared.hpp>
#include <plait/timeline/timeline.hpp>

namespace plait {

/// The timeline that `simulate_shared` predicts for all ranks of a mesh that share `processors`. The ranks of a tensor
/// group do the same at the same time.
inline timeline predicted_timeline(const std::vector<program>& programs, const step_costs& costs,
                                   const mesh_description& mesh, int processors) {
  timeline result{.name = "predicted", .ranks = mesh.size()};
  if (programs.empty()) return result;
  result.stages = programs[0].shape.stages();
  result.chunks = programs[0].shape.chunks;
  result.micro = programs[0].shape.all_micro();
  for (int rank = 0; rank < mesh.size(); ++rank) result.rank_names.push_back(rank_name(mesh, rank));
  const shared_processors machine{
      .processors = processors, .tensor_ways = mesh.ways.tensor, .data_ways = mesh.ways.data};
  simulate_shared(programs, costs, machine, [&](int rank, int copy, const action& act, double begin, double end) {
    for (int tensor = 0; tensor < mesh.ways.tensor; ++tensor)
      result.rows.push_back(row_of(mesh.rank_of(coordinate{.data = copy, .tensor = tensor, .pipeline = rank}), act,
                                   begin, end, costs.message_of(act, programs[0].options.skips)));
  });
  return result;
}

}  // namespace plait
