// SPDX-License-Identifier: Apache-2.0
// Gangs that need one server: rounds choose what fits into servers together, placement finds the servers, nobody
// starves.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <vector>

#include <plait/alloc.hpp>
#include <plait/alloc/placement.hpp>
#include <plait/alloc/rounds.hpp>
#include <plait/alloc/simulator.hpp>

#include <doctest/doctest.h>

#include "made.hpp"
#include "simulated.hpp"

namespace {

using namespace plait;

constexpr double round_seconds = 360, hour = 3600;

cluster servers_of(int workers, int each) {
  return {.types = {{.name = "a", .num_workers = static_cast<double>(workers), .workers_per_server = each}}};
}

round_entry entry(int job, int workers, bool consolidated, double share = 0) {
  round_entry made;
  made.first = job;
  made.option = 0;
  made.workers = workers;
  made.consolidated = consolidated;
  made.share = share;
  return made;
}

/// At one step a second alone, in one way.
arriving_job one_way(double arrival, int workers, double steps, bool consolidated) {
  arriving_job made;
  made.arrival = arrival;
  made.shape.scale_factor = workers;
  made.shape.options.push_back({.type = 0, .workers = workers, .throughput = 1, .consolidated = consolidated});
  made.shape.steps_remaining = steps;
  return made;
}

/// Rounds with their workers. Checks that all that was chosen has whole and proper places.
struct played {
  rounds mechanism;
  placement places;
  int each;
  double now = 0;
  std::map<int, int> received;   // rounds of each job
  std::map<int, double> booked;  // those that are no gifts
  long restarts = 0;

  played(const cluster& where, round_settings how)
      : mechanism{where, how}, places{where}, each{where.types[0].workers_per_server} {}

  std::set<int> round() {
    const std::span<const round_entry> next = mechanism.next(now);
    const std::span<const placed_entry> placed = places.place(next);
    std::set<int> workers, jobs;
    for (std::size_t e = 0; e < next.size(); ++e) {
      CHECK(static_cast<int>(placed[e].workers.size()) == next[e].workers);
      for (const int w : placed[e].workers) {
        CHECK(workers.insert(w).second);
        CHECK_FALSE(places.has_failed(0, w));
        if (next[e].consolidated) CHECK(w / each == placed[e].workers[0] / each);
      }
      restarts += placed[e].moved;
      jobs.insert(next[e].first);
      ++received[next[e].first];
      const double owed = mechanism.owed(next[e]);
      mechanism.received(static_cast<int>(e), round_seconds);
      booked[next[e].first] += (owed - mechanism.owed(next[e])) / round_seconds;
    }
    now += round_seconds;
    return jobs;
  }
};

/// Gangs of all kinds for so many servers.
std::vector<round_entry> gangs(made::dice& dice, int servers, int each) {
  std::vector<round_entry> made;
  for (int i = 0, count = 2 + dice.below(3 * servers); i < count; ++i) {
    const int workers = dice.below(2) == 0 ? 1 : 1 + dice.below(each);
    made.push_back(entry(i, workers, dice.below(3) != 0));
  }
  return made;
}

int largest_part(std::vector<round_entry>& entries, std::size_t from, std::vector<int>& left) {
  // Workers of the gangs from `from` on that fit at most, by trying all servers for each, or leaving it out.
  if (from == entries.size()) return 0;
  const int workers = entries[from].workers;
  int most = largest_part(entries, from + 1, left);
  for (int& room : left) {
    if (room < workers) continue;
    room -= workers;
    most = std::max(most, workers + largest_part(entries, from + 1, left));
    room += workers;
  }
  return most;
}

}  // namespace

