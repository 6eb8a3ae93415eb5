// SPDX-License-Identifier: Apache-2.0
// Policies of pairs as the published program has them: the central path of max-min fairness over all pairs, and who is
// put together with whom by rule and for how long.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <plait/alloc.hpp>

#include <doctest/doctest.h>

#include "../../examples/published_packing.hpp"
#include "../alloc/made.hpp"

namespace {

using namespace plait;

/// Jobs of `kinds` kinds in turn on types of few workers. Pairs do 0.3 to 1.1 of what each does alone; that of kinds 0
/// and 1 does not fit on the last type.
instance with_pairs(int kinds, int jobs, std::uint64_t seed) {
  made::dice dice{seed};
  constexpr int types = 3;
  instance g;
  for (int j = 0; j < types; ++j)
    g.cluster.types.push_back({.name = std::string(1, static_cast<char>('a' + j)), .num_workers = 2.0});
  std::vector<std::vector<double>> rates;
  for (int k = 0; k < kinds; ++k) {
    rates.emplace_back();
    for (int j = 0; j < types; ++j) rates.back().push_back(dice.between(1, 10));
  }
  for (int a = 0; a < kinds; ++a)
    for (int b = a; b < kinds; ++b)
      for (int j = 0; j < types; ++j) {
        const bool fits = j + 1 < types || a != 0 || b != 1;
        const auto part = [&](int k) { return rates[std::size_t(k)][std::size_t(j)] * dice.between(0.3, 1.1); };
        pair_rate one{.first_kind = a, .second_kind = b, .type = j};
        if (fits) {
          one.first = part(a);
          one.second = a == b ? one.first : part(b);
        }
        g.pair_rates.push_back(one);
      }
  for (int i = 0; i < jobs; ++i) {
    job one = job_of(rates[static_cast<std::size_t>(i % kinds)]);
    one.kind = i % kinds;
    one.number = i;
    one.steps_remaining = 1e5;
    g.jobs.push_back(one);
  }
  return g;
}

double pair_part(const allocation& made, int a, int b) {
  double sum = 0;
  for (const pair_share& one : made.pairs)
    if (one.first_group == std::min(a, b) && one.second_group == std::max(a, b)) sum += one.share;
  return sum;
}

/// Whom each job is with, -1: nobody.
std::vector<int> partners(const allocation& made) {
  std::vector<int> with(static_cast<std::size_t>(made.jobs), -1);
  for (const pair_share& one : made.pairs) {
    with[static_cast<std::size_t>(one.first_group)] = one.second_group;
    with[static_cast<std::size_t>(one.second_group)] = one.first_group;
  }
  return with;
}

}  // namespace

