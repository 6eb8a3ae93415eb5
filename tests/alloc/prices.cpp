// SPDX-License-Identifier: Apache-2.0
// Prices that change and moves that cost: bills by hand, and shares beside plain programs with columns to stay and to
// go.
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <plait/alloc.hpp>
#include <plait/alloc/simulator.hpp>

#include <doctest/doctest.h>

#include "dense.hpp"
#include "made.hpp"
#include "refused.hpp"
#include "simulated.hpp"

namespace {

using namespace plait;
using made::all_of, made::job_at;
using plait::testing::check_refused;

price_series series(std::vector<price_change> changes) {
  return price_series{std::move(changes)};
}

/// So many workers of one GPU model in two zones of one cloud, and one more in another cloud.
cluster three_places(int workers = 1) {
  const auto count = static_cast<double>(workers);
  return {.types = {{.name = "a", .num_workers = count, .cost_per_hour = 1, .cloud = "x", .zone = "a"},
                    {.name = "b", .num_workers = count, .cost_per_hour = 1, .cloud = "x", .zone = "b"},
                    {.name = "c", .num_workers = count, .cost_per_hour = 1, .cloud = "y", .zone = "a"}}};
}

/// Rounds of six minutes without gifts, shares at each change.
simulation_settings prompt() {
  simulation_settings how;
  how.reset_seconds = 0;
  how.round.gifts = false;
  how.recorded_rounds = 100000;
  return how;
}

/// The types that a job was on, each as often as it came there.
std::string path_of(const simulation_result& found, int job, const cluster& where) {
  std::string path;
  for (const recorded_use& one : found.recorded) {
    const std::string& name = where.types[static_cast<std::size_t>(one.type)].name;
    if (one.first == job && (path.empty() || path.substr(path.size() - name.size()) != name)) path.append(name);
  }
  return path;
}

TEST_CASE("a price holds until the next one, and dollars are its integral") {
  const price_series spot = series({{100, 3.6}, {200, 7.2}, {500, 0}});
  CHECK(spot.at(0) == 3.6);  // before the first change too
  CHECK(spot.at(100) == 3.6);
  CHECK(spot.at(199.9) == 3.6);
  CHECK(spot.at(200) == 7.2);
  CHECK(spot.at(1e9) == 0);
  CHECK(spot.next_change(0) == 200);
  CHECK(spot.next_change(200) == 500);
  CHECK(spot.next_change(500) == infinity);
  // 150 s at 1/1000 $/s, 300 s at 2/1000 $/s, the rest for nothing.
  CHECK(spot.dollars(50, 200) == doctest::Approx(0.15).epsilon(1e-15));
  CHECK(spot.dollars(50, 900) == doctest::Approx(0.75).epsilon(1e-15));
  CHECK(spot.dollars(300, 300) == 0);
  made::dice dice{3};
  for (int k = 0; k < 50; ++k) {
    const double a = dice.between(0, 600), b = a + dice.between(0, 300), c = b + dice.between(0, 300);
    CHECK(spot.dollars(a, b) + spot.dollars(b, c) == doctest::Approx(spot.dollars(a, c)).epsilon(1e-12));
  }
}

TEST_CASE("prices that cannot be are refused in a sentence") {
  check_refused(error_kind::usage, {"change 1 is not after"}, [] { series({{10, 1}, {5, 2}}); });
  check_refused(error_kind::usage, {"change 1 is not after"}, [] { series({{10, 1}, {10, 2}}); });
  check_refused(error_kind::usage, {"change 1 has a price"}, [] { series({{0, 1}, {10, -2}}); });
  check_refused(error_kind::usage, {"change 0 has a price"}, [] { series({{0, infinity}}); });
  check_refused(error_kind::usage, {"change 0 has a time"}, [] { series({{-1, 2}}); });
  simulation_settings how;
  how.prices = cluster_prices{{series({{0, 1}})}};
  const auto start = [&] { simulator{three_places(), {job_at(0, 5, {1.0})}, max_min_perf::share, how}; };
  check_refused(error_kind::usage, {"prices for 1 types of workers, and the cluster has 3"}, start);
  how.prices = {};
  how.moving.dollars_per_gigabyte_between_zones = -1;
  check_refused(error_kind::usage, {"dollars_per_gigabyte must not be negative"}, start);
  how.moving = {.horizon_seconds = -1};
  check_refused(error_kind::usage, {"horizon_seconds"}, start);
}

TEST_CASE("a bill is what the workers in use cost while they were in use") {
  // A gang of two for 900 s: 500 s at 3.6 $/h, 400 s at 7.2 $/h, twice. The round in which it ends ends with it.
  cluster where{.types = {{.name = "a", .num_workers = 2, .cost_per_hour = 99}}};
  simulation_settings how = prompt();
  how.prices = cluster_prices{{series({{0, 3.6}, {500, 7.2}})}};
  const simulation_result one = all_of({where, {job_at(0, 900, {1.0}, 2)}, max_min_perf::share, how});
  CHECK(one.cost_dollars() == doctest::Approx(2 * (0.5 + 0.8)).epsilon(1e-14));
  CHECK(one.job_dollars[0] == one.cost_dollars());
  CHECK(one.egress_dollars == 0);

  // Without prices over time, the constant of the type. A job that ends inside a round pays for its own part.
  how.prices = {};
  where.types[0].cost_per_hour = 36;
  const simulation_result two =
      all_of({where, {job_at(0, 360, {1.0}), job_at(0, 60, {1.0})}, max_min_perf::share, how});
  CHECK(two.cost_dollars() == doctest::Approx(4.2).epsilon(1e-14));
  CHECK(two.job_dollars[1] == doctest::Approx(0.6).epsilon(1e-14));

  // Two that share a worker pay it by halves.
  where.types[0].num_workers = 1;
  how.how.space_sharing = true;
  how.pair_rates = {{.first_kind = 0, .second_kind = 0, .type = 0, .first = 0.9, .second = 0.9}};
  std::vector<arriving_job> twins{job_at(0, 324, {1.0}), job_at(0, 324, {1.0})};
  for (arriving_job& twin : twins) twin.shape.kind = 0;
  const simulation_result shared = all_of({where, twins, max_min_perf::share, how});
  CHECK(shared.end == doctest::Approx(360));
  CHECK(shared.cost_dollars() == doctest::Approx(3.6).epsilon(1e-14));
  CHECK(shared.job_dollars[0] == doctest::Approx(1.8).epsilon(1e-14));
}

TEST_CASE("the bills of jobs add up to the bills of types and of checkpoints, under every policy of costs") {
  made::dice dice{8};
  std::vector<arriving_job> jobs;
  for (int i = 0; i < 25; ++i) {
    jobs.push_back(job_at(500.0 * i, 500 + 100 * dice.below(40), {1.0, dice.between(0.5, 2), dice.between(0.5, 2)}));
    jobs.back().shape.checkpoint_gigabytes = dice.below(20);
    jobs.back().shape.move_seconds = dice.below(100);
    jobs.back().shape.slo_seconds = 1e5;
  }
  for (const named_policy& policy : policies) {
    if (policy.name.find("cost") == std::string_view::npos && policy.name.find("dollar") == std::string_view::npos &&
        policy.name != max_min_perf::name)
      continue;
    CAPTURE(std::string{policy.name});
    simulation_settings how = prompt();
    std::vector<price_series> of_type(3);
    for (price_series& one : of_type) {
      std::vector<price_change> changes;
      for (int k = 0; k < 60; ++k) changes.push_back({700.0 * k + dice.between(0, 600), dice.between(0.5, 3)});
      one = series(changes);
    }
    how.prices = cluster_prices{of_type};
    how.moving = {.horizon_seconds = 3600,
                  .dollars_per_gigabyte_between_zones = 0.001,
                  .dollars_per_gigabyte_between_clouds = 0.002};
    const simulation_result found = all_of({three_places(2), jobs, policy.share, how});
    CHECK(found.completion_times.size() == jobs.size());
    CHECK(found.all_verified);
    double of_jobs = 0, of_uses = 0;
    for (const double one : found.job_dollars) of_jobs += one;
    CHECK(of_jobs == doctest::Approx(found.cost_dollars()).epsilon(1e-12));
    // What was recorded of each worker, priced again by steps of a second.
    for (const recorded_use& use : found.recorded)
      for (double t = use.begin; t < use.end; t += 1)
        of_uses += of_type[static_cast<std::size_t>(use.type)].at(t) * std::fmin(1, use.end - t) / 3600;
    CHECK(of_uses + found.egress_dollars == doctest::Approx(found.cost_dollars()).epsilon(2e-3));
    // Saved and loaded amid it all, it ends the same.
    const simulator fresh{three_places(2), jobs, policy.share, how};
    const simulation_result rest = made::all_in_two(fresh, fresh, 30);
    CHECK(rest.completed == found.completed);
    CHECK(rest.job_dollars == found.job_dollars);
    CHECK(rest.moves == found.moves);
  }
}

TEST_CASE("constant prices are those of the types, to the bit, also where they are said again and again") {
  std::vector<arriving_job> jobs;
  for (int i = 0; i < 20; ++i) jobs.push_back(job_at(300.0 * i, 1000 + 70 * i, {1.0, 1.3, 0.7}));
  cluster where = three_places(2);
  where.types[1].cost_per_hour = 1.7;
  where.types[2].cost_per_hour = 0.3;
  simulation_settings how;
  const simulation_result plain = all_of({where, jobs, sum_throughput_over_cost::share, how});
  std::vector<price_series> same;
  for (worker_type& type : where.types) {
    same.push_back(series({{0, type.cost_per_hour}}));
    type.cost_per_hour = 0;  // of no account
  }
  how.prices = cluster_prices{same};
  const simulation_result priced = all_of({where, jobs, sum_throughput_over_cost::share, how});
  CHECK(priced.completed == plain.completed);
  CHECK(priced.job_dollars == plain.job_dollars);
  CHECK(priced.allocations == plain.allocations);
}

/// One job of 7200 steps that is a third dearer in b, and a from the second hour on at a price; the path that it takes.
std::string path_for(double spike, double move_seconds, double gigabytes, double horizon, double spike_ends = 3600) {
  cluster where = three_places();
  where.types[2].num_workers = 0;
  simulation_settings how = prompt();
  how.prices = cluster_prices{{series({{0, 3}, {1800, spike}, {spike_ends, 3}}), series({{0, 4}}), {}}};
  how.moving = {.horizon_seconds = horizon, .dollars_per_gigabyte_between_zones = 0.1};
  std::vector<arriving_job> jobs{job_at(0, 7200, {1.0, 1.0})};
  jobs[0].shape.move_seconds = move_seconds;
  jobs[0].shape.checkpoint_gigabytes = gigabytes;
  return path_of(all_of({where, jobs, sum_throughput_over_cost::share, how}), 0, where);
}

TEST_CASE("a spike of a price moves a job away, and back after it, exactly where that pays within the horizon") {
  // Without costs every spike above 4 $/h moves it, and the end of the spike brings it back.
  CHECK(path_for(3.9, 0, 0, 1800) == "a");
  CHECK(path_for(4.1, 0, 0, 1800) == "aba");
  // 180 s lost of 1800 s: b then costs 4 / 0.9 = 4.44 for the same steps, and on the way back a costs 3.33 against 4.
  CHECK(path_for(4.4, 180, 0, 1800) == "a");
  CHECK(path_for(4.5, 180, 0, 1800) == "aba");
  // 600 s lost: b would cost 6, and a for who comes back 4.5: so who has gone stays.
  CHECK(path_for(5.9, 600, 0, 1800) == "a");
  CHECK(path_for(6.1, 600, 0, 1800) == "ab");
  // A checkpoint of 5 GB is 0.5 $, over half an hour 1 $/h: b costs 5, a on the way back 4 against 4.
  CHECK(path_for(4.9, 0, 5, 1800) == "a");
  CHECK(path_for(5.1, 0, 4.9, 1800) == "aba");
  CHECK(path_for(5.1, 0, 5.1, 1800) == "ab");
  // With a longer horizon the same pays.
  CHECK(path_for(4.9, 0, 5, 3600) == "aba");
  // It never lasts longer than the job would: behind 1800 steps there are 5400 s at most, whatever the horizon.
  CHECK(path_for(4.61, 810, 0, 1e7) == "aba");  // 4 (810 + 5400) / 5400 = 4.6 on the way there
  CHECK(path_for(4.59, 810, 0, 1e7) == "a");
}

TEST_CASE("who may not move stays, and between equal prices nobody moves") {
  for (const bool priceless : {false, true}) {
    cluster where = three_places(priceless ? 2 : 6);  // a free worker elsewhere is worth a move, equal prices are not
    simulation_settings how = prompt();
    how.round.gifts = true;  // gifts move nobody either, where moves count
    std::vector<price_series> of_type(3);
    made::dice dice{4};
    for (int k = 0; k < 3; ++k) {
      std::vector<price_change> changes;
      for (int c = 0; c < 30; ++c) changes.push_back({900.0 * c, priceless ? dice.between(1, 9) : 2.0 + c % 3});
      of_type[static_cast<std::size_t>(k)] = series(changes);
    }
    how.prices = cluster_prices{of_type};
    how.moving = {.horizon_seconds = 3600,
                  .dollars_per_gigabyte_between_zones = priceless ? infinity : 0.01,
                  .dollars_per_gigabyte_between_clouds = priceless ? infinity : 0.01};
    std::vector<arriving_job> jobs;
    for (int i = 0; i < 12; ++i) {
      jobs.push_back(job_at(200.0 * i, 2000 + 100 * i, {1.0, 1.0, 1.0}));
      jobs.back().shape.checkpoint_gigabytes = 1;
      jobs.back().shape.slo_seconds = 1e6;
    }
    for (const auto& share : {sum_throughput_over_cost::share, sum_throughput_over_cost_slo::share}) {
      const simulation_result found = all_of({where, jobs, share, how});
      CHECK(found.completion_times.size() == jobs.size());
      CHECK(found.moves == 0);
      CHECK(found.egress_dollars == 0);
      for (int i = 0; i < 12; ++i) CHECK(path_of(found, i, where).size() == 1);
    }
  }
  // Seconds for ever forbid it as well, and so the job waits where the others are.
  CHECK(path_for(1000, 1800, 0, 1800) == "a");
}

TEST_CASE("a move that is longer than a round takes as many rounds as it needs") {
  cluster where = three_places();
  where.types[2].num_workers = 0;
  simulation_settings how = prompt();
  how.prices = cluster_prices{{series({{0, 1}, {720, 100}}), series({{0, 2}}), {}}};
  how.moving.dollars_per_gigabyte_between_zones = 0.1;  // paid, though the policy does not look at it
  std::vector<arriving_job> jobs{job_at(0, 1440, {1.0, 1.0})};
  jobs[0].shape.move_seconds = 1000;
  jobs[0].shape.checkpoint_gigabytes = 3;
  const simulation_result found = all_of({where, jobs, sum_throughput_over_cost::share, how});
  CHECK(path_of(found, 0, where) == "ab");
  CHECK(found.end == doctest::Approx(1440 + 1000));
  CHECK(found.moves == 1);
  CHECK(found.egress_dollars == doctest::Approx(0.3));
  CHECK(found.cost_dollars() == doctest::Approx(720.0 / 3600 + 2 * 1720.0 / 3600 + 0.3).epsilon(1e-13));
}

/// An instance of some kind in which most jobs have run somewhere.
instance travelled(const made::kind& k, std::uint64_t seed, const moving& how) {
  instance g = made::make(k, seed);
  made::dice d{seed + 1000};
  for (int j = 0; j < g.cluster.size(); ++j) {
    worker_type& type = g.cluster.types[static_cast<std::size_t>(j)];
    type.cloud = d.unit() < 0.5 ? "x" : "y";
    type.zone = d.unit() < 0.5 ? "1" : "2";
  }
  for (job& one : g.jobs) {
    one.last_type = d.below(g.cluster.size() + 1) - 1;
    one.move_seconds = d.between(0, 900);
    one.checkpoint_gigabytes = d.between(0, 50);
    if (d.unit() < 0.2) one.move_seconds = 1e9;
  }
  charge_moves(g, how);
  return g;
}

TEST_CASE("with moves, costs and ratios are those of a plain program with a column to stay and one for each move") {
  const moving how{
      .horizon_seconds = 3600, .dollars_per_gigabyte_between_zones = 0.01, .dollars_per_gigabyte_between_clouds = 0.09};
  int moved = 0, stayed = 0;
  for (const made::kind& k : made::kinds()) {
    if (k.pairs) continue;
    for (std::uint64_t seed = 31; seed < 35; ++seed) {
      CAPTURE(k.name);
      CAPTURE(seed);
      const instance g = travelled(k, seed, how);
      // Columns as the words say: steps and dollars of a whole horizon, of who stays and of who moves.
      struct column {
        int job, type;
        double steps, dollars;  // in the horizon
        bool moves;
        int workers;
      };
      std::vector<column> columns;
      for (int i = 0; i < g.size(); ++i) {
        const job& one = g.jobs[static_cast<std::size_t>(i)];
        for (const run_option& o : one.options) {
          const worker_type& type = g.cluster.types[static_cast<std::size_t>(o.type)];
          if (!made::runs_so(g, o)) continue;
          const bool moves = one.last_type >= 0 && one.last_type != o.type;
          double h = 3600, egress = 0, lost = 0;
          if (moves) {
            lost = one.move_seconds;
            // Of several gangs on a type the slowest has the longest time in which the move has to pay, for all of
            // them.
            double slowest = o.throughput;
            for (const run_option& other : one.options)
              if (other.type == o.type) slowest = std::fmin(slowest, other.throughput);
            h = std::fmin(h, lost + one.steps_remaining / slowest);
            const worker_type& from = g.cluster.types[static_cast<std::size_t>(one.last_type)];
            egress = one.checkpoint_gigabytes * (from.cloud != type.cloud ? 0.09 : from.zone != type.zone ? 0.01 : 0);
          }
          if (lost >= h) continue;
          columns.push_back({i, o.type, o.throughput * (h - lost) / h,
                             (o.workers * type.cost_per_hour * h / 3600 + egress) * 3600 / h, moves, o.workers});
        }
      }
      const std::size_t n = columns.size();
      const auto zeros = [&] { return std::vector<dense::number>(n + 1, 0); };
      const auto feasible = [&](bool scaled) {
        dense::program p;
        p.cost = zeros();
        for (int i = 0; i < g.size(); ++i) {
          auto row = zeros();
          for (std::size_t c = 0; c < n; ++c)
            if (columns[c].job == i) row[c] = 1;
          if (scaled) row.back() = -1;
          p.at_most(row, scaled ? 0 : 1);
        }
        for (int j = 0; j < g.cluster.size(); ++j) {
          auto row = zeros();
          const double there = g.cluster.types[static_cast<std::size_t>(j)].num_workers;
          for (std::size_t c = 0; c < n; ++c)
            if (columns[c].type == j) row[c] = columns[c].workers;
          if (scaled) row.back() = -there;
          p.at_most(row, scaled ? 0 : there);
        }
        return p;
      };
      // Steps for a dollar an hour of one worker, as published.
      dense::program sum = feasible(false);
      for (std::size_t c = 0; c < n; ++c) sum.cost[c] = columns[c].steps / (columns[c].dollars / columns[c].workers);
      const auto most = dense::solve(sum);
      REQUIRE(most);
      const allocation by_sum = sum_throughput_over_cost::share(g, {});
      CHECK(by_sum.certificate_verified);
      CHECK(by_sum.objective == doctest::Approx(static_cast<double>(most->value)).epsilon(1e-7));
      // The ratio by Charnes and Cooper, where half of the jobs must have something.
      instance wanting = g;
      for (job& one : wanting.jobs) one.slo_seconds = infinity;
      dense::program ratio = feasible(true);
      auto dollars = zeros();
      for (std::size_t c = 0; c < n; ++c) {
        ratio.cost[c] = columns[c].steps;
        dollars[c] = columns[c].dollars;
      }
      ratio.at_most(dollars, 1);
      for (int i = 0; i < g.size(); i += 2) {
        double best = 0;
        for (const column& c : columns)
          if (c.job == i) best = std::fmax(best, c.steps);
        const double need = 0.02 * best;
        if (need == 0) continue;
        job& one = wanting.jobs[static_cast<std::size_t>(i)];
        one.slo_seconds = one.steps_remaining / need;
        auto row = zeros();
        for (std::size_t c = 0; c < n; ++c)
          if (columns[c].job == i) row[c] = columns[c].steps;
        row.back() = -need;
        ratio.at_least(row, 0);
      }
      const auto best_ratio = dense::solve(ratio);
      REQUIRE(best_ratio);
      const allocation by_ratio = throughput_per_dollar_slo::share(wanting, {});
      CHECK(by_ratio.certificate_verified);
      CHECK(by_ratio.objective == doctest::Approx(static_cast<double>(best_ratio->value)).epsilon(1e-7));
      for (int i = 0; i < g.size(); ++i) {
        const int last = g.jobs[static_cast<std::size_t>(i)].last_type;
        for (int j = 0; j < g.cluster.size() && last >= 0; ++j) {
          (j == last ? stayed : moved) += by_sum.share(i, j) > 1e-6 ? 1 : 0;
        }
      }
    }
  }
  CHECK(moved > 20);  // both happen, or this has said nothing
  CHECK(stayed > 20);
}

TEST_CASE("grouping changes nothing where jobs have travelled, also in pairs") {
  for (const made::kind& k : made::kinds()) {
    if (!k.twins && !k.pairs) continue;
    for (std::uint64_t seed = 41; seed < 45; ++seed) {
      instance g = travelled(k, seed, {.horizon_seconds = 3600, .dollars_per_gigabyte_between_zones = 0.05});
      for (const bool sharing : {false, true}) {
        const allocation whole = sum_throughput_over_cost::share(g, {.space_sharing = sharing, .group = false});
        const allocation grouped = sum_throughput_over_cost::share(g, {.space_sharing = sharing});
        CHECK(grouped.objective == doctest::Approx(whole.objective).epsilon(1e-8));
        double all = 0, all_grouped = 0;  // twins that are not grouped may have different shares
        for (int i = 0; i < g.size(); ++i) {
          const double unit = proportional_throughput(g, g.jobs[static_cast<std::size_t>(i)]);
          if (unit == 0) continue;
          all += whole.throughputs[i] / unit;
          all_grouped += grouped.throughputs[i] / unit;
        }
        CHECK(all_grouped == doctest::Approx(all).epsilon(1e-6));
      }
    }
  }
}

}  // namespace
