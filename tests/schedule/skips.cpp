// SPDX-License-Identifier: Apache-2.0
// Models whose stages need what earlier ones have made, besides their neighbours: skip edges.
#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <plait/schedule/csv.hpp>
#include <plait/schedule/orders.hpp>
#include <plait/schedule/simulate.hpp>
#include <plait/schedule/simulate_shared.hpp>
#include <plait/schedule/verify.hpp>

#include <doctest/doctest.h>

#include "all_schedules.hpp"
#include "laws.hpp"
#include "symbolic_run.hpp"
#include "test_schedules.hpp"

namespace {

using namespace plait;

// The same checks at compile time: a U-Net of four stages on four ranks, and of eight on a V, where the two ends of an
// edge are on one rank.
constexpr step_options u_net{.skips = {{0, 3}, {1, 2}}};
constexpr step_options u_net_of_eight{.skips = {{0, 7}, {1, 6}, {2, 5}, {3, 4}}};
static_assert(completes<one_f_one_b>({4, 8, 1}, u_net) && completes<gpipe>({4, 8, 1}, u_net));
static_assert(completes<zb_h1>({4, 8, 1}, u_net) && completes<zb_v>({4, 8, 2}, u_net_of_eight));
static_assert(completes<interleaved<2>>({4, 8, 2}, u_net_of_eight));
static_assert(completes<forward_only<one_f_one_b>>({4, 8, 1}, u_net));
static_assert(verify_schedule<one_f_one_b>({4, 8, 1}, {.skips = {{0, 3}}}).valid);

int sends(const std::vector<program>& programs, bool along_edges) {
  int count = 0;
  for (const program& one : programs)
    for (const action& act : one.actions) count += is_send(act.kind) && (act.edge >= 0) == along_edges ? 1 : 0;
  return count;
}

/// Edges of many kinds: across the pipeline, nested, from one stage to all later ones, between neighbours, twice the
/// same.
std::vector<skip_edges> edges_of(int stages) {
  std::vector<skip_edges> all(4);
  const auto edge = [](int from, int to) {
    return skip_edge{static_cast<std::int16_t>(from), static_cast<std::int16_t>(to)};
  };
  all[0].add(edge(0, stages - 1));
  for (int stage = 0; stage < stages - 1 - stage; ++stage) all[1].add(edge(stage, stages - 1 - stage));
  for (int stage = 1; stage < stages && stage <= 10; ++stage) all[2].add(edge(0, stage));
  for (int stage = 1; stage < stages && stage <= 10; ++stage)
    all[3].add(edge(stage - 1, stage)), all[3].add(edge(stage / 2, stages - 1 > stage / 2 ? stages - 1 : stages));
  if (!all[3].fit(stages)) all.pop_back();
  return all;
}

TEST_CASE_TEMPLATE("with skip edges a schedule completes, computes the step, and is no longer", S, gpipe, one_f_one_b,
                   interleaved<2>, interleaved<3>, interleaved<2, 4>, looped_bfs<2>, zb_h1, zb_h2, interleaved_zb<2>,
                   zb_v, v_half, v_min, v_1f1b, dualpipe, dualpipe_v, chimera, hanayo<1>, hanayo<2>, pipedream<>,
                   pipedream<weight_versions::synchronised>, pipedream<weight_versions::stash, 2, 1>,
                   pipedream<weight_versions::stash, 2, 3, 1>, pipedream_2bw, testing::few_at_a_time<2>) {
  int legal = 0;
  for (const pipe_shape shape : laws::shapes_of<S>(6, 7)) {
    if (!S::accepts(shape).legal || shape.stages() < 2) continue;
    ++legal;
    for (const skip_edges& skips : edges_of(shape.stages())) {
      const std::string of_shape = laws::text_of(shape);
      CAPTURE(of_shape);
      CAPTURE(skips.size());
      const step_options with{.skips = skips};
      const auto programs = programs_of<S>(shape, with), evaluation = forward_programs_of<S>(shape, with);
      const verification found = verify(programs), evaluated = verify(evaluation);
      const std::string says = to_string(found), evaluation_says = to_string(evaluated);
      CAPTURE(says);
      CAPTURE(evaluation_says);
      REQUIRE(found.valid);
      REQUIRE(evaluated.valid);
      CHECK(verify_schedule<S>(shape, with).valid);
      CHECK(testing::computes_a_step<typename S::placement>(programs));
      CHECK(testing::computes_a_step<typename S::placement>(evaluation));
      // Messages take no time, and nobody waits for a slot.
      const step_costs costs = step_costs::uniform(shape);
      const simulation step = simulate(programs, costs);
      CHECK(step.completes);
      CHECK(step.makespan == simulate(programs_of(orders_of<S>(shape)), costs).makespan);
      CHECK(simulate(evaluation, costs).completes);
      for (int rank = 0; rank < shape.ranks; ++rank)
        CHECK(peak_activations(programs[static_cast<std::size_t>(rank)]) == S::peak_activations(shape, rank));
    }
  }
  CHECK(legal > 0);
}

TEST_CASE("each edge has a message of each micro-batch either way, and none where its ends are on one rank") {
  const auto apart = programs_of<one_f_one_b>({4, 8, 1}, u_net);
  CHECK(sends(apart, false) == 2 * 3 * 8);
  CHECK(sends(apart, true) == 2 * 2 * 8);
  CHECK(sends(forward_programs_of<one_f_one_b>({4, 8, 1}, u_net), true) == 2 * 8);
  const auto together = programs_of<zb_v>({4, 8, 2}, u_net_of_eight);
  CHECK(sends(together, true) == 0);
  CHECK(sends(together, false) == 2 * 6 * 8);
  // A looped placement has them two ranks apart, or next to each other.
  CHECK(sends(programs_of<interleaved<2>>({4, 8, 2}, {.skips = {{0, 4}, {0, 6}}}), true) == 2 * 8);
}

TEST_CASE("a gradient holds its slot until the stage that it goes to runs backward") {
  // One micro-batch at a time comes to the last stage; its gradient gets to stage 0 three passes later, 6 units of time
  // after the pass of 2 that makes it began with the next 3 later: 3 are on the way at once, unless one is taken first.
  const auto programs = programs_of<one_f_one_b>({4, 8, 1}, u_net);
  CHECK(programs[0].skips == std::vector{0});
  CHECK(programs[1].skips == std::vector{0});
  CHECK(programs[2].skips == std::vector{1});
  CHECK(programs[3].skips == std::vector{2});
  // GPipe goes backward in the order of micro-batches, with no forward pass between: a pass every 2 units, taken 6 on.
  CHECK(programs_of<gpipe>({4, 8, 1}, {.skips = {{0, 3}}})[3].skips == std::vector{3});
  CHECK(programs_of<one_f_one_b>({4, 8, 1})[3].skips == std::vector{0});
}

TEST_CASE("an evaluation keeps an output until the last stage that needs it has it") {
  CHECK(forward_programs_of<one_f_one_b>({4, 8, 1})[0].slots == std::vector{2});
  // Stage 0 makes an output a unit; the last stage takes each 3 units after its pass began.
  CHECK(forward_programs_of<one_f_one_b>({4, 8, 1}, {.skips = {{0, 3}}})[0].slots == std::vector{3});
}

TEST_CASE("messages along edges take their time on the link between their ranks") {
  // Two stages, and a copy of what is sent goes beside it: 1 + 2 units of the one link, after a latency of 1/2.
  const auto programs = programs_of<one_f_one_b>({2, 1, 1}, {.optimize = false, .skips = {{0, 1}}});
  step_costs costs = step_costs::uniform({2, 1, 1}, {.message = byte_count{10}});
  costs.between_ranks = {.latency = seconds{0.5}, .bandwidth = bytes_per_second{10}};
  const double alone = 1 + 1.5 + 1 + 2 + 1.5 + 2;  // forward, message, forward, backward, message, backward
  CHECK(simulate(programs_of<one_f_one_b>({2, 1, 1}, {.optimize = false}), costs).makespan == doctest::Approx(alone));
  CHECK(simulate(programs, costs).makespan == doctest::Approx(alone + 2));
  costs.skips = {byte_count{20}};
  CHECK(simulate(programs, costs).makespan == doctest::Approx(alone + 4));
  // Ranks that are not neighbours have a link of their own; the chain over the third rank is longer than that.
  const auto three = programs_of<one_f_one_b>({3, 1, 1}, {.optimize = false, .skips = {{0, 2}}});
  costs = step_costs::uniform({3, 1, 1}, {.message = byte_count{10}});
  costs.between_ranks = {.latency = seconds{0.5}, .bandwidth = bytes_per_second{10}};
  const double chain = 3 * 3 + 4 * 1.5;
  CHECK(simulate(three, costs).makespan == doctest::Approx(chain));
  costs.skips = {byte_count{100}};  // 10.5 there, from the end of the first pass, and as long back
  CHECK(simulate(three, costs).makespan == doctest::Approx(1 + 10.5 + 1 + 2 + 10.5 + 2));
}

TEST_CASE("with a processor for each rank simulate_shared gives what simulate gives") {
  step_costs costs = step_costs::uniform({4, 8, 1});
  costs.between_ranks = {.latency = seconds{0.25}, .bandwidth = bytes_per_second{1}};
  const auto programs = programs_of<one_f_one_b>({4, 8, 1}, {.optimize = false, .skips = u_net.skips});
  const simulation shared =
      simulate_shared(programs, costs, {.processors = 4}, [](int, int, const action&, double, double) {});
  CHECK(shared.completes);
  CHECK(shared.makespan == doctest::Approx(simulate(programs, costs).makespan));
}

TEST_CASE("a message along an edge that is left out, late or in the way of another is named") {
  auto programs = programs_of<one_f_one_b>({3, 4, 1}, {.optimize = false, .skips = {{0, 2}}});
  const auto edit = [](std::vector<program> some, int rank, op kind, auto&& change) {
    auto& actions = some[static_cast<std::size_t>(rank)].actions;
    const auto at = std::find_if(actions.begin(), actions.end(),
                                 [&](const action& act) { return act.kind == kind && act.edge == 0; });
    REQUIRE(at != actions.end());
    change(actions, at);
    return verify(some);
  };
  const auto erase = [](auto& actions, auto at) { actions.erase(at); };
  const verification silent = edit(programs, 0, op::send_activation, erase);
  CHECK(silent.rank == 2);
  CHECK(silent.reason == "the next message of its queue is for another stage or micro-batch");
  CHECK(edit(programs, 2, op::receive_activation, erase).reason ==
        "what comes along a skip edge has not been received");
  CHECK(edit(programs, 2, op::send_gradient, erase).reason ==
        "its slot still holds a gradient along a skip edge that has not been passed on");
  CHECK(edit(programs, 0, op::receive_gradient, erase).reason ==
        "the gradient along a skip edge has not been received");
  const verification late = edit(programs, 2, op::receive_activation, [](auto& actions, auto at) {
    std::swap(*at, *(at + 1));
    static_cast<void>(actions);
  });
  CHECK(late.reason == "what comes along a skip edge has not been received");
  CHECK(to_string(late.cell) == "forward stage 2 micro 0");
  // A gradient that comes too early, into the slot of another.
  auto early = programs_of<gpipe>({3, 4, 1}, {.optimize = false, .skips = {{0, 2}}});
  std::vector<action>& of_first = early[0].actions;
  const auto next_back = [&](auto from) {
    return std::find_if(from, of_first.end(),
                        [](const action& act) { return act.kind == op::receive_gradient && act.edge == 0; });
  };
  const auto first = next_back(of_first.begin()), second = next_back(first + 1);
  REQUIRE(second != of_first.end());
  second->message = first->message;
  std::rotate(first + 1, second, second + 1);
  CHECK(verify(early).reason == "its message slot still holds a gradient that is needed");
  // On one rank there is no message: whoever reads a gradient that was written over would not know.
  auto over = programs_of<zb_v>({4, 8, 2}, {.optimize = false, .skips = {{0, 7}}});
  REQUIRE(over[0].skips[1] >= 2);
  std::vector<action*> makers;
  for (action& act : over[0].actions)
    if (act.kind == op::backward_input && act.stage == 7) makers.push_back(&act);
  REQUIRE(makers[0]->skip != makers[1]->skip);
  makers[1]->skip = makers[0]->skip;
  CHECK(verify(over).reason == "its slot still holds a gradient along a skip edge that has not been passed on");
  CHECK_FALSE(testing::computes_a_step<zb_v::placement>(over));
  // One slot for gradients where two are on the way: the last stage waits until the first has taken the one.
  auto narrow = programs_of<gpipe>({3, 4, 1}, {.optimize = false, .skips = {{0, 2}}});
  CHECK(narrow[2].skips == std::vector{2});
  for (action& act : narrow[2].actions)
    if (act.skip >= 0) act.skip = 0;
  narrow[2].skips = {1};
  CHECK(verify(narrow).valid);
  CHECK(simulate(narrow, step_costs::uniform(narrow[0].shape)).makespan >
        simulate(programs_of<gpipe>({3, 4, 1}), step_costs::uniform(narrow[0].shape)).makespan);
}

TEST_CASE("an edge that does not lead to a later stage is refused") {
  const auto refused = [](skip_edges skips) {
    try {
      static_cast<void>(programs_of<one_f_one_b>({4, 4, 1}, {.skips = skips}));
    } catch (const error& caught) {
      return caught.kind() == error_kind::usage && caught.sentence().find("skip edge") != std::string::npos;
    }
    return false;
  };
  CHECK(refused({{2, 2}}));
  CHECK(refused({{3, 1}}));
  CHECK(refused({{0, 4}}));
  CHECK(refused({{-1, 2}}));
  CHECK_FALSE(refused({{0, 1}, {0, 3}}));
  skip_edges many;
  for (int i = 0; i < skip_edges::most; ++i) many.add({0, 1});
  CHECK_THROWS_WITH_AS(many.add({0, 1}), doctest::Contains("at most 64 skip edges"), error);
  auto programs = programs_of<one_f_one_b>({2, 2, 1});
  for (program& one : programs) one.options.skips = {{1, 1}};
  CHECK(verify(programs).reason == "a skip edge leads from a stage to a later one of the same model");
  CHECK_FALSE(completes<one_f_one_b>({4, 4, 1}, {.skips = {{2, 2}}}));
}

TEST_CASE("orders that were brought, with messages between neighbours in them, have those along edges derived") {
  const orders brought = with_messages(orders_of<zb_v>({3, 5, 2}));
  for (const bool forward_only : {false, true}) {
    const auto programs = programs_of(brought, {.skips = {{0, 3}, {1, 2}, {0, 5}}}, forward_only);
    CHECK(verify(programs).valid);
    CHECK(testing::computes_a_step<zb_v::placement>(programs));
    CHECK(sends(programs, true) == (forward_only ? 2 : 4) * 5);
    CHECK(verify(programs_of(brought, {}, forward_only)).valid);
  }
}

TEST_CASE("an action along an edge says so") {
  const program first = program_of<one_f_one_b>({4, 8, 1}, 0, u_net);
  CHECK(to_string(first.actions[2]) == "send_activation stage 0 micro 0 along skip edge 0 to rank 3");
}

}  // namespace
