// SPDX-License-Identifier: Apache-2.0
// Jobs with several gang sizes, under the policies that are no program over their columns as they are, and what notes
// say of jobs that get nothing.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <plait/alloc.hpp>

#include <doctest/doctest.h>

#include "made.hpp"
#include "refused.hpp"

namespace {

using namespace plait;
using plait::testing::check_refused;

const made::kind several{.name = "options", .jobs = 8, .weights = true, .options = true, .workers = 6};

bool says(const allocation& found, const std::string& words) {
  return found.note.find(words) != std::string::npos;
}

/// Eight workers of two types, one twice as fast, and two jobs that run as gangs of 2 or of 4.
instance gangs_of_two_or_four() {
  instance g;
  g.cluster.types = {{.name = "slow", .num_workers = 4}, {.name = "fast", .num_workers = 4}};
  job one;
  one.steps_remaining = 100;
  for (int j = 0; j < 2; ++j) {
    one.options.push_back({.type = j, .workers = 2, .throughput = 3.0 * (j + 1)});
    one.options.push_back({.type = j, .workers = 4, .throughput = 5.0 * (j + 1)});
  }
  g.jobs = {one, one};
  return g;
}

TEST_CASE("a scheduler that takes types for equal charges each gang size its own workers, and uses the large ones") {
  const instance g = gangs_of_two_or_four();
  const allocation found = max_min_agnostic::share(g, {});
  for (int i = 0; i < 2; ++i) {
    // Each has four of the eight workers, as one gang, half of the time on either type.
    CHECK(found.throughputs[i] == doctest::Approx(0.5 * 5 + 0.5 * 10));
    for (const int k : {0, 2}) CHECK(found.option_shares[4 * i + k] == doctest::Approx(0));
    for (const int k : {1, 3}) CHECK(found.option_shares[4 * i + k] == doctest::Approx(0.5));
  }
  CHECK(workers_used(g, found, 0) == doctest::Approx(4));
  CHECK(found.note.empty());
  // Rates on a type are told apart by nobody, but gangs of 4 that do little more than gangs of 2 are.
  instance small = g;
  for (job& one : small.jobs)
    for (run_option& option : one.options)
      if (option.workers == 4) option.throughput = 3.1 * (option.type + 1);
  small.jobs.insert(small.jobs.end(), {small.jobs[0], small.jobs[0]});
  const allocation shared = max_min_agnostic::share(small, {});
  for (int i = 0; i < 4; ++i) CHECK(shared.throughputs[i] == doctest::Approx(0.5 * 3 + 0.5 * 6));
}

TEST_CASE("where all types are equal the agnostic scheduler does as well with several gangs as the one that knows") {
  for (int seed = 1; seed <= 8; ++seed) {
    instance g = made::make(several, static_cast<std::uint64_t>(seed));
    for (job& one : g.jobs) {
      table<run_option> alike;
      for (const run_option& option : one.options)
        for (int j = 0; option.type == 0 && !option.consolidated && j < g.cluster.size(); ++j) {
          alike.push_back(option);
          alike.back().type = j;
        }
      one.options = alike;
    }
    const allocation knows = max_min_perf::share(g, {}), blind = max_min_agnostic::share(g, {});
    CHECK(blind.objective == doctest::Approx(knows.objective).epsilon(1e-9));
    for (int i = 0; i < g.size(); ++i)
      CHECK(blind.throughputs[i] == doctest::Approx(knows.throughputs[i]).epsilon(1e-6));
    for (int at = 0; at < knows.shares.size(); ++at)
      CHECK(blind.shares[at] == doctest::Approx(knows.shares[at]).epsilon(1e-6));
    // Two jobs may be told apart by options alone that they do not use; their order does not matter all the same.
    instance turned = g;
    std::reverse(turned.jobs.begin(), turned.jobs.end());
    const allocation again = max_min_perf::share(turned, {});
    for (int i = 0; i < g.size(); ++i)
      CHECK(again.throughputs[g.size() - 1 - i] == doctest::Approx(knows.throughputs[i]).epsilon(1e-6));
    // Also who knows does not tell one type from another.
    for (int i = 0; i < g.size(); ++i)
      for (int j = 1; j < g.cluster.size(); ++j)
        CHECK(knows.share(i, j) * g.cluster.types[0].num_workers ==
              doctest::Approx(knows.share(i, 0) * g.cluster.types[static_cast<std::size_t>(j)].num_workers));
  }
}

TEST_CASE("nobody who can run has nothing under policies that are fair") {
  for (const instance& g : made::of_all_kinds(61, 3)) {
    for (const char* name : {"max_min_agnostic", "max_min_perf", "ftf", "water_filling", "gandiva", "isolated",
                             "proportional", "nash", "pop"}) {
      CAPTURE(name);
      const allocation found = policy_of(name).share(g, {});
      for (int i = 0; i < g.size(); ++i)
        if (made::runs(g, i)) CHECK(found.throughputs[i] > 0);
    }
  }
}

TEST_CASE("an equal part is used with the gangs that do most with it") {
  const instance g = gangs_of_two_or_four();
  for (const allocation& found : {isolated::share(g, {}), gandiva::share(g, {})}) {
    // Two workers of each type are half of the time of a gang of 4, and all of that of one of 2.
    CHECK(found.throughputs[0] == doctest::Approx(0.5 * 5 + 0.5 * 10));
    CHECK(found.throughputs[1] == doctest::Approx(0.5 * 5 + 0.5 * 10));
  }
  for (int seed = 1; seed <= 8; ++seed) {
    const instance all = made::make(several, static_cast<std::uint64_t>(seed));
    const allocation found = isolated::share(all, {});
    for (const int gang : {1, 2, 4}) {
      instance one_size = all;
      for (job& one : one_size.jobs)
        for (run_option& option : one.options)
          if (option.workers != gang) option.throughput = 0;
      const allocation with = isolated::share(one_size, {});
      // A size that some type lacks has less time there; one that all have is among those that were compared.
      for (int i = 0; i < all.size(); ++i) {
        bool everywhere = true;
        for (int j = 0; j < all.cluster.size(); ++j) everywhere = everywhere && with.share(i, j) > 0;
        if (everywhere) CHECK(found.throughputs[i] >= with.throughputs[i] * (1 - 1e-12));
      }
    }
  }
}

TEST_CASE("AlloX matches jobs that can run on one worker so, whatever else they can, and refuses others") {
  for (int seed = 1; seed <= 6; ++seed) {
    instance g = made::make(several, static_cast<std::uint64_t>(seed)), single = g;
    for (int i = 0; i < g.size(); ++i) {
      job& one = g.jobs[static_cast<std::size_t>(i)];
      one.options.push_back({.type = i % 3, .workers = 1, .throughput = 0.3 * one.options[0].throughput});
      single.jobs[static_cast<std::size_t>(i)] = one;
      table<run_option>& options = single.jobs[static_cast<std::size_t>(i)].options;
      for (run_option& option : options)
        if (option.workers != 1) option.throughput = 0;
    }
    const allocation found = allox::share(g, {}), alone = allox::share(single, {});
    CHECK(found.objective == alone.objective);
    for (int at = 0; at < found.shares.size(); ++at) CHECK(found.shares[at] == alone.shares[at]);
    CHECK(found.note.empty());
  }
  const auto check = [](const char* words, const instance& g) {
    check_refused(error_kind::usage, {words}, [&] { allox::share(g, {}); });
  };
  check("options[0] must have one of 1 worker", gangs_of_two_or_four());
  instance g = gangs_of_two_or_four();
  g.jobs[0] = job_of(std::vector{1.0, 1.0});
  g.jobs[1] = job_of(std::vector{1.0, 1.0}, 2);
  check("scale_factor[1] must be 1", g);
}

TEST_CASE("FIFO: a job none of whose gangs has room blocks those behind it") {
  instance g = gangs_of_two_or_four();
  g.cluster.types[0].num_workers = 0;
  g.cluster.types[1].num_workers = 5;
  g.jobs.push_back(job_of(std::vector{1.0, 1.0}));
  const allocation found = fifo::share(g, {});
  CHECK(found.option_shares[3] == 1);  // a gang of 4 on the fast type
  CHECK(found.busy(1) == 0);           // one worker is left, and it needs two
  CHECK(found.busy(2) == 0);
  // Two free workers of a type on which its gang is one of 4 are no room either.
  g.cluster.types[0].num_workers = 2;
  g.jobs[1].options.clear();
  g.jobs[1].options.push_back({.type = 0, .workers = 4, .throughput = 9});
  g.jobs[1].options.push_back({.type = 1, .workers = 2, .throughput = 1});
  CHECK(fifo::share(g, {}).busy(2) == 0);
}

TEST_CASE("the note tells how many jobs can run on no type, under every policy, and else there is none") {
  int stranded_instances = 0;
  for (int seed = 1; seed <= 12; ++seed) {
    instance g = made::make({.name = "zeros", .jobs = 6, .zeros = true, .empty_type = seed % 2 == 0, .workers = 2},
                            static_cast<std::uint64_t>(seed));
    if (seed % 3 == 0) g.jobs[2].options.clear();
    int stranded = 0;
    for (int i = 0; i < g.size(); ++i) stranded += made::runs(g, i) ? 0 : 1;
    stranded_instances += stranded > 0 ? 1 : 0;
    for (const named_policy& policy : policies) {
      CAPTURE(policy.name);
      CAPTURE(seed);
      const allocation found = policy.share(g, {});
      CHECK(found.note.empty() == (stranded == 0));
      if (stranded > 0) CHECK(found.note.find(std::to_string(stranded) + " jobs ") == 0);
    }
  }
  CHECK(stranded_instances > 3);
}

TEST_CASE("SLOs given up are told beside jobs that can run nowhere") {
  instance g = gangs_of_two_or_four();
  for (worker_type& type : g.cluster.types) type.cost_per_hour = 1;
  g.jobs[0].slo_seconds = 1;
  g.jobs[1].options.clear();
  const allocation found = sum_throughput_over_cost_slo::share(g, {});
  CHECK(says(found, "1 jobs can run on no type"));
  CHECK(says(found, detail::slo_given_up));
}

}  // namespace
