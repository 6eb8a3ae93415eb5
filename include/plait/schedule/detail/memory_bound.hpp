// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include <plait/schedule/detail/pass_graph.hpp>
#include <plait/schedule/detail/stage_times.hpp>

namespace plait::detail {

/// How soon each of a rank's passes of one part can begin, one after the other, or seen from the end of the step how
/// soon each can have ended: sorted, one at a time, each at its own time or later.
inline std::vector<double> one_by_one(std::vector<double> soonest, double shortest) {
  std::sort(soonest.begin(), soonest.end());
  for (std::size_t i = 1; i < soonest.size(); ++i) soonest[i] = std::max(soonest[i], soonest[i - 1] + shortest);
  return soonest;
}

/// How long a step is at least because a rank keeps `limit` activations at most, each from the start of its forward
/// pass down all stages behind, back, and through its weight half.
///
/// m activations are not alive before m forward passes have begun, and not after all but m - 1 weight halves have
/// ended. So the m-th of the places that the rank has is of use for the rest of the step only, and the times of use
/// make up the sum of the times that activations are alive. The step is as long as the places it uses demand, and it
/// may use the first of them alone, or the first two, ...: the least of these is a bound.
inline double memory_bound(pipe_shape shape, const std::vector<stage_time>& stages, const std::vector<skip_time>& skips,
                           const pass_graph& graph, int rank, int limit) {
  constexpr double none = std::numeric_limits<double>::infinity();
  std::vector<double> begins, ends;
  double shortest[3]{none, none, none}, alive = 0;
  // From the end of a stage's forward pass to the end of the last stage's, and from there to its input half.
  std::vector<double> down(stages.size()), up(stages.size());
  for (int stage = shape.stages() - 1; stage >= 0; --stage) {
    const stage_time& here = stages[static_cast<std::size_t>(stage)];
    const auto at = static_cast<std::size_t>(stage);
    const auto reach = [&](std::size_t to, const stage_link& forth, const stage_link& back) {
      down[at] = std::max(down[at], forth.message() + stages[to].takes[0] + down[to]);
      up[at] = std::max(up[at], up[to] + stages[to].takes[1] + back.message());
    };
    if (at + 1 < stages.size()) reach(at + 1, here.after, stages[at + 1].before);
    for (const skip_time& one : skips)
      if (one.from == stage) reach(static_cast<std::size_t>(one.to), one.activation, one.gradient);
    if (here.rank == rank) {
      alive += (here.all() + down[at] + up[at]) * shape.micro;
      for (const int part : {0, 2}) shortest[part] = std::min(shortest[part], here.takes[part]);
      for (int micro = 0; micro < shape.micro; ++micro) {
        begins.push_back(graph.head(0, stage, micro));
        ends.push_back(graph.tail(2, stage, micro));
      }
    }
  }
  begins = one_by_one(std::move(begins), shortest[0]);
  ends = one_by_one(std::move(ends), shortest[2]);
  double least = begins.empty() ? 0 : none, not_of_use = 0;
  for (std::size_t place = 0; place < begins.size() && place < static_cast<std::size_t>(limit); ++place) {
    not_of_use += begins[place] + ends[place];
    least = std::min(least, (alive + not_of_use) / static_cast<double>(place + 1));
  }
  return least;
}

}  // namespace plait::detail
