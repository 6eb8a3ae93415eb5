// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <vector>

#include <plait/schedule/gpipe.hpp>
#include <plait/schedule/simulate.hpp>
#include <plait/timeline/timeline.hpp>

#include <doctest/doctest.h>

#include "timelines.hpp"

namespace {

using namespace plait;

TEST_CASE("the predicted timeline has a row for every action, with its times and bytes") {
  const timeline step = testing::two_ranks();
  CHECK(step.name == "predicted");
  CHECK(step.ranks == 2);
  CHECK(step.stages == 2);
  CHECK(step.micro == 1);
  const auto programs = programs_of<one_f_one_b>({2, 1, 1}, {.buckets = 1, .clip = true});
  CHECK(step.rows.size() == programs[0].actions.size() + programs[1].actions.size());
  const auto has = [&](const timeline_row& row) { return std::count(step.rows.begin(), step.rows.end(), row) == 1; };
  CHECK(has({.rank = 0, .kind = op::forward, .stage = 0, .chunk = 0, .micro = 0, .begin = 0, .end = 1}));
  CHECK(has(
      {.rank = 0, .kind = op::send_activation, .stage = 0, .chunk = 0, .micro = 0, .begin = 1, .end = 1, .bytes = 64}));
  CHECK(has({.rank = 1,
             .kind = op::receive_activation,
             .stage = 1,
             .chunk = 0,
             .micro = 0,
             .begin = 0,
             .end = 1.5,
             .bytes = 64}));
  CHECK(has({.rank = 1, .kind = op::backward, .stage = 1, .chunk = 0, .micro = 0, .begin = 2.5, .end = 4.5}));
  CHECK(has({.rank = 0,
             .kind = op::receive_gradient,
             .stage = 0,
             .chunk = 0,
             .micro = 0,
             .begin = 1,
             .end = 5,
             .bytes = 64}));
  CHECK(has({.rank = 1, .kind = op::reduce_norm, .begin = 7.5, .end = 7.75}));
  CHECK(has({.rank = 0, .kind = op::reduce_loss, .begin = 8.75, .end = 8.875}));
}

TEST_CASE("makespan, busy time and bubble of a step of two ranks") {
  const timeline step = testing::two_ranks();
  const double each = 3 + 0.5 + 0.25 + 1 + 0.125;
  CHECK(step.makespan() == 8.875);
  CHECK(step.busy_of_ranks() == std::vector<double>{each, each});
  CHECK(step.busy() == 2 * each);
  CHECK(step.bubble() == doctest::Approx(1 - each / 8.875));
}

TEST_CASE("a timeline and the simulation that made it agree on makespan and bubble") {
  const pipe_shape shape{4, 7, 2};
  step_costs costs = step_costs::uniform(shape, {.forward = 1.5, .message = {8}});
  costs.between_ranks = {.latency = {0.25}, .bandwidth = {32}};
  costs.reduce_gradients = 0.75;
  costs.reduce_norm = 0.5;
  costs.optimizer_step = 0.25;
  costs.reduce_loss = 0.125;
  const auto programs = programs_of<interleaved<2>>(shape, {.buckets = 2, .clip = true});
  const simulation found = simulate(programs, costs);
  const timeline step = predicted_timeline(programs, costs);
  CHECK(step.makespan() == found.makespan);
  CHECK(step.busy() == doctest::Approx(found.busy));
  CHECK(step.bubble() == doctest::Approx(found.bubble()));
}

TEST_CASE("waiting is not work: receives, sends, and a collective before the last rank has come") {
  const timeline measured{.name = "measured",
                          .ranks = 2,
                          .rows = {{.rank = 0, .kind = op::forward, .micro = 0, .begin = 10, .end = 11},
                                   {.rank = 0, .kind = op::send_activation, .micro = 0, .begin = 11, .end = 12},
                                   {.rank = 0, .kind = op::reduce_loss, .begin = 12, .end = 20},
                                   {.rank = 1, .kind = op::receive_activation, .micro = 0, .begin = 10, .end = 12},
                                   {.rank = 1, .kind = op::forward, .micro = 0, .begin = 12, .end = 18},
                                   {.rank = 1, .kind = op::reduce_loss, .begin = 18, .end = 20}}};
  CHECK(measured.makespan() == 10);
  CHECK(measured.work().size() == 4);
  CHECK(measured.busy_of_ranks() == std::vector<double>{3, 8});
  CHECK(measured.bubble() == doctest::Approx(1 - 11.0 / 20));
}

TEST_CASE("what overlaps on a rank counts once") {
  const timeline step{.ranks = 2,
                      .rows = {{.rank = 0, .kind = op::backward, .begin = 0, .end = 4},
                               {.rank = 0, .kind = op::reduce_gradients, .begin = 1, .end = 2},
                               {.rank = 0, .kind = op::reduce_gradients, .begin = 3, .end = 6},
                               {.rank = 1, .kind = op::backward, .begin = 7, .end = 8},
                               {.rank = 0, .kind = op::backward, .begin = 7, .end = 8}}};
  CHECK(step.busy_of_ranks() == std::vector<double>{7, 1});
}

TEST_CASE("an empty timeline has no length and no bubble") {
  CHECK(timeline{}.makespan() == 0);
  CHECK(timeline{}.bubble() == 0);
  CHECK(timeline{.ranks = 3}.busy() == 0);
  CHECK(predicted_timeline({}, {}).rows.empty());
}

TEST_CASE("passes and updates belong to the compute lane, messages and reductions to the other") {
  for (op kind : {op::forward, op::backward, op::backward_input, op::backward_weight, op::optimizer_step})
    CHECK(lane_of(kind) == lane::compute);
  for (op kind : {op::receive_activation, op::send_gradient, op::reduce_gradients, op::reduce_norm, op::reduce_loss})
    CHECK(lane_of(kind) == lane::communication);
}

}  // namespace