TEST_CASE("published: on the central path the level over mu and all logarithms are at their greatest") {
  // Two groups, of 3 and 2 jobs, and two types, of which the second is not scarce.
  using column = published::central_path::column;
  const std::vector<double> members{3, 2}, workers{1, 4};
  const std::vector<column> columns{{.group = 0, .type = 0, .rate = 2},
                                    {.group = 0, .type = 1, .rate = 1},
                                    {.group = 1, .type = 0, .rate = 1.5},
                                    {.group = 1, .type = 1, .rate = 0.5},
                                    {.group = 0, .other = 0, .type = 0, .rate = 1.4, .other_rate = 1.4},
                                    {.group = 0, .other = 1, .type = 0, .rate = 1.2, .other_rate = 0.9},
                                    {.group = 1, .other = 1, .type = 0, .rate = 0, .other_rate = 0},
                                    {.group = 0, .other = 1, .type = 1, .rate = 0.8, .other_rate = 0.1}};
  const std::vector<double> times{3, 3, 2, 2, 3, 6, 1, 6};
  published::central_path path{members, workers, columns};
  REQUIRE(path.follow());
  // In terms of every job by itself, from the definition.
  const auto worth = [&](double level, const std::vector<double>& x, double mu) {
    const std::vector<int> group_of{0, 0, 0, 1, 1};
    std::vector<double> rate(5, 0.0), time(5, 0.0), left = workers;
    double sum = level / mu;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      for (int a = 0; a < 5; ++a)
        for (int b = a; b < 5; ++b) {
          const bool alone = a == b && columns[c].other < 0 && group_of[std::size_t(a)] == columns[c].group;
          const bool both =
              a < b && group_of[std::size_t(a)] == columns[c].group && group_of[std::size_t(b)] == columns[c].other;
          if (!alone && !both) continue;
          sum += std::log(x[c]);
          left[static_cast<std::size_t>(columns[c].type)] -= x[c];
          rate[std::size_t(a)] += columns[c].rate * x[c];
          time[std::size_t(a)] += x[c];
          if (alone) continue;
          rate[std::size_t(b)] += columns[c].other_rate * x[c];
          time[std::size_t(b)] += x[c];
        }
    }
    for (const double one : left) sum += std::log(one);
    for (std::size_t i = 0; i < 5; ++i) sum += std::log(rate[i] - level) + std::log(1 - time[i]);
    return sum;
  };
  double terms = 5 + 5 + 2;
  for (const double one : times) terms += one;
  const double mu = published::central_path::end_gap / terms;
  std::vector<double> x;
  for (const column& c : path.columns()) x.push_back(c.value);
  const double here = worth(path.level(), x, mu);
  REQUIRE(std::isfinite(here));
  made::dice dice{7};
  for (int direction = 0; direction < 40; ++direction) {
    // Small against what is left of every bound: near the path, levels and shares are only free to about mu.
    const double step = 1e-9;
    std::vector<double> there = x, back = x;
    const double up = step * dice.between(-1, 1);
    for (std::size_t c = 0; c < x.size(); ++c) {
      const double by = step * dice.between(-1, 1) * std::fmin(1, x[c] / 1e-6);
      there[c] += by;
      back[c] -= by;
    }
    const double rise = worth(path.level() + up, there, mu) - worth(path.level() - up, back, mu);
    CHECK(std::fabs(rise) < 1e-2 * step / mu);  // of `step / mu`, what the level alone changes
  }
  CHECK(path.gap() == doctest::Approx(published::central_path::end_gap).epsilon(0.02));
}

TEST_CASE("published: where the path has a level, the logarithms of all that is left are at their greatest") {
  // Three jobs that need unlike amounts, each alone and all pairs of the first two on the first type.
  using column = published::path_column;
  const std::vector<double> workers{1, 1.5}, needs{1, 0.5, 0.03};
  const std::vector<column> columns{{.group = 0, .type = 0, .rate = 2},
                                    {.group = 0, .type = 1, .rate = 1},
                                    {.group = 1, .type = 0, .rate = 1.5},
                                    {.group = 1, .type = 1, .rate = 0.5},
                                    {.group = 2, .type = 0, .rate = 1},
                                    {.group = 2, .type = 1, .rate = 3},
                                    {.group = 0, .other = 1, .type = 0, .rate = 1.6, .other_rate = 1.1},
                                    {.group = 0, .other = 2, .type = 1, .rate = 0.9, .other_rate = 0.1}};
  const auto worth = [&](double level, const std::vector<double>& x) {
    std::vector<double> rate(3, 0.0), time(3, 0.0), left = workers;
    double sum = 0;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      sum += std::log(x[c]);
      left[std::size_t(columns[c].type)] -= x[c];
      for (const bool first : {true, false}) {
        const int job = first ? columns[c].group : columns[c].other;
        if (job < 0) continue;
        rate[std::size_t(job)] += x[c] * (first ? columns[c].rate : columns[c].other_rate);
        time[std::size_t(job)] += x[c];
      }
    }
    for (const double one : left) sum += std::log(one);
    for (std::size_t i = 0; i < 3; ++i) sum += std::log(rate[i] - needs[i] * level) + std::log(1 - time[i]);
    return sum;
  };
  const std::vector<double> members{1, 1, 1};
  published::central_path whole{members, workers, columns, needs};
  REQUIRE(whole.follow());
  const double best = whole.level();
  for (const double part : {0.5, 0.95, 0.999}) {
    CAPTURE(part);
    published::short_central_path path{members, workers, columns, needs};
    REQUIRE(path.follow_to(part * best, best));
    CHECK(std::fabs(path.level() - part * best) <= 0.05 * (1 - part) * best);
    std::vector<double> x;
    for (const column& c : path.columns()) x.push_back(c.value);
    const double here = worth(path.level(), x);
    REQUIRE(std::isfinite(here));
    for (std::size_t c = 0; c < x.size(); ++c) {
      std::vector<double> there = x, back = x;
      // In parts of the share: its own logarithm alone would change by twice the step.
      const double step = 1e-4 * std::fmin(1, (1 - part) / x[c]);
      there[c] *= 1 + step;
      back[c] *= 1 - step;
      CHECK(std::fabs(worth(path.level(), there) - worth(path.level(), back)) < 0.06 * step);
    }
  }
}

