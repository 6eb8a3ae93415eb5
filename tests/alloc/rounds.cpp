// SPDX-License-Identifier: Apache-2.0
// Rounds give jobs their shares: the bounds that rounds.hpp states, gangs, pairs, gifts, and workers that stay.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <plait/alloc.hpp>
#include <plait/alloc/detail/archive.hpp>
#include <plait/alloc/placement.hpp>
#include <plait/alloc/rounds.hpp>

#include <doctest/doctest.h>

#include "made.hpp"

namespace {

using namespace plait;

constexpr double seconds = 360;

std::vector<int> numbers(int count) {
  std::vector<int> ids;
  for (int i = 0; i < count; ++i) ids.push_back(100 + i);
  return ids;
}

using way = std::pair<std::pair<int, int>, std::pair<int, int>>;  // jobs; type, option
way way_of(const round_entry& e) {
  return {{e.first, e.second}, {e.type, e.option}};
}

/// Runs `count` rounds from `now` on; what is received. Checks what a round promises.
std::map<way, double> run(rounds& mechanism, const instance& given, int count, double& now) {
  std::map<way, double> received;
  for (int m = 0; m < count; ++m) {
    const std::span<const round_entry> next = mechanism.next(now);
    std::set<int> jobs;
    std::vector<double> used(given.cluster.types.size(), 0.0);
    for (std::size_t e = 0; e < next.size(); ++e) {
      CHECK(jobs.insert(next[e].first).second);
      if (next[e].second >= 0) CHECK(jobs.insert(next[e].second).second);
      used[static_cast<std::size_t>(next[e].type)] += next[e].workers;
      mechanism.received(static_cast<int>(e), seconds);
      received[way_of(next[e])] += 1;
    }
    for (std::size_t j = 0; j < used.size(); ++j) CHECK(used[j] <= given.cluster.types[j].num_workers);
    now += seconds;
  }
  return received;
}

instance small(int jobs, std::vector<double> workers, std::uint64_t seed) {
  made::dice dice{seed};
  instance g;
  for (std::size_t j = 0; j < workers.size(); ++j)
    g.cluster.types.push_back({.name = std::string(1, static_cast<char>('a' + j)), .num_workers = workers[j]});
  for (int i = 0; i < jobs; ++i) {
    std::vector<double> rates;
    for (std::size_t j = 0; j < workers.size(); ++j) rates.push_back(dice.between(1, 10));
    g.jobs.push_back(job_of(rates));
  }
  return g;
}

/// How far an entry is from its share of `count` rounds, in rounds, over all entries.
double worst(const std::vector<round_entry>& entries, std::map<way, double>& received, int count) {
  double most = 0;
  for (const round_entry& e : entries) most = std::max(most, std::fabs(received[way_of(e)] - e.share * count));
  return most;
}

}  // namespace

TEST_CASE("by what is owed, received time tends to the shares within the stated bound, at any number of rounds") {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    const instance g = small(5 + static_cast<int>(seed), {2, 3, 1}, seed);
    const std::vector<int> ids = numbers(g.size());
    const std::vector<round_entry> entries = entries_of(g, water_filling::share(g), ids);
    round_settings how;
    how.gifts = false;
    rounds mechanism{g.cluster, how};
    mechanism.allot(entries, 0);
    double now = 0;
    std::map<way, double> received;
    int done = 0;
    for (const int until : {1, 7, 50, 400}) {
      for (const auto& [which, more] : run(mechanism, g, until - done, now)) received[which] += more;
      done = until;
      CAPTURE(until);
      const double found = worst(entries, received, until);
      CHECK(found <= std::sqrt(g.cluster.workers() * (2.0 * until + 1)) + 1);
      CHECK(found <= 3);  // and in fact it does not grow
    }
  }
}

TEST_CASE("with one worker the published priorities are Webster's apportionment: no further than (1 + J share) / 2") {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const instance g = small(3 + static_cast<int>(seed), {1}, seed);
    instance weighed = g;
    made::dice dice{seed + 99};
    for (job& one : weighed.jobs) one.priority = dice.between(1, 9);
    const std::vector<int> ids = numbers(g.size());
    const std::vector<round_entry> entries = entries_of(weighed, max_min_perf::share(weighed), ids);
    round_settings how;
    how.rule = round_rule::priorities;
    rounds mechanism{g.cluster, how};
    mechanism.allot(entries, 0);
    double now = 0;
    std::map<way, double> received;
    for (int until = 1; until <= 200; ++until) {
      for (const auto& [which, more] : run(mechanism, g, 1, now)) received[which] += more;
      for (const round_entry& e : entries)
        CHECK(std::fabs(received[way_of(e)] - e.share * until) <=
              (1 + static_cast<double>(entries.size()) * e.share) / 2 + 1e-9);
    }
  }
}

