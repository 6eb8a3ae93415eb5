// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <plait/alloc/detail/share_columns.hpp>
#include <plait/alloc/grouping.hpp>
#include <plait/alloc/instance.hpp>

namespace plait::detail {

/// Of each column its way: columns of one group with as many workers and one rate, which differ in their type alone.
struct equal_ways_of {
  table<int> way;    ///< [columns]
  table<int> first;  ///< [ways]: a column
  table<int> types;  ///< [ways]: its columns
  table<int> gang;   ///< [ways]: workers that a member holds

  equal_ways_of(const grouping& groups, const table<share_column>& columns) : way(columns.size(), -1) {
    table<int> last(groups.size(), -1), before;  // the last way of a group, and the one before a way
    for (int c = 0; c < columns.size(); ++c) {
      const share_column& one = columns[c];
      int at = last[one.group];
      while (at >= 0 && (columns[first[at]].workers != one.workers || columns[first[at]].rate != one.rate))
        at = before[at];
      if (at < 0) {
        at = first.size();
        first.push_back(c);
        types.push_back(0);
        gang.push_back(static_cast<int>(std::lround(one.workers / groups.count[one.group])));
        before.push_back(last[one.group]);
        last[one.group] = at;
      }
      way[c] = at;
      ++types[at];
    }
  }
};

/// Whether no job does better on one type of workers than on another, as far as its gangs fit: each way to run it has
/// one column on each such type, all with one rate and as many workers, and no part in a pair.
inline bool types_are_equal(const instance& given, const grouping& groups, const table<share_column>& columns) {
  const int types = given.cluster.size();
  if (!columns.empty() && columns.back().other >= 0) return false;  // pairs stand behind
  const equal_ways_of ways{groups, columns};
  table<char> has(ways.first.size() * types, 0);
  for (int c = 0; c < columns.size(); ++c) {
    char& again = has[ways.way[c] * types + columns[c].type];
    if (again != 0) return false;
    again = 1;
  }
  for (int w = 0; w < ways.first.size(); ++w) {
    int fits = 0;
    for (int j = 0; j < types; ++j) fits += gang_fits(given, j, ways.gang[w]) ? 1 : 0;
    if (ways.types[w] != fits) return false;
  }
  return true;
}

/// Moves time between types of workers that are equal, or taken for equal, such that no job is favoured: each group
/// keeps its time in all with each of its gang sizes, and has it in the mix of the workers. Types with fewer workers
/// than the gang have no part in that; so that all still fits, the largest gangs go first, and smaller ones have the
/// mix of what those leave.
///
/// It fits: the types that a gang may use are those with at least so many workers, so they are nested, and each gang
/// finds all the room in its types that larger ones did not need. Where every gang fits every type the mix is that of
/// the cluster, n_j / sum n. What comes out depends on the time of the groups alone, not on how they had it before.
///
/// `values`: of each column, the share of each member; they change in place. Needs: `types_are_equal`.
inline void spread_over_types(const instance& given, const grouping& groups, const table<share_column>& columns,
                              table<double>& values) {
  const equal_ways_of ways{groups, columns};
  const int count = ways.first.size();
  table<double> time(count, 0.0), room(count, 0.0), left(given.cluster.size(), 0.0);
  for (int c = 0; c < columns.size(); ++c) time[ways.way[c]] += values[c];
  for (int j = 0; j < left.size(); ++j) left[j] = given.cluster.types[static_cast<std::size_t>(j)].num_workers;
  int largest = 0;
  for (int w = 0; w < count; ++w) largest = std::max(largest, ways.gang[w]);
  for (int gang = largest; gang > 0;) {
    for (int c = 0; c < columns.size(); ++c)
      if (ways.gang[ways.way[c]] == gang) room[ways.way[c]] += left[columns[c].type];
    table<double> held(left.size(), 0.0);
    for (int c = 0; c < columns.size(); ++c) {
      const share_column& one = columns[c];
      const int w = ways.way[c];
      if (ways.gang[w] != gang || room[w] <= 0) continue;
      values[c] = time[w] * (left[one.type] / room[w]);
      held[one.type] += values[c] * one.workers;
    }
    for (int j = 0; j < left.size(); ++j) left[j] = std::fmax(0, left[j] - held[j]);
    int next = 0;
    for (int w = 0; w < count; ++w)
      if (ways.gang[w] < gang) next = std::max(next, ways.gang[w]);
    gang = next;
  }
}

}  // namespace plait::detail