TEST_CASE("gangs are packed into servers whenever that can be done at all: against trying everything") {
  int best_fit_fails = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    made::dice dice{seed};
    const int servers = 1 + dice.below(3), each = 2 + dice.below(8);
    std::vector<int> left, rooms(static_cast<std::size_t>(each) + 1, 0);
    for (int s = 0; s < servers; ++s) {
      left.push_back(each - (dice.below(3) == 0 ? dice.below(each) : 0));
      ++rooms[static_cast<std::size_t>(left.back())];
    }
    detail::server_packing packing;
    packing.begin(rooms);
    std::vector<round_entry> taken;
    for (int i = 0; i < 8; ++i) {
      taken.push_back(entry(i, 2 + dice.below(each - 1), true));
      const int all = std::accumulate(taken.begin(), taken.end(), 0,
                                      [](int sum, const round_entry& one) { return sum + one.workers; });
      const bool fits = largest_part(taken, 0, left) == all;
      CHECK(packing.add(taken.back().workers) == fits);
      if (!fits) taken.pop_back();
    }
    // What it says can be done step by step.
    std::vector<int> said;
    for (const detail::server_packing::step& step : packing.steps()) {
      for (int k = 0; k < step.servers; ++k) {
        CHECK(rooms[static_cast<std::size_t>(step.room)]-- > 0);
        ++rooms[static_cast<std::size_t>(step.room - step.gang * step.gangs_in_each)];
        said.insert(said.end(), static_cast<std::size_t>(step.gangs_in_each), step.gang);
      }
      best_fit_fails += step.servers == 1 && step.gangs_in_each == 1;
    }
    CHECK(said.size() == taken.size());
  }
  CHECK(best_fit_fails > 0);
}

TEST_CASE("4, 3, 3 and 2, 2, 2 fill two servers of eight, though the best fit for each finds no room for the last") {
  detail::server_packing packing;
  packing.begin(16, 8);
  for (const int gang : {4, 3, 3, 2, 2, 2}) CHECK(packing.add(gang));
  CHECK_FALSE(packing.add(2));
}

TEST_CASE("a gang that needs a server gets one at once: single jobs that stand in all of them move together") {
  // Of five single jobs two end after an hour, and the others stand in both servers.
  const cluster where = servers_of(8, 4);
  std::vector<arriving_job> jobs;
  for (int i = 0; i < 5; ++i) jobs.push_back(one_way(0, 1, i < 2 ? hour : 100 * hour, false));
  jobs.push_back(one_way(2 * hour, 4, hour, true));
  for (const round_rule rule : {round_rule::owed, round_rule::priorities}) {
    simulation_settings how;
    how.reset_seconds = 0;
    how.round.rule = rule;
    const simulation_result found = made::all_of({where, jobs, max_min_perf::share, how});
    CHECK(found.completed[5] == doctest::Approx(3 * hour));
    CHECK(found.completed[4] == doctest::Approx(100 * hour));
    CHECK(found.restarts == 1);  // the one that stood alone in the second server
  }
}

TEST_CASE("gangs of 3, 3 and 2 on two servers of 4 run by twos, and each has two thirds of the time") {
  for (const round_rule rule : {round_rule::owed, round_rule::priorities}) {
    played run{servers_of(8, 4), {.seconds = round_seconds, .rule = rule}};
    run.mechanism.allot({entry(1, 3, true, 1), entry(2, 3, true, 1), entry(3, 2, true, 1)}, 0);
    for (int m = 1; m <= 300; ++m) {
      CHECK(run.round().size() == 2);
      for (const int job : {1, 2, 3}) CHECK(std::abs(run.received[job] - 2 * m / 3.0) <= 1);
    }
    std::vector<arriving_job> jobs{one_way(0, 3, 100 * hour, true), one_way(0, 3, 100 * hour, true),
                                   one_way(0, 2, 10 * hour, true)};
    simulation_settings how;
    how.reset_seconds = 0;
    how.round.rule = rule;
    const simulation_result found = made::all_of({servers_of(8, 4), jobs, max_min_perf::share, how});
    CHECK(found.completed[2] == doctest::Approx(15 * hour));
    CHECK(std::max(found.completed[0], found.completed[1]) <= 105 * hour + 2 * round_seconds);
  }
}

