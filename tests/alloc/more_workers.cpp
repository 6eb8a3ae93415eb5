// SPDX-License-Identifier: Apache-2.0
// What more workers are worth: they never do harm, and prices are the slopes of the objective.
//
// What throughputs are normalised by, Tp_i and D_i, changes with the workers, and prices speak of it as held. Here it
// is held by the weights: w_i Tp_i stays where w_i' = w_i Tp_i / Tp_i', and D_i where what Ti_i gains is put into E_i.
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <plait/alloc.hpp>

#include <doctest/doctest.h>

#include "made.hpp"

namespace {

using namespace plait;

/// What rounding and tolerances may make of an objective.
template <class P>
double noise_of(double objective) {
  return 3e-8 * (std::is_same_v<P, nash> ? std::fmax(1, std::fabs(objective)) : std::fabs(objective));
}

/// The instance without jobs that can run nowhere: they are left out, until a worker more takes them in.
instance of_those_that_run(const instance& g) {
  instance other = g;
  std::vector<int> to;
  other.jobs.clear();
  for (int i = 0; i < g.size(); ++i) {
    to.push_back(made::runs(g, i) ? other.size() : -1);
    if (to.back() >= 0) other.jobs.push_back(g.jobs[static_cast<std::size_t>(i)]);
  }
  for (entity& team : other.entities) {
    std::vector<int> stay;
    for (const int i : team.jobs)
      if (to[static_cast<std::size_t>(i)] >= 0) stay.push_back(to[static_cast<std::size_t>(i)]);
    team.jobs = stay;
  }
  return other;
}

/// Instances of all kinds as these laws take them: each job has done half of its steps at the pace of its equal part,
/// so that E_i has something to give, and every other job has an SLO that its equal part would keep.
std::vector<instance> half_done(int first_seed, int seeds) {
  std::vector<instance> all, kinds = made::of_all_kinds(first_seed, seeds);
  for (int seed = first_seed; seed < first_seed + 2 * seeds; ++seed) {
    const made::kind k{.name = "crowded pairs", .jobs = 9, .weights = true, .pairs = true, .workers = 1.5};
    kinds.push_back(made::make(k, static_cast<std::uint64_t>(seed)));
  }
  for (const instance& made : kinds) {
    all.push_back(of_those_that_run(made));
    instance& g = all.back();
    made::dice d{static_cast<std::uint64_t>(all.size())};
    for (job& one : g.jobs) {
      const double apart = one.steps_remaining / isolated_throughput(g, one);
      one.isolated_time_so_far += apart;
      if (d.unit() < 0.5) one.slo_seconds = apart / d.between(0.5, 0.98);
    }
  }
  return all;
}

/// Pairs where there are any; under max-min most of them come into the program as they are needed.
template <class P>
share_settings settings(const instance& g) {
  return {.space_sharing = !g.pair_rates.empty(), .listed_pairs = std::is_same_v<P, max_min_packed> ? 10 : 20000};
}

/// More workers of a type, and everything else as it was. `same_gangs`: those fit that did before.
instance with_more(const instance& g, int j, double change, bool same_gangs) {
  instance other = g;
  worker_type& type = other.cluster.types[static_cast<std::size_t>(j)];
  if (same_gangs) type.largest_gang = type.num_workers;
  type.num_workers += change;
  return other;
}

/// As `with_more`, with what throughputs are normalised by held.
instance held(const instance& g, int j, double change, bool same_gangs) {
  instance other = with_more(g, j, change, same_gangs);
  for (int i = 0; i < g.size(); ++i) {
    const job& before = g.jobs[static_cast<std::size_t>(i)];
    job& one = other.jobs[static_cast<std::size_t>(i)];
    one.priority *= proportional_throughput(g, before) / proportional_throughput(other, before);
    one.isolated_time_so_far += before.steps_remaining / isolated_throughput(g, before) -
                                before.steps_remaining / isolated_throughput(other, before);
    REQUIRE(one.isolated_time_so_far >= 0);
  }
  // Inside an entity only the proportions of priorities count, and in one of first in, first out only the first job.
  for (std::size_t e = 0; e < g.entities.size(); ++e) {
    double before = 0, now = 0;
    for (const int i : g.entities[e].jobs) {
      before += g.jobs[static_cast<std::size_t>(i)].priority;
      now += other.jobs[static_cast<std::size_t>(i)].priority;
      if (g.entities[e].policy == entity_policy::fifo) break;
    }
    if (before > 0) other.entities[e].weight *= now / before;
  }
  return other;
}

/// What a policy reaches with more workers, in the terms of the instance as it was; the more the better. Of `nash` the
/// mean logarithm, because that is what its programs know to 1e-9; the slope itself they know to the root of that.
template <class P>
double reached(const instance& g, int j, double change, bool same_gangs) {
  // Equal types: what is believed of them is held, and throughputs are normalised alike in every mix.
  if constexpr (std::is_same_v<P, max_min_agnostic>)
    return max_min_perf::share(with_more(as_if_equal(g), j, change, same_gangs), {}).objective;
  const instance other = held(g, j, change, same_gangs);
  const double objective = P::share(other, settings<P>(g)).objective;
  if constexpr (std::is_same_v<P, nash>) {  // takes no notice of weights
    double sum = 0;
    for (const job& one : g.jobs)
      sum += std::log(proportional_throughput(other, one) / proportional_throughput(g, one));
    return std::log(objective) + sum / g.size();
  }
  const bool less_is_better = std::is_same_v<P, least_makespan> || std::is_same_v<P, finish_time_fairness>;
  return less_is_better ? -objective : objective;
}

TEST_CASE_TEMPLATE("one more worker of any type does no harm, where what the objective is measured by is held", P,
                   max_min_perf, max_min_agnostic, max_min_packed, least_makespan, finish_time_fairness, water_filling,
                   hierarchical, nash, pop, sum_throughput, sum_throughput_over_cost, sum_throughput_over_cost_slo,
                   throughput_per_dollar, throughput_per_dollar_slo, fifo_lp) {
  int gained = 0;
  for (const instance& g : half_done(31, 2)) {
    const double now = reached<P>(g, 0, 0, false);
    for (int j = 0; j < g.cluster.size(); ++j) {
      CAPTURE(P::name);
      CAPTURE(g.size());
      CAPTURE(j);
      const double then = reached<P>(g, j, 1, false);
      CHECK(then >= now - noise_of<P>(now));
      gained += then > now + 1e-3 * std::fabs(now);
    }
  }
  // Of 99. A ratio gains from an empty type alone that is the best of all.
  CHECK(gained >= (std::is_same_v<P, throughput_per_dollar> ? 1 : 5));
}

TEST_CASE(
    "one more worker may lower the level itself, because it is in parts of a mix that got better; no lower than "
    "by that") {
  // One job on fast (3 steps/s) and slow (1): always fast, which is 3/2 of the mix; with a second fast worker it is
  // 9/7.
  instance g;
  g.cluster.types = {{.name = "fast", .num_workers = 1}, {.name = "slow", .num_workers = 1}};
  g.jobs = {job_of(std::vector{3.0, 1.0})};
  g.jobs[0].steps_remaining = 6;
  const instance more = with_more(g, 0, 1, false);
  CHECK(max_min_perf::share(g, {}).objective == doctest::Approx(3.0 / 2));
  CHECK(max_min_perf::share(more, {}).objective == doctest::Approx(9.0 / 7));
  CHECK(max_min_perf::share(more, {}).throughputs[0] == doctest::Approx(3));
  // Alone it would have both types, and need 3 s; now 18/7 s. It takes 2 s as before.
  CHECK(finish_time_fairness::share(g, {}).objective == doctest::Approx(2.0 / 3));
  CHECK(finish_time_fairness::share(more, {}).objective == doctest::Approx(7.0 / 9));
  CHECK(least_makespan::share(more, {}).objective == doctest::Approx(2));
  // All that was possible still is, so level' >= level min_i Tp_i / Tp_i', and rho' <= rho max_i D_i / D_i'.
  int lower = 0, higher = 0;
  for (const instance& one : half_done(31, 2)) {
    const double level = max_min_perf::share(one, {}).objective, rho = finish_time_fairness::share(one, {}).objective;
    for (int j = 0; j < one.cluster.size(); ++j) {
      const instance other = with_more(one, j, 1, false);
      double least = infinity, most = 0;
      for (int i = 0; i < one.size(); ++i) {
        const job& it = one.jobs[static_cast<std::size_t>(i)];
        const auto fair = [&](const instance& where) {
          return it.isolated_time_so_far + it.steps_remaining / isolated_throughput(where, it);
        };
        least = std::fmin(least, proportional_throughput(one, it) / proportional_throughput(other, it));
        most = std::fmax(most, fair(one) / fair(other));
      }
      const double level_then = max_min_perf::share(other, {}).objective,
                   rho_then = finish_time_fairness::share(other, {}).objective;
      CHECK(level_then >= level * least * (1 - 1e-9));
      CHECK(rho_then <= rho * most * (1 + 1e-9));
      lower += level_then < level * (1 - 1e-9);
      higher += rho_then > rho * (1 + 1e-9);
    }
  }
  CHECK(lower > 0);
  CHECK(higher > 0);
}

TEST_CASE("as many times the workers of all types do no harm, as the mix is the same") {
  for (const instance& g : half_done(31, 2)) {
    instance more = g;
    for (worker_type& type : more.cluster.types) type.num_workers *= 2;
    CHECK(max_min_perf::share(more, {}).objective >= max_min_perf::share(g, {}).objective * (1 - 1e-9));
  }
}

/// A price is a slope of the objective: against it no step up gains more, no step down loses less. All these objectives
/// are concave in the workers, or convex where less is better, so that holds for steps of any size.
template <class P>
void check_prices() {
  int sharp = 0;
  for (const instance& g : half_done(3, 3)) {
    const allocation found = P::share(g, settings<P>(g));
    REQUIRE(found.prices.size() == g.cluster.size());
    const double now = reached<P>(g, 0, 0, true), noise = noise_of<P>(now);
    for (int j = 0; j < g.cluster.size(); ++j) {
      // Types without workers are left out of the program, and have no price.
      const bool none = g.cluster.types[static_cast<std::size_t>(j)].num_workers == 0;
      const double price = found.prices[j] / (std::is_same_v<P, nash> ? found.objective : 1);
      if (none) CHECK(price == 0);
      for (const double step : {0.02, 0.5}) {
        if (none) continue;
        const double up = reached<P>(g, j, step, true) - now, down = now - reached<P>(g, j, -step, true);
        CAPTURE(P::name);
        CAPTURE(g.size());
        CAPTURE(j);
        CAPTURE(step);
        CAPTURE(price);
        CHECK(up <= price * step + noise);
        CHECK(down >= price * step - noise);
        sharp += price * step > 100 * noise && down - up < 0.1 * price * step;
      }
    }
  }
  CHECK(sharp >= 10);  // prices that nothing else would pass for, to a tenth
}

TEST_CASE_TEMPLATE("prices are slopes", P, max_min_perf, max_min_agnostic, max_min_packed, least_makespan,
                   finish_time_fairness, water_filling, hierarchical, nash, pop, sum_throughput,
                   sum_throughput_over_cost, sum_throughput_over_cost_slo, fifo_lp) {
  check_prices<P>();
}

/// Dollars an hour for the workers in use.
double spent(const instance& g, const allocation& found) {
  double dollars = 0;
  for (int j = 0; j < g.cluster.size(); ++j)
    dollars += workers_used(g, found, j) * g.cluster.types[static_cast<std::size_t>(j)].cost_per_hour;
  return dollars;
}

template <class P>
void check_ratio_prices() {
  // With r the best ratio, thr - r dollars is at most P h for h workers more, P the price of that difference. The best
  // shares then have a ratio r' with thr' = r' dollars', so (r' - r) dollars' <= P h, and prices are P / dollars.
  int positive = 0;
  for (const instance& g : half_done(3, 6)) {
    const allocation found = P::share(g, settings<P>(g));
    REQUIRE(found.note.empty());
    REQUIRE(found.prices.size() == g.cluster.size());
    for (int j = 0; j < g.cluster.size(); ++j) {
      if (g.cluster.types[static_cast<std::size_t>(j)].num_workers == 0) continue;
      const double difference = found.prices[j] * spent(g, found);
      for (const double step : {-0.2, -0.02, 0.02, 0.2}) {
        const instance other = with_more(g, j, step, true);
        const allocation then = P::share(other, settings<P>(g));
        if (!then.note.empty()) continue;  // too few workers for all SLOs
        CAPTURE(j);
        CAPTURE(step);
        CAPTURE(found.prices[j]);
        CHECK((then.objective - found.objective) * spent(other, then) <=
              difference * step + 1e-8 * found.objective * spent(other, then));
      }
      if (!std::is_same_v<P, throughput_per_dollar_slo>) CHECK(found.prices[j] == 0);
      positive += found.prices[j] > 1e-6 * found.objective;
    }
  }
  if (std::is_same_v<P, throughput_per_dollar_slo>) CHECK(positive >= 20);
}

TEST_CASE_TEMPLATE("prices of a ratio: no workers more gain more, in dollars spent then, nor fewer lose less", P,
                   throughput_per_dollar, throughput_per_dollar_slo) {
  check_ratio_prices<P>();
}

TEST_CASE("prices of the matching of AlloX: no worker more saves more seconds, and none less costs fewer") {
  int positive = 0, sharp = 0;
  for (instance g : half_done(3, 6)) {
    for (job& one : g.jobs) {
      one.scale_factor = 1;
      for (run_option& option : one.options) option.workers = 1;
    }
    const allocation found = allox::share(g, {});
    REQUIRE(found.prices.size() == g.cluster.size());
    for (int j = 0; j < g.cluster.size(); ++j) {
      const double there = g.cluster.types[static_cast<std::size_t>(j)].num_workers, price = found.prices[j];
      if (there == 0) CHECK(price == 0);
      if (there == 0) continue;
      CAPTURE(g.size());
      CAPTURE(j);
      const double noise = 1e-9 * found.objective;
      const double saved = found.objective - allox::share(with_more(g, j, 1, false), {}).objective;
      CHECK(price >= 0);
      CHECK(saved <= price + noise);
      positive += price > 100 * noise;
      sharp += price > 100 * noise && saved > 0.5 * price;
      const instance less = with_more(g, j, -1, false);
      bool all_run = there > 1;
      for (int i = 0; i < g.size(); ++i) all_run = all_run && made::runs(less, i);
      if (all_run) CHECK(allox::share(less, {}).objective - found.objective >= price - noise);
    }
  }
  CHECK(positive >= 20);
  CHECK(sharp >= 10);
}

TEST_CASE("rules that solve no program have no prices") {
  for (const instance& g : half_done(3, 1)) {
    for (const char* name : {"fifo", "sjf", "gandiva", "isolated", "proportional"}) {
      CAPTURE(name);
      CHECK(policy_of(name).share(g, {}).prices.empty());
    }
  }
}

TEST_CASE("prices of max-min: with the rates' mix held, the level follows them") {
  // Equal rates on all types, so the normalisation does not depend on the numbers of workers.
  instance g;
  g.cluster.types = {{.name = "x", .num_workers = 2}};
  for (int i = 0; i < 5; ++i) g.jobs.push_back(job_of(std::vector{3.0 + i}));
  const allocation found = max_min_perf::share(g, {});
  CHECK(found.objective == doctest::Approx(0.4));
  CHECK(found.prices[0] == doctest::Approx(0.2));
  // Two types, one of them faster for one job: worked out by hand in docs/allocation.md.
  instance h;
  h.cluster.types = {{.name = "fast", .num_workers = 1}, {.name = "slow", .num_workers = 1}};
  h.jobs = {job_of(std::vector{4.0, 1.0}), job_of(std::vector{3.0, 2.0})};
  const allocation two = max_min_perf::share(h, {});
  // Tp = 2.5 each; x on fast for job 0: (1 + 3x) / 2.5 = (2 + (1 - x)) / 2.5 at x = 1/2.
  CHECK(two.objective == doctest::Approx(1.0));
  CHECK(two.share(0, 0) == doctest::Approx(0.5));
  CHECK(two.share(1, 1) == doctest::Approx(0.5));
}

TEST_CASE("finish-time fairness: its prices are slopes where the isolated part is held") {
  // One type and gangs of one: D depends on the workers, so only the sign and size near the optimum are held here.
  instance g;
  g.cluster.types = {{.name = "x", .num_workers = 2}};
  for (int i = 0; i < 4; ++i) {
    job one = job_of(std::vector{1.0});
    one.steps_remaining = 1000;
    g.jobs.push_back(one);
  }
  const allocation found = finish_time_fairness::share(g, {});
  CHECK(found.objective == doctest::Approx(1));    // nobody can be better off than an equal part
  CHECK(found.prices[0] == doctest::Approx(0.5));  // rho = 2 / n of the workers there are now
}

}  // namespace
