// SPDX-License-Identifier: Apache-2.0
// Finish-time fairness where the largest ratio is decided before anything is shared: a job has waited for longer than
// all others, and what it still has to do moves its ratio in the last digits alone.
#include <cmath>
#include <vector>

#include <plait/alloc.hpp>

#include <doctest/doctest.h>

namespace {

using namespace plait;

/// Nine jobs that are new, and one that came 130,000 s ago, has done what takes 100,000 s with an equal part of the
/// cluster, and would be ready on the fastest type in `seconds`.
instance almost_ready(double seconds) {
  instance given;
  for (const char* name : {"a", "b", "c"}) given.cluster.types.push_back({.name = name, .num_workers = 4});
  for (int i = 0; i < 9; ++i) {
    given.jobs.push_back(job_of(std::vector<double>{3.0 + i, 2.0 + 0.5 * i, 1.0 + 0.1 * i}));
    given.jobs.back().steps_remaining = 40000.0 + 700 * i;
  }
  job late = job_of(std::vector<double>{4, 2, 1});
  late.elapsed = 130000;
  late.isolated_time_so_far = 100000;
  late.steps_remaining = 4 * seconds;
  given.jobs.push_back(late);
  return given;
}

TEST_CASE("finish times are proved where the job that has waited longest has almost nothing left to do") {
  for (double seconds = 1000; seconds > 1e-9; seconds /= 10) {
    for (const bool agnostic : {false, true}) {
      CAPTURE(seconds);
      CAPTURE(agnostic);
      const instance given = agnostic ? as_if_equal(almost_ready(seconds), true) : almost_ready(seconds);
      const allocation found = finish_time_fairness::share(given, {});
      CHECK(found.certificate_verified);
      // It has the fastest workers all the time; an equal part of the cluster is a third of its time on each type.
      const double isolated = agnostic ? 4 : (4 + 2 + 1) / 3.0;
      const double rho = (130000 + seconds) / (100000 + 4 * seconds / isolated);
      CHECK(found.objective == doctest::Approx(rho).epsilon(1e-12));
      CHECK(found.throughputs[9] == doctest::Approx(4).epsilon(1e-7));
      for (int i = 0; i < 9; ++i) {
        const job& one = given.jobs[static_cast<std::size_t>(i)];
        CHECK(isolated_throughput(given, one) / found.throughputs[i] <= rho * (1 + 1e-9));
      }
    }
  }
}

}  // namespace
