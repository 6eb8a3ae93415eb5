// SPDX-License-Identifier: Apache-2.0
// Shares as the published program computes them: between optima an interior one, finish times by V100s where types are
// taken for equal, its search for the makespan, and its queue.
#include "../../examples/published_policies.hpp"

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <plait/alloc.hpp>

#include <doctest/doctest.h>

#include "../../examples/published_fifo.hpp"
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

/// k80, p100 and v100, in another order than that of their names, and jobs with the gangs given.
instance queue_of(const std::vector<int>& gangs, double workers, std::size_t types = 3) {
  instance g;
  for (const char* name : {"v100", "p100", "k80"}) g.cluster.types.push_back({.name = name, .num_workers = workers});
  for (const int gang : gangs) {
    g.jobs.push_back(job_of(std::vector<double>{3, 2, 1}, gang));
    g.jobs.back().number = static_cast<int>(g.jobs.size()) - 1;
    g.jobs.back().steps_remaining = 1000;
    g.jobs.back().options.resize(static_cast<int>(types));
  }
  g.cluster.types.resize(types);
  return g;
}

/// Types of all jobs, as letters; -: it waits.
std::string places(const instance& given, const allocation& found) {
  std::string made;
  for (int i = 0; i < given.size(); ++i) {
    char place = '-';
    for (int j = 0; j < given.cluster.size(); ++j)
      if (found.share(i, j) > 0) place = given.cluster.types[static_cast<std::size_t>(j)].name[0];
    made.push_back(place);
  }
  return made;
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

TEST_CASE(
    "published: finish times where types are taken for equal go by the first type's rates and keep account of steps") {
  // A worker of each type. The published program, put to ECOS 2.0.14 by hand, has a largest rho of 1.62857142855: the
  // first job must run all of the time, and has (9000 + 2000 / 4) s over 5000 + 2000 / (4 3/5) s. Counted whole, time
  // so far would make it 1.
  instance g;
  for (const char* name : {"v100", "p100", "k80"}) g.cluster.types.push_back({.name = name, .num_workers = 1});
  const struct {
    double rate, elapsed, alone, left, least;
  } jobs[] = {{4, 9000, 5000, 2000, 1},
              {2, 4000, 4500, 9000, 0.28952206},
              {5, 2500, 1500, 20000, 0.37037037},
              {1, 0, 0, 3000, 0.36842105},
              {3, 12000, 8000, 600, 0.12727273}};
  for (const auto& one : jobs) {
    g.jobs.push_back(job_of(std::vector<double>{one.rate, one.rate / 2, one.rate / 7}));
    g.jobs.back().elapsed = one.elapsed;
    g.jobs.back().isolated_time_so_far = one.alone;
    g.jobs.back().steps_remaining = one.left;
  }
  const auto policy = [](const instance& seen) { return published::finish_time_fairness(seen, {}); };
  const allocation made = agnostic_share(policy, g, true);
  CHECK(made.certificate_verified);
  CHECK(made.objective == doctest::Approx(1.62857142855).epsilon(1e-9));
  for (int i = 0; i < g.size(); ++i) {
    double all = 0;
    for (int j = 0; j < 3; ++j) all += made.share(i, j);
    CHECK(all > jobs[i].least * (1 - 1.001e-3));
    CHECK((i == 0 || all > 1.05 * jobs[i].least));  // the others have more than they need
    CHECK(all < 1);
  }
}

TEST_CASE("published: the makespan is searched by halves until 5 % are left") {
  // 500050, 750025, 625037.5, 562543.75, 531296.875 and 546920.3125 s are tried; 1.05 times the last is beyond the
  // fourth.
  CHECK(published::searched_makespan(561000) == 562543.75);
  CHECK(published::searched_makespan(562543.75) == 562543.75);
  CHECK(published::searched_makespan(50) == doctest::Approx(100).epsilon(0.06));
  CHECK(published::searched_makespan(3e6) == 3109375);  // between 1e6 and 1e7 s
  CHECK(published::searched_makespan(infinity) == infinity);
}

TEST_CASE("published: all jobs end within the makespan that the search ends with, and have time on each type") {
  const instance g = with_types(3, 9, 5);
  const allocation exact = least_makespan::share(g, {}), made = published::makespan(g, {});
  CHECK(made.certificate_verified);
  CHECK(made.objective == exact.objective);
  const double seconds = published::searched_makespan(exact.objective);
  REQUIRE(seconds > 1.002 * exact.objective);
  int later = 0;  // than the least makespan
  for (int i = 0; i < g.size(); ++i) {
    double rate = 0;
    for (int j = 0; j < 3; ++j) {
      CHECK(made.share(i, j) > 0);
      rate += made.share(i, j) * g.jobs[static_cast<std::size_t>(i)].options[j].throughput;
    }
    const double steps = g.jobs[static_cast<std::size_t>(i)].steps_remaining;
    CHECK(rate * seconds > steps * (1 - 1.001e-3));
    later += rate * exact.objective < steps * (1 - 1.001e-3);
  }
  CHECK(later > 0);
}

TEST_CASE("published: the numbers are those of Python's random module") {
  published::python_random zero{0}, one{1}, drawn{0};
  for (const std::uint32_t word : {3626764237U, 1654615998U, 3255389356U, 3823568514U}) CHECK(zero.word() == word);
  for (const std::uint32_t word : {577090037U, 2444712010U, 3639700191U, 3445702192U}) CHECK(one.word() == word);
  const std::vector<std::uint32_t> below{3, 3, 3, 2, 2, 1, 1, 3, 2, 3, 3, 3},
      expected{1, 1, 0, 1, 1, 0, 0, 1, 1, 2, 0, 2};
  for (std::size_t i = 0; i < below.size(); ++i) CHECK(drawn.below(below[i]) == expected[i]);
}

TEST_CASE("published: a queue that takes types for equal fills the type whose name comes last") {
  const instance g = queue_of({1, 1, 1, 1, 1, 1, 1}, 2);
  published::fifo_queue queue{false, 0};
  // random.Random(0) draws p100 from k80, p100, v100, so that counts as full when v100 is, and v100 takes all that
  // come.
  CHECK(places(g, queue(g, {})) == "vvvvvvv");
  // Had it drawn v100, as that of 1 does, p100 would be next.
  published::fifo_queue other{false, 1};
  CHECK(places(g, other(g, {})).substr(0, 3) == "vvp");
}

TEST_CASE("published: a gang goes where it does not fit, as long as it would fit elsewhere") {
  const instance g = queue_of({3, 2, 4, 5, 1}, 4);
  published::fifo_queue queue{false, 0};
  CHECK(places(g, queue(g, {})) == "vvv--");  // 5 fit nowhere and block all behind them
}

TEST_CASE("published: the place of a job that ends goes to the head of the queue, though later jobs hold its workers") {
  instance g = queue_of({2, 2, 2, 2, 2}, 2, 1);
  published::fifo_queue queue{false, 0};
  CHECK(places(g, queue(g, {})) == "v----");
  g.jobs.erase(g.jobs.begin());
  CHECK(places(g, queue(g, {})) == "v---");
  g.jobs.pop_back();
  g.jobs.erase(g.jobs.begin());
  CHECK(places(g, queue(g, {})) == "v-");
  // Three of one worker, of which the first ends: it came before the two others, so their workers count as free.
  instance three = queue_of({1, 1, 1, 3}, 3, 1);
  published::fifo_queue again{false, 0};
  CHECK(places(three, again(three, {})) == "vvv-");
  three.jobs.erase(three.jobs.begin());
  CHECK(places(three, again(three, {})) == "vvv");
}

TEST_CASE("published: who cannot run where it would go is passed over") {
  instance g = queue_of({1, 1, 1}, 1);
  g.cluster.types.resize(1);
  g.jobs[0].options = job_of(std::vector<double>{0, 1, 1}).options;
  published::fifo_queue equal{false, 0}, known{true, 0};
  g.cluster.types.push_back({.name = "p100", .num_workers = 1});
  CHECK(places(g, equal(g, {})).substr(0, 2) == "-v");
  CHECK(places(g, known(g, {})) == "pv-");
}

TEST_CASE("published: where rates are known each has its fastest type, and all begin anew each time") {
  instance g = queue_of({1, 1, 1, 1}, 1);
  published::fifo_queue queue{true, 0};
  CHECK(places(g, queue(g, {})) == "vpk-");
  CHECK(places(g, queue(g, {})) == places(g, fifo::share(g, {})));
  g.jobs.erase(g.jobs.begin());
  CHECK(places(g, queue(g, {})) == "vpk");
}
