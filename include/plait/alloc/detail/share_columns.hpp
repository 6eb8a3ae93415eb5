// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <plait/alloc/allocation.hpp>
#include <plait/alloc/grouping.hpp>
#include <plait/alloc/instance.hpp>

namespace plait::detail {

/// A column of a program of shares: a group on one of its options, or two groups on the same workers. All rates are
/// those for one unit of the column's variable.
struct share_column {
  int group = 0;
  int other = -1;                   ///< the second group of a pair
  int option = -1;                  ///< of the group's jobs, where it is no pair
  int type = 0;                     ///< of workers
  int pair = -1;                    ///< place in `instance::pair_rates`
  double workers = 0;               ///< of the type, on average over time, for all members
  double rate = 0, other_rate = 0;  ///< steps/s of each member
  double time = 1, other_time = 0;  ///< part of each member's time
  double dollars = 0;               ///< an hour, for all members, beside what the workers cost: see `move_cost`
};

/// Pairs of groups that may share workers: of equal gang, and measured together.
inline void append_pairs(const instance& given, const grouping& groups, table<share_column>& columns) {
  const auto kind_of = [&](int g) { return given.jobs[static_cast<std::size_t>(groups.first[g])].kind; };
  const auto gang_of = [&](int g) { return given.jobs[static_cast<std::size_t>(groups.first[g])].scale_factor; };
  const auto cost_of = [&](int g, int type) {
    return given.jobs[static_cast<std::size_t>(groups.first[g])].move_to(type);
  };
  int kinds = 0;
  for (int g = 0; g < groups.size(); ++g) kinds = std::max(kinds, kind_of(g) + 1);
  table<int> begin(kinds + 2, 0), of_kind(groups.size());
  for (int g = 0; g < groups.size(); ++g) ++begin[kind_of(g) + 2];
  for (int k = 0; k <= kinds; ++k) begin[k + 1] += begin[k];
  // begin[k + 1] is where kind k begins; -1 comes first.
  table<int> fill = begin;
  for (int g = 0; g < groups.size(); ++g) of_kind[fill[kind_of(g) + 1]++] = g;
  for (int p = 0; p < static_cast<int>(given.pair_rates.size()); ++p) {
    const pair_rate& rate = given.pair_rates[p];
    if (rate.second_kind >= kinds || (rate.first <= 0 && rate.second <= 0)) continue;
    for (int x = begin[rate.first_kind + 1]; x < begin[rate.first_kind + 2]; ++x) {
      for (int y = begin[rate.second_kind + 1]; y < begin[rate.second_kind + 2]; ++y) {
        const int a = of_kind[x], b = of_kind[y], gang = gang_of(a);
        if (gang_of(b) != gang || !gang_fits(given, rate.type, gang)) continue;
        if (rate.first_kind == rate.second_kind && b < a) continue;
        const double m = groups.count[a], o = groups.count[b];
        const move_cost move = cost_of(a, rate.type), other_move = cost_of(b, rate.type);
        if (move.time_kept <= 0 || other_move.time_kept <= 0) continue;
        share_column c{.group = a, .other = b, .type = rate.type, .pair = p};
        if (a == b) {
          if (m < 2) continue;
          c.workers = 0.5 * m * gang;
          c.rate = rate.first * move.time_kept;
          c.dollars = m * move.dollars_per_hour;
        } else {
          const double meetings = std::fmin(m, o);
          c.workers = meetings * gang;
          c.time = meetings / m;
          c.other_time = meetings / o;
          c.rate = rate.first * c.time * move.time_kept;
          c.other_rate = rate.second * c.other_time * other_move.time_kept;
          c.dollars = meetings * (move.dollars_per_hour + other_move.dollars_per_hour);
        }
        columns.push_back(c);
      }
    }
  }
}

/// The columns of a program of shares, and what is known of its groups.
struct share_columns {
  table<share_column> columns;
  table<double> proportional;  ///< [groups]: steps/s of a member in the mix of the cluster
  table<char> has_columns;     ///< [groups]: whether it can run at all
  table<char> used;            ///< [types]: whether any column uses it
};

inline share_columns columns_of(const instance& given, const grouping& groups, bool space_sharing) {
  share_columns made;
  for (int g = 0; g < groups.size(); ++g) {
    const job& one = given.jobs[static_cast<std::size_t>(groups.first[g])];
    made.proportional.push_back(proportional_throughput(given, one));
    for (int k = 0; k < one.options.size(); ++k) {
      const run_option& option = one.options[k];
      if (!is_usable(given, one, option)) continue;
      made.columns.push_back(share_column{.group = g,
                                          .option = k,
                                          .type = option.type,
                                          .workers = static_cast<double>(groups.count[g]) * option.workers,
                                          .rate = option.throughput * one.move_to(option.type).time_kept,
                                          .dollars = groups.count[g] * one.move_to(option.type).dollars_per_hour});
    }
  }
  if (space_sharing) append_pairs(given, groups, made.columns);
  made.has_columns.assign(groups.size(), 0);
  made.used.assign(given.cluster.size(), 0);
  for (const share_column& c : made.columns) {
    made.has_columns[c.group] = 1;
    if (c.other >= 0) made.has_columns[c.other] = 1;
    made.used[c.type] = 1;
  }
  return made;
}

/// What values of columns mean for each job.
inline allocation shares_of(const instance& given, const grouping& groups, const table<share_column>& columns,
                            const table<double>& values) {
  struct columns_of_group {
    int begin = 0, count = 0;
  };
  table<int> option_begin;
  allocation made = no_shares(given, option_begin);
  table<columns_of_group> of_group(groups.size());
  for (int c = columns.size() - 1; c >= 0; --c) {
    if (columns[c].option < 0) continue;
    of_group[columns[c].group].begin = c;
    ++of_group[columns[c].group].count;
  }
  for (int i = 0; i < made.jobs; ++i) {
    const columns_of_group range = of_group[groups.group_of[i]];
    // Members have the same usable options in the same order, not always in the same places.
    const job& one = given.jobs[i];
    int k = -1;
    for (int c = range.begin; c < range.begin + range.count; ++c) {
      k = next_usable(given, one, k);
      if (values[c] > 0) give(given, option_begin, made, i, k, values[c]);
    }
  }
  table<double> shared(groups.size(), 0.0);
  bool any = false;
  for (int c = 0; c < columns.size(); ++c) {
    const share_column& one = columns[c];
    if (one.other < 0 || values[c] <= 0) continue;
    any = true;
    const pair_rate& rate = given.pair_rates[one.pair];
    const double a = groups.count[one.group], b = groups.count[one.other];
    const bool same = one.group == one.other;
    made.pairs.push_back(
        pair_share{.first_group = one.group,
                   .second_group = one.other,
                   .type = one.type,
                   .workers = given.jobs[static_cast<std::size_t>(groups.first[one.group])].scale_factor,
                   .share = values[c] * (same ? 1 / (a - 1) : 1 / std::fmax(a, b)),
                   .first = rate.first,
                   .second = rate.second});
    shared[one.group] += one.rate * values[c];
    if (!same) shared[one.other] += one.other_rate * values[c];
  }
  for (int i = 0; any && i < made.jobs; ++i) made.throughputs[i] += shared[groups.group_of[i]];
  made.groups = groups;
  return made;
}

}  // namespace plait::detail
