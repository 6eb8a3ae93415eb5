// SPDX-License-Identifier: Apache-2.0
// Allocations that go on from the last one are those that begin from nothing.

#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include <plait/alloc/detail/archive.hpp>
#include <plait/alloc/max_min.hpp>
#include <plait/alloc/policies.hpp>
#include <plait/alloc/share_memory.hpp>
#include <plait/core/random.hpp>

#include <doctest/doctest.h>

namespace {

using namespace plait;

/// Jobs of some kinds on three types; they come and go.
class passers_by {
 public:
  explicit passers_by(std::uint64_t seed) : random_{seed, "crowd", 0} {
    for (const double workers : {6.0, 5.0, 9.0}) {
      worker_type& type = given.cluster.types.emplace_back();
      type.num_workers = workers;
    }
  }
  void come(int kinds) {
    const auto kind = static_cast<int>(draw() * kinds);
    const random_stream of_kind{7, "kind", static_cast<std::uint64_t>(kind)};
    job one = job_of(std::vector<double>{1 + 8 * of_kind.uniform(0), 1 + 4 * of_kind.uniform(1), of_kind.uniform(2)},
                     kind % 5 == 4 ? 2 : 1);
    one.priority = kind % 3 == 0 ? 2 : 1;
    one.kind = kind;
    one.steps_remaining = 1000 * (1 + draw());
    given.jobs.push_back(one);
  }
  void go() {
    const auto at = static_cast<std::ptrdiff_t>(draw() * static_cast<double>(given.jobs.size()));
    given.jobs.erase(given.jobs.begin() + at);
  }
  double draw() { return random_.uniform(drawn_++); }

  instance given;

 private:
  random_stream random_;
  std::uint64_t drawn_ = 0;
};

void check_near(const allocation& a, const allocation& b) {
  REQUIRE(a.option_shares.size() == b.option_shares.size());
  for (int k = 0; k < a.option_shares.size(); ++k)
    CHECK(a.option_shares[k] == doctest::Approx(b.option_shares[k]).epsilon(1e-9));
  CHECK(a.objective == doctest::Approx(b.objective).epsilon(1e-12));
  CHECK(a.certificate_verified);
  CHECK(b.certificate_verified);
}

}  // namespace

TEST_CASE("shares that go on from the last allocation are those from nothing, while jobs of all kinds come and go") {
  for (const char* const name : {"max_min_perf", "makespan", "water_filling", "sum_throughput", "max_min_packed"}) {
    CAPTURE(name);
    const named_policy* policy = nullptr;
    for (const named_policy& one : policies)
      if (one.name == name) policy = &one;
    REQUIRE(policy != nullptr);
    share_memory memory;
    passers_by jobs{5};
    for (int event = 0; event < 60; ++event) {
      CAPTURE(event);
      // A few jobs of many kinds at first, so that groups come and go as well; then many of few.
      if (jobs.given.jobs.size() < 3 || jobs.draw() < 0.6)
        jobs.come(event < 30 ? 12 : 4);
      else
        jobs.go();
      if (event == 40) jobs.given.cluster.types[1].num_workers = 3;
      if (event == 50) jobs.given.cluster.types[2].num_workers = 0;
      check_near(policy->share(jobs.given, {.memory = &memory}), policy->share(jobs.given, {}));
    }
  }
}

TEST_CASE("a memory that served another cluster and other jobs does no harm") {
  share_memory memory;
  passers_by first{1};
  for (int k = 0; k < 30; ++k) first.come(12);
  check_near(max_min_perf::share(first.given, {.memory = &memory}), max_min_perf::share(first.given));
  passers_by second{2};
  second.given.cluster.types.resize(2);
  for (int k = 0; k < 5; ++k) second.come(3);
  for (job& one : second.given.jobs) one.options.pop_back();
  check_near(max_min_perf::share(second.given, {.memory = &memory}), max_min_perf::share(second.given));
  check_near(max_min_perf::share(first.given, {.memory = &memory}), max_min_perf::share(first.given));
}

TEST_CASE("who goes on from the last allocation makes hardly a pivot while jobs of known kinds come and go") {
  for (const std::uint64_t seed : {1, 2, 3}) {
    share_memory memory;
    passers_by jobs{seed};
    for (int k = 0; k < 60; ++k) jobs.come(12);
    max_min_perf::share(jobs.given, {.memory = &memory});
    std::int64_t with = 0, without = 0;
    for (int event = 0; event < 20; ++event) {
      if (event % 2 == 1)
        jobs.given.jobs.push_back(jobs.given.jobs[static_cast<std::size_t>(event)]);
      else
        jobs.go();
      with += max_min_perf::share(jobs.given, {.memory = &memory}).pivots;
      without += max_min_perf::share(jobs.given).pivots;
    }
    CAPTURE(with);
    CHECK(10 * with < without);
  }
}

TEST_CASE("where programs ended can be saved and loaded to the last number") {
  share_memory memory, loaded;
  passers_by jobs{4};
  for (int k = 0; k < 40; ++k) jobs.come(12);
  max_min_perf::share(jobs.given, {.memory = &memory});
  std::stringstream saved, again;
  detail::archive_writer writer{saved};
  memory.visit(writer);
  const std::string text = saved.str();
  REQUIRE(text.size() > 100);
  detail::archive_reader reader{saved};
  loaded.visit(reader);
  detail::archive_writer second{again};
  loaded.visit(second);
  CHECK(again.str() == text);
  jobs.come(12);
  CHECK(max_min_perf::share(jobs.given, {.memory = &memory}).option_shares ==
        max_min_perf::share(jobs.given, {.memory = &loaded}).option_shares);
}
