// SPDX-License-Identifier: Apache-2.0
// Answers of policies beside plain formulations that are solved another way: one column for each job or pair, a dense
// simplex method of its own, searches by halving, filling by probing each job, all orders tried.
#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <plait/alloc.hpp>

#include <doctest/doctest.h>

#include "dense.hpp"
#include "made.hpp"

namespace {

using namespace plait;
using made::plain;

std::vector<instance> all_instances(int seeds) {
  return made::of_all_kinds(11, seeds);
}

std::vector<double> fairness_units(const instance& g, const plain& p) {
  std::vector<double> unit;
  for (int i = 0; i < g.size(); ++i) {
    const job& one = g.jobs[static_cast<std::size_t>(i)];
    unit.push_back(made::runs(g, i) ? one.scale_factor / (one.priority * p.proportional[static_cast<std::size_t>(i)])
                                    : 0);
  }
  return unit;
}

/// The level and, at that level, the most total normalised throughput.
void check_max_min(const instance& g, const allocation& found, bool pairs) {
  const plain p{g, pairs};
  const auto unit = fairness_units(g, p);
  const std::vector<double> none(unit.size(), 0), one(unit.size(), 1);
  const auto best = p.best_level(unit, none, one);
  REQUIRE(best);
  CHECK(found.objective == doctest::Approx(static_cast<double>(best->value)).epsilon(1e-7));
  dense::program tie = p.shares();
  double total = 0, at_least = infinity;
  for (int i = 0; i < g.size(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (unit[at] == 0) continue;
    tie.at_least(p.rate_row(i, unit[at], 0), best->value * (1 - 1e-12L));
    const auto row = p.rate_row(i, 1 / p.proportional[at], 0);
    for (std::size_t c = 0; c < row.size(); ++c) tie.cost[c] += row[c];
    total += found.throughputs[i] / p.proportional[at];
    at_least = std::fmin(at_least, unit[at] * found.throughputs[i]);
  }
  CHECK(at_least == doctest::Approx(static_cast<double>(best->value)).epsilon(1e-7));
  const auto most = dense::solve(tie);
  REQUIRE(most);
  CHECK(total == doctest::Approx(static_cast<double>(most->value)).epsilon(1e-6));
}

TEST_CASE("max-min: the least level, and the most throughput at it, are those of the plain program") {
  for (const instance& g : all_instances(4)) check_max_min(g, max_min_perf::share(g, {}), false);
}

TEST_CASE("max-min with pairs: the same of the program over all pairs of jobs") {
  for (int seed = 1; seed <= 8; ++seed) {
    const made::kind k{.name = "pairs", .jobs = 7, .weights = seed % 2 == 0, .pairs = true, .workers = 1};
    const instance g = made::make(k, static_cast<std::uint64_t>(seed));
    const allocation found = max_min_packed::share(g, {});
    check_max_min(g, found, true);
    CHECK(found.objective >= max_min_perf::share(g, {}).objective * (1 - 1e-9));
  }
}

/// Crowded instances in which two jobs may share workers, some of them with gangs.
std::vector<instance> instances_with_pairs() {
  std::vector<instance> all;
  for (int seed = 21; seed <= 26; ++seed) {
    const bool odd = seed % 2 == 1;
    all.push_back(made::make({.name = "pairs", .jobs = odd ? 6 : 7, .weights = odd, .pairs = true, .workers = 1},
                             static_cast<std::uint64_t>(seed)));
    all.push_back(made::make({.name = "gangs in pairs", .jobs = 8, .gangs = true, .pairs = true, .workers = 2},
                             static_cast<std::uint64_t>(seed)));
  }
  return all;
}

void check_makespan(const instance& g, bool pairs) {
  const allocation found = least_makespan::share(g, {.space_sharing = pairs});
  const plain p{g, pairs};
  bool stranded = false;
  for (int i = 0; i < g.size(); ++i) stranded = stranded || !made::runs(g, i);
  if (stranded) {
    CHECK(found.objective == infinity);
    return;
  }
  const auto serves = [&](double seconds) {
    dense::program q = p.shares();
    for (int i = 0; i < g.size(); ++i) {
      const double left = g.jobs[static_cast<std::size_t>(i)].steps_remaining;
      q.at_least(p.rate_row(i, seconds / left, 0), 1);
    }
    return dense::solve(q).has_value();
  };
  CHECK(serves(found.objective * (1 + 1e-7)));
  CHECK_FALSE(serves(found.objective * (1 - 1e-7)));
  double longest = 0;
  for (int i = 0; i < g.size(); ++i)
    longest = std::fmax(longest, g.jobs[static_cast<std::size_t>(i)].steps_remaining / found.throughputs[i]);
  CHECK(longest == doctest::Approx(found.objective).epsilon(1e-7));
}

TEST_CASE("makespan: no shorter time serves all, by halving") {
  for (const instance& g : all_instances(3)) check_makespan(g, false);
}

TEST_CASE("makespan with pairs: the same of the program over all pairs of jobs") {
  int shorter = 0;
  for (const instance& g : instances_with_pairs()) {
    check_makespan(g, true);
    const double with = least_makespan::share(g, {.space_sharing = true}).objective;
    shorter += with < least_makespan::share(g, {}).objective * (1 - 1e-6) ? 1 : 0;
  }
  CHECK(shorter > 6);  // or pairs have said nothing
}

/// Steps/s with an equal part of the cluster, written out: on each type the largest gang up to some size, of all sizes
/// the best.
double rate_alone(const instance& g, const job& one) {
  double best = 0;
  for (const int most : {1, 2, 4}) {
    double busy = 0, rate = 0;
    for (int j = 0; j < g.cluster.size(); ++j) {
      const run_option* used = nullptr;
      for (const run_option& o : one.options) {
        if (o.type != j || o.workers > most || !made::runs_so(g, o)) continue;
        if (used == nullptr || o.workers > used->workers) used = &o;
        if (o.workers == used->workers && o.throughput > used->throughput) used = &o;
      }
      if (used == nullptr) continue;
      const double share = g.cluster.types[static_cast<std::size_t>(j)].num_workers / g.size() / used->workers;
      busy += share;
      rate += used->throughput * share;
    }
    best = std::fmax(best, rate / std::fmax(1, busy));
  }
  return best;
}

void check_finish_times(const instance& g, bool pairs) {
  const allocation found = finish_time_fairness::share(g, {.space_sharing = pairs});
  const plain p{g, pairs};
  std::vector<double> fair, alone;
  bool stranded = false;
  for (int i = 0; i < g.size(); ++i) {
    const job& one = g.jobs[static_cast<std::size_t>(i)];
    stranded = stranded || !made::runs(g, i);
    const double rate = rate_alone(g, one);
    alone.push_back(rate);
    fair.push_back(one.isolated_time_so_far + one.steps_remaining / rate);
  }
  if (stranded) return;
  const auto keeps = [&](double rho) {
    dense::program q = p.shares();
    for (int i = 0; i < g.size(); ++i) {
      const job& one = g.jobs[static_cast<std::size_t>(i)];
      const double left = rho * fair[static_cast<std::size_t>(i)] - one.elapsed;
      if (left <= 0) return false;
      q.at_least(p.rate_row(i, left / one.steps_remaining, 0), 1);
    }
    return dense::solve(q).has_value();
  };
  CHECK(keeps(found.objective * (1 + 1e-7)));
  CHECK_FALSE(keeps(found.objective * (1 - 1e-7)));
  double largest = 0, isolated_largest = 0;
  for (int i = 0; i < g.size(); ++i) {
    const job& one = g.jobs[static_cast<std::size_t>(i)];
    const auto at = static_cast<std::size_t>(i);
    largest = std::fmax(largest, (one.elapsed + one.steps_remaining / found.throughputs[i]) / fair[at]);
    isolated_largest = std::fmax(isolated_largest, (one.elapsed + one.steps_remaining / alone[at]) / fair[at]);
  }
  CHECK(largest == doctest::Approx(found.objective).epsilon(1e-7));
  CHECK(found.objective <= isolated_largest * (1 + 1e-9));  // nobody is worse off than the worst of equal parts
}

TEST_CASE("finish-time fairness: no smaller largest rho can be kept, by halving") {
  for (const instance& g : all_instances(3)) check_finish_times(g, false);
}

TEST_CASE("finish-time fairness with pairs: the same of the program over all pairs of jobs") {
  int smaller = 0;
  for (const instance& g : instances_with_pairs()) {
    check_finish_times(g, true);
    const double with = finish_time_fairness::share(g, {.space_sharing = true}).objective;
    smaller += with < finish_time_fairness::share(g, {}).objective * (1 - 1e-6) ? 1 : 0;
  }
  CHECK(smaller > 6);
}

/// Rows for SLOs; false where they cannot hold.
bool with_slos(const instance& g, const plain& p, dense::program& q, bool scaled) {
  for (int i = 0; i < g.size(); ++i) {
    const job& one = g.jobs[static_cast<std::size_t>(i)];
    if (one.slo_seconds == infinity) continue;
    const double rate = one.steps_remaining / one.slo_seconds, unit = 1 / p.proportional[static_cast<std::size_t>(i)];
    q.at_least(p.rate_row(i, unit, scaled ? -rate * unit : 0), scaled ? 0 : rate * unit);
  }
  return true;
}

bool gave_up(const allocation& found) {
  return found.note.find(detail::slo_given_up) != std::string::npos;
}

void check_sums(const instance& g, bool slo, bool pairs = false) {
  const share_settings how{.space_sharing = pairs};
  const plain p{g, pairs};
  dense::program sum = p.shares();
  if (slo) with_slos(g, p, sum, false);
  const bool possible = dense::solve(sum).has_value();
  if (!possible) sum = p.shares();
  for (std::size_t c = 0; c < p.columns.size(); ++c)
    sum.cost[c] = (p.columns[c].rate_a + p.columns[c].rate_b) /
                  g.cluster.types[static_cast<std::size_t>(p.columns[c].type)].cost_per_hour;
  const auto best = dense::solve(sum);
  REQUIRE(best);
  const allocation over_cost =
      slo ? sum_throughput_over_cost_slo::share(g, how) : sum_throughput_over_cost::share(g, how);
  CHECK(over_cost.objective == doctest::Approx(static_cast<double>(best->value)).epsilon(1e-7));
  CHECK(gave_up(over_cost) == !possible);
  // Charnes and Cooper: shares times a scale, the last column, and dollars that sum to one.
  dense::program ratio = p.shares(true);
  if (slo && possible) with_slos(g, p, ratio, true);
  auto dollars = p.zeros();
  for (std::size_t c = 0; c < p.columns.size(); ++c) {
    const auto& column = p.columns[c];
    ratio.cost[c] = column.rate_a + column.rate_b;
    dollars[c] = column.workers * g.cluster.types[static_cast<std::size_t>(column.type)].cost_per_hour;
  }
  ratio.at_most(dollars, 1);
  const auto best_ratio = dense::solve(ratio);
  REQUIRE(best_ratio);
  const allocation per_dollar = slo ? throughput_per_dollar_slo::share(g, how) : throughput_per_dollar::share(g, how);
  CHECK(gave_up(per_dollar) == !possible);
  CHECK(per_dollar.objective == doctest::Approx(static_cast<double>(best_ratio->value)).epsilon(1e-7));
  double steps = 0, spent = 0;
  for (int i = 0; i < g.size(); ++i) {
    steps += per_dollar.throughputs[i];
    const job& one = g.jobs[static_cast<std::size_t>(i)];
    if (slo && possible && one.slo_seconds < infinity) {
      CHECK(per_dollar.throughputs[i] * one.slo_seconds >= one.steps_remaining * (1 - 1e-7));
      CHECK(over_cost.throughputs[i] * one.slo_seconds >= one.steps_remaining * (1 - 1e-7));
    }
  }
  for (int j = 0; j < g.cluster.size(); ++j)
    spent += workers_used(g, per_dollar, j) * g.cluster.types[static_cast<std::size_t>(j)].cost_per_hour;
  CHECK(steps / spent == doctest::Approx(per_dollar.objective).epsilon(1e-7));
}

void check_sum(const instance& g, bool pairs) {
  const plain p{g, pairs};
  dense::program sum = p.shares();
  for (std::size_t c = 0; c < p.columns.size(); ++c) sum.cost[c] = p.columns[c].rate_a + p.columns[c].rate_b;
  CHECK(sum_throughput::share(g, {.space_sharing = pairs}).objective ==
        doctest::Approx(static_cast<double>(dense::solve(sum)->value)).epsilon(1e-7));
}

TEST_CASE("sums, and ratios to cost, are those of the plain and of Charnes' and Cooper's program") {
  for (const instance& g : all_instances(3)) {
    check_sums(g, false);
    check_sum(g, false);
  }
}

TEST_CASE("sums and ratios with pairs, with and without SLOs: the same of the program over all pairs of jobs") {
  int more = 0;
  for (instance g : instances_with_pairs()) {
    check_sums(g, false, true);
    check_sum(g, true);
    const double with = sum_throughput::share(g, {.space_sharing = true}).objective;
    more += with > sum_throughput::share(g, {}).objective * (1 + 1e-6) ? 1 : 0;
    const allocation equal = isolated::share(g, {});
    for (int i = 0; i < g.size(); i += 2) {
      job& one = g.jobs[static_cast<std::size_t>(i)];
      if (equal.throughputs[i] > 0) one.slo_seconds = 0.9 * one.steps_remaining / equal.throughputs[i];
    }
    check_sums(g, true, true);
  }
  CHECK(more > 6);
}

TEST_CASE("SLOs are kept where they can be, and given up with a note where not") {
  int kept = 0, given_up = 0;
  for (const double tightness : {3.0, 1.0, 0.2}) {
    for (instance g : all_instances(2)) {
      const allocation equal = isolated::share(g, {});
      for (int i = 0; i < g.size(); i += 2) {
        job& one = g.jobs[static_cast<std::size_t>(i)];
        if (equal.throughputs[i] > 0) one.slo_seconds = tightness * one.steps_remaining / equal.throughputs[i];
      }
      check_sums(g, true);
      ++(gave_up(sum_throughput_over_cost_slo::share(g, {})) ? given_up : kept);
    }
  }
  CHECK(kept > 10);
  CHECK(given_up > 5);
}

void check_fifo(const instance& g, bool pairs) {
  const plain p{g, pairs};
  const share_settings how{.space_sharing = pairs};
  dense::program q = p.shares();
  const auto worth = [&](int i, double rate) {
    double fastest = 0;
    for (const run_option& o : p.at(i).options) fastest = std::fmax(fastest, o.throughput);
    return (g.size() - i) * rate / fastest;
  };
  for (std::size_t c = 0; c < p.columns.size(); ++c) {
    q.cost[c] = worth(p.columns[c].a, p.columns[c].rate_a);
    if (p.columns[c].b >= 0) q.cost[c] += worth(p.columns[c].b, p.columns[c].rate_b);
  }
  const allocation found = fifo_lp::share(g, how);
  CHECK(found.objective == doctest::Approx(static_cast<double>(dense::solve(q)->value)).epsilon(1e-7));
  CHECK(found.objective >= fifo::share(g, how).objective * (1 - 1e-9));
}

TEST_CASE("FIFO as a program is the plain one, and no worse than the greedy order") {
  for (const instance& g : all_instances(3)) check_fifo(g, false);
  for (const instance& g : instances_with_pairs()) check_fifo(g, true);
}

/// Levels by probing: after each filling every job is asked, alone, whether it can rise above its level.
std::vector<double> filled_by_probing(const instance& g,
                                      const std::function<std::vector<double>(const std::vector<char>&)>& speeds,
                                      bool pairs = false) {
  const plain p{g, pairs};
  const auto n = static_cast<std::size_t>(g.size());
  std::vector<double> level(n, 0), unit(n, 0);
  std::vector<char> frozen(n, 0);
  for (std::size_t i = 0; i < n; ++i) {
    frozen[i] = made::runs(g, static_cast<int>(i)) ? 0 : 1;
    if (frozen[i] == 0) unit[i] = 1 / p.proportional[i];
  }
  for (std::size_t step = 0; step <= 3 * n; ++step) {
    const std::vector<double> speed = speeds(frozen);
    if (std::all_of(speed.begin(), speed.end(), [](double v) { return v == 0; })) return level;
    std::vector<double> least = level;
    for (double& l : least) l *= 1 - 1e-11;
    const auto best = p.best_level(unit, least, speed);
    REQUIRE(best);
    const double height = static_cast<double>(best->value);
    for (std::size_t i = 0; i < n; ++i) level[i] += height * speed[i];
    for (std::size_t i = 0; i < n; ++i) {
      if (speed[i] == 0) continue;
      dense::program q = p.shares();
      for (std::size_t k = 0; k < n; ++k)
        if (unit[k] > 0) q.at_least(p.rate_row(static_cast<int>(k), unit[k], 0), level[k] * (1 - 1e-11));
      q.cost = p.rate_row(static_cast<int>(i), unit[i], 0);
      const auto most = dense::solve(q);
      REQUIRE(most);
      if (static_cast<double>(most->value) <= level[i] + 1e-9) frozen[i] = 1;
    }
  }
  FAIL("the filling by probing does not end");
  return level;
}

void check_water_filling(const instance& g, bool pairs) {
  const allocation found = water_filling::share(g, {.space_sharing = pairs});
  const auto level = filled_by_probing(
      g,
      [&](const std::vector<char>& frozen) {
        std::vector<double> speed;
        for (int i = 0; i < g.size(); ++i) {
          const job& one = g.jobs[static_cast<std::size_t>(i)];
          speed.push_back(frozen[static_cast<std::size_t>(i)] != 0 ? 0 : one.priority / one.scale_factor);
        }
        return speed;
      },
      pairs);
  const plain p{g, pairs};
  for (int i = 0; i < g.size(); ++i) {
    CHECK(found.levels[i] == doctest::Approx(level[static_cast<std::size_t>(i)]).epsilon(1e-6));
    if (made::runs(g, i))
      CHECK(found.throughputs[i] / p.proportional[static_cast<std::size_t>(i)] ==
            doctest::Approx(found.levels[i]).epsilon(1e-6));
  }
  CHECK(found.objective == doctest::Approx(max_min_perf::share(g, {.space_sharing = pairs}).objective).epsilon(1e-7));
}

TEST_CASE("water filling: levels are those of filling with a probe of each job") {
  for (const instance& g : all_instances(3)) check_water_filling(g, false);
}

TEST_CASE("water filling with pairs: the same of the program over all pairs of jobs") {
  for (const instance& g : instances_with_pairs()) check_water_filling(g, true);
}

void check_hierarchy(instance g, bool pairs) {
  for (const bool fifo_first : {false, true}) {
    g.entities[0].policy = fifo_first ? entity_policy::fifo : entity_policy::fairness;
    g.entities[1].policy = fifo_first ? entity_policy::fairness : entity_policy::fifo;
    const allocation found = hierarchical::share(g, {.space_sharing = pairs});
    const auto level = filled_by_probing(
        g,
        [&](const std::vector<char>& frozen) {
          std::vector<double> speed(frozen.size(), 0);
          for (const entity& team : g.entities) {
            double sum = 0;
            for (const int i : team.jobs)
              if (frozen[static_cast<std::size_t>(i)] == 0) sum += g.jobs[static_cast<std::size_t>(i)].priority;
            for (const int i : team.jobs) {
              const job& one = g.jobs[static_cast<std::size_t>(i)];
              if (frozen[static_cast<std::size_t>(i)] != 0) continue;
              const bool fair = team.policy == entity_policy::fairness;
              speed[static_cast<std::size_t>(i)] = team.weight * (fair ? one.priority / sum : 1) / one.scale_factor;
              if (!fair) break;
            }
          }
          return speed;
        },
        pairs);
    for (int i = 0; i < g.size(); ++i)
      CHECK(found.levels[i] == doctest::Approx(level[static_cast<std::size_t>(i)]).epsilon(1e-6));
  }
}

TEST_CASE("hierarchy: levels are those of filling with a probe of each job, with fairness and FIFO inside") {
  for (const instance& g : all_instances(3)) check_hierarchy(g, false);
}

TEST_CASE("hierarchy with pairs: the same of the program over all pairs of jobs") {
  for (const instance& g : instances_with_pairs()) check_hierarchy(g, true);
}

TEST_CASE("AlloX: no order of jobs on workers has a smaller sum, all of them tried") {
  for (int seed = 1; seed <= 6; ++seed) {
    for (const bool zeros : {false, true}) {
      made::kind k{.name = "small", .jobs = 5, .types = 2, .zeros = zeros, .workers = 1.4};
      const instance g = made::make(k, static_cast<std::uint64_t>(seed));
      std::vector<int> type_of_worker;
      for (int j = 0; j < 2; ++j)
        for (int w = 0; w < g.cluster.types[static_cast<std::size_t>(j)].num_workers; ++w) type_of_worker.push_back(j);
      std::vector<int> jobs;
      double elapsed = 0;
      for (int i = 0; i < g.size(); ++i) {
        if (!made::runs(g, i)) continue;
        jobs.push_back(i);
        elapsed += g.jobs[static_cast<std::size_t>(i)].elapsed;
      }
      double best = infinity;
      const std::size_t workers = type_of_worker.size();
      // Each job on each worker; on a worker the shortest first.
      std::vector<std::size_t> on(jobs.size(), 0);
      while (true) {
        double sum = 0;
        for (std::size_t w = 0; w < workers; ++w) {
          std::vector<double> times;
          for (std::size_t x = 0; x < jobs.size(); ++x) {
            if (on[x] != w) continue;
            const job& one = g.jobs[static_cast<std::size_t>(jobs[x])];
            double rate = 0;
            for (const run_option& o : one.options)
              if (o.type == type_of_worker[w]) rate = o.throughput;
            times.push_back(rate > 0 ? one.steps_remaining / rate : infinity);
          }
          std::sort(times.begin(), times.end());
          for (std::size_t x = 0; x < times.size(); ++x) sum += times[x] * static_cast<double>(times.size() - x);
        }
        best = std::fmin(best, sum);
        std::size_t x = 0;
        while (x < on.size() && ++on[x] == workers) on[x++] = 0;
        if (x == on.size()) break;
      }
      const allocation found = allox::share(g, {});
      CHECK(found.objective == doctest::Approx(best + elapsed).epsilon(1e-9));
    }
  }
}

TEST_CASE("AlloX: the shortest runs first on the worker that has two jobs, and no worker waits") {
  instance g;
  g.cluster.types = {{.name = "x", .num_workers = 2}};
  for (const double steps : {30.0, 20.0, 10.0}) {
    g.jobs.push_back(job_of(std::vector{1.0}));
    g.jobs.back().steps_remaining = steps;
  }
  const allocation found = allox::share(g, {});
  CHECK(found.objective == doctest::Approx(30 + 20 + 2 * 10));
  CHECK(found.share(2, 0) == 1);
  CHECK(workers_used(g, found, 0) == 2);
}

TEST_CASE("Nash welfare: no shares are better to the first order, and lying about rates does not help") {
  for (const instance& g : all_instances(1)) {
    simplex solver;
    detail::nash_program all{g, share_settings{}};
    all.solve(solver, [](int) { return 0.0; });
    const table<double> rates = all.shares().throughputs();
    const plain p{g};
    dense::program q = p.shares();
    double jobs = 0;
    for (int i = 0; i < g.size(); ++i) {
      if (!made::runs(g, i)) continue;
      ++jobs;
      const int group = all.shares().groups().group_of[i];
      const double normal = rates[group] / all.shares().proportional(group);
      const auto row = p.rate_row(i, 1 / (p.proportional[static_cast<std::size_t>(i)] * normal), 0);
      for (std::size_t c = 0; c < row.size(); ++c) q.cost[c] += row[c];
    }
    // The welfare is concave, so the gain of any other shares is at most sum y_i / x_i - jobs.
    CHECK(static_cast<double>(dense::solve(q)->value) <= jobs * (1 + 2e-4));
  }
  for (int seed = 1; seed <= 4; ++seed) {
    const made::kind k{.name = "few", .jobs = 4, .types = 2, .workers = 1};
    const instance g = made::make(k, static_cast<std::uint64_t>(seed));
    const allocation honest = nash::share(g, {});
    made::dice d{static_cast<std::uint64_t>(seed)};
    for (int lie = 0; lie < 6; ++lie) {
      instance told = g;
      const int liar = d.below(g.size());
      for (run_option& o : told.jobs[static_cast<std::size_t>(liar)].options) o.throughput *= d.between(0.2, 5);
      const allocation found = nash::share(told, {});
      double rate = 0;
      for (const run_option& o : g.jobs[static_cast<std::size_t>(liar)].options)
        rate += o.throughput * found.share(liar, o.type);
      CHECK(rate <= honest.throughputs[liar] * (1 + 1e-5));
    }
  }
}

TEST_CASE("greedy FIFO places jobs in turn on their fastest type, and the first that fits nowhere blocks") {
  instance g;
  g.cluster.types = {{.name = "b", .num_workers = 2}, {.name = "a", .num_workers = 1}};
  g.jobs = {job_of(std::vector{4.0, 4.0}),  // a tie: type a, whose name comes first
            job_of(std::vector{0.0, 9.0}),  // b has room and it cannot run there: passed over
            job_of(std::vector{1.0, 2.0}, 1), job_of(std::vector{3.0, 3.0}, 2), job_of(std::vector{5.0, 5.0})};
  const allocation found = fifo::share(g, {});
  CHECK(found.share(0, 1) == 1);
  CHECK(found.busy(1) == 0);
  CHECK(found.share(2, 0) == 1);
  CHECK(found.busy(3) == 0);  // needs two, one is left
  CHECK(found.busy(4) == 0);  // behind it, though it would fit
  CHECK(found.objective == doctest::Approx(5 * 1.0 + 3 * 0.5));
}

TEST_CASE("shortest job first serves the least time left, then the next") {
  instance g;
  g.cluster.types = {{.name = "fast", .num_workers = 1}, {.name = "slow", .num_workers = 1}};
  g.jobs = {job_of(std::vector{10.0, 5.0}), job_of(std::vector{10.0, 9.0}), job_of(std::vector{10.0, 1.0})};
  g.jobs[0].steps_remaining = 100;  // 10 s, 20 s
  g.jobs[1].steps_remaining = 110;  // 11 s, 12.2 s
  g.jobs[2].steps_remaining = 500;
  const allocation found = shortest_job_first::share(g, {});
  CHECK(found.objective == doctest::Approx(10));
  CHECK(found.share(0, 0) == 1);
  CHECK(found.share(1, 1) == 1);
  CHECK(found.busy(2) == 0);
}

}  // namespace
