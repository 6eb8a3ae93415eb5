// SPDX-License-Identifier: Apache-2.0
// What shares promise to those who share: incentives, efficiency, prices, and what options, servers and gangs mean.
#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>
#include <vector>

#include <plait/alloc.hpp>

#include <doctest/doctest.h>

#include "dense.hpp"
#include "made.hpp"
#include "refused.hpp"

namespace {

using namespace plait;
using made::plain;
using plait::testing::check_refused;

std::vector<instance> made_instances(int seeds) {
  return made::of_all_kinds(31, seeds);
}

/// Whether every other shares give less in all, if nobody may have less.
template <class P>
void check_efficient() {
  for (const instance& g : made_instances(2)) {
    const allocation found = P::share(g, {});
    const plain p{g};
    dense::program q = p.shares();
    double total = 0;
    for (int i = 0; i < g.size(); ++i) {
      if (!made::runs(g, i)) continue;
      const double unit = 1 / p.proportional[static_cast<std::size_t>(i)];
      q.at_least(p.rate_row(i, unit, 0), found.throughputs[i] * unit * (1 - 1e-9));
      const auto row = p.rate_row(i, unit, 0);
      for (std::size_t c = 0; c < row.size(); ++c) q.cost[c] += row[c];
      total += found.throughputs[i] * unit;
    }
    const auto most = dense::solve(q);
    REQUIRE(most);
    CAPTURE(P::name);
    CHECK(static_cast<double>(most->value) <= total + 1e-6 * (1 + total));
  }
}

TEST_CASE_TEMPLATE("Pareto efficiency: nobody can have more without somebody having less", P, max_min_perf,
                   least_makespan, finish_time_fairness, water_filling, hierarchical, sum_throughput, fifo_lp) {
  check_efficient<P>();
}

/// Instances in which all types do the same for each job. They are listed by their names, since of equal types whole
/// gangs take the one whose name comes first, and a scheduler that takes all for equal the one that is listed first.
std::vector<instance> with_equal_types(bool gangs) {
  std::vector<instance> all;
  for (int seed = 1; seed <= 12; ++seed) {
    const made::kind k{.name = "equal",
                       .jobs = 3 + 2 * (seed % 4),
                       .gangs = gangs,
                       .weights = true,
                       .empty_type = seed % 3 == 0,
                       .equal_types = true,
                       .workers = 4.0 - seed % 2};
    all.push_back(made::make(k, static_cast<std::uint64_t>(seed)));
    instance& g = all.back();
    for (int j = 0; j < g.cluster.size(); ++j)
      g.cluster.types[static_cast<std::size_t>(j)].name = std::string(1, static_cast<char>('a' + j));
    for (int i = 0; i < g.size(); i += 2) {
      job& one = g.jobs[static_cast<std::size_t>(i)];
      if (made::runs(g, i)) one.slo_seconds = one.steps_remaining / isolated_throughput(g, one) * 1.1;
    }
  }
  return all;
}

/// Policies whose answer does not change with the unit in which a job counts its steps, though all of a job's steps: a
/// scheduler that believes all rates to be 1 gives the answer of one that knows them.
template <class P>
inline constexpr bool knows_no_rates =
    !std::is_same_v<P, least_makespan> && !std::is_same_v<P, finish_time_fairness> &&
    !std::is_same_v<P, shortest_job_first> && !std::is_same_v<P, allox> && !std::is_same_v<P, sum_throughput> &&
    !std::is_same_v<P, sum_throughput_over_cost> && !std::is_same_v<P, sum_throughput_over_cost_slo> &&
    !std::is_same_v<P, throughput_per_dollar> && !std::is_same_v<P, throughput_per_dollar_slo>;

TEST_CASE_TEMPLATE("where all types are equal who takes them for equal does as well as who knows", P, max_min_perf,
                   max_min_packed, least_makespan, finish_time_fairness, sum_throughput, sum_throughput_over_cost,
                   sum_throughput_over_cost_slo, throughput_per_dollar, throughput_per_dollar_slo, fifo, fifo_lp,
                   shortest_job_first, water_filling, hierarchical, allox, gandiva, isolated, proportional, nash, pop) {
  for (const instance& g : with_equal_types(!std::is_same_v<P, allox>)) {
    const allocation knows = P::share(g, {});
    for (const bool measured : {false, true}) {
      if (!measured && !knows_no_rates<P>) continue;
      const allocation blind = agnostic_share<P>(g, {}, measured);
      CAPTURE(P::name);
      CAPTURE(g.size());
      CAPTURE(measured);
      CHECK(blind.objective == doctest::Approx(knows.objective).epsilon(1e-9));
      CHECK(blind.note == knows.note);
      for (int i = 0; i < g.size(); ++i)
        CHECK(blind.throughputs[i] == doctest::Approx(knows.throughputs[i]).epsilon(1e-6));
      for (int at = 0; at < knows.shares.size() && !std::is_same_v<P, nash>; ++at)
        CHECK(blind.shares[at] == doctest::Approx(knows.shares[at]).epsilon(1e-6));
      REQUIRE(blind.levels.size() == knows.levels.size());
      for (int i = 0; i < knows.levels.size(); ++i)
        CHECK(blind.levels[i] == doctest::Approx(knows.levels[i]).epsilon(1e-6));
    }
  }
  if constexpr (std::is_same_v<P, max_min_perf>) {
    for (const instance& g : with_equal_types(true))
      CHECK(max_min_agnostic::share(g, {}).objective == doctest::Approx(P::share(g, {}).objective).epsilon(1e-9));
  }
}

/// A policy as a scheduler follows it that takes types for equal.
template <class P>
allocation blindly(const instance& g) {
  if constexpr (std::is_same_v<P, max_min_agnostic>)
    return P::share(g, {});
  else
    return agnostic_share<P>(g, {}, true);
}

template <class P>
void check_types_alike() {
  for (instance g : made_instances(2)) {
    CAPTURE(P::name);
    const allocation found = blindly<P>(g);
    const int types = g.cluster.size();
    double all = 0, least = infinity;
    for (const worker_type& type : g.cluster.types) {
      all += type.num_workers;
      if (type.num_workers > 0) least = std::fmin(least, type.num_workers);
    }
    bool any_fits = true;
    for (const job& one : g.jobs) any_fits = any_fits && (!g.forbid_oversize || one.scale_factor <= least);
    const auto time = [&](int i) {
      double sum = 0;
      for (int j = 0; j < types; ++j) sum += found.share(i, j);
      return sum;
    };
    for (int i = 0; any_fits && i < g.size(); ++i) {
      for (int j = 0; j < types; ++j) {
        const double mix = g.cluster.types[static_cast<std::size_t>(j)].num_workers / all;
        CHECK(found.share(i, j) == doctest::Approx(time(i) * mix).epsilon(1e-9));
      }
    }
    // Gangs of one size have one mix, whichever types they fit; under `pop` in each part of the jobs.
    for (int i = 0; !std::is_same_v<P, pop> && i < g.size(); ++i) {
      for (int k = 0; k < i; ++k) {
        if (g.jobs[static_cast<std::size_t>(i)].scale_factor != g.jobs[static_cast<std::size_t>(k)].scale_factor)
          continue;
        for (int j = 0; j < types; ++j)
          CHECK(found.share(i, j) * time(k) == doctest::Approx(found.share(k, j) * time(i)).epsilon(1e-9));
      }
    }
    // Types in another order, with other names: what a job really does is told with them.
    instance turned = g;
    std::rotate(turned.cluster.types.begin(), turned.cluster.types.begin() + 1, turned.cluster.types.end());
    for (job& one : turned.jobs) {
      table<run_option> options;
      for (int j = 0; j < types; ++j)
        for (run_option option : one.options)
          if (option.type == (j + 1) % types) {
            option.type = j;
            options.push_back(option);
          }
      one.options = options;
    }
    if constexpr (std::is_same_v<P, max_min_agnostic>) {  // others are told the rate on the first type
      const allocation again = P::share(turned, {});
      CHECK(again.objective == doctest::Approx(found.objective).epsilon(1e-9));
      for (int i = 0; i < g.size(); ++i)
        for (int j = 0; j < types; ++j)
          CHECK(again.share(i, j) == doctest::Approx(found.share(i, (j + 1) % types)).epsilon(1e-6));
    }
  }
}

TEST_CASE_TEMPLATE("a scheduler that takes types for equal gives each job its time in the mix of the workers", P,
                   max_min_agnostic, least_makespan, finish_time_fairness, water_filling, hierarchical, nash, pop) {
  check_types_alike<P>();
}

TEST_CASE(
    "a gang that takes types for equal leaves out those that are too small, and others have the mix of the rest") {
  // One gang of 4 and four single jobs on 3 + 4 + 5 workers: all run all of the time. The gang has the second and third
  // type as 4 to 5, which leaves 3, 4 - 16/9 and 5 - 20/9 of 8 workers, the mix of everybody else.
  instance g;
  const std::vector<double> workers = {3, 4, 5};
  for (int j = 0; j < 3; ++j)
    g.cluster.types.push_back(
        {.name = std::string(1, static_cast<char>('a' + j)), .num_workers = workers[static_cast<std::size_t>(j)]});
  for (int i = 0; i < 5; ++i) g.jobs.push_back(job_of(std::vector{1.0, 2.0, 4.0}, i == 2 ? 4 : 1));
  const allocation found = max_min_agnostic::share(g, {});
  const std::vector<double> gang = {0, 4.0 / 9, 5.0 / 9};
  for (int j = 0; j < 3; ++j) {
    const auto at = static_cast<std::size_t>(j);
    CHECK(found.share(2, j) == doctest::Approx(gang[at]));
    for (const int i : {0, 1, 3, 4}) CHECK(found.share(i, j) == doctest::Approx((workers[at] - 4 * gang[at]) / 8));
  }
  CHECK(found.throughputs[2] == doctest::Approx(2 * gang[1] + 4 * gang[2]));
  // Two gangs of 4 are all that a cluster of 4 + 1 can run, and they have to take turns.
  g.cluster.types = {{.name = "a", .num_workers = 4}, {.name = "b", .num_workers = 1}};
  g.jobs = {job_of(std::vector{1.0, 1.0}, 4), job_of(std::vector{1.0, 1.0}, 4), job_of(std::vector{1.0, 1.0})};
  const allocation turns = max_min_agnostic::share(g, {});
  for (int i = 0; i < 2; ++i) {
    CHECK(turns.share(i, 0) == doctest::Approx(0.5));
    CHECK(turns.share(i, 1) == 0);
  }
  CHECK(turns.share(2, 1) == doctest::Approx(1));
}

TEST_CASE(
    "hierarchy of equal workers: entity weights 1, 2, 3 and priorities 1, 2 give 1/6 and 1/3 and their multiples") {
  // 18 jobs on 3 + 3 + 3 workers that are taken for equal. Source: the agnostic levels of the published example, OSDI
  // 2020, figure 11.
  instance g;
  for (int j = 0; j < 3; ++j)
    g.cluster.types.push_back({.name = std::string(1, static_cast<char>('a' + j)), .num_workers = 3});
  for (int e = 0; e < 3; ++e) {
    g.entities.push_back({static_cast<double>(e + 1), entity_policy::fairness, {}});
    for (int i = 0; i < 6; ++i) {
      job one = job_of(std::vector{1.0, 1.0, 1.0});
      one.priority = i < 3 ? 1 : 2;
      g.entities.back().jobs.push_back(g.size());
      g.jobs.push_back(one);
    }
  }
  const allocation found = hierarchical::share(g, {});
  for (int e = 0; e < 3; ++e) {
    for (int i = 0; i < 6; ++i)
      CHECK(found.levels[6 * e + i] == doctest::Approx((e + 1) * (i < 3 ? 1.0 : 2.0) / 6).epsilon(1e-9));
  }
  CHECK(found.certificate_verified);
}

TEST_CASE("twice the priority is twice the time") {
  instance g;
  g.cluster.types = {{.name = "x", .num_workers = 1}};
  g.jobs = {job_of(std::vector{7.0}), job_of(std::vector{3.0})};
  g.jobs[1].priority = 2;
  const allocation found = max_min_perf::share(g, {});
  CHECK(found.share(0, 0) == doctest::Approx(1.0 / 3));
  CHECK(found.share(1, 0) == doctest::Approx(2.0 / 3));
}

TEST_CASE("a gang has no share of a type with fewer workers, unless that is allowed") {
  instance g;
  g.cluster.types = {{.name = "few", .num_workers = 2}, {.name = "many", .num_workers = 4}};
  g.jobs = {job_of(std::vector{100.0, 1.0}, 4)};
  CHECK(sum_throughput::share(g, {}).share(0, 0) == 0);
  CHECK(sum_throughput::share(g, {}).objective == doctest::Approx(1));
  g.forbid_oversize = false;
  CHECK(sum_throughput::share(g, {}).share(0, 0) == doctest::Approx(0.5));
}

TEST_CASE("a job with several gangs gets the one that suits, and a consolidated option needs a server that holds it") {
  instance g;
  g.cluster.types = {{.name = "x", .num_workers = 8, .workers_per_server = 4}};
  job elastic;
  elastic.scale_factor = 1;
  elastic.options.push_back({.type = 0, .workers = 1, .throughput = 10});
  elastic.options.push_back({.type = 0, .workers = 4, .throughput = 36, .consolidated = true});
  elastic.options.push_back({.type = 0, .workers = 8, .throughput = 60, .consolidated = true});
  elastic.options.push_back({.type = 0, .workers = 8, .throughput = 50});
  g.jobs = {elastic};
  const allocation alone = max_min_perf::share(g, {});
  CHECK(alone.option_shares[3] == doctest::Approx(1));  // eight spread over two servers: four of them are consolidated
  CHECK(alone.throughputs[0] == doctest::Approx(50));
  g.cluster.types[0].workers_per_server = 8;
  CHECK(max_min_perf::share(g, {}).option_shares[2] == doctest::Approx(1));
  // Eight such jobs: one worker each does most in all.
  for (int i = 0; i < 7; ++i) g.jobs.push_back(elastic);
  const allocation many = max_min_perf::share(g, {});
  for (int i = 0; i < 8; ++i) CHECK(many.throughputs[i] == doctest::Approx(10));
  CHECK(many.groups.size() == 1);
}

TEST_CASE("1e12 between the rates of one job, and an empty type: still proved") {
  for (int seed = 1; seed <= 8; ++seed) {
    made::dice d{static_cast<std::uint64_t>(seed)};
    instance g;
    g.cluster.types = {
        {.name = "a", .num_workers = 2}, {.name = "b", .num_workers = 3}, {.name = "c", .num_workers = 0}};
    for (int i = 0; i < 8; ++i) {
      const double base = std::exp(std::log(1e6) * d.unit());
      job one = job_of(std::vector{base, base * std::pow(10.0, -12 * d.unit()), 5 * base});
      one.steps_remaining = base * d.between(1, 100);
      g.jobs.push_back(one);
    }
    for (const auto* name : {"max_min_perf", "makespan", "water_filling", "ftf", "sum_throughput"}) {
      const allocation found = policy_of(name).share(g, {});
      CAPTURE(name);
      CHECK(found.certificate_verified);
      CHECK(found.objective > 0);
    }
  }
}

TEST_CASE("no jobs, and jobs that can run nowhere, are no failure") {
  instance g;
  g.cluster.types = {{.name = "a", .num_workers = 1, .cost_per_hour = 1}};
  g.entities = {{1, entity_policy::fairness, {}}};
  for (const named_policy& policy : policies) {
    CAPTURE(policy.name);
    CHECK(policy.share(g, {}).objective == 0);
  }
  g.jobs = {job_of(std::vector{0.0})};
  g.entities[0].jobs = {0};
  for (const named_policy& policy : policies) {
    CAPTURE(policy.name);
    const allocation found = policy.share(g, {});
    if (policy.name != max_min_agnostic::name) CHECK(found.busy(0) == 0);
    CHECK(found.throughputs[0] == 0);
  }
  CHECK_FALSE(max_min_perf::share(g, {}).note.empty());
}

TEST_CASE("instances that cannot be are refused with the field") {
  const instance good = made::make({.name = "plain"}, 1);
  CHECK_NOTHROW(validate(good));
  const auto with = [&](auto&& change) {
    instance g = good;
    change(g);
    return g;
  };
  const auto check = [](const char* words, const instance& g) {
    check_refused(error_kind::usage, {words}, [&] { validate(g); });
  };
  check("worker_types", with([](instance& g) { g.cluster.types.clear(); }));
  check("num_workers[1]", with([](instance& g) { g.cluster.types[1].num_workers = -1; }));
  check("cost_per_hour[0]", with([](instance& g) { g.cluster.types[0].cost_per_hour = infinity; }));
  check("throughput[2][1]", with([](instance& g) { g.jobs[2].options[1].throughput = std::nan(""); }));
  check("throughput[2][0]", with([](instance& g) { g.jobs[2].options[0].throughput = -1; }));
  check("scale_factor[3]", with([](instance& g) { g.jobs[3].scale_factor = 0; }));
  check("larger than the cluster", with([](instance& g) { g.jobs[3].scale_factor = 99; }));
  check("priority[3]", with([](instance& g) { g.jobs[3].priority = 0; }));
  check("steps_remaining[3]", with([](instance& g) { g.jobs[3].steps_remaining = -5; }));
  check("elapsed[3]", with([](instance& g) { g.jobs[3].elapsed = infinity; }));
  check("slo_seconds[3]", with([](instance& g) { g.jobs[3].slo_seconds = 0; }));
  check("entities[0].jobs names job 77", with([](instance& g) { g.entities[0].jobs.push_back(77); }));
  check("pair_throughput[0]", with([](instance& g) { g.pair_rates.push_back({1, 1, 0, 2, 3}); }));
  CHECK_THROWS_AS(throughput_per_dollar::share(with([](instance& g) { g.cluster.types[0].cost_per_hour = 0; }), {}),
                  error);
  CHECK_THROWS_AS(hierarchical::share(with([](instance& g) { g.entities.clear(); }), {}), error);
  CHECK_THROWS_AS(allox::share(with([](instance& g) { g.jobs[0] = job_of(std::vector{1.0}, 2); }), {}), error);
}

TEST_CASE("POP is no better than the whole, and the whole is reached with one part") {
  for (const instance& g : made_instances(2)) {
    const double whole = max_min_perf::share(g, {}).objective;
    CHECK(pop::share(g, {}).objective <= whole * (1 + 1e-9));
    CHECK(pop::share(g, {.partitions = 1}).objective == doctest::Approx(whole).epsilon(1e-9));
  }
}

TEST_CASE("Gandiva: pairs that lose are not kept, and time is divided equally") {
  instance g;
  g.cluster.types = {{.name = "x", .num_workers = 1}};
  for (int i = 0; i < 4; ++i) {
    g.jobs.push_back(job_of(std::vector{10.0}));
    g.jobs.back().kind = 0;
  }
  g.pair_rates = {{0, 0, 0, 4, 4}};
  const allocation lost = gandiva::share(g, {});
  CHECK(lost.pairs.empty());
  for (int i = 0; i < 4; ++i) CHECK(lost.throughputs[i] == doctest::Approx(2.5));
  g.pair_rates = {{0, 0, 0, 8, 8}};
  const allocation won = gandiva::share(g, {});
  CHECK(won.pairs.size() == 2);
  for (int i = 0; i < 4; ++i) CHECK(won.throughputs[i] == doctest::Approx(4));
}

}  // namespace