TEST_CASE("gangs run whole, under both rules, and get their time where they fit together") {
  instance g;
  g.cluster.types = {{.name = "a", .num_workers = 4}, {.name = "b", .num_workers = 4}};
  for (const int gang : {4, 2, 2, 1, 1, 1, 1}) g.jobs.push_back(job_of(std::vector{2.0 * gang, 1.0 * gang}, gang));
  const std::vector<round_entry> entries = entries_of(g, max_min_perf::share(g), numbers(g.size()));
  for (const round_rule rule : {round_rule::owed, round_rule::priorities}) {
    round_settings how;
    how.rule = rule;
    rounds mechanism{g.cluster, how};
    mechanism.allot(entries, 0);
    double now = 0;
    std::map<way, double> received = run(mechanism, g, 600, now);
    for (const round_entry& e : entries) {
      CHECK(e.workers == g.jobs[static_cast<std::size_t>(e.first - 100)].scale_factor);
      CHECK(received[way_of(e)] >= 0.9 * e.share * 600);
    }
  }
}

TEST_CASE("debts are kept when shares change, and a job that has left is owed nothing") {
  const instance g = small(4, {1}, 3);
  const std::vector<int> ids = numbers(4);
  rounds mechanism{g.cluster};
  mechanism.allot(entries_of(g, max_min_perf::share(g), ids), 0);
  double now = 0;
  std::map<way, double> all;
  // New shares each round: with the books begun anew, the first job would have every round.
  for (int m = 0; m < 40; ++m) {
    mechanism.allot(entries_of(g, max_min_perf::share(g), ids), now);
    for (const auto& [which, more] : run(mechanism, g, 1, now)) all[which] += more;
  }
  CHECK(all.size() == 4);
  for (const auto& [which, count] : all) CHECK(count == 10);
  const round_entry first = entries_of(g, max_min_perf::share(g), ids)[0];
  mechanism.next(now + seconds);
  CHECK(mechanism.owed(first) != 0);
  mechanism.forget(100);
  CHECK(mechanism.owed(first) == 0);
  for (const round_entry& e : mechanism.next(now + seconds)) CHECK(e.first != 100);
}

TEST_CASE("an entry keeps its own debt, whichever entries come with it and in whatever order") {
  const instance g = small(9, {2, 1, 3}, 5);
  std::vector<round_entry> all;
  for (int i = 0; i < g.size(); ++i) append_idle(g, g.jobs[static_cast<std::size_t>(i)], 100 + i, all);
  round_entry both = all[0];  // two of the jobs on one worker
  both.second = 101;
  both.option = -1;
  all.push_back(both);
  made::dice dice{11};
  rounds mechanism{g.cluster};
  std::map<way, double> owed, shares;
  double now = 0;
  for (int m = 0; m < 60; ++m) {
    for (const auto& [which, share] : shares) owed[which] += share * seconds;
    now += seconds;
    shares.clear();
    // As mostly in a simulation, those of before in their order; then some leave, some come back, and some change
    // places.
    std::vector<round_entry> some;
    for (round_entry& e : all) {
      if (dice.below(4) == 0) continue;
      e.share = dice.below(8) / 16.0;  // so that all sums are exact
      some.push_back(e);
      shares[way_of(e)] = e.share;
    }
    if (m % 3 == 2) std::reverse(some.begin(), some.end());
    if (m % 5 == 4) std::swap(some.front(), some[some.size() / 2]);
    mechanism.allot(some, now);
    for (const round_entry& e : all) CHECK(mechanism.owed(e) == owed[way_of(e)]);
    if (m % 20 == 19) {
      const int gone = 100 + m / 20;
      mechanism.forget(gone);
      std::erase_if(all, [&](const round_entry& e) { return e.first == gone || e.second == gone; });
      std::erase_if(shares,
                    [&](const auto& one) { return one.first.first.first == gone || one.first.first.second == gone; });
    }
  }
}

TEST_CASE("workers that are left go to whoever can use them, but not where jobs wait in line") {
  const instance g = small(3, {3}, 1);
  for (const bool gifts : {true, false}) {
    round_settings how;
    how.gifts = gifts;
    rounds mechanism{g.cluster, how};
    std::vector<round_entry> entries = entries_of(g, max_min_perf::share(g), numbers(3));
    entries[2].share = 0;
    mechanism.allot(entries, 0);
    CHECK(mechanism.next(0).size() == (gifts ? 3 : 2));
    std::vector<round_entry> late;
    append_idle(g, g.jobs[0], 200, late);
    entries.resize(2);
    mechanism.allot(entries, 0);
    mechanism.offer(late);
    CHECK(mechanism.next(0).size() == (gifts ? 3 : 2));
  }
}

