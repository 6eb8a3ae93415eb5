// SPDX-License-Identifier: Apache-2.0
#pragma once

// AlloX as the program published with Narayanan et al., OSDI 2020, has it. For comparison alone: simulate_cluster
// --as-published, docs/gavel.md.

#include <cstddef>
#include <utility>
#include <vector>

#include <plait/alloc.hpp>

namespace published {

/// AlloX of waiting jobs on free workers. A job that was once the first of a worker is due all of its time on that type
/// until it ends, and its worker counts as taken. The others are matched to places on the workers that are left; of
/// each worker the first is given it, and what the matching says of the rest is forgotten. Who is given nothing may
/// still run where rounds have workers left, and so may jobs that are due elsewhere: as V100s choose first, a job with
/// a K80 of its own runs on a V100 that is free.
class allox {
 public:
  plait::allocation operator()(const plait::instance& given, const plait::share_settings& how) {
    plait::instance open;
    open.cluster = given.cluster;
    std::vector<int> type_of(given.jobs.size(), -1), waiting;
    for (int i = 0; i < given.size(); ++i) {
      const plait::job& one = given.jobs[static_cast<std::size_t>(i)];
      for (const auto& [number, type] : given_)
        if (number == one.number) type_of[static_cast<std::size_t>(i)] = type;
      const int type = type_of[static_cast<std::size_t>(i)];
      if (type >= 0) {
        open.cluster.types[static_cast<std::size_t>(type)].num_workers -= 1;
      } else {
        waiting.push_back(i);
        open.jobs.push_back(one);
      }
    }
    plait::table<int> option_begin;
    plait::allocation made = plait::detail::no_shares(given, option_begin);
    if (open.cluster.workers() > 0 && !waiting.empty()) {
      const plait::allocation found = plait::allox::share(open, how);
      made.objective = found.objective;
      for (int w = 0; w < open.size(); ++w)
        for (int j = 0; j < open.cluster.size(); ++j)
          if (found.share(w, j) > 0) type_of[static_cast<std::size_t>(waiting[static_cast<std::size_t>(w)])] = j;
    }
    given_.clear();
    for (int i = 0; i < given.size(); ++i) {
      const plait::job& one = given.jobs[static_cast<std::size_t>(i)];
      const int type = type_of[static_cast<std::size_t>(i)];
      if (type < 0) continue;
      given_.emplace_back(one.number, type);
      for (int k = 0; k < one.options.size(); ++k)
        if (one.options[k].type == type && one.options[k].workers == 1)
          plait::detail::give(given, option_begin, made, i, k, 1);
    }
    return made;
  }

 private:
  std::vector<std::pair<int, int>> given_;  ///< jobs that have a worker, by number, and its type
};

}  // namespace published
