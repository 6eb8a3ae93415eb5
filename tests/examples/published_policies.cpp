// SPDX-License-Identifier: Apache-2.0
// Shares as the published program computes them: between optima an interior one, and what its older version made of
// finish times.
#include "../../examples/published_policies.hpp"

#include <cmath>
#include <cstdint>
#include <vector>

#include <plait/alloc.hpp>

#include <doctest/doctest.h>

#include "../alloc/made.hpp"

namespace {

using namespace plait;

instance with_types(int types, int jobs, std::uint64_t seed) {
  made::dice dice{seed};
  instance g;
  for (int j = 0; j < types; ++j)
    g.cluster.types.push_back({.name = std::string(1, static_cast<char>('a' + j)), .num_workers = 4.0 + j});
  for (int i = 0; i < jobs; ++i) {
    std::vector<double> rates;
    for (int j = 0; j < types; ++j) rates.push_back(dice.between(1, 10));
    job one = job_of(rates);
    one.steps_remaining = dice.between(1e4, 1e6);
    one.elapsed = dice.between(0, 1e4);
    g.jobs.push_back(one);
  }
  return g;
}

}  // namespace

TEST_CASE("published: where nothing is scarce and types are alike, an interior point gives each type the same time") {
  instance g = with_types(3, 2, 1);
  for (worker_type& type : g.cluster.types) type.num_workers = 8;
  for (job& one : g.jobs)
    for (run_option& option : one.options) option.throughput = 2;
  const allocation made = published::max_min(g, {});
  for (int i = 0; i < 2; ++i) {
    double all = 0;
    for (int j = 0; j < 3; ++j) {
      CHECK(made.share(i, j) == doctest::Approx(made.share(i, 0)));
      all += made.share(i, j);
    }
    CHECK(all <= 1);
    CHECK(all > 1 - 1e-3);
  }
}

TEST_CASE(
    "published: three types, whose loops are unrolled, and four of which nobody can use one have the same shares") {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    const instance three = with_types(3, 5 + 4 * static_cast<int>(seed), seed);
    instance four = three;
    four.cluster.types.push_back({.name = "z", .num_workers = 1});
    for (const auto policy : {published::max_min, published::finish_time_fairness}) {
      const allocation x = policy(three, {}), y = policy(four, {});
      CHECK(x.certificate_verified);
      for (int i = 0; i < three.size(); ++i) {
        double all = 0;
        for (int j = 0; j < 3; ++j) {
          CHECK(x.share(i, j) > 0);  // inside of all bounds
          all += x.share(i, j);
        }
        CHECK(all < 1);
      }
      for (int j = 0; j < 3; ++j) {
        double used = 0;
        for (int i = 0; i < three.size(); ++i) used += x.share(i, j);
        CHECK(used < three.cluster.types[static_cast<std::size_t>(j)].num_workers);
      }
      if (policy != published::max_min) continue;  // an equal part of another cluster is another aim
      for (int i = 0; i < three.size(); ++i)
        for (int j = 0; j < 3; ++j)
          CHECK(std::fabs(x.share(i, j) - y.share(i, j)) < 1e-5);  // where Newton's method stops
    }
  }
}

TEST_CASE("published: who takes types for equal and counts time so far whole shares alike, however much work is left") {
  // With equal shares every rho is 1, and where all workers have work nobody can have less but by another's having
  // more.
  instance g = with_types(3, 12, 3);
  for (worker_type& type : g.cluster.types) type.num_workers = 2;
  for (const bool measured : {false, true}) {
    const auto of_time = [](const instance& seen) { return published::finish_time_fairness_by_time(seen, {}); };
    const allocation made =
        measured ? agnostic_share(of_time, g, true) : published::finish_time_fairness_agnostic(g, {});
    CHECK(made.objective == doctest::Approx(1));
    for (int i = 0; i < g.size(); ++i)
      for (int j = 0; j < 3; ++j) CHECK(made.share(i, j) == doctest::Approx(2.0 / 12).epsilon(2e-3));
  }
}
