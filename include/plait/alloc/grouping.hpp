// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>

#include <plait/alloc/instance.hpp>
#include <plait/solve/table.hpp>

namespace plait {

/// Jobs that no policy can tell apart, put together.
///
/// Exact: the feasible shares are convex and stay feasible when two equal jobs change places, so averaging over all
/// such changes keeps every concave objective, and the least of the members, and gives equal jobs equal shares. A
/// program then needs one set of columns for a group instead of one for each job.
struct grouping {
  table<int> group_of;  ///< of each job
  table<int> first;     ///< of each group: its first job
  table<int> count;     ///< of each group: its jobs

  [[nodiscard]] int size() const { return first.size(); }
};

namespace detail {

inline std::uint64_t mixed(std::uint64_t hash, double value) {
  const double plain = value == 0 ? 0 : value;  // one zero
  std::uint64_t bits;
  std::memcpy(&bits, &plain, sizeof bits);
  hash = (hash ^ bits) * 0x9E3779B97F4A7C15u;
  return hash ^ (hash >> 29);
}

}  // namespace detail

/// Groups the jobs of equal options, gang, kind and marks. `marks`: what else the policy asks about a job, `each`
/// numbers for each job one after the other. `together` false: every job is a group of its own.
///
/// Groups are in the order of their first jobs. Cost: O(jobs), expected.
inline grouping group_jobs(const instance& given, const table<double>& marks = {}, int each = 0, bool together = true) {
  grouping made;
  const int jobs = given.size();
  made.group_of.resize(jobs);
  int room = 16;
  while (room < 2 * jobs) room *= 2;
  table<int> slot(together ? room : 0, -1);
  const auto same = [&](int a, int b) {
    const job &x = given.jobs[a], &y = given.jobs[b];
    if (x.scale_factor != y.scale_factor || x.kind != y.kind || !(x.options == y.options)) return false;
    for (int m = 0; m < each; ++m)
      if (marks[a * each + m] != marks[b * each + m]) return false;
    return true;
  };
  for (int i = 0; i < jobs; ++i) {
    int group = -1, at = 0;
    if (together) {
      const job& one = given.jobs[i];
      std::uint64_t hash = detail::mixed(detail::mixed(0xcbf29ce484222325u, one.scale_factor), one.kind);
      for (const run_option& option : one.options)
        hash = detail::mixed(detail::mixed(hash, option.throughput), 64.0 * option.workers + option.type);
      for (int m = 0; m < each; ++m) hash = detail::mixed(hash, marks[i * each + m]);
      at = static_cast<int>(hash >> 33) & (room - 1);
      while (slot[at] >= 0 && !same(made.first[slot[at]], i)) at = (at + 1) & (room - 1);
      group = slot[at];
    }
    if (group < 0) {
      group = made.first.size();
      if (together) slot[at] = group;
      made.first.push_back(i);
      made.count.push_back(0);
    }
    made.group_of[i] = group;
    ++made.count[group];
  }
  return made;
}

}  // namespace plait
