// SPDX-License-Identifier: Apache-2.0
// Pairs that come into a program as they are needed, beside programs that list them all.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <plait/alloc.hpp>

#include <doctest/doctest.h>

#include "dense.hpp"
#include "made.hpp"

namespace {

using namespace plait;

constexpr int all_listed = 1 << 30;

/// Jobs of so many kinds, and what each pair of kinds does on each of three types.
instance waiting(int jobs, int kinds, double workers, std::uint64_t seed) {
  made::dice dice{seed};
  instance g;
  for (int j = 0; j < 3; ++j)
    g.cluster.types.push_back({.name = std::string(1, static_cast<char>('a' + j)), .num_workers = workers});
  std::vector<std::vector<double>> rate;
  std::vector<double> hurt, hurts;
  for (int k = 0; k < kinds; ++k) {
    const double base = std::exp(dice.between(0, 3));
    rate.push_back({base * dice.between(2, 5), base * dice.between(1, 3), base * dice.between(0.3, 1.3)});
    if (dice.below(5) == 0) rate.back()[2] = 0;  // it cannot run there, alone or with others
    hurt.push_back(dice.unit());
    hurts.push_back(dice.unit());
  }
  for (int i = 0; i < jobs; ++i) {
    const int kind = kinds == jobs ? i : dice.below(kinds);
    job& one = g.jobs.emplace_back(job_of(rate[static_cast<std::size_t>(kind)]));
    one.kind = kind;
    one.steps_remaining = dice.between(1000, 50000);
    if (dice.below(6) == 0) one.priority = 3;
  }
  for (int a = 0; a < kinds; ++a) {
    for (int b = a; b < kinds; ++b) {
      for (int j = 0; j < 3; ++j) {
        const auto x = static_cast<std::size_t>(a), y = static_cast<std::size_t>(b), t = static_cast<std::size_t>(j);
        if (rate[x][t] == 0 || rate[y][t] == 0 || dice.below(12) == 0) continue;
        const double first = std::fmin(1, 0.3 + 0.3 * hurt[x] + 0.3 * hurts[y] + 0.2 * dice.unit()),
                     second = a == b ? first : std::fmin(1, 0.3 + 0.3 * hurt[y] + 0.3 * hurts[x] + 0.2 * dice.unit());
        g.pair_rates.push_back({a, b, j, first * rate[x][t], second * rate[y][t]});
      }
    }
  }
  return g;
}

/// Both ways the same shares, proved; how many columns the largest program had.
void check_same(const instance& g, const share_settings& how, double& columns, double& all_columns) {
  share_settings listing = how, waiting = how;
  listing.listed_pairs = all_listed;
  waiting.listed_pairs = 0;
  const allocation whole = max_min_packed::share(g, listing), found = max_min_packed::share(g, waiting);
  CHECK(found.certificate_verified);
  CHECK(found.objective == doctest::Approx(whole.objective).epsilon(1e-9));
  columns += found.columns;
  all_columns += whole.columns;
  double total = 0, whole_total = 0;
  for (int i = 0; i < g.size(); ++i) {
    const double unit = proportional_throughput(g, g.jobs[static_cast<std::size_t>(i)]);
    if (unit == 0) continue;
    total += found.throughputs[i] / unit;
    whole_total += whole.throughputs[i] / unit;
    if (how.break_ties && how.group)
      CHECK(found.throughputs[i] / unit == doctest::Approx(whole.throughputs[i] / unit).epsilon(1e-6));
    CHECK(found.busy(i) <= 1 + 1e-9);
  }
  if (how.break_ties) CHECK(total == doctest::Approx(whole_total).epsilon(1e-7));
  for (int j = 0; j < g.cluster.size(); ++j)
    CHECK(workers_used(g, found, j) <= g.cluster.types[static_cast<std::size_t>(j)].num_workers * (1 + 1e-9));
}

TEST_CASE("pairs that come in as they are needed give the shares of the program that lists them all") {
  double columns = 0, all_columns = 0;
  for (const int jobs : {2, 5, 12, 40, 90}) {
    for (const bool different : {true, false}) {
      for (const double part : {0.06, 0.2, 0.6}) {  // types that are scarce, and some that are not
        CAPTURE(jobs);
        CAPTURE(different);
        CAPTURE(part);
        const instance g = waiting(jobs, different ? jobs : 1 + jobs / 4, std::ceil(part * jobs), 77);
        check_same(g, {}, columns, all_columns);
        check_same(g, {.break_ties = false}, columns, all_columns);
        check_same(g, {.group = false}, columns, all_columns);
      }
    }
  }
  CHECK(columns < all_columns / 3);
}

TEST_CASE("of a hundred jobs that are all different the program has a tenth of the pairs") {
  double columns = 0, all_columns = 0;
  check_same(waiting(110, 110, 14, 5), {}, columns, all_columns);
  CHECK(all_columns > 15000);
  CHECK(columns < all_columns / 8);
}

TEST_CASE("the makespan is the same too, and so are the throughputs") {
  int shorter = 0;  // where the longest job does not set it
  for (const int jobs : {3, 20, 60}) {
    for (const double part : {0.06, 0.3}) {
      const instance g = waiting(jobs, jobs, std::ceil(part * jobs), 21);
      const allocation whole = least_makespan::share(g, {.space_sharing = true, .listed_pairs = all_listed}),
                       found = least_makespan::share(g, {.space_sharing = true, .listed_pairs = 0});
      CHECK(found.certificate_verified);
      CHECK(found.objective == doctest::Approx(whole.objective).epsilon(1e-9));
      const double alone = least_makespan::share(g).objective;
      CHECK(found.objective <= alone * (1 + 1e-9));
      shorter += found.objective < 0.99 * alone ? 1 : 0;
      for (int i = 0; i < g.size(); ++i)
        CHECK(found.throughputs[i] == doctest::Approx(whole.throughputs[i]).epsilon(1e-6));
    }
  }
  CHECK(shorter >= 2);
}

TEST_CASE("with pairs that come in the level is that of a plain program with a column for each pair") {
  for (const instance& g : made::of_all_kinds(51, 4)) {
    if (g.pair_rates.empty()) continue;
    const made::plain p{g, true};
    std::vector<double> unit, none, one;
    for (int i = 0; i < g.size(); ++i) {
      const job& that = g.jobs[static_cast<std::size_t>(i)];
      unit.push_back(
          made::runs(g, i) ? that.scale_factor / (that.priority * p.proportional[static_cast<std::size_t>(i)]) : 0);
      none.push_back(0);
      one.push_back(1);
    }
    const auto best = p.best_level(unit, none, one);
    REQUIRE(best);
    const allocation found = max_min_packed::share(g, {.listed_pairs = 0});
    CHECK(found.certificate_verified);
    CHECK(found.objective == doctest::Approx(static_cast<double>(best->value)).epsilon(1e-8));
  }
}

TEST_CASE("nobody to pair with, and pairs that never pay, are no trouble") {
  instance g = waiting(10, 10, 2, 3);
  g.pair_rates.clear();
  double columns = 0, all_columns = 0;
  check_same(g, {}, columns, all_columns);
  g = waiting(10, 10, 2, 3);
  for (pair_rate& one : g.pair_rates) one.first = one.second = 1e-6;
  check_same(g, {}, columns, all_columns);
  const allocation found = max_min_packed::share(g, {.listed_pairs = 0});
  CHECK(found.objective == doctest::Approx(max_min_perf::share(g).objective).epsilon(1e-9));
}

}  // namespace
