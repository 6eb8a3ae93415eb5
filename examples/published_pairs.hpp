// SPDX-License-Identifier: Apache-2.0
#pragma once

// Max-min fairness and least makespan with space sharing as the program published with Narayanan et al., OSDI 2020,
// computes them, and what other policies of pairs use. That program knows every pair of two jobs by itself, also those
// that nobody would choose. For comparison alone: simulate_cluster --as-published, docs/gavel.md.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include <plait/alloc.hpp>

#include "published_interior.hpp"
#include "published_policies.hpp"

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

/// Groups of equal jobs as the central path has them, and the group of each job.
struct path_groups {
  std::vector<int> first, of;
  std::vector<double> members, unit;  ///< [groups]; unit: a group's rates are scaled by it

  [[nodiscard]] int size() const { return static_cast<int>(first.size()); }
};

/// All columns that the published program has: every job alone and all pairs of equal gang, also those that lose, and
/// even those that do not fit together and do nothing. No two jobs of a pair need be of different kinds.
inline std::vector<path_column> columns_of(const plait::instance& given, const path_groups& groups,
                                           const rates_of_pairs& rates) {
  std::vector<path_column> columns;
  const int types = given.cluster.size();
  const auto first = [&](int g) -> const plait::job& {
    return given.jobs[static_cast<std::size_t>(groups.first[static_cast<std::size_t>(g)])];
  };
  const auto unit = [&](int g) { return groups.unit[static_cast<std::size_t>(g)]; };
  for (int g = 0; g < groups.size(); ++g)
    for (const plait::run_option& option : first(g).options)
      if (plait::detail::is_usable(given, first(g), option))
        columns.push_back({.group = g,
                           .type = option.type,
                           .workers = static_cast<double>(option.workers),
                           .rate = unit(g) * option.throughput});
  for (int g = 0; g < groups.size(); ++g) {
    for (int h = g; h < groups.size(); ++h) {
      if (g == h && groups.members[static_cast<std::size_t>(g)] < 2) continue;
      for (int j = 0; j < types; ++j) {
        const rates_of_pairs::both rate =
            rates.of(groups.first[static_cast<std::size_t>(g)], groups.first[static_cast<std::size_t>(h)], j);
        if (!rate.measured) continue;
        columns.push_back({.group = g,
                           .other = h,
                           .type = j,
                           .workers = static_cast<double>(first(g).scale_factor),
                           .rate = unit(g) * rate.first,
                           .other_rate = unit(h) * rate.second});
      }
    }
  }
  return columns;
}

/// The shares of a point of the path. As all columns have some share, however little, rounds may run any pair that fits
/// in; what is too little to be told from nothing, 1e-9, is given to each of them.
inline plait::allocation shares_on_path(const plait::instance& given, const path_groups& groups,
                                        const rates_of_pairs& rates, const std::vector<path_column>& columns) {
  constexpr double least = 1e-9;
  // Shares of each sort of column, [groups, groups or alone, types].
  const auto sorts = static_cast<std::size_t>(groups.size());
  const int types = given.cluster.size();
  std::vector<double> share(sorts * (sorts + 1) * static_cast<std::size_t>(types), 0.0);
  const auto place = [&](int g, int h, int type) {
    return (static_cast<std::size_t>(g) * (sorts + 1) + static_cast<std::size_t>(h + 1)) *
               static_cast<std::size_t>(types) +
           static_cast<std::size_t>(type);
  };
  for (const path_column& c : columns) {
    share[place(c.group, c.other, c.type)] = c.value;
    if (c.other >= 0) share[place(c.other, c.group, c.type)] = c.value;
  }
  plait::table<int> option_begin;
  plait::allocation made = nothing_yet(given, option_begin);
  for (int i = 0; i < given.size(); ++i) {
    const plait::job& one = given.jobs[static_cast<std::size_t>(i)];
    const int g = groups.of[static_cast<std::size_t>(i)];
    for (int k = 0; k < one.options.size(); ++k)
      if (plait::detail::is_usable(given, one, one.options[k]))
        plait::detail::give(given, option_begin, made, i, k, least + share[place(g, -1, one.options[k].type)]);
    for (int b = i + 1; b < given.size(); ++b)
      for (int j = 0; j < types; ++j) {
        const rates_of_pairs::both rate = rates.of(i, b, j);
        if (rate.run())
          give_both(given, made, i, b, j, least + share[place(g, groups.of[static_cast<std::size_t>(b)], j)], rate);
      }
  }
  return made;
}

