// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include <plait/cost/calibrate.hpp>
#include <plait/schedule/action.hpp>
#include <plait/timeline/timeline.hpp>

#include <doctest/doctest.h>

namespace {

using plait::op;
using plait::timeline_row;

TEST_CASE("each stage's passes cost their median, and a whole backward pass is two equal halves") {
  std::vector<timeline_row> rows;
  const auto ran = [&](op kind, int stage, double length) {
    rows.push_back({.kind = kind, .stage = stage, .begin = 10, .end = 10 + length});
  };
  for (double length : {3.0, 1.0, 100.0}) ran(op::forward, 0, length);
  for (double length : {7.0, 5.0, 6.0}) ran(op::forward, 1, length);
  ran(op::backward, 0, 8);
  ran(op::backward, 1, 12);
  ran(op::reduce_gradients, 0, 2);
  ran(op::reduce_norm, -1, 3);
  ran(op::optimizer_step, -1, 4);
  ran(op::reduce_loss, -1, 5);
  const plait::pipe_shape shape{.ranks = 2, .micro = 3};
  const plait::step_costs found = calibrate(rows, {}, shape);
  REQUIRE(found.stages.size() == 2);
  CHECK(found.stages[0].forward == 3);
  CHECK(found.stages[1].forward == 6);
  CHECK(found.stages[0].backward_input == 4);
  CHECK(found.stages[0].backward_weight == 4);
  CHECK(found.stages[1].backward_input == 6);
  CHECK(found.reduce_gradients == 2);
  CHECK(found.reduce_norm == 3);
  CHECK(found.optimizer_step == 4);
  CHECK(found.reduce_loss == 5);

  // Where threads share processors, what counts is for how long one worked.
  const std::vector<double> work{1, 1, 2, 3, 3, 3, 2, 4, 0.5, 0.25, 0.125, 0.0625};
  const plait::step_costs worked = calibrate(rows, work, shape);
  CHECK(worked.stages[0].forward == 1);
  CHECK(worked.stages[1].forward == 3);
  CHECK(worked.stages[1].backward_weight == 2);
  CHECK(worked.reduce_loss == 0.0625);
}

TEST_CASE("what never ran costs nothing") {
  const plait::step_costs found = plait::calibrate({}, {}, {.ranks = 2, .micro = 1, .chunks = 2});
  REQUIRE(found.stages.size() == 4);
  CHECK(found.stages[3].forward == 0);
  CHECK(found.reduce_norm == 0);
}

}  // namespace
