// SPDX-License-Identifier: Apache-2.0
// The simulator against days that were worked out by hand, and against a plain queue.
#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include <plait/alloc.hpp>
#include <plait/alloc/simulation_svg.hpp>
#include <plait/alloc/simulator.hpp>

#include <doctest/doctest.h>

#include "made.hpp"
#include "refused.hpp"
#include "simulated.hpp"

namespace {

using namespace plait;
using made::all_of, made::job_at;
using plait::testing::check_refused;

cluster one_type(int workers) {
  return {.types = {{.name = "a", .num_workers = static_cast<double>(workers)}}};
}

/// Some dozen jobs of several kinds, with gangs.
std::vector<arriving_job> busy_hours(int count, std::uint64_t seed) {
  made::dice dice{seed};
  std::vector<arriving_job> jobs;
  double arrival = 0;
  for (int i = 0; i < count; ++i) {
    const double fast = dice.between(1, 4);
    jobs.push_back(job_at(arrival, 1 + dice.below(9000), {fast, 0.3 * fast}, dice.below(4) == 0 ? 2 : 1));
    arrival += dice.between(0, 1500);
  }
  return jobs;
}

entity team(double weight, entity_policy policy = entity_policy::fairness) {
  return {.weight = weight, .policy = policy, .jobs = {}};
}

const cluster two_types{.types = {{.name = "a", .num_workers = 2}, {.name = "b", .num_workers = 3}}};

}  // namespace

TEST_CASE("one job on one worker ends with its last step") {
  // 1000 steps at 2 steps/s: 720 in the first round, and the rest takes 140 s.
  const simulation_result found = all_of({one_type(1), {job_at(50, 1000, {2.0})}, max_min_perf::share});
  CHECK(found.completed[0] == doctest::Approx(50 + 360 + 140));
  CHECK(found.mean_completion_time() == doctest::Approx(500));
  CHECK(found.utilisation[0] == doctest::Approx(1));
  CHECK(found.allocations == 1);
  CHECK(found.all_verified);
}

TEST_CASE("a round has whole steps, so 0.7 steps/s make 252 in six minutes and 0.71 no more than 255") {
  const auto end = [](double rate, double steps) {
    return all_of({one_type(1), {job_at(0, steps, {rate})}, max_min_perf::share}).completed[0];
  };
  CHECK(end(0.7, 252) == doctest::Approx(360));
  const simulation_result uneven = all_of({one_type(1), {job_at(0, 256, {0.71})}, max_min_perf::share});
  CHECK(uneven.round_begin[1] == doctest::Approx(255 / 0.71));  // the round was as short as its steps
  CHECK(end(0.001, 1) == doctest::Approx(1000));                // less than one step a round
}

TEST_CASE("who comes inside a round waits for its end, and two jobs take turns") {
  // Rounds of 100 s. The second job comes at 30 and begins at 100; from then on they take turns.
  simulation_settings how;
  how.round.seconds = 100;
  how.reset_seconds = 0;
  const simulation_result found =
      all_of({one_type(1), {job_at(0, 300, {1.0}), job_at(30, 200, {1.0})}, max_min_perf::share, how});
  CHECK(found.completed[0] + found.completed[1] == doctest::Approx(500 + 400));
  CHECK(std::max(found.completed[0], found.completed[1]) == doctest::Approx(500));
  CHECK(found.end == doctest::Approx(500));
}

TEST_CASE("shares wait for the reset time, and workers that are free do not") {
  simulation_settings how;
  how.round.seconds = 100;
  how.reset_seconds = 1000;
  const std::vector<arriving_job> jobs{job_at(0, 5000, {1.0}), job_at(10, 5000, {1.0})};
  for (const bool gifts : {true, false}) {
    how.round.gifts = gifts;
    const simulation_result found = all_of({one_type(2), jobs, max_min_perf::share, how});
    CHECK(found.completed[1] == doctest::Approx(gifts ? 5100 : 6000));
    CHECK(found.allocations == 3);  // at 0, at 1000, and when the first has ended
  }
  // As published, a worker that is free does not help who came after the shares were computed.
  how.round.gifts = how.newcomers_wait = true;
  CHECK(all_of({one_type(2), jobs, max_min_perf::share, how}).completed[1] == doctest::Approx(6000));
}

TEST_CASE("a simulation goes on until those that are measured have ended, not as many others") {
  simulation_settings how;
  how.round.seconds = 100;
  how.measure_begin = 1;
  how.measure_end = 2;
  const std::vector<arriving_job> jobs{job_at(0, 100, {1.0}), job_at(0, 1000, {1.0}), job_at(0, 5000, {1.0})};
  const simulation_result found = all_of({one_type(3), jobs, max_min_perf::share, how});
  CHECK(found.completed[1] == doctest::Approx(1000));
  CHECK(found.completion_times.size() == 1);
  CHECK(found.completed[2] < 0);
}

