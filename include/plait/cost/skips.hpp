// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <plait/cost/layer_profile.hpp>
#include <plait/schedule/skip_edge.hpp>

namespace plait {

/// The output of a layer that a stage reads besides its input. However many layers of the stage read it, it comes once.
struct model_skip {
  int source = 0;  ///< layer
  int from = 0;    ///< stage of that layer
  int to = 0;      ///< stage that reads it; the same where the cut does not come between
  int edge = -1;   ///< number of the skip edge; -1: both are one stage

  friend constexpr bool operator==(const model_skip&, const model_skip&) = default;
};

/// What stages of a model read besides their inputs.   cut: first layer of each stage and the number of layers.
inline std::vector<model_skip> skips_of(const model_profile& model, const std::vector<int>& cut) {
  const auto stage_of = [&](int layer) {
    int stage = 0;
    while (cut[static_cast<std::size_t>(stage) + 1] <= layer) ++stage;
    return stage;
  };
  std::vector<model_skip> all;
  int edges = 0;
  for (std::size_t layer = 0; layer < model.layers.size(); ++layer) {
    const int source = model.layers[layer].skip;
    if (source < 0) continue;
    model_skip one{.source = source, .from = stage_of(source), .to = stage_of(static_cast<int>(layer))};
    bool known = false;
    for (const model_skip& other : all) known = known || (other.source == source && other.to == one.to);
    if (known) continue;
    if (one.from != one.to) one.edge = edges++;
    all.push_back(one);
  }
  return all;
}

/// Their skip edges, by number. Throws: usage, for more than 64.
inline skip_edges edges_of(const std::vector<model_skip>& all) {
  skip_edges edges;
  for (const model_skip& one : all)
    if (one.edge >= 0) edges.add({static_cast<std::int16_t>(one.from), static_cast<std::int16_t>(one.to)});
  return edges;
}

}  // namespace plait