TEST_CASE("published: least makespan with pairs leaves out nobody and ends by the time that the search finds") {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    instance g = with_pairs(3, 9, seed);
    made::dice dice{seed + 50};
    for (job& one : g.jobs) one.steps_remaining = std::pow(10, dice.between(4, 6));
    g.jobs[4].scale_factor = 2;  // a gang, which is in no pair
    for (run_option& option : g.jobs[4].options) option.workers = 2;
    share_settings how;
    how.space_sharing = true;
    const allocation made = published::makespan_packed(g, how);
    const allocation exact = least_makespan::share(g, how);
    CHECK(made.certificate_verified);
    CHECK(made.objective == exact.objective);
    CHECK(exact.objective <= least_makespan::share(g).objective);
    const double seconds = published::searched_makespan(exact.objective);
    double longest = 0;
    for (int i = 0; i < 9; ++i) {
      longest = std::fmax(longest, g.jobs[i].steps_remaining / made.throughputs[i]);
      CHECK(made.busy(i) <= 1 + 1e-6);
      for (int j = 0; j < 3; ++j) CHECK(made.share(i, j) > 1e-6);
    }
    CHECK(longest <= 1.005 * seconds);
    CHECK(longest >= 0.95 * exact.objective);
    for (int j = 0; j < 3; ++j) CHECK(workers_used(g, made, j) <= 2 + 1e-6);
    CHECK(made.pairs.size() == 8 * 7 / 2 * 3 - 3 * 2);  // but those of kinds 0 and 1 on the last type
  }
}

TEST_CASE(
    "published: where an interior-point method ends, all pairs that run have a share, and equal jobs equal ones") {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const instance g = with_pairs(3, 9, seed);
    const allocation made = published::max_min_packed(g, {});
    CHECK(made.certificate_verified);
    const double best = max_min_packed::share(g).objective;
    CHECK(made.objective == doctest::Approx(best));
    CHECK(detail::least_level(g, made) == doctest::Approx(best).epsilon(2e-5));
    int pairs = 0;
    for (const pair_share& one : made.pairs) {
      CHECK(one.share >= 1e-9);
      CHECK(one.first > 0);
      const int a = g.jobs[one.first_group].kind, b = g.jobs[one.second_group].kind;
      CHECK_FALSE((std::min(a, b) == 0 && std::max(a, b) == 1 && one.type == 2));
      ++pairs;
    }
    CHECK(pairs == 9 * 8 / 2 * 3 - 9);  // but those of kinds 0 and 1 on the last type
    for (int i = 0; i < 9; ++i) {
      CHECK(made.busy(i) <= 1 + 1e-6);
      for (int j = 0; j < 3; ++j) CHECK(made.share(i, j) == doctest::Approx(made.share(i % 3, j)));
    }
    for (int j = 0; j < 3; ++j) CHECK(workers_used(g, made, j) <= 2 + 1e-6);
    CHECK(pair_part(made, 0, 3) == doctest::Approx(pair_part(made, 3, 6)));
    CHECK(pair_part(made, 0, 1) == doctest::Approx(pair_part(made, 6, 4)));
  }
}