TEST_CASE("a gift is not counted against a job") {
  const instance g = small(1, {1}, 1);
  rounds mechanism{g.cluster};
  std::vector<round_entry> half = entries_of(g, max_min_perf::share(g), numbers(1));
  half[0].share = 0.5;
  mechanism.allot(half, 0);
  double now = 0;
  run(mechanism, g, 100, now);
  mechanism.next(now);
  CHECK(mechanism.owed(half[0]) > -seconds);  // it ran twice as long as it was due
}

TEST_CASE("time in pairs of groups becomes time of pairs of jobs: each job shares as long as before") {
  for (int a = 1; a <= 6; ++a) {
    for (int b = 0; b <= 6; ++b) {
      const bool same = b == 0;
      if (same && a < 2) continue;
      std::vector<int> first, second;
      for (int i = 0; i < a; ++i) first.push_back(i);
      for (int i = 0; i < b; ++i) second.push_back(100 + i);
      const pair_share given{.first_group = 0, .second_group = same ? 0 : 1, .share = 0.125};
      std::map<int, double> time;
      int pairs = 0;
      detail::pairs_of_jobs(given, first, same ? first : second, [&](int x, int y, double share) {
        CHECK(x != y);
        CHECK(share > 0);
        time[x] += share;
        time[y] += share;
        ++pairs;
      });
      CHECK(static_cast<int>(time.size()) == a + b);
      for (const auto& [job, busy] : time) CHECK(busy == doctest::Approx(0.125 * (same ? a - 1 : job < 100 ? b : a)));
      CHECK(pairs <= (same ? a : a + b - 1));
    }
  }
}

TEST_CASE("a job that shares workers in a round has no others in it") {
  instance g;
  g.cluster.types = {{.name = "a", .num_workers = 1}, {.name = "b", .num_workers = 2}};
  g.jobs = {job_of(std::vector{1.0, 1.0}), job_of(std::vector{1.0, 1.0})};
  // Both can run alone as well, or the second job only.
  for (const auto& [together, first_alone] : {std::pair{0.2, true}, {0.5, true}, {0.8, true}, {0.2, false}}) {
    std::vector<round_entry> entries;
    if (first_alone) append_idle(g, g.jobs[0], 1, entries);
    append_idle(g, g.jobs[1], 2, entries);
    for (round_entry& e : entries) e.share = e.type == 1 ? 1 - together : 0;
    round_entry& both = entries.emplace_back();
    both.first = 1;
    both.second = 2;
    both.share = together;
    for (const round_rule rule : {round_rule::owed, round_rule::priorities}) {
      round_settings how;
      how.rule = rule;
      rounds mechanism{g.cluster, how};
      mechanism.allot(entries, 0);
      double now = 0;
      std::map<way, double> received = run(mechanism, g, 100, now);
      if (rule == round_rule::owed)  // where types choose one after the other, the first has them always
        CHECK(received[way_of(both)] == doctest::Approx(100 * together).epsilon(0.02));
    }
  }
}

TEST_CASE("what stays on its type keeps its workers, and gangs are put on few servers") {
  cluster where;
  where.types = {{.name = "a", .num_workers = 8, .workers_per_server = 4}};
  placement places{where};
  const auto entry = [](int job, int workers, bool consolidated = false) {
    round_entry made;
    made.first = job;
    made.option = 0;
    made.workers = workers;
    made.consolidated = consolidated;
    return made;
  };
  const std::vector<round_entry> one{entry(1, 1), entry(2, 4), entry(3, 2)};
  const auto first = places.place(one);
  CHECK(first[1].workers == std::vector{0, 1, 2, 3});
  CHECK(first[2].workers == std::vector{4, 5});
  CHECK(first[0].workers == std::vector{6});
  for (const placed_entry& p : first) CHECK(p.moved);
  const std::vector<round_entry> two{entry(4, 1), entry(3, 2), entry(1, 1)};
  const auto second = places.place(two);
  CHECK(second[1].workers == std::vector{4, 5});
  CHECK(second[2].workers == std::vector{6});
  CHECK(second[0].workers == std::vector{7});  // the server with least room that takes it
  CHECK((second[0].moved && !second[1].moved && !second[2].moved));

  // A gang that must be in one server, and servers with two and three free workers.
  places.set_failed(0, 0, true);
  CHECK(places.has_failed(0, 0));
  const std::vector<round_entry> three{entry(3, 2), entry(5, 3, true), entry(6, 3, true)};
  const auto third = places.place(three);
  CHECK(third[0].workers == std::vector{4, 5});
  CHECK(third[1].workers == std::vector{1, 2, 3});
  CHECK(third[2].workers.empty());
  places.set_failed(0, 0, false);
  CHECK(places.place(std::vector{entry(9, 4, true)})[0].workers == std::vector{0, 1, 2, 3});

  // One that runs on fewer workers than before is placed anew.
  places.place(std::vector{entry(9, 4, true)});
  CHECK(places.place(std::vector{entry(9, 2)})[0].workers.size() == 2);

  // Of two that shared workers one goes on alone there, and has to be started anew.
  round_entry both = entry(7, 1);
  both.second = 8;
  both.option = -1;
  const int worker = places.place(std::vector{both})[0].workers[0];
  const auto alone = places.place(std::vector{entry(7, 1)});
  CHECK(alone[0].workers == std::vector{worker});
  CHECK(alone[0].moved);
}

