// SPDX-License-Identifier: Apache-2.0
#pragma once

// Policies that put two jobs together by rule, as the program published with Narayanan et al., OSDI 2020, has them. For
// comparison alone: simulate_cluster --as-published, docs/gavel.md.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <plait/alloc.hpp>
#include <plait/core/random.hpp>

#include "published_pairs.hpp"

namespace published {

/// Steps/s of a job alone on a type; infinite where it cannot run, so that nothing is a part of it.
inline double rate_alone(const plait::instance& given, int i, int type) {
  for (const plait::run_option& option : given.jobs[static_cast<std::size_t>(i)].options)
    if (option.type == type) return option.throughput;
  return plait::infinity;
}

/// First in, first out, with space sharing: `fifo`, and then each job that waits in turn joins the job, of those that
/// have workers for themselves, with which it does most, as parts of what both do alone there, if that is more than
/// 1.5. The first that can join nobody blocks all behind it. Begins anew each time, so nobody stays where he was.
inline plait::allocation fifo_packed(const plait::instance& given, plait::share_settings how) {
  constexpr double threshold = 1.5;
  how.space_sharing = false;
  const plait::allocation placed = plait::fifo::share(given, how);
  const rates_of_pairs rates{given};
  const int jobs = given.size(), types = given.cluster.size();
  std::vector<int> type_of(given.jobs.size(), -1), partner(given.jobs.size(), -1);
  for (int i = 0; i < jobs; ++i)
    for (int j = 0; j < types; ++j)
      if (placed.share(i, j) > 0) type_of[static_cast<std::size_t>(i)] = j;
  for (int i = 0; i < jobs; ++i) {
    if (type_of[static_cast<std::size_t>(i)] >= 0) continue;
    double most = threshold;
    int with = -1;
    for (int a = 0; a < jobs; ++a) {
      const int type = type_of[static_cast<std::size_t>(a)];
      if (type < 0 || partner[static_cast<std::size_t>(a)] >= 0) continue;
      const rates_of_pairs::both rate = rates.of(a, i, type);
      const double worth = rate.first / rate_alone(given, a, type) + rate.second / rate_alone(given, i, type);
      if (worth > most) {
        most = worth;
        with = a;
      }
    }
    if (with < 0) break;
    partner[static_cast<std::size_t>(with)] = i;
    partner[static_cast<std::size_t>(i)] = with;
  }
  plait::table<int> option_begin;
  plait::allocation made = nothing_yet(given, option_begin);
  for (int i = 0; i < jobs; ++i) {
    const plait::job& one = given.jobs[static_cast<std::size_t>(i)];
    const int type = type_of[static_cast<std::size_t>(i)], other = partner[static_cast<std::size_t>(i)];
    if (type < 0) continue;
    if (other >= 0) {
      give_both(given, made, i, other, type, 1, rates.of(i, other, type));
      continue;
    }
    for (int k = 0; k < one.options.size(); ++k)
      if (placed.option_shares[option_begin[i] + k] > 0) plait::detail::give(given, option_begin, made, i, k, 1);
  }
  made.objective = plait::detail::fifo_worth(given, made);
  return made;
}

/// Gandiva. Where all gangs fit at once, all jobs have an equal part of each type. Else jobs without a partner are put
/// together at random, with anyone of equal gang, and stay together: until one ends, or what both do together, as parts
/// of what each does alone, comes to less than 1 added up over all types, or on some type they do not fit together. All
/// pairs and single jobs then have an equal part of each type. Pairs are kept where jobs run alone for a while.
class gandiva {
 public:
  plait::allocation operator()(const plait::instance& given, const plait::share_settings& how) {
    const int jobs = given.size(), types = given.cluster.size();
    const rates_of_pairs rates{given};
    std::vector<int> partner(given.jobs.size(), -1);
    const auto with = [&](int i) -> int& { return partner[static_cast<std::size_t>(i)]; };
    const auto number = [&](int i) { return given.jobs[static_cast<std::size_t>(i)].number; };
    for (const auto& [first, second] : together_) {
      int a = -1, b = -1;
      for (int i = 0; i < jobs; ++i) {
        if (number(i) == first) a = i;
        if (number(i) == second) b = i;
      }
      if (a < 0 || b < 0 || worth(given, rates, a, b) < 1) continue;
      with(a) = b;
      with(b) = a;
    }
    double gangs = 0;
    for (const plait::job& one : given.jobs) gangs += one.scale_factor;
    const bool packs = gangs > given.cluster.workers();
    if (packs) {
      std::vector<int> single;
      for (int i = 0; i < jobs; ++i)
        if (with(i) < 0) single.push_back(i);
      const plait::random_stream dice{how.seed, "published gandiva", asked_};
      const std::size_t tries = single.size();
      for (std::uint64_t t = 0; t < tries && single.size() > 1; ++t) {
        const auto left = static_cast<std::uint32_t>(single.size());
        const std::size_t x = dice.below(2 * t, left), y = (x + 1 + dice.below(2 * t + 1, left - 1)) % left;
        const int a = single[x], b = single[y];
        if (given.jobs[static_cast<std::size_t>(a)].scale_factor !=
            given.jobs[static_cast<std::size_t>(b)].scale_factor)
          continue;
        std::erase_if(single, [&](int i) { return i == a || i == b; });
        with(a) = b;
        with(b) = a;
      }
    }
    ++asked_;
    together_.clear();
    int units = 0;
    for (int i = 0; i < jobs; ++i) {
      if (with(i) > i) together_.emplace_back(number(i), number(with(i)));
      units += !packs || with(i) < i;  // a pair counts with its second job, a single job has partner -1
    }
    plait::table<int> option_begin;
    plait::allocation made = nothing_yet(given, option_begin);
    for (int i = 0; i < jobs; ++i) {
      const plait::job& one = given.jobs[static_cast<std::size_t>(i)];
      const int other = packs ? with(i) : -1;
      if (other >= 0 && other < i) continue;
      const double all = given.cluster.workers() / units / one.scale_factor;
      const auto part = [&](int j) {
        const double there = given.cluster.types[static_cast<std::size_t>(j)].num_workers / units / one.scale_factor;
        return there / std::fmax(1, all);
      };
      if (other < 0) {
        for (int k = 0; k < one.options.size(); ++k)
          if (one.options[k].workers == one.scale_factor && plait::detail::is_usable(given, one, one.options[k]))
            plait::detail::give(given, option_begin, made, i, k, part(one.options[k].type));
        continue;
      }
      for (int j = 0; j < types; ++j) {
        const rates_of_pairs::both rate = rates.of(i, other, j);
        if (rate.run()) give_both(given, made, i, other, j, part(j), rate);
      }
    }
    made.objective = plait::detail::least_level(given, made);
    return made;
  }

  /// Jobs that are together, by number.
  [[nodiscard]] const std::vector<std::pair<int, int>>& together() const { return together_; }

 private:
  static double worth(const plait::instance& given, const rates_of_pairs& rates, int a, int b) {
    double sum = 0;
    for (int j = 0; j < given.cluster.size(); ++j) {
      const rates_of_pairs::both rate = rates.of(a, b, j);
      if (!rate.run()) return 0;
      sum += rate.first / rate_alone(given, a, j) + rate.second / rate_alone(given, b, j);
    }
    return sum;
  }
  std::vector<std::pair<int, int>> together_;
  std::uint64_t asked_ = 0;
};

}  // namespace published