TEST_CASE("published: also pairs that do not fit together have a part on the path") {
  double least = 1;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    instance g = with_pairs(3, 6, seed);
    for (worker_type& type : g.cluster.types) type.num_workers = 6;
    const allocation all = published::max_min_packed(g, {});
    std::erase_if(g.pair_rates, [](const pair_rate& one) { return one.first <= 0; });
    const allocation fitting = published::max_min_packed(g, {});
    for (int i = 0; i < 6; ++i) least = std::fmin(least, all.busy(i) / fitting.busy(i));
  }
  CHECK(least < 0.99);  // what they have is not given to anyone
}

TEST_CASE("published: groups of equal jobs end where the same jobs end one by one") {
  const instance together = with_pairs(2, 6, 3);
  instance apart = together;  // weights that differ by nothing that matters, so that no two jobs are a group
  for (std::size_t i = 0; i < apart.jobs.size(); ++i) apart.jobs[i].priority = 1 + 1e-9 * static_cast<double>(i);
  const allocation a = published::max_min_packed(together, {}), b = published::max_min_packed(apart, {});
  for (int i = 0; i < 6; ++i) {
    for (int j = 0; j < 3; ++j) CHECK(a.share(i, j) == doctest::Approx(b.share(i, j)).epsilon(0.02));
    for (int k = i + 1; k < 6; ++k) CHECK(pair_part(a, i, k) == doctest::Approx(pair_part(b, i, k)).epsilon(0.02));
  }
}

TEST_CASE("published: Gandiva packs everyone when gangs do not fit, and pairs stay until one ends") {
  instance g = with_pairs(3, 8, 1);
  for (job& one : g.jobs) one.kind = 2;
  const auto set = [&](double part) {
    for (pair_rate& one : g.pair_rates)
      if (one.first_kind == 2) one.first = one.second = part * g.jobs[2].options[one.type].throughput;
  };
  for (job& one : g.jobs) one.options = g.jobs[2].options;
  set(0.4);  // 0.8 on each type, 2.4 on all
  published::gandiva policy;
  const allocation first = policy(g, {});
  const std::vector<int> with = partners(first);
  for (int i = 0; i < 8; ++i) {
    CHECK(with[static_cast<std::size_t>(i)] >= 0);  // 8 jobs, 6 workers
    for (int j = 0; j < 3; ++j) CHECK(first.share(i, j) == 0);
  }
  for (const pair_share& one : first.pairs) CHECK(one.share == doctest::Approx(1.0 / 3));
  for (int again = 0; again < 5; ++again) CHECK(partners(policy(g, {})) == with);

  set(0.15);  // 0.9 on all types, which is too little to stay together
  int others = 0;
  published::gandiva restless;
  const std::vector<int> begun = partners(restless(g, {}));
  for (int again = 0; again < 5; ++again) others += partners(restless(g, {})) != begun;
  CHECK(others > 0);
  set(0.4);

  // Job 0 ends: its partner is alone, 7 jobs are still too many, and of an odd number one stays alone.
  instance less = g;
  less.jobs.erase(less.jobs.begin());
  const std::vector<int> after = partners(policy(less, {}));
  for (int i = 0; i < 7; ++i) {
    const int before = with[static_cast<std::size_t>(i + 1)] - 1;
    CHECK(after[static_cast<std::size_t>(i)] == before);  // -1: it was with job 0
  }

  // Where all fit they run alone, and the pairs are there again when they are needed.
  instance few = less;
  few.jobs.pop_back();
  const allocation roomy = policy(few, {});
  CHECK(roomy.pairs.empty());
  for (int i = 0; i < 6; ++i)
    for (int j = 0; j < 3; ++j) CHECK(roomy.share(i, j) == doctest::Approx(1.0 / 3));
  instance more = few;
  for (int i = 0; i < 3; ++i) {
    more.jobs.push_back(g.jobs.back());
    more.jobs.back().number = 20 + i;
  }
  const std::vector<int> full = partners(policy(more, {}));
  for (int i = 0; i < 6; ++i) {
    const int before = after[static_cast<std::size_t>(i)];
    if (before >= 0 && before < 6) CHECK(full[static_cast<std::size_t>(i)] == before);
  }
}

