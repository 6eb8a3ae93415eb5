// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <plait/alloc/detail/share_columns.hpp>
#include <plait/alloc/grouping.hpp>
#include <plait/alloc/instance.hpp>

namespace plait::detail {

/// Whether no job does better on one type of workers than on another, as far as its gang fits: it has one column on
/// each such type, all with one rate and as many workers, and no part in a pair.
inline bool types_are_equal(const instance& given, const grouping& groups, const table<share_column>& columns) {
  const int types = given.cluster.size();
  table<int> seen(groups.size(), 0), first(groups.size(), -1);
  table<char> has(groups.size() * types, 0);
  for (int c = 0; c < columns.size(); ++c) {
    const share_column& one = columns[c];
    if (one.other >= 0) return false;
    if (seen[one.group]++ == 0) first[one.group] = c;
    const share_column& like = columns[first[one.group]];
    char& again = has[one.group * types + one.type];
    if (again != 0 || one.rate != like.rate || one.workers != like.workers) return false;
    again = 1;
  }
  for (int g = 0; g < groups.size(); ++g) {
    const job& one = given.jobs[static_cast<std::size_t>(groups.first[g])];
    if (seen[g] == 0) continue;
    int fits = 0;
    for (int j = 0; j < types; ++j) fits += gang_fits(given, j, one.scale_factor) ? 1 : 0;
    const double gang = columns[first[g]].workers / groups.count[g];
    if (seen[g] != fits || gang != one.scale_factor) return false;
  }
  return true;
}

/// Moves time between types of workers that are equal, or taken for equal, such that no job is favoured: each group
/// keeps its time in all, and has it in the mix of the workers. Types with fewer workers than the gang have no part in
/// that; so that all still fits, the largest gangs go first, and smaller ones have the mix of what those leave.
///
/// It fits: the types that a gang may use are those with at least so many workers, so they are nested, and each gang
/// finds all the room in its types that larger ones did not need. Where every gang fits every type the mix is that of
/// the cluster, n_j / sum n. What comes out depends on the time of the groups alone, not on how they had it before.
///
/// `values`: of each column, the share of each member; they change in place. Needs: `types_are_equal`.
inline void spread_over_types(const instance& given, const grouping& groups, const table<share_column>& columns,
                              table<double>& values) {
  const auto gang_of = [&](int g) { return given.jobs[static_cast<std::size_t>(groups.first[g])].scale_factor; };
  table<double> time(groups.size(), 0.0), room(groups.size(), 0.0), left(given.cluster.size(), 0.0);
  for (int c = 0; c < columns.size(); ++c) time[columns[c].group] += values[c];
  for (int j = 0; j < left.size(); ++j) left[j] = given.cluster.types[static_cast<std::size_t>(j)].num_workers;
  int largest = 0;
  for (int g = 0; g < groups.size(); ++g) largest = std::max(largest, gang_of(g));
  for (int gang = largest; gang > 0;) {
    for (const share_column& c : columns)
      if (gang_of(c.group) == gang) room[c.group] += left[c.type];
    table<double> held(left.size(), 0.0);
    for (int c = 0; c < columns.size(); ++c) {
      const share_column& one = columns[c];
      if (gang_of(one.group) != gang || room[one.group] <= 0) continue;
      values[c] = time[one.group] * (left[one.type] / room[one.group]);
      held[one.type] += values[c] * one.workers;
    }
    for (int j = 0; j < left.size(); ++j) left[j] = std::fmax(0, left[j] - held[j]);
    int next = 0;
    for (int g = 0; g < groups.size(); ++g)
      if (gang_of(g) < gang) next = std::max(next, gang_of(g));
    gang = next;
  }
}

}  // namespace plait::detail