TEST_CASE("shares that gangs can have in servers are received, whatever the servers") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    made::dice dice{seed};
    const int servers = 2 + dice.below(5), each = 2 + dice.below(7);
    const cluster where = servers_of(servers * each - dice.below(2), each);
    const int workers = static_cast<int>(where.types[0].num_workers);
    std::vector<round_entry> entries = gangs(dice, servers, each);
    // An average of sets that fit.
    const int sets = 1 + dice.below(5);
    for (int k = 0; k < sets; ++k) {
      detail::server_packing packing;
      packing.begin(workers, each);
      int left = workers;
      for (std::size_t i = entries.size(); i > 1; --i)
        std::swap(entries[i - 1], entries[static_cast<std::size_t>(dice.below(static_cast<int>(i)))]);
      for (round_entry& one : entries) {
        if (one.workers > left || (one.consolidated && one.workers > 1 && !packing.add(one.workers))) continue;
        left -= one.workers;
        one.share += 1.0 / sets;
      }
    }
    for (round_entry& one : entries) one.share = std::min(one.share, 1.0);
    played run{where, {.seconds = round_seconds, .gifts = false}};
    run.mechanism.allot(entries, 0);
    for (int m = 1; m <= 400; ++m) {
      run.round();
      for (const round_entry& one : entries) {
        CHECK(run.mechanism.owed(one) <= 3 * each * round_seconds);
        CHECK(run.booked[one.first] >= one.share * m * 0.99 - 3 * each);
      }
    }
  }
}

TEST_CASE("where shares do not fit into servers all get as much less, within the stated bounds, and nobody starves") {
  double longest = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    made::dice dice{seed};
    const int servers = 2 + dice.below(5), each = 2 + dice.below(7);
    const cluster where = servers_of(servers * each, each);
    std::vector<round_entry> entries = gangs(dice, servers, each);
    entries.push_back(entry(static_cast<int>(entries.size()), each, true));  // rounds look at servers
    double asked = 0, all = 0;
    for (round_entry& one : entries) {
      one.share = dice.between(0.05, 1);
      asked += one.share * one.workers;
      all += one.workers;
    }
    const double workers = where.types[0].num_workers;
    if (asked > workers)
      for (round_entry& one : entries) one.share *= workers / asked;
    asked = std::min(asked, workers);
    played run{where, {.seconds = round_seconds, .gifts = false}};
    run.mechanism.allot(entries, 0);
    std::map<int, int> last;
    for (int m = 1; m <= 400; ++m) {
      for (const int job : run.round()) last[job] = m;
      // One clock for all: booked = share * clock - debt. It is read from the first.
      const round_entry& first = entries[0];
      const double clock = (run.booked[first.first] + run.mechanism.owed(first) / round_seconds) / first.share;
      const double backlog = rounds::backlog_rounds * workers;
      double owed = 0;
      for (const round_entry& one : entries) {
        const double debt = run.mechanism.owed(one) / round_seconds, most = (backlog + 2 * all) / one.workers;
        CHECK(debt >= -2);
        CHECK(debt <= most);
        owed += one.workers * debt;
        CHECK(run.booked[one.first] + debt == doctest::Approx(one.share * clock).epsilon(1e-9));
        const int waits = m - last[one.first];
        CHECK(waits <= backlog + 2 * all + (workers + 1) * (most + 2) / one.share);
        longest = std::max(longest, waits * one.share);
      }
      CHECK(owed <= backlog + 1e-6);
    }
  }
  CHECK(longest < 3);  // and in fact a gang waits for few times what its share says
}

TEST_CASE("the clock of a type goes as slowly as it must and not more slowly, and never back") {
  played run{servers_of(8, 4), {.seconds = round_seconds}};
  const std::vector<round_entry> entries{entry(1, 3, true, 1), entry(2, 3, true, 1), entry(3, 2, true, 1)};
  run.mechanism.allot(entries, 0);
  const auto owed = [&] {
    double sum = 0;
    for (const round_entry& one : entries) sum += one.workers * run.mechanism.owed(one);
    return sum;
  };
  for (int m = 0; m < 50; ++m) run.round();
  run.mechanism.next(run.now);
  CHECK(owed() == doctest::Approx(rounds::backlog_rounds * 8 * round_seconds));
  // Nobody had the time of that round, and three workers are gone: too much is owed, and stays owed.
  run.mechanism.resize(servers_of(5, 4));
  run.mechanism.next(run.now + round_seconds);
  CHECK(owed() == doctest::Approx(rounds::backlog_rounds * 8 * round_seconds));
}

