// SPDX-License-Identifier: Apache-2.0
#pragma once

// Max-min fairness with space sharing as the program published with Narayanan et al., OSDI 2020, computes it, and what
// other policies of pairs use. That program knows every pair of two jobs by itself, also those that nobody would
// choose. For comparison alone: simulate_cluster --as-published, docs/gavel.md.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include <plait/alloc.hpp>

#include "published_interior.hpp"

namespace published {

/// Steps/s of pairs, by kinds of jobs.
class rates_of_pairs {
 public:
  struct both {
    double first = 0, second = 0;
    bool measured = false;
    [[nodiscard]] bool run() const { return first > 0 && second > 0; }
  };

  explicit rates_of_pairs(const plait::instance& given) : given_{&given}, types_{given.cluster.types.size()} {
    int kinds = 0;
    for (const plait::job& one : given.jobs) kinds = std::max(kinds, one.kind + 1);
    kinds_ = static_cast<std::size_t>(kinds);
    rates_.resize(kinds_ * kinds_ * types_);
    for (const plait::pair_rate& one : given.pair_rates) {
      if (one.second_kind >= kinds) continue;
      rates_[place(one.first_kind, one.second_kind, one.type)] = {one.first, one.second, true};
      rates_[place(one.second_kind, one.first_kind, one.type)] = {one.second, one.first, true};
    }
  }

  /// Of two jobs of equal gang on a type.
  [[nodiscard]] both of(int a, int b, int type) const {
    const plait::job& one = given_->jobs[static_cast<std::size_t>(a)];
    const plait::job& other = given_->jobs[static_cast<std::size_t>(b)];
    if (one.kind < 0 || other.kind < 0 || one.scale_factor != other.scale_factor) return {};
    if (!plait::detail::gang_fits(*given_, type, one.scale_factor)) return {};
    return rates_[place(one.kind, other.kind, type)];
  }

 private:
  [[nodiscard]] std::size_t place(int a, int b, int type) const {
    return (static_cast<std::size_t>(a) * kinds_ + static_cast<std::size_t>(b)) * types_ +
           static_cast<std::size_t>(type);
  }
  const plait::instance* given_;
  std::size_t types_, kinds_ = 0;
  std::vector<both> rates_;
};

/// Gives two jobs time together, in an allocation where each job is a group of its own.
inline void give_both(const plait::instance& given, plait::allocation& made, int a, int b, int type, double share,
                      const rates_of_pairs::both& rate) {
  made.pairs.push_back(plait::pair_share{.first_group = a,
                                         .second_group = b,
                                         .type = type,
                                         .workers = given.jobs[static_cast<std::size_t>(a)].scale_factor,
                                         .share = share,
                                         .first = rate.first,
                                         .second = rate.second});
  made.throughputs[a] += share * rate.first;
  made.throughputs[b] += share * rate.second;
}

/// An allocation of nothing in which each job is a group of its own.
inline plait::allocation nothing_yet(const plait::instance& given, plait::table<int>& option_begin) {
  plait::allocation made = plait::detail::no_shares(given, option_begin);
  made.groups = plait::group_jobs(given, plait::grouping_rule{.together = false});
  return made;
}

/// Max-min fairness with space sharing (`max_min_packed`), where an interior-point method ends. All pairs of equal gang
/// are columns, also those that lose, and even those that do not fit together and do nothing: they are on the path with
/// the others. No two jobs of a pair need be of different kinds. As all columns have some share, however little, rounds
/// may run any pair that fits in; what is too little to be told from nothing, 1e-9, is given to each of them.
inline plait::allocation max_min_packed(const plait::instance& given, const plait::share_settings& how) {
  constexpr double least = 1e-9;
  const plait::allocation exact = plait::max_min_packed::share(given, how);
  const plait::grouping& groups = exact.groups;
  const rates_of_pairs rates{given};
  std::vector<double> members, workers, unit;
  for (const plait::worker_type& type : given.cluster.types) workers.push_back(type.num_workers);
  std::vector<central_path::column> columns;
  const int types = given.cluster.size();
  for (int g = 0; g < groups.size(); ++g) {
    const plait::job& one = given.jobs[static_cast<std::size_t>(groups.first[g])];
    members.push_back(groups.count[g]);
    unit.push_back(one.scale_factor / (one.priority * plait::proportional_throughput(given, one)));
    for (const plait::run_option& option : one.options)
      if (plait::detail::is_usable(given, one, option))
        columns.push_back({.group = g,
                           .type = option.type,
                           .workers = static_cast<double>(option.workers),
                           .rate = unit.back() * option.throughput});
  }
  for (int g = 0; g < groups.size(); ++g) {
    for (int h = g; h < groups.size(); ++h) {
      if (g == h && groups.count[g] < 2) continue;
      for (int j = 0; j < types; ++j) {
        const rates_of_pairs::both rate = rates.of(groups.first[g], groups.first[h], j);
        if (!rate.measured) continue;
        columns.push_back(
            {.group = g,
             .other = h,
             .type = j,
             .workers = static_cast<double>(given.jobs[static_cast<std::size_t>(groups.first[g])].scale_factor),
             .rate = unit[static_cast<std::size_t>(g)] * rate.first,
             .other_rate = unit[static_cast<std::size_t>(h)] * rate.second});
      }
    }
  }
  central_path path{std::move(members), std::move(workers), std::move(columns)};
  if (!path.follow()) {
    plait::allocation lost = exact;
    lost.certificate_verified = false;
    lost.note = "rounding lost the central path; these are shares of plait's own";
    return lost;
  }
  // Shares of each sort of column, [groups, groups or alone, types].
  const auto sorts = static_cast<std::size_t>(groups.size());
  std::vector<double> share(sorts * (sorts + 1) * static_cast<std::size_t>(types), 0.0);
  const auto place = [&](int g, int h, int type) {
    return (static_cast<std::size_t>(g) * (sorts + 1) + static_cast<std::size_t>(h + 1)) *
               static_cast<std::size_t>(types) +
           static_cast<std::size_t>(type);
  };
  for (const central_path::column& c : path.columns()) {
    share[place(c.group, c.other, c.type)] = c.value;
    if (c.other >= 0) share[place(c.other, c.group, c.type)] = c.value;
  }
  plait::table<int> option_begin;
  plait::allocation made = nothing_yet(given, option_begin);
  for (int i = 0; i < given.size(); ++i) {
    const plait::job& one = given.jobs[static_cast<std::size_t>(i)];
    const int g = groups.group_of[i];
    for (int k = 0; k < one.options.size(); ++k)
      if (plait::detail::is_usable(given, one, one.options[k]))
        plait::detail::give(given, option_begin, made, i, k, least + share[place(g, -1, one.options[k].type)]);
    for (int b = i + 1; b < given.size(); ++b)
      for (int j = 0; j < types; ++j) {
        const rates_of_pairs::both rate = rates.of(i, b, j);
        if (rate.run()) give_both(given, made, i, b, j, least + share[place(g, groups.group_of[b], j)], rate);
      }
  }
  made.objective = exact.objective;
  const double missed = exact.objective - path.level();
  made.certificate_verified = exact.certificate_verified && missed > -1e-9 && missed < 1.1 * central_path::end_gap;
  made.programs = exact.programs;
  made.seconds = exact.seconds;
  return made;
}

}  // namespace published
