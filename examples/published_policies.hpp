// SPDX-License-Identifier: Apache-2.0
#pragma once

// Shares as the program published with Narayanan et al., OSDI 2020, computes them, where they differ from those of
// plait although both are optimal, or where it has a peculiarity that its published figures show. For comparison alone:
// simulate_cluster --as-published, docs/gavel.md.

#include <cmath>
#include <vector>

#include <plait/alloc.hpp>

#include "published_centre.hpp"

namespace published {

/// Max-min fairness (`max_min_perf`).
inline allocation max_min(const instance& given, const share_settings& how) {
  const allocation exact = plait::max_min_perf::share(given, how);
  const plait::grouping& groups = exact.groups;
  std::vector<double> unit, least;
  for (int g = 0; g < groups.size(); ++g) {
    const plait::job& one = given.jobs[static_cast<std::size_t>(groups.first[g])];
    unit.push_back(one.scale_factor / (one.priority * plait::proportional_throughput(given, one)));
    least.push_back(exact.objective);
  }
  return centred(given, exact, groups, unit, least, false);
}

/// The same with all types taken for equal (`max_min_agnostic`).
inline allocation max_min_agnostic(const instance& given, const share_settings& how) {
  return plait::agnostic_share([&](const instance& seen) { return max_min(seen, how); }, given);
}

/// Finish-time fairness (`ftf`), with account of the steps done so far. Who takes types for equal is told the rate on
/// V100s for that on all types, and keeps account with it.
inline allocation finish_time_fairness(const instance& given, const share_settings& how) {
  const allocation exact = plait::finish_time_fairness::share(given, how);
  plait::grouping_rule rule;
  rule.together = false;
  const plait::grouping groups = plait::group_jobs(given, rule);
  std::vector<double> unit, least;
  for (int g = 0; g < groups.size(); ++g) {
    const plait::job& one = given.jobs[static_cast<std::size_t>(groups.first[g])];
    const double scale = plait::proportional_throughput(given, one);
    const double fair = one.isolated_time_so_far + one.steps_remaining / plait::isolated_throughput(given, one);
    unit.push_back(1 / scale);
    least.push_back(one.steps_remaining / (exact.objective * fair - one.elapsed) / scale);
  }
  return centred(given, exact, groups, unit, least, true);
}

/// Least makespan (`makespan`). The program halves an interval of times, from 100 s to 1e6 s, until its ends are 5 %
/// apart or less, and takes the shares that an interior-point method found for the least time with any: of all that end
/// by then, the centre.
inline double searched_makespan(double least) {
  double low = 100, high = 1e6, found = plait::infinity;
  for (double last = high; found == plait::infinity && last < 1e300; last *= 10, low = last / 10, high = last) {
    while (1.05 * low < high) {
      const double middle = (low + high) / 2;
      if (middle < least) {
        low = middle;
      } else {
        found = high = middle;
      }
    }
  }
  return found;
}
inline allocation makespan(const instance& given, const share_settings& how) {
  const allocation exact = plait::least_makespan::share(given, how);
  const double seconds = searched_makespan(exact.objective);
  if (seconds == plait::infinity) return exact;
  const plait::grouping& groups = exact.groups;
  std::vector<double> unit, least;
  for (int g = 0; g < groups.size(); ++g) {
    const plait::job& one = given.jobs[static_cast<std::size_t>(groups.first[g])];
    const double scale = plait::proportional_throughput(given, one);
    unit.push_back(1 / scale);
    least.push_back(one.steps_remaining / seconds / scale);
  }
  return centred(given, exact, groups, unit, least, false);
}

}  // namespace published
