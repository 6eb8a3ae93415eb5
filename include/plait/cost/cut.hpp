// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include <plait/core/require.hpp>
#include <plait/core/scratch.hpp>

namespace plait {

/// Cuts layers into stages, each a run of neighbours, so that the most costly stage costs as little as possible; among
/// such cuts, so that the others cost as equally as possible (least sum of squares); among those, earlier stages take
/// more. Gives the first layer of each stage and the number of layers: [stages + 1]. With fewer layers than stages some
/// are empty, which is legal.
///
///     costs 4 1 1 1 1, 2 stages:   {0, 1, 5}
///
/// Exact, by dynamic programming; time: layers^2 * stages.   Needs: stages >= 1, no cost below 0, a finite sum.
constexpr std::vector<int> balanced_cut(const std::vector<double>& costs, int stages) {
  require(stages >= 1, "plait::balanced_cut", "there is at least 1 stage");
  const std::size_t layers = costs.size(), columns = layers + 1, count = static_cast<std::size_t>(stages);
  const scratch<double> before_memory(columns), worst_memory(columns), squares_memory(count * columns);
  double* const before = before_memory.data();  // [i]: cost of all layers before layer i
  for (std::size_t i = 0; i < layers; ++i) {
    require(costs[i] >= 0, "plait::balanced_cut", "no layer costs less than nothing");
    before[i + 1] = before[i] + costs[i];
  }
  require(before[layers] < std::numeric_limits<double>::infinity(), "plait::balanced_cut",
          "the sum of costs is finite");
  // [i]: least cost of the worst stage when the stages looked at so far, from the last on, hold the layers from i on.
  double* const worst = worst_memory.data();
  for (std::size_t i = 0; i <= layers; ++i) worst[i] = before[layers] - before[i];
  for (int stage = 1; stage < stages; ++stage)
    for (std::size_t i = 0; i <= layers; ++i)
      for (std::size_t end = i; end <= layers; ++end) {
        const double here = before[end] - before[i], rest = worst[end];
        const double both = here > rest ? here : rest;
        if (both < worst[i]) worst[i] = both;
      }
  // [stage, i]: least sum of squares when the stages from `stage` on hold the layers from i on and none costs more than
  // the worst must; infinite where one would.
  constexpr double never = std::numeric_limits<double>::infinity();
  const double limit = worst[0];
  double* const squares = squares_memory.data();
  const auto square = [&](std::size_t begin, std::size_t end) {
    const double here = before[end] - before[begin];
    return here > limit ? never : here * here;
  };
  for (std::size_t i = 0; i <= layers; ++i) squares[(count - 1) * columns + i] = square(i, layers);
  for (std::size_t stage = count - 1; stage-- > 0;)
    for (std::size_t i = 0; i <= layers; ++i) {
      double best = never;
      for (std::size_t end = i; end <= layers; ++end) {
        const double both = square(i, end) + squares[(stage + 1) * columns + end];
        if (both < best) best = both;
      }
      squares[stage * columns + i] = best;
    }
  std::vector<int> cut{0};
  std::size_t at = 0;
  for (std::size_t stage = 0; stage + 1 < count; ++stage) {  // the longest stage that is no worse
    std::size_t end = layers;
    while (square(at, end) + squares[(stage + 1) * columns + end] > squares[stage * columns + at]) --end;
    at = end;
    cut.push_back(static_cast<int>(at));
  }
  cut.push_back(static_cast<int>(layers));
  return cut;
}

/// Throws usage unless `cut` is a way to cut `layers` layers into `stages` stages.
inline void require_cut(const std::vector<int>& cut, int layers, int stages) {
  bool legal = static_cast<int>(cut.size()) == stages + 1 && cut.front() == 0 && cut.back() == layers;
  for (std::size_t i = 1; i < cut.size(); ++i) legal = legal && cut[i - 1] <= cut[i];
  require(legal, "plait::cut", [&] {
    return "a cut of " + std::to_string(layers) + " layers into " + std::to_string(stages) + " stages has " +
           std::to_string(stages + 1) + " entries that start at 0, never fall and end at " + std::to_string(layers);
  });
}

}  // namespace plait
