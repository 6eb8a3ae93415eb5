// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <plait/schedule/named.hpp>
#include <plait/schedule/verify.hpp>
#include <plait/schedule/with_room.hpp>

#include <doctest/doctest.h>

namespace {

using namespace plait;

step_costs costs_of(pipe_shape shape, double message, bool skewed) {
  step_costs costs = step_costs::uniform(shape);
  costs.between_ranks.latency = {message};
  for (std::size_t stage = 0; skewed && stage < costs.stages.size(); ++stage)
    costs.stages[stage] = {1 + 0.5 * static_cast<double>(stage % 3), 1.5, 0.25 + static_cast<double>(stage % 2)};
  return costs;
}
double makespan_of(const orders& all, const step_costs& costs) {
  return simulate(programs_of(all), costs).makespan;
}

TEST_CASE("with room for its messages an order takes as long as with a buffer for every micro-batch") {
  int gained = 0;
  for (const schedule_facts& one : known_schedules)
    for (const double message : {0.0, 0.25, 2.0})
      for (const bool skewed : {false, true}) {
        const std::string name{one.name};
        CAPTURE(name);
        CAPTURE(message);
        CAPTURE(skewed);
        orders all = orders_of(one.name, {.ranks = 4, .micro = 16});
        const step_costs costs = costs_of(all.shape, message, skewed);
        const double plain = makespan_of(all, costs);
        const orders roomy = with_room(all, costs);
        CHECK(verify(programs_of(roomy)));
        all.in_flight.assign(all.stage_of.size(), all.shape.all_micro());
        CHECK(makespan_of(roomy, costs) == makespan_of(all, costs));
        CHECK(makespan_of(roomy, costs) <= plain);
        gained += makespan_of(roomy, costs) < plain ? 1 : 0;
      }
  CHECK(gained > 10);
}

TEST_CASE("stages of one rank that hand gradients over in place have buffers for all that wait between them") {
  for (const char* name : {"looped_bfs", "interleaved_1f1b", "zb_v", "hanayo"})
    for (const int ranks : {1, 2, 3}) {
      const std::string schedule{name};
      CAPTURE(schedule);
      CAPTURE(ranks);
      const orders all = orders_of(name, {.ranks = ranks, .micro = 7});
      const orders roomy = with_room(all, costs_of(all.shape, 0, true));
      const verification found = verify(programs_of(roomy));
      CHECK_MESSAGE(found.valid, to_string(found));
    }
}

TEST_CASE("no more buffers than it takes: two where receivers keep pace, and one fewer makes ranks wait") {
  const orders pace = orders_of("1f1b", {});
  CHECK(with_room(pace, costs_of(pace.shape, 0, false)).in_flight == std::vector<int>(4, 2));
  const orders plain = orders_of("looped_bfs", {.ranks = 4, .micro = 16});
  const step_costs costs = costs_of(plain.shape, 0.25, false);
  const orders roomy = with_room(plain, costs);
  int longer = 0;
  for (std::size_t place = 0; place < roomy.in_flight.size(); ++place)
    if (roomy.in_flight[place] > 2) {
      orders fewer = roomy;
      --fewer.in_flight[place];
      const simulation step = simulate(programs_of(fewer), costs);
      longer += !step.completes || step.makespan > makespan_of(roomy, costs) ? 1 : 0;
    }
  CHECK(longer > 0);
}

}  // namespace