TEST_CASE("each of many jobs keeps its worker, whatever their numbers are and in whatever order they come") {
  const instance g = small(1, {90}, 1);
  placement places{g.cluster};
  made::dice dice{7};
  std::set<int> ids;
  while (ids.size() < 90) ids.insert(dice.below(1000000));
  std::vector<round_entry> entries;
  for (const int id : ids) append_idle(g, g.jobs[0], id, entries);
  std::map<int, std::vector<int>> had;
  const auto first = places.place(entries);
  for (std::size_t e = 0; e < entries.size(); ++e) had[entries[e].first] = first[e].workers;
  std::reverse(entries.begin(), entries.end());
  const auto again = places.place(entries);
  for (std::size_t e = 0; e < entries.size(); ++e) {
    CHECK(again[e].workers == had[entries[e].first]);
    CHECK_FALSE(again[e].moved);
  }
}

TEST_CASE("docs: two jobs take turns on two unlike workers") {
  instance h;
  h.cluster.types = {{.name = "fast", .num_workers = 1}, {.name = "slow", .num_workers = 1}};
  h.jobs = {job_of(std::vector{4.0, 1.0}), job_of(std::vector{3.0, 2.0})};
  const allocation two = max_min_perf::share(h, {});
  rounds mechanism{h.cluster, {.seconds = 360}};
  const std::vector<int> ids{17, 23};  // what the caller calls the two jobs
  mechanism.allot(h, two, ids, 0);
  placement places{h.cluster};
  for (double now = 0; now < 3600; now += 360) {
    const std::span<const round_entry> next = mechanism.next(now);
    const std::span<const placed_entry> where = places.place(next);
    for (int e = 0; e < static_cast<int>(next.size()); ++e)
      mechanism.received(e, where[static_cast<std::size_t>(e)].workers.empty() ? 0 : 360);
  }
  for (const round_entry& e : entries_of(h, two, ids)) CHECK(std::fabs(mechanism.owed(e)) <= 360);
}

TEST_CASE("docs: a round can be chosen while the one before it runs, and is the same as if chosen at its end") {
  const instance g = small(7, {2, 1}, 4);
  const std::vector<round_entry> entries = entries_of(g, max_min_perf::share(g), numbers(g.size()));
  rounds early{g.cluster}, late{g.cluster};
  early.allot(entries, 0);
  late.allot(entries, 0);
  std::span<const round_entry> running = early.next(0);
  for (double now = 0; now < 100 * 360; now += 360) {
    const std::vector<round_entry> at_end = [&] {
      const std::span<const round_entry> next = late.next(now);
      return std::vector<round_entry>(next.begin(), next.end());
    }();
    CHECK(std::equal(running.begin(), running.end(), at_end.begin(), at_end.end(),
                     [](const round_entry& a, const round_entry& b) { return way_of(a) == way_of(b); }));
    for (int e = 0; e < static_cast<int>(at_end.size()); ++e) late.received(e, 360);
    for (int e = 0; e < static_cast<int>(running.size()); ++e) early.received(e, 360);  // at 180 s, in advance
    running = early.next(now + 360);
  }
}

TEST_CASE("rounds: one that loads what it was goes on as it did from there") {
  for (const round_rule rule : {round_rule::priorities, round_rule::owed}) {
    const instance g = small(9, {2, 1, 1}, 5);
    rounds mechanism{g.cluster, {.seconds = seconds, .rule = rule}};
    mechanism.allot(g, max_min_perf::share(g), numbers(9), 0);
    double now = 0;
    run(mechanism, g, 4, now);
    std::stringstream saved;
    detail::archive_writer writer{saved};
    writer(mechanism);
    const double then = now;
    const std::map<way, double> first = run(mechanism, g, 3, now);
    CHECK(first.size() > 3);
    detail::archive_reader reader{saved};
    reader(mechanism);
    now = then;
    CHECK(run(mechanism, g, 3, now) == first);
  }
}