TEST_CASE("first come, first served is a queue: against one that is written plainly") {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    made::dice dice{seed};
    std::vector<arriving_job> jobs;
    double arrival = 0;
    for (int i = 0; i < 40; ++i) {
      jobs.push_back(job_at(arrival, 100.0 * (1 + dice.below(30)), {1.0}));
      arrival += dice.between(0, 900);
    }
    simulation_settings how;
    how.round.seconds = 100;
    how.round.gifts = false;
    how.reset_seconds = 0;
    const simulation_result found = all_of({one_type(3), jobs, fifo::share, how});
    // All times are whole rounds but for arrivals when nobody is there: three workers, each free from a time on.
    std::vector<double> free(3, 0.0);
    double clock = 0;  // when a round last began
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      double& worker = *std::min_element(free.begin(), free.end());
      const double busy = *std::max_element(free.begin(), free.end());
      double begin = std::max(worker, jobs[i].arrival);
      if (jobs[i].arrival > busy) {
        clock = jobs[i].arrival;  // rounds begin anew
      } else {
        begin = clock + std::ceil((begin - clock) / 100 - 1e-9) * 100;
      }
      worker = begin + jobs[i].shape.steps_remaining;
      CHECK(found.completed[i] == doctest::Approx(worker));
    }
  }
}

TEST_CASE("a job that is moved loses the time of a restart, one that stays or begins does not") {
  simulation_settings how;
  how.round.seconds = 100;
  how.preemption_seconds = 20;
  how.reset_seconds = 0;
  CHECK(all_of({one_type(1), {job_at(0, 300, {1.0})}, max_min_perf::share, how}).end == doctest::Approx(300));
  // Two take turns: each turn but the first of each is a restart of 20 s, so rounds make 80 steps.
  const simulation_result found =
      all_of({one_type(1), {job_at(0, 180, {1.0}), job_at(0, 180, {1.0})}, max_min_perf::share, how});
  CHECK(found.end == doctest::Approx(400));
  CHECK(found.restarts == 2);
}

TEST_CASE("workers fail and come back; jobs go on where they can, and wait where they cannot") {
  simulation_settings how;
  how.round.seconds = 100;
  how.reset_seconds = 1e9;
  simulator run{one_type(1), {job_at(0, 300, {1.0})}, max_min_perf::share, how};
  run.expect({{.at = 50}, {.at = 730, .failed = false}});
  CHECK(all_of(run).end == doctest::Approx(730 + 200));
  simulator two{one_type(2), {job_at(0, 300, {1.0}), job_at(0, 300, {1.0})}, max_min_perf::share, how};
  two.expect({{.at = 50, .worker = 1}});
  CHECK(all_of(two).end == doctest::Approx(500));
}

TEST_CASE("beliefs follow what is seen, so a job that was thought fast there goes where it is fast") {
  // Each job is believed to be fast on the type where the other is.
  simulation_settings how;
  how.reset_seconds = 0;
  cluster where{.types = {{.name = "a", .num_workers = 1}, {.name = "b", .num_workers = 1}}};
  std::vector<arriving_job> jobs{job_at(0, 36000, {10.0, 1.0}), job_at(0, 36000, {1.0, 10.0})};
  const double known = all_of({where, jobs, max_min_perf::share, how}).end;
  jobs[0].believed = job_of(std::vector{1.0, 10.0}).options;
  jobs[1].believed = job_of(std::vector{10.0, 1.0}).options;
  const double learned = all_of({where, jobs, max_min_perf::share, how}).end;
  CHECK(known == doctest::Approx(3600));
  CHECK(learned > known);
  CHECK(learned < 3 * known);  // for ever wrong, it would take ten times as long
}

TEST_CASE("the same stream gives the same result, and so does one that was saved and loaded at any round") {
  const std::vector<arriving_job> jobs = busy_hours(40, 5);
  simulation_settings how;
  how.preemption_seconds = 10;
  how.recorded_rounds = 20;
  for (const round_rule rule : {round_rule::owed, round_rule::priorities}) {
    how.round.rule = rule;
    how.round.shuffle_types = true;
    const simulation_result whole = all_of({two_types, jobs, max_min_perf::share, how});
    for (const int stop : {0, 1, 7, 40}) {
      const simulator fresh{two_types, jobs, max_min_perf::share, how};
      const simulation_result rest = made::all_in_two(fresh, fresh, stop);
      CHECK(rest.completed == whole.completed);
      CHECK(rest.utilisation == whole.utilisation);
      CHECK(rest.restarts == whole.restarts);
      CHECK(rest.round_begin == whole.round_begin);
      CHECK(rest.recorded.size() == whole.recorded.size());
    }
  }
  std::stringstream cut{"plait-simulation 3 40\n3 5"};
  simulator again{two_types, jobs, max_min_perf::share, how};
  check_refused(error_kind::io, {"cut off"}, [&] { again.load(cut); });
  std::stringstream other{"plait-simulation 3 39\n"};
  check_refused(error_kind::io, {"no saved simulation of this stream"}, [&] { again.load(other); });
}