inline std::vector<double> workers_of(const plait::instance& given) {
  std::vector<double> workers;
  for (const plait::worker_type& type : given.cluster.types) workers.push_back(type.num_workers);
  return workers;
}

inline plait::allocation lost_path(const plait::allocation& exact) {
  plait::allocation lost = exact;
  lost.certificate_verified = false;
  lost.note = "rounding lost the central path; these are shares of plait's own";
  return lost;
}

/// Max-min fairness with space sharing (`max_min_packed`), where an interior-point method ends.
inline plait::allocation max_min_packed(const plait::instance& given, const plait::share_settings& how) {
  const plait::allocation exact = plait::max_min_packed::share(given, how);
  const rates_of_pairs rates{given};
  path_groups groups;
  for (int g = 0; g < exact.groups.size(); ++g) {
    const plait::job& one = given.jobs[static_cast<std::size_t>(exact.groups.first[g])];
    groups.first.push_back(exact.groups.first[g]);
    groups.members.push_back(exact.groups.count[g]);
    groups.unit.push_back(one.scale_factor / (one.priority * plait::proportional_throughput(given, one)));
  }
  for (int i = 0; i < given.size(); ++i) groups.of.push_back(exact.groups.group_of[i]);
  central_path path{groups.members, workers_of(given), columns_of(given, groups, rates)};
  if (!path.follow()) return lost_path(exact);
  plait::allocation made = shares_on_path(given, groups, rates, path.columns());
  made.objective = exact.objective;
  const double missed = exact.objective - path.level();
  made.certificate_verified = exact.certificate_verified && missed > -1e-9 && missed < 1.1 * central_path::end_gap;
  made.programs = exact.programs;
  made.seconds = exact.seconds;
  return made;
}

/// Least makespan with space sharing: of all shares that end by the time that the published search finds, the centre,
/// as `published::makespan` has it without pairs. No two jobs have equally many steps left, so each is a group; gangs
/// are listed by size, as pairs are of equal ones.
inline plait::allocation makespan_packed(const plait::instance& given, const plait::share_settings& how) {
  constexpr double given_up = 1e-3;
  const plait::allocation exact = plait::least_makespan::share(given, how);
  const double seconds = searched_makespan(exact.objective);
  if (seconds == plait::infinity) return exact;
  const rates_of_pairs rates{given};
  path_groups groups;
  for (int i = 0; i < given.size(); ++i) groups.first.push_back(i);
  const auto job = [&](int i) -> const plait::job& { return given.jobs[static_cast<std::size_t>(i)]; };
  std::stable_sort(groups.first.begin(), groups.first.end(),
                   [&](int a, int b) { return job(a).scale_factor < job(b).scale_factor; });
  groups.of.resize(groups.first.size());
  groups.members.assign(groups.first.size(), 1.0);
  std::vector<double> needs;
  for (int g = 0; g < groups.size(); ++g) {
    const int i = groups.first[static_cast<std::size_t>(g)];
    groups.of[static_cast<std::size_t>(i)] = g;
    const double scale = plait::proportional_throughput(given, job(i));
    groups.unit.push_back(1 / scale);
    needs.push_back(job(i).steps_remaining / scale / exact.objective);
  }
  // In parts of the best level.
  short_central_path path{groups.members, workers_of(given), columns_of(given, groups, rates), needs};
  const double level = (1 - given_up) * exact.objective / seconds;
  if (!path.follow_to(level, 1)) return lost_path(exact);
  plait::allocation made = shares_on_path(given, groups, rates, path.columns());
  made.objective = exact.objective;
  made.certificate_verified = exact.certificate_verified && path.level() < 1 + 1e-9;
  made.programs = exact.programs;
  made.seconds = exact.seconds;
  return made;
}

}  // namespace published
