// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/timeline/compare.hpp>

#include <doctest/doctest.h>

#include "timelines.hpp"

namespace {

using namespace plait;

/// Two ranks: passes of 1 and 2 seconds, a reduction of 1 and an update of 0.5, six seconds in all.
timeline predicted() {
  return {.name = "predicted",
          .ranks = 2,
          .rows = {{.rank = 0, .kind = op::forward, .micro = 0, .begin = 0, .end = 1},
                   {.rank = 0, .kind = op::receive_gradient, .micro = 0, .begin = 1, .end = 2.5},
                   {.rank = 0, .kind = op::backward, .micro = 0, .begin = 2.5, .end = 4.5},
                   {.rank = 0, .kind = op::reduce_gradients, .begin = 4.5, .end = 5.5},
                   {.rank = 0, .kind = op::optimizer_step, .begin = 5.5, .end = 6},
                   {.rank = 1, .kind = op::forward, .micro = 0, .begin = 1, .end = 2}}};
}
/// The same with rank 1 three times as slow, and backward in halves.
timeline measured() {
  return {.name = "measured",
          .ranks = 2,
          .rank_names = {"first", "second"},
          .rows = {{.rank = 0, .kind = op::forward, .micro = 0, .begin = 10, .end = 11},
                   {.rank = 0, .kind = op::backward_input, .micro = 0, .begin = 14.5, .end = 15.5},
                   {.rank = 0, .kind = op::backward_weight, .micro = 0, .begin = 15.5, .end = 17},
                   {.rank = 0, .kind = op::reduce_gradients, .begin = 17, .end = 19},
                   {.rank = 0, .kind = op::optimizer_step, .begin = 19, .end = 19.5},
                   {.rank = 1, .kind = op::forward, .micro = 0, .begin = 11, .end = 14}}};
}

TEST_CASE("a comparison has makespan, bubble, time by kind and busy time of each rank") {
  const comparison both = compare(predicted(), measured());
  const auto is = [](const compared& one, const char* what, double first, double second) {
    CHECK(one.what == what);
    CHECK(one.predicted == doctest::Approx(first));
    CHECK(one.measured == doctest::Approx(second));
    CHECK(one.ratio() == doctest::Approx(second / first));
  };
  is(both.makespan, "makespan", 6, 9.5);
  is(both.bubble, "bubble", 1 - 5.5 / 12, 1 - 9.0 / 19);
  REQUIRE(both.kinds.size() == 5);
  is(both.kinds[0], "forward", 2, 4);
  is(both.kinds[1], "backward", 2, 2.5);
  is(both.kinds[2], "communication", 1, 2);
  is(both.kinds[3], "optimizer", 0.5, 0.5);
  is(both.kinds[4], "waiting", 6.5, 10);
  REQUIRE(both.ranks.size() == 2);
  is(both.ranks[0], "busy, first", 4.5, 6);
  is(both.ranks[1], "busy, second", 1, 3);
}

TEST_CASE("the table lines its columns up and has one unit") {
  CHECK(to_text(compare(predicted(), measured())) ==
        "               predicted  measured  ratio\n"
        "makespan             6 s     9.5 s   1.58\n"
        "bubble            54.2 %    52.6 %   0.97\n"
        "forward              2 s       4 s   2.00\n"
        "backward             2 s     2.5 s   1.25\n"
        "communication        1 s       2 s   2.00\n"
        "optimizer          0.5 s     0.5 s   1.00\n"
        "waiting            6.5 s      10 s   1.54\n"
        "busy, first        4.5 s       6 s   1.33\n"
        "busy, second         1 s       3 s   3.00\n");
}

TEST_CASE("kinds that did not occur have no line, and nothing predicted has no ratio") {
  timeline only_forward = predicted(), with_update = predicted();
  only_forward.rows.erase(only_forward.rows.begin() + 1, only_forward.rows.begin() + 5);
  with_update.rows.erase(with_update.rows.begin() + 1, with_update.rows.begin() + 4);
  const std::string text = to_text(compare(only_forward, with_update), time_unit::unit);
  CHECK(text.find("backward") == std::string::npos);
  CHECK(text.find("communication") == std::string::npos);
  CHECK(text.find("  0 units  0.5 units      -\n") != std::string::npos);
}

TEST_CASE("a step compared with itself has ratios of one") {
  const timeline step = testing::unit_timeline<interleaved<2>>({4, 8, 2});
  const comparison both = compare(step, step);
  CHECK(both.makespan.ratio() == 1);
  CHECK(both.bubble.ratio() == 1);
  for (const compared& one : both.ranks) CHECK(one.ratio() == 1);
  CHECK(both.bubble.predicted == doctest::Approx(3.0 / 19));
}

TEST_CASE("timelines of different ranks are not compared") {
  timeline three = measured();
  three.ranks = 3;
  CHECK_THROWS_WITH_AS(compare(predicted(), three), doctest::Contains("predicted has 2 ranks and measured has 3"),
                       error);
  timeline broken = measured();
  broken.rows[0].rank = 2;
  CHECK_THROWS_AS(compare(predicted(), broken), error);
}

}  // namespace
