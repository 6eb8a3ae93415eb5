// SPDX-License-Identifier: Apache-2.0
// Programs of some hundred groups take other ways to their answer than small ones; the answers are held against plain
// programs, one column for each job and type, that are given to the solver as they are.
#include <cmath>
#include <vector>

#include <plait/alloc.hpp>

#include <doctest/doctest.h>

#include "made.hpp"

namespace {

using namespace plait;

/// maximize level (where `total` is empty) or the sum of normalised throughputs, with unit_i thr_i >= slope_i level.
answer of_plain(const instance& g, const std::vector<double>& unit, const std::vector<double>& slope,
                double fixed_level) {
  lp model;
  model.set_sense(objective_sense::maximize);
  const bool free_level = fixed_level < 0;
  std::vector<int> demand;
  for (int i = 0; i < g.size(); ++i) demand.push_back(model.add_row(0, infinity));
  for (int i = 0; i < g.size(); ++i) model.add_row(-infinity, 1);
  for (const worker_type& type : g.cluster.types) model.add_row(-infinity, type.num_workers);
  for (int i = 0; i < g.size(); ++i) {
    const job& one = g.jobs[static_cast<std::size_t>(i)];
    for (const run_option& o : one.options) {
      if (o.workers > g.cluster.types[static_cast<std::size_t>(o.type)].num_workers) continue;
      const lp_entry column[] = {
          {demand[static_cast<std::size_t>(i)], unit[static_cast<std::size_t>(i)] * o.throughput},
          {g.size() + i, 1},
          {2 * g.size() + o.type, static_cast<double>(o.workers)}};
      model.add_column(free_level ? 0 : o.throughput / proportional_throughput(g, one), 0, infinity, column);
    }
  }
  std::vector<lp_entry> level;
  for (int i = 0; i < g.size(); ++i)
    level.push_back({demand[static_cast<std::size_t>(i)], -slope[static_cast<std::size_t>(i)]});
  model.add_column(free_level ? 1 : 0, free_level ? 0 : fixed_level, free_level ? infinity : fixed_level, level);
  return solve(model, {.crash = false});
}

TEST_CASE("some hundred different jobs: level and total of max-min are those of the plain program, scarce or not") {
  for (const double workers : {10.0, 60.0, 400.0}) {
    for (int seed = 1; seed <= 2; ++seed) {
      const made::kind k{.name = "many", .jobs = 200, .gangs = true, .weights = true, .workers = workers};
      const instance g = made::make(k, static_cast<std::uint64_t>(seed));
      const allocation found = max_min_perf::share(g, {});
      CAPTURE(workers);
      CHECK(found.groups.size() >= 128);
      CHECK(found.certificate_verified);
      std::vector<double> unit, slope(g.jobs.size(), 1);
      double total = 0;
      for (int i = 0; i < g.size(); ++i) {
        const job& one = g.jobs[static_cast<std::size_t>(i)];
        unit.push_back(one.scale_factor / (one.priority * proportional_throughput(g, one)));
        total += found.throughputs[i] / proportional_throughput(g, one);
        CHECK(unit.back() * found.throughputs[i] >= found.objective * (1 - 1e-8));
        CHECK(found.busy(i) <= 1 + 1e-9);
      }
      for (int j = 0; j < g.cluster.size(); ++j)
        CHECK(workers_used(g, found, j) <= g.cluster.types[static_cast<std::size_t>(j)].num_workers * (1 + 1e-9));
      const answer best = of_plain(g, unit, slope, -1);
      REQUIRE(best.status == termination::optimal);
      CHECK(found.objective == doctest::Approx(best.objective).epsilon(1e-7));
      const answer most = of_plain(g, unit, slope, best.objective * (1 - 1e-10));
      REQUIRE(most.status == termination::optimal);
      CHECK(total == doctest::Approx(most.objective).epsilon(1e-6));
    }
  }
}

TEST_CASE("some hundred different jobs: makespan and finish-time fairness are what the plain program allows") {
  for (const double workers : {10.0, 60.0, 400.0}) {
    const made::kind k{.name = "many", .jobs = 180, .workers = workers};
    const instance g = made::make(k, 3);
    const std::vector<double> unit(g.jobs.size(), 1);
    std::vector<double> slope;
    for (const job& one : g.jobs) slope.push_back(one.steps_remaining / 1e5);
    CAPTURE(workers);
    const allocation shortest = least_makespan::share(g, {});
    CHECK(shortest.objective == doctest::Approx(1e5 / of_plain(g, unit, slope, -1).objective).epsilon(1e-7));
    const allocation fair = finish_time_fairness::share(g, {});
    CHECK(fair.certificate_verified);
    double largest = 0;
    for (const double factor : {1 - 1e-6, 1 + 1e-6}) {
      for (int i = 0; i < g.size(); ++i) {
        const job& one = g.jobs[static_cast<std::size_t>(i)];
        const double whole = one.isolated_time_so_far + one.steps_remaining / isolated_throughput(g, one);
        slope[static_cast<std::size_t>(i)] = one.steps_remaining / (factor * fair.objective * whole - one.elapsed);
        largest = std::fmax(largest, (one.elapsed + one.steps_remaining / fair.throughputs[i]) / whole);
      }
      // At a smaller rho the needs cannot all be met, at a larger one they can.
      CHECK((of_plain(g, unit, slope, -1).objective < 1) == (factor < 1));
    }
    CHECK(largest == doctest::Approx(fair.objective).epsilon(1e-7));
  }
}

TEST_CASE("some hundred different jobs: the order does not matter to fillings, and each level is kept") {
  for (const double workers : {20.0, 300.0}) {
    const made::kind k{.name = "many", .jobs = 160, .weights = true, .workers = workers};
    const instance g = made::make(k, 4);
    instance turned = g;
    for (int i = 0; i < g.size(); ++i)
      turned.jobs[static_cast<std::size_t>(i)] = g.jobs[static_cast<std::size_t>(g.size() - 1 - i)];
    for (entity& team : turned.entities)
      for (int& i : team.jobs) i = g.size() - 1 - i;
    for (const auto* name : {"water_filling", "hierarchical"}) {
      const named_policy& policy = policy_of(name);
      const allocation a = policy.share(g, {}), b = policy.share(turned, {});
      CAPTURE(name);
      CHECK(a.certificate_verified);
      for (int i = 0; i < g.size(); ++i) {
        CHECK(a.levels[i] == doctest::Approx(b.levels[g.size() - 1 - i]).epsilon(1e-6));
        const double rate = a.throughputs[i] / proportional_throughput(g, g.jobs[static_cast<std::size_t>(i)]);
        CHECK(rate == doctest::Approx(a.levels[i]).epsilon(1e-6));
      }
    }
  }
}

}  // namespace
