// SPDX-License-Identifier: Apache-2.0
// How much one job may wish for what another has: bounds that hold, each with its proof, on instances made from seeds.
//
// A job's bundle is the worker time that it has on each type, s_k X_kj. Job i would use it for its own gang: thr_i(k)
// is the most of sum_j T_ij y_j over y_j <= s_k X_kj / s_i, sum_j y_j <= 1. It envies k by the factor thr_i(k) /
// thr_i(i). N are the workers, J the jobs, Tp_i = sum_j T_ij n_j / N. All weights are 1 here, and every gang fits every
// type.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <plait/alloc.hpp>

#include <doctest/doctest.h>

#include "made.hpp"

namespace {

using namespace plait;

/// thr_i(k): what job i would do with the bundle of job k.
double with_bundle_of(const instance& g, const allocation& found, int i, int k) {
  const job &one = g.jobs[static_cast<std::size_t>(i)], &other = g.jobs[static_cast<std::size_t>(k)];
  std::vector<std::pair<double, double>> parts;  // rate, time
  for (const run_option& option : one.options)
    parts.emplace_back(option.throughput, found.share(k, option.type) * other.scale_factor / one.scale_factor);
  std::sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  double done = 0, time = 1;
  for (const auto& [rate, most] : parts) {
    done += rate * std::fmin(time, most);
    time -= std::fmin(time, most);
  }
  return done;
}

/// The largest factor of envy; infinity where one with nothing could have something.
double most_envy(const instance& g, const allocation& found) {
  double most = 0;
  for (int i = 0; i < g.size(); ++i) {
    for (int k = 0; k < g.size(); ++k) {
      const double wished = with_bundle_of(g, found, i, k);
      if (k != i && wished > 1e-12 * proportional_throughput(g, g.jobs[static_cast<std::size_t>(i)]))
        most = std::fmax(most, wished / found.throughputs[i]);
    }
  }
  return most;
}

/// Instances of the kinds that the proofs speak of: J min s >= N, so that an equal part of the cluster, n_j / J workers
/// of each type, keeps no gang busy for more than all of the time.
std::vector<instance> crowded(bool gangs, int seeds) {
  std::vector<instance> all;
  for (int seed = 1; seed <= seeds; ++seed) {
    for (const bool zeros : {false, true}) {
      const made::kind k{.name = "crowded", .jobs = 14, .gangs = gangs, .zeros = zeros, .workers = gangs ? 4.0 : 3.0};
      instance g = made::make(k, static_cast<std::uint64_t>(seed));
      double workers = 0, fewest = infinity;
      for (const worker_type& type : g.cluster.types) {
        workers += type.num_workers;
        fewest = std::fmin(fewest, type.num_workers);
      }
      bool fits = workers <= g.size();
      for (const job& one : g.jobs) fits = fits && one.scale_factor <= fewest;
      for (int i = 0; i < g.size(); ++i) fits = fits && made::runs(g, i);
      if (fits) all.push_back(g);
    }
  }
  return all;
}

TEST_CASE("who takes types for equal makes nobody envious: all have the same bundle") {
  // With T = 1 the level of job i is s_i t_i, t_i its time. An equal part gives N / J to all, and no shares give more
  // to all since sum s_i t_i <= N; so each has exactly N / J of worker time, and in the mix n_j / N of types. What jobs
  // really do on the types plays no part.
  const std::vector<instance> all = crowded(true, 60);
  REQUIRE(all.size() >= 10);
  for (const instance& g : all) {
    const allocation found = max_min_agnostic::share(g, {});
    CHECK(most_envy(g, found) <= 1 + 1e-7);
  }
}

TEST_CASE("under max-min no job would rather have the mean of all bundles, and of two jobs none envies the other") {
  // Equal parts have the level s_i thr_i / Tp_i = N / J for each job, so max-min has at least that: thr_i >= N Tp_i /
  // (s_i J). All bundles together, used by job i without regard to its time, do sum_j T_ij n_j / s_i = N Tp_i / s_i <=
  // J thr_i. So the others' bundles do at most (J - 1) thr_i together, which bounds the envy of each pair, and with
  // J = 2 leaves none.
  const auto others = [](const instance& g, const allocation& found, int i) {
    double sum = 0;
    for (int k = 0; k < g.size(); ++k)
      if (k != i) sum += with_bundle_of(g, found, i, k);
    return sum;
  };
  int envied = 0;
  for (const bool gangs : {false, true}) {
    const std::vector<instance> all = crowded(gangs, 60);
    REQUIRE(all.size() >= 10);
    for (const instance& g : all) {
      const allocation found = max_min_perf::share(g, {}), greedy = sum_throughput::share(g, {});
      bool fair = true;
      for (int i = 0; i < g.size(); ++i) {
        CHECK(others(g, found, i) <= (g.size() - 1) * found.throughputs[i] * (1 + 1e-7));
        fair = fair && others(g, greedy, i) <= (g.size() - 1) * greedy.throughputs[i] * (1 + 1e-7);
      }
      envied += fair ? 0 : 1;
    }
  }
  CHECK(envied > 10);  // who looks for steps alone does not keep it
  for (int seed = 1; seed <= 60; ++seed) {
    const instance g =
        made::make({.name = "two", .jobs = 2, .types = 2, .workers = 1}, static_cast<std::uint64_t>(seed));
    REQUIRE(g.cluster.workers() == 2);
    CHECK(most_envy(g, max_min_perf::share(g, {})) <= 1 + 1e-7);
  }
}

TEST_CASE("three jobs may envy under max-min, by less than the bound") {
  // Types a, b, c of one worker. Job 0 has Tp = 1 and does as well anywhere, so no level exceeds 1. Job 1 runs on a
  // alone, Tp = 1/3, and needs a third of it for that level; job 2, Tp = 11/3, does 9 on a and 1 elsewhere, and needs a
  // third as well. The last third of a adds most in all where job 1 has it, 3 a unit of time and not 24/11. So job 2
  // does 11/3 and would do 9 * 2/3 = 6 with what job 1 has: 18/11 as much. The bound is J - 1 = 2.
  instance g;
  for (const char* name : {"a", "b", "c"}) g.cluster.types.push_back({.name = name, .num_workers = 1});
  g.jobs = {job_of(std::vector{1.0, 1.0, 1.0}), job_of(std::vector{1.0, 0.0, 0.0}), job_of(std::vector{9.0, 1.0, 1.0})};
  const allocation found = max_min_perf::share(g, {});
  CHECK(found.objective == doctest::Approx(1));
  CHECK(most_envy(g, found) == doctest::Approx(18.0 / 11));
}

TEST_CASE(
    "Nash welfare: nobody would do more than twice as much with another's bundle, nor any more where time is left") {
  // At max sum_i log thr_i, with p_j >= 0 the prices of workers and b_i >= 0 those of the jobs' time, T_ij / thr_i <=
  // s_i p_j + b_i, with equality where X_ij > 0. Times X_ij, summed: 1 = sum_j p_j s_i X_ij + b_i, so a bundle costs 1
  // - b_i. Job i in the bundle of k runs y_j <= s_k X_kj / s_i, sum y_j <= 1:  thr_i(k) = sum_j T_ij y_j <= thr_i
  // (sum_j p_j s_i y_j + b_i sum_j y_j) <= thr_i (1 - b_k + b_i) <= 2 thr_i. Where job i does not run all of the time
  // b_i = 0: no envy.
  int free_of_time = 0, envied = 0;
  std::vector<instance> all = crowded(true, 12);
  for (int seed = 1; seed <= 12; ++seed)
    all.push_back(made::make({.name = "plain", .jobs = 5, .workers = 2}, static_cast<std::uint64_t>(seed)));
  for (const instance& g : all) {
    simplex solver;
    detail::nash_program program{g, {}};
    program.solve(solver, [](int /*group*/) { return 0.0; });
    REQUIRE(program.proved);
    const allocation found = program.shares().read();
    // The gap of the tangents, 1e-8 of the mean logarithm, allows a relative error of a rate near its square root.
    constexpr double slack = 2e-3;
    for (int i = 0; i < g.size(); ++i) {
      const bool time_left = found.busy(i) < 1 - 1e-3;
      free_of_time += time_left ? 1 : 0;
      for (int k = 0; k < g.size(); ++k)
        CHECK(with_bundle_of(g, found, i, k) <= (time_left ? 1 : 2) * found.throughputs[i] * (1 + slack));
    }
    envied += most_envy(g, max_min_perf::share(g, {})) > 1 + slack ? 1 : 0;
    // The policy then takes back a part f_i, so that to lie is of no use. The optimum without i is feasible with it, so
    // sum_k thr'_k / thr_k <= J, and by the means of J - 1 terms f_i >= ((J - 1) / J)^(J - 1) >= 1 / e: envy <= 2 e.
    CHECK(most_envy(g, nash::share(g, {})) <= 2 * std::exp(1.0) * (1 + slack));
  }
  CHECK(free_of_time > 20);
  CHECK(envied > 5);  // max-min does not keep it
}

}  // namespace