TEST_CASE("every policy brings every job to its end, alone and beside others, and nobody runs in two places") {
  std::vector<arriving_job> jobs = busy_hours(30, 9);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    jobs[i].shape = job_of(std::vector{2.0, 0.7 + 0.1 * static_cast<double>(i % 3)});  // gangs of one, for allox
    jobs[i].shape.steps_remaining = 500 + 100 * static_cast<double>(i % 7);
    jobs[i].shape.kind = static_cast<int>(i % 3);
    jobs[i].shape.slo_seconds = 1e6;
  }
  simulation_settings how;
  how.recorded_rounds = 1000;
  for (int a = 0; a < 3; ++a)
    for (int b = a; b < 3; ++b)
      for (int j = 0; j < 2; ++j)
        how.pair_rates.push_back(
            {.first_kind = a, .second_kind = b, .type = j, .first = 0.6 + 0.05 * a, .second = 0.6 + 0.05 * b});
  for (const named_policy& policy : policies) {
    for (const bool sharing : {false, true}) {
      CAPTURE(std::string{policy.name});
      how.how.space_sharing = sharing;
      // Some ask for entities, some for prices.
      how.entities.clear();
      if (policy.name == hierarchical::name) how.entities = {team(1), team(2, entity_policy::fifo), team(0.5)};
      for (std::size_t i = 0; i < jobs.size(); ++i)
        jobs[i].entity = how.entities.empty() ? -1 : static_cast<int>(i % how.entities.size());
      cluster where = two_types;
      for (worker_type& type : where.types) type.cost_per_hour = 1;
      const simulation_result found = all_of({where, jobs, policy.share, how});
      CHECK(found.completion_times.size() == jobs.size());
      for (std::size_t i = 0; i < jobs.size(); ++i)
        CHECK(found.completed[i] >= jobs[i].arrival + jobs[i].shape.steps_remaining / 2.0 - 1e-6);
      // In each round a job has one worker here, and a worker at most one use.
      for (std::size_t x = 0; x < found.recorded.size(); ++x) {
        for (std::size_t y = x + 1; y < found.recorded.size() && found.recorded[y].begin == found.recorded[x].begin;
             ++y) {
          const recorded_use &p = found.recorded[x], &q = found.recorded[y];
          CHECK_FALSE((p.type == q.type && p.worker == q.worker));
          CHECK((p.first != q.first && p.first != q.second &&
                 (p.second < 0 || (p.second != q.first && p.second != q.second))));
        }
      }
    }
  }
}

TEST_CASE("entities receive worker time by their weights, and jobs inside by priority or one after the other") {
  // Four workers, and more jobs in each entity than it can have. Entity 1 runs its jobs in turn of their arrival.
  for (const std::vector<double>& weights : {std::vector<double>{1, 3, 2}, {2, 1, 1}}) {
    std::vector<arriving_job> jobs;
    simulation_settings how;
    how.round.seconds = 100;
    how.reset_seconds = 0;
    how.recorded_rounds = 240;
    how.measure_end = 1;
    how.entities = {team(weights[0]), team(weights[1], entity_policy::fifo), team(weights[2])};
    for (int i = 0; i < 18; ++i) {
      jobs.push_back(job_at(0, 1e6, {1.0}));
      jobs.back().entity = i % 3;
      jobs.back().shape.priority = i % 2 == 0 ? 1 : 2;
    }
    simulator run{one_type(4), jobs, hierarchical::share, how};
    for (int r = 0; r < 240; ++r) run.step();
    std::vector<double> of_entity(3, 0.0), of_job(jobs.size(), 0.0);
    double all = 0;
    for (const recorded_use& use : run.result().recorded) {
      const auto first = static_cast<std::size_t>(use.first);
      of_job[first] += use.end - use.begin;
      of_entity[first % 3] += use.end - use.begin;
      all += use.end - use.begin;
    }
    const double sum = weights[0] + weights[1] + weights[2];
    for (std::size_t e = 0; e < 3; ++e) CHECK(of_entity[e] / all == doctest::Approx(weights[e] / sum).epsilon(0.02));
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      CAPTURE(i);
      if (i % 3 == 1) {  // as many whole workers as the entity has, to its first jobs, and to the next what is left
        const double left = 4 * weights[1] / sum - static_cast<double>(i / 3);
        CHECK(of_job[i] / 24000 == doctest::Approx(std::clamp(left, 0.0, 1.0)).epsilon(0.02));
      } else {  // three jobs of priority 1 and three of 2
        CHECK(of_job[i] / of_entity[i % 3] == doctest::Approx((i % 2 == 0 ? 1 : 2) / 9.0).epsilon(0.05));
      }
    }
  }
}

