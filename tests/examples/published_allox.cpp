// SPDX-License-Identifier: Apache-2.0
// AlloX as the published program has it: who was given a worker keeps its type, and the others are matched to the rest.
#include "../../examples/published_allox.hpp"

#include <vector>

#include <plait/alloc.hpp>

#include <doctest/doctest.h>

namespace {

using namespace plait;

job with(int number, double fast, double slow, double steps) {
  job one = job_of(std::vector<double>{fast, slow});
  one.number = number;
  one.steps_remaining = steps;
  return one;
}

}  // namespace

TEST_CASE("published: AlloX gives a job its type until it ends") {
  instance g;
  g.cluster.types = {{.name = "fast", .num_workers = 1}, {.name = "slow", .num_workers = 1}};
  g.jobs = {with(0, 4, 1, 100), with(1, 2, 1.8, 100)};
  published::allox policy;
  const allocation first = policy(g, {});
  CHECK(first.share(0, 0) == 1);
  CHECK(first.share(1, 1) == 1);

  // Job 0 has ended. Job 1 would do better on the fast type, but is due the slow one; a newcomer has the fast one.
  g.jobs.erase(g.jobs.begin());
  CHECK(policy(g, {}).share(0, 1) == 1);
  CHECK(allox::share(g).share(0, 0) == 1);
  g.jobs.push_back(with(2, 2, 1, 1000));
  const allocation second = policy(g, {});
  CHECK(second.share(0, 1) == 1);
  CHECK(second.share(1, 0) == 1);
}

TEST_CASE("published: AlloX matches who waits to free workers, gives each one job, and forgets the rest") {
  instance g;
  g.cluster.types = {{.name = "fast", .num_workers = 1}};
  g.jobs = {job_of(std::vector<double>{1.0}), job_of(std::vector<double>{1.0}), job_of(std::vector<double>{1.0})};
  for (int i = 0; i < 3; ++i) g.jobs[static_cast<std::size_t>(i)].number = i;
  g.jobs[0].steps_remaining = 300;
  g.jobs[1].steps_remaining = 100;
  g.jobs[2].steps_remaining = 200;
  published::allox policy;
  CHECK(policy(g, {}).share(1, 0) == 1);  // the shortest
  g.jobs[0].steps_remaining = 1;
  const allocation again = policy(g, {});
  CHECK(again.share(1, 0) == 1);  // has the worker
  CHECK(again.share(0, 0) == 0);
  g.jobs.erase(g.jobs.begin() + 1);
  const allocation next = policy(g, {});
  CHECK(next.share(0, 0) == 1);  // the shortest now, whatever was planned
  CHECK(next.share(1, 0) == 0);
}
