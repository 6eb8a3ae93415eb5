// SPDX-License-Identifier: Apache-2.0
// What a job has for coming to the common cluster instead of keeping its equal part: bounds that hold, each with its
// proof, and an instance for each that does not.
//
// N are the workers, J the jobs, U_i the workers of the types on which job i runs, Tp_i = sum_j T_ij n_j / N. With its
// equal part, X_ij = n_j / (J s_i) and at most all of the time, job i has Ti_i. Priorities are 1 here but where they
// are spoken of.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <plait/alloc.hpp>

#include <doctest/doctest.h>

#include "made.hpp"

namespace {

using namespace plait;

/// Instances of all kinds, with one weight for all; some more with gangs and few jobs, for which least is promised.
std::vector<instance> equal_weights(int first_seed, int seeds) {
  std::vector<instance> all = made::of_all_kinds(first_seed, seeds);
  for (int seed = first_seed; seed < first_seed + 10 * seeds; ++seed) {
    made::kind k{.name = "few gangs", .jobs = 3 + seed % 8, .gangs = true, .zeros = seed % 2 == 0, .workers = 4};
    all.push_back(made::make(k, static_cast<std::uint64_t>(seed)));
    k = {.name = "few gangs of one size", .jobs = 2 + seed % 6, .workers = 5};
    all.push_back(made::make(k, static_cast<std::uint64_t>(seed)));
    for (job& one : all.back().jobs) {
      one.scale_factor = 1 + seed % 3;
      for (run_option& option : one.options) option.workers = one.scale_factor;
    }
  }
  for (instance& g : all)
    for (job& one : g.jobs) one.priority = 1;
  return all;
}

/// a_i = s_i Ti_i / Tp_i: the level that an equal part gives; infinity where the job runs nowhere.
std::vector<double> levels_apart(const instance& g) {
  std::vector<double> level;
  for (int i = 0; i < g.size(); ++i) {
    const job& one = g.jobs[static_cast<std::size_t>(i)];
    level.push_back(made::runs(g, i) ? one.scale_factor * isolated_throughput(g, one) / proportional_throughput(g, one)
                                     : infinity);
  }
  return level;
}

struct shape {
  double workers = 0, least_gang = infinity;
  bool one_gang = true, fits = true, runs_everywhere = true;
};

shape shape_of(const instance& g) {
  shape s;
  s.workers = g.cluster.workers();
  for (int i = 0; i < g.size(); ++i) {
    const job& one = g.jobs[static_cast<std::size_t>(i)];
    s.least_gang = std::fmin(s.least_gang, one.scale_factor);
    s.one_gang = s.one_gang && one.scale_factor == g.jobs[0].scale_factor;
    int types = 0;
    for (const run_option& option : one.options) {
      const double there = g.cluster.types[static_cast<std::size_t>(option.type)].num_workers;
      s.fits = s.fits && (!g.forbid_oversize || option.workers <= there || there == 0);
      types += option.throughput > 0;
    }
    s.runs_everywhere = s.runs_everywhere && types == g.cluster.size();
  }
  return s;
}

TEST_CASE_TEMPLATE("sharing incentive: no job has less than its equal part, where jobs are many or gangs of one size",
                   P, max_min_perf, max_min_packed, water_filling) {
  // Let every gang fit wherever the job runs at all. Then a_i = s_i / Tp_i sum_j T_ij n_j / max(J s_i, U_i)
  // = N s_i / max(J s_i, U_i), which is
  //   N / J for all jobs, where N <= J min s, since U_i <= N;
  //   the same for all jobs, where all gangs are of one size and each job runs on all types, since U_i = N.
  // Equal parts are feasible, so the least level L is at least min a, in both cases each job's own a_i:
  // thr_i >= L Tp_i / s_i >= a_i Tp_i / s_i = Ti_i.
  int many = 0, alike = 0;
  for (const instance& g : equal_weights(31, 5)) {
    const shape s = shape_of(g);
    const bool is_many = s.workers <= g.size() * s.least_gang, is_alike = s.one_gang && s.runs_everywhere;
    if (!s.fits || !(is_many || is_alike)) continue;
    many += is_many;
    alike += is_alike && !is_many;
    const allocation found = P::share(g, {});
    for (int i = 0; i < g.size(); ++i) {
      CAPTURE(P::name);
      CAPTURE(g.size());
      CAPTURE(i);
      CHECK(found.throughputs[i] >= isolated_throughput(g, g.jobs[static_cast<std::size_t>(i)]) * (1 - 1e-9));
    }
  }
  CHECK(many >= 20);
  CHECK(alike >= 20);
}

TEST_CASE_TEMPLATE("sharing incentive: elsewhere no job falls short of its equal part by more than their levels differ",
                   P, max_min_perf, max_min_packed, water_filling) {
  // Equal parts are feasible, so thr_i >= min_k a_k Tp_i / s_i = Ti_i min_k a_k / a_i. A job of the least a_k has what
  // its equal part would give it, always.
  int short_of = 0;
  for (const instance& g : equal_weights(31, 5)) {
    const std::vector<double> apart = levels_apart(g);
    const double least = *std::min_element(apart.begin(), apart.end());
    const allocation found = P::share(g, {});
    CHECK(found.objective >= isolated::share(g, {}).objective * (1 - 1e-9));
    CHECK(found.objective >= proportional::share(g, {}).objective * (1 - 1e-9));
    for (int i = 0; i < g.size(); ++i) {
      if (apart[static_cast<std::size_t>(i)] == infinity) continue;
      const double own = isolated_throughput(g, g.jobs[static_cast<std::size_t>(i)]);
      CAPTURE(P::name);
      CAPTURE(g.size());
      CAPTURE(i);
      CHECK(found.throughputs[i] >= own * (least / apart[static_cast<std::size_t>(i)]) * (1 - 1e-9));
      short_of += found.throughputs[i] < own * (1 - 1e-6);
    }
  }
  CHECK(short_of >= 10);  // so the bound is needed
}

TEST_CASE("sharing incentive: few jobs, one of them a gang, and the gang has less than its equal part") {
  // Four fast and four slow workers; four single jobs do 10 or 1 steps/s, a gang of four runs on the fast type alone,
  // 10 steps/s. An equal part is 4/5 of a worker of each type, so the gang has it 1/5 of the time, 2 steps/s, at level
  // 4 2 / 5 = 8/5. A single job has it 4/5 of the time on each type, 8.8 steps/s, at most all the time: 5.5 at level 1.
  // With x of the time on fast for each single job the levels are (1 + 9 x) / 5.5 and 8 (1 - x): they meet where
  // x = 43/53, at 80/53 < 8/5. So singles have 8.3 in place of 5.5, and the gang 100/53 in place of 2.
  instance g;
  g.cluster.types = {{.name = "fast", .num_workers = 4}, {.name = "slow", .num_workers = 4}};
  for (int i = 0; i < 4; ++i) g.jobs.push_back(job_of(std::vector{10.0, 1.0}));
  g.jobs.push_back(job_of(std::vector{10.0, 0.0}, 4));
  CHECK(isolated_throughput(g, g.jobs[0]) == doctest::Approx(5.5));
  CHECK(isolated_throughput(g, g.jobs[4]) == doctest::Approx(2));
  const allocation found = max_min_perf::share(g, {});
  CHECK(found.objective == doctest::Approx(80.0 / 53));
  CHECK(found.throughputs[4] == doctest::Approx(100.0 / 53));
  for (int i = 0; i < 4; ++i) CHECK(found.throughputs[i] == doctest::Approx(80.0 / 53 * 5.5));
  // Finish-time fairness promises it to the gang too.
  for (job& one : g.jobs) one.steps_remaining = 100;
  CHECK(finish_time_fairness::share(g, {}).throughputs[4] >= 2 * (1 - 1e-9));
}

TEST_CASE("finish-time fairness: no rho is above what equal parts give; where no job is late all are at most 1") {
  // Equal parts are feasible, with rho_i = (e_i + R_i / Ti_i) / (E_i + R_i / Ti_i), which is at most max(1, e_i / E_i).
  // Where e_i <= E_i for all jobs, so e_i + R_i / thr_i <= E_i + R_i / Ti_i. With e_i = E_i that is thr_i >= Ti_i, for
  // gangs of all sizes and any number of jobs.
  int late = 0;
  for (instance g : equal_weights(31, 3)) {
    bool all_run = true;
    for (int i = 0; i < g.size(); ++i) all_run = all_run && made::runs(g, i);
    if (!all_run) continue;
    made::dice d{7};
    const auto most_apart = [&] {
      double most = 0;
      for (const job& one : g.jobs) {
        const double apart = one.steps_remaining / isolated_throughput(g, one);
        most = std::fmax(most, (one.elapsed + apart) / (one.isolated_time_so_far + apart));
      }
      return most;
    };
    const allocation as_made = finish_time_fairness::share(g, {});
    CHECK(as_made.objective <= most_apart() * (1 + 1e-9));
    late += as_made.objective > 1;
    for (job& one : g.jobs) one.isolated_time_so_far = one.elapsed * (1 + d.unit());
    CHECK(finish_time_fairness::share(g, {}).objective <= std::fmin(1, most_apart()) * (1 + 1e-9));
    for (job& one : g.jobs) one.isolated_time_so_far = one.elapsed;
    const allocation on_time = finish_time_fairness::share(g, {});
    CHECK(on_time.objective <= 1 + 1e-9);
    for (int i = 0; i < g.size(); ++i) {
      const job& one = g.jobs[static_cast<std::size_t>(i)];
      // As exact as rho, in what is still to come: R_i / thr_i <= R_i / Ti_i + 1e-9 D_i.
      const double apart = one.steps_remaining / isolated_throughput(g, one);
      CAPTURE(g.size());
      CAPTURE(i);
      CHECK(one.steps_remaining / on_time.throughputs[i] <= apart + 2e-9 * (one.elapsed + apart));
    }
  }
  CHECK(late >= 10);
}

}  // namespace
