// SPDX-License-Identifier: Apache-2.0
// The published example of a hierarchy: 18 jobs of 3 entities of weights 1, 2, 3 on 3 + 3 + 3 workers. Source: figure
// 11 of Narayanan et al., OSDI 2020, and the notebook published with it. bench/alloc/gavel_hierarchy.py makes the
// rates.
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <plait/alloc.hpp>

#include <doctest/doctest.h>

namespace {

using namespace plait;

instance example(entity_policy inside) {
  // The first 54 numbers of the generator of Python's standard library, seed 0, by threes, the largest for the third
  // type; to four digits.
  const std::vector<std::array<double, 3>> rates = {
      {0.4206, 0.7580, 0.8444}, {0.2589, 0.4049, 0.5113}, {0.3033, 0.4766, 0.7838}, {0.5047, 0.5834, 0.9081},
      {0.2818, 0.6184, 0.7558}, {0.2505, 0.9097, 0.9828}, {0.3101, 0.8102, 0.9022}, {0.6840, 0.7298, 0.8988},
      {0.1007, 0.4342, 0.4721}, {0.6109, 0.9130, 0.9666}, {0.2605, 0.4770, 0.8653}, {0.0140, 0.5487, 0.8050},
      {0.3988, 0.7197, 0.8248}, {0.0011, 0.4936, 0.6682}, {0.2439, 0.3252, 0.8676}, {0.1911, 0.5675, 0.8705},
      {0.2386, 0.8032, 0.9675}, {0.0804, 0.3201, 0.4480}};
  instance g;
  for (int j = 0; j < 3; ++j)
    g.cluster.types.push_back({.name = std::string(1, static_cast<char>('a' + j)), .num_workers = 3});
  for (int e = 0; e < 3; ++e) g.entities.push_back({static_cast<double>(e + 1), inside, {}});
  for (std::size_t i = 0; i < rates.size(); ++i) {
    g.jobs.push_back(job_of(std::vector(rates[i].begin(), rates[i].end())));
    g.jobs.back().priority = inside == entity_policy::fairness ? static_cast<double>(1 + i % 2) : 1;
    g.entities[i / 6].jobs.push_back(static_cast<int>(i));
  }
  return g;
}

TEST_CASE("hierarchy with fairness inside: the published levels, for who knows the rates and who does not") {
  const instance g = example(entity_policy::fairness);
  const std::array<double, 6> aware = {0.201, 0.402, 0.402, 0.805, 0.604, 1.207};
  const std::array<double, 6> agnostic = {0.167, 0.333, 0.333, 0.667, 0.5, 1};
  const allocation knows = hierarchical::share(g, {}), blind = agnostic_share<hierarchical>(g, {});
  REQUIRE(knows.certificate_verified);
  REQUIRE(blind.certificate_verified);
  for (int i = 0; i < 18; ++i) {
    const auto k = static_cast<std::size_t>(2 * (i / 6) + i % 2);
    CHECK(std::fabs(knows.levels[i] - aware[k]) < 1e-3);
    CHECK(std::fabs(blind.levels[i] - agnostic[k]) < 1e-3);
  }
}

TEST_CASE(
    "hierarchy with FIFO inside: first jobs have what their entities can have, not where a published program stops") {
  // The published levels of the first jobs, 0.424, 0.849, 1.273, are those of the first step alone: its integer program
  // has no solution as soon as a job waits at level 0, and then freezes all. Levels go on to rise, as 1 to 2 while the
  // third is held.
  const instance g = example(entity_policy::fifo);
  const allocation found = hierarchical::share(g, {});
  REQUIRE(found.certificate_verified);
  const std::array<double, 3> first = {1.124, 1.338, 1.273};
  for (int e = 0; e < 3; ++e) CHECK(std::fabs(found.levels[6 * e] - first[static_cast<std::size_t>(e)]) < 1e-3);
  for (int i = 0; i < 18; ++i)
    CHECK(found.levels[i] <=
          found.throughputs[i] / proportional_throughput(g, g.jobs[static_cast<std::size_t>(i)]) + 1e-6);
}

}  // namespace
