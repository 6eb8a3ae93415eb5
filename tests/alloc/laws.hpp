// SPDX-License-Identifier: Apache-2.0
// The laws of allocation policies, as one template that every policy goes through.
#pragma once

#include <cmath>
#include <string>
#include <type_traits>
#include <vector>

#include <plait/alloc.hpp>

#include <doctest/doctest.h>

#include "made.hpp"

namespace laws {

using namespace plait;

/// What a policy promises beyond feasibility.
template <class P>
struct promises {
  static constexpr bool order_free =
      !std::is_same_v<P, fifo> && !std::is_same_v<P, fifo_lp> && !std::is_same_v<P, gandiva> && !std::is_same_v<P, pop>;
  /// Steps of a job may be counted in any unit.
  static constexpr bool unit_free =
      !std::is_same_v<P, sum_throughput> && !std::is_same_v<P, sum_throughput_over_cost> &&
      !std::is_same_v<P, sum_throughput_over_cost_slo> && !std::is_same_v<P, throughput_per_dollar> &&
      !std::is_same_v<P, throughput_per_dollar_slo>;
  static constexpr bool programs = !std::is_same_v<P, fifo> && !std::is_same_v<P, shortest_job_first> &&
                                   !std::is_same_v<P, allox> && !std::is_same_v<P, gandiva> &&
                                   !std::is_same_v<P, isolated> && !std::is_same_v<P, proportional>;
  /// Whole gangs run or wait, so of two that are equal one may run alone.
  static constexpr bool whole_gangs = std::is_same_v<P, allox> || std::is_same_v<P, shortest_job_first>;
  /// Of nash only throughputs are unique.
  static constexpr bool unique_shares = !std::is_same_v<P, nash> && !whole_gangs;
  static constexpr bool single_workers = std::is_same_v<P, allox>;
  /// Takes no notice of rates, so time may go where a job cannot run.
  static constexpr bool blind = std::is_same_v<P, max_min_agnostic>;
};

inline bool near(double a, double b, double tolerance = 1e-6) {
  return a == b || std::fabs(a - b) <= tolerance * std::fmax(1, std::fmax(std::fabs(a), std::fabs(b)));
}

/// The kinds of instances that a policy takes.
template <class P>
std::vector<instance> instances(int seeds) {
  std::vector<instance> all;
  for (const made::kind& k : made::kinds()) {
    for (int seed = 1; seed <= seeds; ++seed) {
      instance one = made::make(k, static_cast<std::uint64_t>(seed));
      if (promises<P>::single_workers) {
        for (job& j : one.jobs) {
          j.scale_factor = 1;
          for (run_option& o : j.options) o.workers = 1;
        }
      }
      all.push_back(one);
    }
  }
  return all;
}

template <class P>
void feasible(const instance& given, const allocation& found) {
  REQUIRE(found.jobs == given.size());
  for (int i = 0; i < given.size(); ++i) {
    const job& one = given.jobs[static_cast<std::size_t>(i)];
    for (int j = 0; j < found.types; ++j) {
      CHECK(found.share(i, j) >= 0);
      if (promises<P>::blind) continue;
      bool runs = false;
      for (const run_option& o : one.options) runs = runs || (o.type == j && made::runs_so(given, o));
      if (!runs) CHECK(found.share(i, j) == 0);
    }
    CHECK(found.busy(i) <= 1 + 1e-9);
  }
  for (int j = 0; j < found.types; ++j) {
    const double there = given.cluster.types[static_cast<std::size_t>(j)].num_workers;
    double held = 0;
    int at = 0;
    for (int i = 0; i < given.size(); ++i) {
      // Where a job has one gang size its shares of a type are of that gang, also where it cannot run.
      const auto& options = given.jobs[static_cast<std::size_t>(i)].options;
      int gang = options.empty() ? given.jobs[static_cast<std::size_t>(i)].scale_factor : options[0].workers;
      for (const run_option& o : options) gang = o.workers == gang ? gang : 0;
      if (gang > 0) held += gang * found.share(i, j);
      for (const run_option& o : options) {
        if (gang == 0 && o.type == j) held += o.workers * found.option_shares[at];
        ++at;
      }
    }
    CHECK(held <= there + 1e-8 * (1 + there));
    CHECK(workers_used(given, found, j) <= there + 1e-8 * (1 + there));
  }
  // Throughputs follow from the shares of options, and those of types are their sums.
  int option = 0;
  for (int i = 0; i < given.size(); ++i) {
    const job& one = given.jobs[static_cast<std::size_t>(i)];
    double rate = 0;
    std::vector<double> on_type(given.cluster.types.size(), 0);
    for (const run_option& o : one.options) {
      const double part = found.option_shares[option++];
      CHECK(part >= 0);
      if (part > 0) CHECK(made::runs_so(given, o));
      rate += o.throughput * part;
      on_type[static_cast<std::size_t>(o.type)] += part;
    }
    for (int j = 0; !promises<P>::blind && j < found.types; ++j)
      CHECK(near(found.share(i, j), on_type[static_cast<std::size_t>(j)]));
    for (const pair_share& p : found.pairs) {
      for (int other = 0; other < given.size(); ++other) {
        if (other == i) continue;
        if (found.groups.group_of[i] == p.first_group && found.groups.group_of[other] == p.second_group)
          rate += p.share * p.first;
        else if (found.groups.group_of[i] == p.second_group && found.groups.group_of[other] == p.first_group)
          rate += p.share * p.second;
      }
    }
    CHECK(near(found.throughputs[i] / std::fmax(rate, 1e-300), rate > 0 ? 1 : 0));
  }
}

template <class P>
void policy() {
  static_assert(allocation_policy<P>);
  for (const instance& given : instances<P>(3)) {
    CAPTURE(P::name);
    CAPTURE(given.size());
    validate(given);
    const allocation found = P::share(given, {});
    feasible<P>(given, found);
    if (promises<P>::programs) CHECK(found.certificate_verified);
    for (const double price : found.prices) CHECK(price >= 0);
    if (given.pair_rates.empty()) continue;
    const allocation shared = P::share(given, {.space_sharing = true});
    feasible<P>(given, shared);
    if (promises<P>::programs) CHECK(shared.certificate_verified);
  }
}

/// The instance with its jobs in another order; `to[i]` is where job i went.
inline instance shuffled(const instance& given, std::vector<int>& to, std::uint64_t seed) {
  made::dice d{seed};
  const int n = given.size();
  std::vector<int> from(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) from[static_cast<std::size_t>(i)] = i;
  for (int i = n - 1; i > 0; --i)
    std::swap(from[static_cast<std::size_t>(i)], from[static_cast<std::size_t>(d.below(i + 1))]);
  instance other = given;
  to.assign(static_cast<std::size_t>(n), 0);
  for (int i = 0; i < n; ++i) {
    other.jobs[static_cast<std::size_t>(i)] = given.jobs[static_cast<std::size_t>(from[static_cast<std::size_t>(i)])];
    to[static_cast<std::size_t>(from[static_cast<std::size_t>(i)])] = i;
  }
  for (entity& e : other.entities)
    for (int& i : e.jobs) i = to[static_cast<std::size_t>(i)];
  return other;
}

/// Job i has in `a` what job k has in `b`, where a step of it is 1 / `by` of one in `a`.
template <class P>
void same_shares(const allocation& a, int i, const allocation& b, int k, double by = 1) {
  if (!promises<P>::unique_shares && !promises<P>::whole_gangs) {
    CHECK(a.throughputs[i] * by == doctest::Approx(b.throughputs[k]).epsilon(1e-5));
    return;
  }
  for (int j = 0; j < a.types; ++j) CHECK(a.share(i, j) == doctest::Approx(b.share(k, j)).epsilon(1e-5));
}

/// Calls `see` with the shares of both instances, without pairs and, where there are any, with them.
template <class P, class See>
void share_both(const instance& one, const instance& other, See&& see) {
  for (const bool pairs : {false, true}) {
    if (pairs && one.pair_rates.empty()) continue;
    const share_settings how{.space_sharing = pairs};
    CAPTURE(P::name);
    CAPTURE(one.size());
    CAPTURE(pairs);
    see(P::share(one, how), P::share(other, how));
  }
}

template <class P>
void order_does_not_matter() {
  if (!promises<P>::order_free) return;
  for (const instance& given : instances<P>(2)) {
    std::vector<int> to;
    const instance other = shuffled(given, to, 7);
    share_both<P>(given, other, [&](const allocation& a, const allocation& b) {
      CHECK(near(a.objective, b.objective));
      if (promises<P>::whole_gangs) return;
      for (int i = 0; i < given.size(); ++i) same_shares<P>(a, i, b, to[static_cast<std::size_t>(i)]);
    });
  }
}

/// What the objective of a policy is multiplied by where all steps are.
template <class P>
double in_units(double all) {
  return promises<P>::unit_free ? 1 : all;
}

template <class P>
void units_do_not_matter() {
  for (const instance& given : instances<P>(2)) {
    instance other = given;
    made::dice d{5};
    const double all = d.between(0.01, 100);
    std::vector<double> by;
    for (job& one : other.jobs) {
      by.push_back(promises<P>::unit_free ? d.between(0.01, 100) : all);
      if (promises<P>::whole_gangs) by.back() = std::ldexp(1.0, d.below(9) - 4);  // equal times stay equal
      one.steps_remaining *= by.back();
      for (run_option& o : one.options) o.throughput *= by.back();
    }
    // Where there are pairs, each job is of its own kind, the number of the job.
    for (pair_rate& rate : other.pair_rates) {
      rate.first *= by[static_cast<std::size_t>(rate.first_kind)];
      rate.second *= by[static_cast<std::size_t>(rate.second_kind)];
    }
    share_both<P>(given, other, [&](const allocation& a, const allocation& b) {
      CHECK(near(b.objective / in_units<P>(all), a.objective));
      for (int i = 0; i < given.size(); ++i) {
        const double its = by[static_cast<std::size_t>(i)];
        same_shares<P>(a, i, b, i, its);
        CHECK(b.throughputs[i] == doctest::Approx(a.throughputs[i] * its).epsilon(1e-5));
      }
      REQUIRE(a.levels.size() == b.levels.size());
      for (int i = 0; i < a.levels.size(); ++i) CHECK(b.levels[i] == doctest::Approx(a.levels[i]).epsilon(1e-6));
    });
  }
}

/// Equal jobs get equal shares, and the group as a whole what it gets when nobody is put together.
template <class P>
void grouping_changes_nothing() {
  if (!promises<P>::programs || std::is_same_v<P, fifo_lp>) return;
  for (int seed = 1; seed <= 6; ++seed) {
    for (const bool pairs : {false, true}) {
      instance given =
          made::make({.name = "twins", .jobs = 9, .gangs = true, .weights = true, .twins = true, .workers = 3},
                     static_cast<std::uint64_t>(seed));
      if (pairs) {
        // Kinds by equal rates; two of one kind do alike.
        const grouping kinds = group_jobs(given, grouping_rule{.any_unit = false});
        for (int i = 0; i < given.size(); ++i) given.jobs[static_cast<std::size_t>(i)].kind = kinds.group_of[i];
        made::dice d{static_cast<std::uint64_t>(seed)};
        for (int a = 0; a < kinds.size(); ++a) {
          for (int b = a; b < kinds.size(); ++b) {
            for (int j = 0; j < given.cluster.size(); ++j) {
              const auto& x = given.jobs[static_cast<std::size_t>(kinds.first[a])].options;
              const auto& y = given.jobs[static_cast<std::size_t>(kinds.first[b])].options;
              const double kept = d.between(0.4, 1), other = a == b ? kept : d.between(0.4, 1);
              given.pair_rates.push_back({a, b, j, kept * x[j].throughput, other * y[j].throughput});
            }
          }
        }
      }
      share_settings apart{.space_sharing = pairs, .group = false};
      share_settings together{.space_sharing = pairs};
      const allocation a = P::share(given, together), b = P::share(given, apart);
      CAPTURE(P::name);
      CAPTURE(seed);
      CAPTURE(pairs);
      CHECK(near(a.objective, b.objective));
      const bool one_of_many = std::is_same_v<P, pop>;
      if (one_of_many) continue;
      // Total normalised throughput, by which ties are broken.
      double x = 0, y = 0;
      for (int i = 0; i < given.size(); ++i) {
        const double unit = proportional_throughput(given, given.jobs[static_cast<std::size_t>(i)]);
        x += a.throughputs[i] / unit;
        y += b.throughputs[i] / unit;
      }
      const bool totals = !promises<P>::blind && !(pairs && std::is_same_v<P, nash>);
      if (totals) CHECK(near(x, y, 1e-5));
      if (promises<P>::blind) continue;
      for (int i = 0; i < given.size(); ++i) {
        for (int k = 0; k < i; ++k) {
          if (a.groups.group_of[i] != a.groups.group_of[k]) continue;
          CHECK(near(a.throughputs[i], a.throughputs[k]));
        }
      }
      for (int i = 0; i < a.levels.size(); ++i) CHECK(near(a.levels[i], b.levels[i]));
    }
  }
}

}  // namespace laws