TEST_CASE("who comes when much is owed to others does not wait until all of it is paid") {
  played run{servers_of(8, 4), {.seconds = round_seconds}};
  std::vector<round_entry> entries{entry(1, 3, true, 0.9), entry(2, 3, true, 0.9), entry(3, 3, true, 0.8)};
  run.mechanism.allot(entries, 0);
  for (int m = 0; m < 1000; ++m) run.round();
  entries.push_back(entry(4, 2, true, 0.1));  // without the clock it would be owed less than the others for ever
  run.mechanism.allot(entries, run.now);
  run.received.clear();
  for (int m = 0; m < 400; ++m) run.round();
  CHECK(run.received[4] > 20);
}

TEST_CASE("what stands in servers stays, and as few workers move as make room") {
  placement places{servers_of(12, 4)};
  const round_entry full = entry(1, 4, true), loose = entry(2, 2, false), gone = entry(3, 2, true),
                    single = entry(4, 1, false), comes = entry(5, 4, true);
  places.place(std::vector{full});
  places.place(std::vector{full, loose});
  places.place(std::vector{full, loose, gone});
  const auto before = places.place(std::vector{full, loose, gone, single});
  CHECK(before[0].workers == std::vector{0, 1, 2, 3});
  CHECK(before[1].workers == std::vector{4, 5});
  CHECK(before[3].workers == std::vector{8});
  // Either the two or the one have to move, or both of the last server would.
  const std::vector<round_entry> now{full, loose, single, comes};
  const auto after = places.place(now);
  CHECK(after[3].workers == std::vector{8, 9, 10, 11});
  CHECK(after[2].workers == std::vector{6});
  CHECK((!after[0].moved && !after[1].moved && after[2].moved));
  // The next round has the same, and nothing moves.
  for (const placed_entry& one : places.place(now)) CHECK_FALSE(one.moved);
}

TEST_CASE("a gang of two that would drive out three more stays, and the three leave") {
  placement places{servers_of(12, 4)};
  std::vector<round_entry> jobs{entry(1, 3, false), entry(2, 3, true), entry(3, 2, true)};
  places.place(jobs);  // in a server each
  jobs.push_back(entry(4, 4, true));
  const auto after = places.place(jobs);
  CHECK(after[0].moved);
  CHECK((!after[1].moved && !after[2].moved));
  CHECK(after[3].workers == std::vector{0, 1, 2, 3});
}

TEST_CASE("a gang that was spread and has to stand in one server now does not keep its workers") {
  placement places{servers_of(8, 4)};
  round_entry gang = entry(1, 4, false);
  places.place(std::vector{entry(2, 2, false)});
  places.place(std::vector{entry(2, 2, false), entry(3, 2, false), entry(4, 2, false)});
  const auto spread = places.place(std::vector{entry(2, 2, false), entry(4, 2, false), gang});
  CHECK(spread[2].workers == std::vector{2, 3, 6, 7});
  gang.consolidated = true;
  const auto together = places.place(std::vector{entry(4, 2, false), gang});
  CHECK(together[1].workers == std::vector{0, 1, 2, 3});
  CHECK_FALSE(together[0].moved);
}

TEST_CASE("where no server can be cleared for itself all gangs of the type are packed anew") {
  // 3 3 | 4 . | and two of 2: of servers of 8, {4 3 .} {3 2 2 .} leave no room for a gang of 2, {4 2 2} {3 3 2} do.
  placement places{servers_of(16, 8)};
  const std::vector<round_entry> five{entry(1, 4, true), entry(2, 3, true), entry(3, 3, true), entry(4, 2, true),
                                      entry(5, 2, true)};
  places.place(five);
  std::vector<round_entry> six = five;
  six.push_back(entry(6, 2, true));
  const std::span<const placed_entry> placed = places.place(six);
  std::set<int> workers;
  int stayed = 0;
  for (std::size_t e = 0; e < six.size(); ++e) {
    CHECK(static_cast<int>(placed[e].workers.size()) == six[e].workers);
    for (const int w : placed[e].workers) {
      CHECK(workers.insert(w).second);
      CHECK(w / 8 == placed[e].workers[0] / 8);
    }
    stayed += !placed[e].moved;
  }
  CHECK(stayed >= 3);
}

