// SPDX-License-Identifier: Apache-2.0
// Links and ranks that differ, messages that do not overlap with work, passes that run together: added up by hand.

#include <plait/schedule/dualpipe.hpp>
#include <plait/schedule/gpipe.hpp>
#include <plait/schedule/one_f_one_b.hpp>
#include <plait/schedule/program_of.hpp>
#include <plait/schedule/simulate.hpp>

#include <doctest/doctest.h>

namespace {

using namespace plait;

template <schedule S>
double length(pipe_shape shape, const step_costs& costs) {
  return simulate(programs_of<S>(shape, {.optimize = false}), costs).makespan;
}

TEST_CASE("each link has its own latency and bandwidth") {
  const pipe_shape shape{2, 1, 1};
  step_costs costs = step_costs::uniform(shape, {.message = {8}});
  costs.links.assign(4, link{});
  costs.links[0 * 2 + 1] = {.latency = {0.5}, .bandwidth = {8}};    // 0.5 and a unit
  costs.links[1 * 2 + 0] = {.latency = {0.25}, .bandwidth = {16}};  // 0.25 and half a unit
  // Forward 1, message 1.5, forward and backward 3, message 0.75, backward 2.
  CHECK(length<one_f_one_b>(shape, costs) == 8.25);
  costs.links.pop_back();
  CHECK_THROWS_AS(length<one_f_one_b>(shape, costs), error);
}

TEST_CASE("messages travel while ranks work, or keep their sender busy") {
  const pipe_shape shape{2, 2, 1};
  step_costs costs = step_costs::uniform(shape, {.message = {10}});
  costs.between_ranks = {.latency = {0}, .bandwidth = {10}};
  // Rank 0 runs 0-1 and 1-2, messages come at 2 and 3; rank 1 runs 2-3, 3-4, 4-6 and 6-8, messages come at 7 and 9;
  // rank 0 runs 7-9 and 9-11.
  CHECK(length<gpipe>(shape, costs) == 11);
  // Rank 0 runs 0-1, sends 1-2, runs 2-3, sends 3-4; rank 1 runs 2-3, 4-5, 5-7, sends 7-8, runs 8-10, sends 10-11; rank
  // 0 runs 8-10 and 11-13.
  costs.overlaps = false;
  const simulation found = simulate(programs_of<gpipe>(shape, {.optimize = false}), costs);
  CHECK(found.makespan == 13);
  CHECK(found.busy == 12);  // sending is not work
}

TEST_CASE("a slow rank takes longer for every pass") {
  const pipe_shape shape{2, 1, 1};
  step_costs costs = step_costs::uniform(shape);
  costs.slowness = {1, 2};
  CHECK(length<one_f_one_b>(shape, costs) == 1 + 2 + 4 + 2);
  costs.slowness = {1, 2, 3};
  CHECK_THROWS_AS(length<one_f_one_b>(shape, costs), error);
}

TEST_CASE("of two passes that run together, the shorter may be hidden in part or whole") {
  const pipe_shape shape = shape_of<dualpipe>(2, 4);  // each rank joins one forward pass with a backward pass
  step_costs costs = step_costs::uniform(shape);
  CHECK(length<dualpipe>(shape, costs) == 12);
  costs.hidden_in_pairs = 0.5;
  CHECK(length<dualpipe>(shape, costs) == 11.5);
  costs.hidden_in_pairs = 1;
  CHECK(length<dualpipe>(shape, costs) == 11);
}

}  // namespace