TEST_CASE("an entity of which no job is there yet, or none any more, takes nothing from the others") {
  simulation_settings how;
  how.round.seconds = 100;
  how.reset_seconds = 0;
  how.entities = {team(1), team(3)};
  std::vector<arriving_job> jobs{job_at(0, 2000, {1.0}), job_at(1000, 300, {1.0})};
  jobs[0].entity = 0;
  jobs[1].entity = 1;
  const simulation_result found = all_of({one_type(1), jobs, hierarchical::share, how});
  CHECK(found.end == doctest::Approx(2300));
  CHECK(found.completed[1] <= 1000 + 300 * 4 / 3.0 + 200);
  jobs[1].entity = 2;
  const auto start = [&] { simulator{one_type(1), jobs, hierarchical::share, how}; };
  check_refused(error_kind::usage, {"job 1 is in no entity"}, start);
  jobs[1].entity = -1;
  check_refused(error_kind::usage, {"job 1 is in no entity"}, start);
  jobs[1].entity = 1;
  how.entities[1].weight = 0;
  check_refused(error_kind::usage, {"entities[1].weight must be positive"}, start);
}

TEST_CASE("a simulation in which nobody makes a step any more ends with a sentence") {
  // Fewer steps a round than a number of that size can lose.
  simulator slow{one_type(1), {job_at(0, 1e300, {1e-308})}, max_min_perf::share};
  check_refused(error_kind::usage, {"no job made a step in 10000 rounds"}, [&] {
    while (slow.step()) {
    }
  });
  // Three jobs take turns on two types, and each turn is shorter than the move that it begins with.
  std::vector<arriving_job> jobs(3, job_at(0, 1e5, {1.0, 1.0}));
  for (arriving_job& one : jobs) one.shape.move_seconds = 1000;
  const cluster both{.types = {{.name = "a", .num_workers = 1}, {.name = "b", .num_workers = 1}}};
  simulator moving{both, jobs, max_min_perf::share};
  check_refused(error_kind::usage, {"moves take longer than jobs stay"}, [&] {
    while (moving.step()) {
    }
  });
  for (arriving_job& one : jobs) one.shape.move_seconds = 100;
  CHECK(all_of({both, jobs, max_min_perf::share}).completion_times.size() == 3);
}

TEST_CASE("what cannot be simulated is refused in a sentence") {
  const auto check = [](const char* words, const std::vector<arriving_job>& jobs, simulation_settings how = {}) {
    check_refused(error_kind::usage, {words}, [&] { simulator{one_type(2), jobs, max_min_perf::share, how}; });
  };
  check("no job is measured", {});
  check("job 1 arrives before", {job_at(10, 5, {1.0}), job_at(0, 5, {1.0})});
  check("job 0 has no steps", {job_at(0, 0, {1.0})});
  check("job 0 can run nowhere", {job_at(0, 5, {1.0}, 3)});
  check("job 0 can run nowhere: alone it makes no step", {job_at(0, 5, {0.0})});
  simulation_settings how;
  how.preemption_seconds = 400;
  check("a round must last", {job_at(0, 5, {1.0})}, how);
  // A policy that gives nobody anything, and gifts forbidden: it ends instead of hanging.
  how = {};
  how.round.gifts = false;
  const auto nothing = [](const instance& given, const share_settings&) {
    table<int> begin;
    return detail::no_shares(given, begin);
  };
  simulator idle{one_type(1), {job_at(0, 5, {1.0})}, nothing, how};
  check_refused(error_kind::usage, {"job 0 gets no share"}, [&] { idle.step(); });
}

TEST_CASE("the picture shows when jobs ended, how busy workers were and who ran where") {
  simulation_settings how;
  how.recorded_rounds = 30;
  const simulation_result found = all_of({two_types, busy_hours(40, 2), max_min_perf::share, how});
  std::ostringstream out;
  write_svg(out, found, two_types, "a < b");
  const std::string text = out.str();
  for (const char* words : {"a &lt; b", "Completion times", "Workers in use", "Who runs where", "99 % within", "job "})
    CHECK(text.find(words) != std::string::npos);
  CHECK(text.rfind("</svg>\n") == text.size() - 7);
}