TEST_CASE("published: Gandiva parts those who do not fit together on some type, and keeps those who lose") {
  instance g = with_pairs(2, 2, 1);
  for (worker_type& type : g.cluster.types) type.num_workers = 0;
  g.cluster.types[0].num_workers = 1;
  const auto with_rates = [&](double part) {
    for (pair_rate& one : g.pair_rates)
      if (one.first_kind == 0 && one.second_kind == 1) {
        one.first = part * g.jobs[0].options[one.type].throughput;
        one.second = part * g.jobs[1].options[one.type].throughput;
      }
  };
  for (worker_type& type : g.cluster.types) type.num_workers = std::max(type.num_workers, 0.25);
  published::gandiva loses;
  with_rates(0.4);  // 0.8 on each type, 2.4 on all
  loses(g, {});
  CHECK(loses.together().size() == 1);
  loses(g, {});
  CHECK(loses.together().size() == 1);

  // Jobs 0, 2 are of kind 0 and 1, 3 of kind 1. Mixed pairs do not fit on the last type, so they part, and in the end
  // equal ones are together for good.
  instance four = with_pairs(2, 4, 1);
  for (worker_type& type : four.cluster.types) type.num_workers = 1;
  published::gandiva parts;
  std::vector<int> with;
  for (int time = 0; time < 60; ++time) with = partners(parts(four, {}));
  CHECK(with == std::vector<int>{2, 3, 0, 1});
}

TEST_CASE("published: FIFO packs who waits with the best of those alone, above 1.5, and the first that cannot blocks") {
  instance g = with_pairs(3, 5, 2);
  for (worker_type& type : g.cluster.types) type.num_workers = 0;
  g.cluster.types[0].num_workers = 2;
  const auto set = [&](int a, int b, double part) {  // what each of two kinds does of its own rate
    for (pair_rate& one : g.pair_rates)
      if (one.first_kind == std::min(a, b) && one.second_kind == std::max(a, b)) {
        one.first = part * g.jobs[std::min(a, b)].options[one.type].throughput;
        one.second = part * g.jobs[std::max(a, b)].options[one.type].throughput;
      }
  };
  for (int a = 0; a < 3; ++a)
    for (int b = a; b < 3; ++b) set(a, b, 0.7);
  set(0, 2, 0.76);
  set(1, 2, 0.8);
  // Kinds 0, 1, 2, 0, 1. Jobs 0 and 1 have the workers; job 2 fits best with job 1; job 3 with nobody well enough.
  CHECK(partners(published::fifo_packed(g, {})) == std::vector<int>{-1, 2, 1, -1, -1});
  CHECK(published::fifo_packed(g, {}).share(0, 0) == 1);
  set(0, 2, 0.85);  // or with job 0, whichever is better
  CHECK(partners(published::fifo_packed(g, {})) == std::vector<int>{2, -1, 0, -1, -1});
  set(0, 2, 0.76);
  set(0, 1, 0.9);  // job 4 would fit with job 0, but job 3 is before it
  CHECK(partners(published::fifo_packed(g, {})) == std::vector<int>{-1, 2, 1, -1, -1});
  set(0, 0, 0.76);
  CHECK(partners(published::fifo_packed(g, {})) == std::vector<int>{3, 2, 1, 0, -1});
}