TEST_CASE("workers fail in servers: no gang is chosen for a server that has too few left, and debts do not grow") {
  const cluster where = servers_of(8, 4);
  std::vector<arriving_job> jobs{one_way(0, 4, 2 * hour, true), one_way(0, 1, 20 * hour, false),
                                 one_way(0, 1, 20 * hour, false), one_way(0, 3, 20 * hour, true)};
  simulation_settings how;
  how.reset_seconds = 0;
  how.recorded_rounds = 1000;
  const auto made = [&] {
    simulator run{where, jobs, max_min_perf::share, how};
    run.expect({{.at = hour, .type = 0, .worker = 0, .failed = true},
                {.at = hour, .type = 0, .worker = 5, .failed = true},
                {.at = 5 * hour, .type = 0, .worker = 0, .failed = false}});
    return run;
  };
  const simulation_result found = made::all_of(made());
  for (const recorded_use& use : found.recorded)
    if (use.first == 0) CHECK((use.end <= hour + 1 || use.begin >= 5 * hour));
  CHECK(found.completed[0] >= 5 * hour);
  CHECK(found.completed[0] <= 10 * hour);
  CHECK(found.completed[1] <= 21 * hour);
  // To save it and to take it up again changes nothing, also while workers are away.
  const simulation_result again = made::all_in_two(made(), made(), 20);
  CHECK(again.completed == found.completed);
  CHECK(again.restarts == found.restarts);
}

TEST_CASE(
    "a gang for which every server has too few workers left is owed nothing more, and the others have their time") {
  const cluster where = servers_of(8, 4);
  played run{where, {.seconds = round_seconds, .gifts = false}};
  std::vector<round_entry> entries{entry(1, 4, true, 0.75), entry(2, 2, true, 0.75), entry(3, 2, true, 0.75),
                                   entry(4, 2, true, 0.75)};
  run.mechanism.allot(entries, 0);
  for (int m = 0; m < 10; ++m) run.round();
  cluster less = where;
  less.types[0].num_workers = 6;
  for (const int worker : {1, 4}) run.places.set_failed(0, worker, true);
  run.mechanism.resize(less, run.places);
  const double before = run.mechanism.owed(entries[0]);
  run.booked.clear();
  for (int m = 0; m < 100; ++m) CHECK_FALSE(run.round().contains(1));
  CHECK(std::fabs(run.mechanism.owed(entries[0]) - before) <= round_seconds);  // of the round in which they failed
  for (const int job : {2, 3, 4}) CHECK(run.booked[job] >= 100 * 2.0 / 3 - 3);
  for (const int worker : {1, 4}) run.places.set_failed(0, worker, false);
  run.mechanism.resize(where, run.places);
  run.booked.clear();
  for (int m = 0; m < 100; ++m) run.round();
  CHECK(run.booked[1] >= 60);
}

TEST_CASE("one job spread or in one server, two ways of it: the rounds run both, each in its place") {
  arriving_job both = one_way(0, 4, 40 * hour, true);
  both.shape.options.push_back({.type = 0, .workers = 4, .throughput = 0.5});
  // Two gangs of 3 hold one server each most of the time; in between the gang of 4 has one, or two spread workers each.
  const std::vector<arriving_job> jobs{both, one_way(0, 2, 40 * hour, true), one_way(0, 2, 40 * hour, true)};
  simulation_settings how;
  how.reset_seconds = 0;
  const simulation_result found = made::all_of({servers_of(8, 4), jobs, max_min_perf::share, how});
  for (const double end : found.completed) CHECK(end == doctest::Approx(40 * hour));
}
