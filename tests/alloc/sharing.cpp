// SPDX-License-Identifier: Apache-2.0
// Space sharing under every policy: who uses rates of pairs, who says that it does not, and what POP and FIFO do with
// them.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <plait/alloc.hpp>

#include <doctest/doctest.h>

#include "made.hpp"

namespace {

using namespace plait;

const share_settings in_pairs{.space_sharing = true};

/// More jobs than workers, with rates of all pairs.
instance crowd(int seed, int jobs = 7) {
  const made::kind k{.name = "crowd", .jobs = jobs, .weights = seed % 2 == 0, .pairs = true, .workers = 1};
  return made::make(k, static_cast<std::uint64_t>(seed));
}

/// The jobs of an instance that any two keep so much of their speed with.
instance all_keep(double part) {
  instance g;
  g.cluster.types = {{.name = "slow", .num_workers = 1, .cost_per_hour = 1},
                     {.name = "fast", .num_workers = 1, .cost_per_hour = 2}};
  for (int i = 0; i < 5; ++i) {
    g.jobs.push_back(job_of(std::vector{1.0 + 0.3 * i, 2.0 + i}));
    g.jobs.back().kind = i;
    g.jobs.back().steps_remaining = 100;
  }
  for (int a = 0; a < 5; ++a) {
    for (int b = a + 1; b < 5; ++b) {
      for (int j = 0; j < 2; ++j) {
        const auto rate = [&](int i) { return part * g.jobs[static_cast<std::size_t>(i)].options[j].throughput; };
        g.pair_rates.push_back({a, b, j, rate(a), rate(b)});
      }
    }
  }
  g.entities.push_back({1, entity_policy::fairness, {0, 1, 2, 3, 4}});
  return g;
}

TEST_CASE("every policy puts jobs together that gain much from it, or says in its note that it puts no two together") {
  const instance g = all_keep(0.9);
  int used = 0;
  for (const named_policy& policy : policies) {
    CAPTURE(policy.name);
    const allocation found = policy.share(g, {.space_sharing = true, .partitions = 2});
    const bool says_so = found.note.find("no two jobs share workers") != std::string::npos;
    CHECK(found.pairs.empty() == says_so);
    used += found.pairs.empty() ? 0 : 1;
    // Who was not asked has nothing to say.
    CHECK(policy.share(g, {}).note.empty());
  }
  CHECK(used == 16);
}

TEST_CASE("POP of one part is max-min with pairs, and of several that of each part with its part of the workers") {
  for (int seed = 1; seed <= 8; ++seed) {
    const instance g = crowd(seed);
    const allocation whole = max_min_packed::share(g, {}),
                     one = pop::share(g, {.space_sharing = true, .partitions = 1});
    CHECK(one.objective == doctest::Approx(whole.objective).epsilon(1e-12));
    CHECK(one.pairs.size() == whole.pairs.size());
    for (int i = 0; i < g.size(); ++i) CHECK(one.throughputs[i] == doctest::Approx(whole.throughputs[i]));
    CHECK(whole.objective > max_min_perf::share(g, {}).objective * (1 + 1e-6));

    const int parts = 3;
    const allocation found = pop::share(g, {.space_sharing = true, .partitions = parts});
    double least = infinity;
    for (int p = 0; p < parts; ++p) {
      instance part = g;
      for (worker_type& type : part.cluster.types) {
        type.largest_gang = type.num_workers;
        type.num_workers /= parts;
      }
      part.jobs.clear();
      part.entities.clear();
      for (int i = p; i < g.size(); i += parts) part.jobs.push_back(g.jobs[static_cast<std::size_t>(i)]);
      const allocation alone = max_min_packed::share(part, {});
      least = std::fmin(least, alone.objective);
      for (int i = p, k = 0; i < g.size(); i += parts, ++k) {
        CHECK(found.throughputs[i] == doctest::Approx(alone.throughputs[k]));
        CHECK(found.busy(i) == doctest::Approx(alone.busy(k)));
        for (int other = 0; other < g.size(); ++other)
          for (int j = 0; other != i && j < g.cluster.size(); ++j)
            CHECK(found.pair_time(i, other, j) ==
                  (other % parts == p ? doctest::Approx(alone.pair_time(k, other / parts, j)) : doctest::Approx(0)));
      }
    }
    CHECK(found.objective == doctest::Approx(least));
    CHECK(found.certificate_verified);
  }
}

/// With whom each job shares workers all of the time, on which type; -1: nobody.
std::vector<int> partners_of(const allocation& found) {
  std::vector<int> with(static_cast<std::size_t>(found.jobs), -1);
  for (const pair_share& one : found.pairs) {
    CHECK(one.share == 1);
    with[static_cast<std::size_t>(found.groups.first[one.first_group])] = found.groups.first[one.second_group];
    with[static_cast<std::size_t>(found.groups.first[one.second_group])] = found.groups.first[one.first_group];
  }
  return with;
}

TEST_CASE("FIFO with pairs: who finds no workers joins the job with which both do most, if that is enough") {
  instance g;
  g.cluster.types = {{.name = "x", .num_workers = 2}, {.name = "y", .num_workers = 2}};
  g.jobs = {job_of(std::vector{10.0, 1.0}), job_of(std::vector{10.0, 1.0}),   job_of(std::vector{2.0, 4.0}, 2),
            job_of(std::vector{5.0, 5.0}),  job_of(std::vector{2.0, 8.0}, 2), job_of(std::vector{1.0, 1.0})};
  for (int i = 0; i < g.size(); ++i) g.jobs[static_cast<std::size_t>(i)].kind = i;
  // 0 and 1 have a worker of x each, 2 has both of y. 3 does 0.8 + 0.8 with 0, 0.9 + 0.9 with 1, and more with 2, whose
  // gang is another. 4 does 0.7 + 0.9 with 2 on y, counted in what 4 does there.
  g.pair_rates = {{0, 3, 0, 8, 4}, {1, 3, 0, 9, 4.5}, {2, 3, 1, 4, 5}, {2, 4, 1, 2.8, 7.2}, {0, 5, 0, 7.4, 0.75}};
  const allocation found = fifo::share(g, in_pairs);
  CHECK(partners_of(found) == std::vector<int>{-1, 3, 4, 1, 2, -1});
  const std::vector<double> rates = {10, 9, 2.8, 4.5, 7.2, 0};  // 5 does 0.74 + 0.75 with 0, too little
  for (int i = 0; i < g.size(); ++i) CHECK(found.throughputs[i] == doctest::Approx(rates[static_cast<std::size_t>(i)]));
  CHECK(found.share(0, 0) == 1);
  CHECK(found.share(1, 0) == 0);
  CHECK(workers_used(g, found, 0) == doctest::Approx(2));
  CHECK(workers_used(g, found, 1) == doctest::Approx(2));
  // Without 4's partner, 4 blocks 5, whose gain would be enough now.
  instance blocked = g;
  blocked.pair_rates[3].first = 1;
  blocked.pair_rates[4].first = 9;
  CHECK(partners_of(fifo::share(blocked, in_pairs)) == std::vector<int>{-1, 3, -1, 1, -1, -1});
  blocked.pair_rates[3].first = 2.8;
  CHECK(partners_of(fifo::share(blocked, in_pairs)) == std::vector<int>{5, 3, 4, 1, 2, 0});
  // Who joined somebody blocks nobody: a worker that was too little for a gang goes to the next.
  instance free = g;
  free.cluster.types[1].num_workers = 3;
  const allocation after = fifo::share(free, in_pairs);
  CHECK(after.share(3, 1) == 1);
  CHECK(partners_of(after) == std::vector<int>{-1, -1, 4, -1, 2, -1});
  free.jobs[3] = job_of(std::vector{5.0, 0.0}, 2);  // a gang of two, and only on x, where nobody is its partner
  CHECK(fifo::share(free, in_pairs).busy(5) == 0);
  free.cluster.types[1].num_workers = 4;  // room where it cannot run: passed over
  CHECK(fifo::share(free, in_pairs).share(4, 1) == 1);
  CHECK(found.note.empty());
}

TEST_CASE("FIFO with pairs: each guest has the best host there was, and nobody loses workers to a guest") {
  int guests = 0;
  for (int seed = 1; seed <= 30; ++seed) {
    const instance g = crowd(seed, 9);
    const allocation found = fifo::share(g, in_pairs), alone = fifo::share(g, {});
    const std::vector<int> with = partners_of(found);
    const auto at = [](int i) { return static_cast<std::size_t>(i); };
    const auto gain = [&](int host, int guest, int type) {
      for (const pair_rate& one : g.pair_rates)
        if (one.first_kind == std::min(host, guest) && one.second_kind == std::max(host, guest) && one.type == type)
          return one.first / g.jobs[at(one.first_kind)].options[type].throughput +
                 one.second / g.jobs[at(one.second_kind)].options[type].throughput;
      return 0.0;
    };
    std::vector<int> type_of(at(g.size()), -1);
    std::vector<char> taken(at(g.size()), 0);
    for (int i = 0; i < g.size(); ++i)
      for (int j = 0; j < g.cluster.size(); ++j)
        if (alone.share(i, j) > 0) type_of[at(i)] = j;
    bool blocked = false;
    for (int i = 0; i < g.size(); ++i) {
      if (type_of[at(i)] >= 0) continue;
      int best = -1;
      double most = 1.5;
      for (int host = 0; host < g.size(); ++host) {
        if (type_of[at(host)] < 0 || taken[at(host)] != 0 || gain(host, i, type_of[at(host)]) <= most) continue;
        best = host;
        most = gain(host, i, type_of[at(host)]);
      }
      blocked = blocked || best < 0;
      CHECK(with[at(i)] == (blocked ? -1 : best));
      if (!blocked) taken[at(best)] = 1;
      guests += blocked ? 0 : 1;
    }
    for (int j = 0; j < g.cluster.size(); ++j)
      CHECK(workers_used(g, found, j) == doctest::Approx(workers_used(g, alone, j)));
  }
  CHECK(guests > 15);
}

TEST_CASE("a job that may not move to a type joins nobody there, and one that loses time for it does less") {
  instance g;
  g.cluster.types = {{.name = "x", .num_workers = 1}};
  for (int i = 0; i < 2; ++i) {
    g.jobs.push_back(job_of(std::vector{2.0}));
    g.jobs.back().kind = i;
  }
  g.pair_rates = {{0, 1, 0, 1.8, 1.8}};
  CHECK(fifo::share(g, in_pairs).throughputs[1] == doctest::Approx(1.8));
  g.jobs[1].moves.push_back({.time_kept = 0.5, .is_charged = true});
  CHECK(fifo::share(g, in_pairs).throughputs[1] == doctest::Approx(0.9));
  g.jobs[1].moves[0].time_kept = 0;
  CHECK(fifo::share(g, in_pairs).throughputs[1] == 0);
  CHECK(fifo::share(g, in_pairs).share(0, 0) == 1);
}

}  // namespace
