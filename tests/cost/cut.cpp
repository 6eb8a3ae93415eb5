// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/cost/cut.hpp>

#include <doctest/doctest.h>

namespace {

using plait::balanced_cut;
using cut = std::vector<int>;

double sum_of_squares(const std::vector<double>& costs, const cut& at) {
  double squares = 0;
  for (std::size_t stage = 0; stage + 1 < at.size(); ++stage) {
    double sum = 0;
    for (int i = at[stage]; i < at[stage + 1]; ++i) sum += costs[static_cast<std::size_t>(i)];
    squares += sum * sum;
  }
  return squares;
}

double worst_stage(const std::vector<double>& costs, const cut& at) {
  double worst = 0;
  for (std::size_t stage = 0; stage + 1 < at.size(); ++stage) {
    double sum = 0;
    for (int i = at[stage]; i < at[stage + 1]; ++i) sum += costs[static_cast<std::size_t>(i)];
    worst = std::max(worst, sum);
  }
  return worst;
}

/// Calls `seen` for every way to cut, empty stages included.
void for_each_cut(int layers, int stages, cut& begun, const std::function<void(const cut&)>& seen) {
  if (static_cast<int>(begun.size()) == stages) {
    cut all = begun;
    all.push_back(layers);
    seen(all);
    return;
  }
  for (int next = begun.back(); next <= layers; ++next) {
    begun.push_back(next);
    for_each_cut(layers, stages, begun, seen);
    begun.pop_back();
  }
}

TEST_CASE("cuts that a reader can check") {
  CHECK(balanced_cut({4, 1, 1, 1, 1}, 2) == cut{0, 1, 5});
  CHECK(balanced_cut({1, 1, 1, 1}, 4) == cut{0, 1, 2, 3, 4});
  CHECK(balanced_cut({1, 2, 3, 4, 5, 6, 7, 8, 9}, 3) == cut{0, 5, 7, 9});  // 15, 13, 17
  CHECK(balanced_cut({1, 1, 1}, 2) == cut{0, 2, 3});                       // and not 1, 2: earlier stages take more
  CHECK(balanced_cut({3, 1, 2}, 1) == cut{0, 3});
  CHECK(balanced_cut({1, 1, 9, 1, 1}, 3) == cut{0, 2, 3, 5});  // 2, 9, 2
  CHECK(balanced_cut({1, 1, 2, 2, 9}, 3) == cut{0, 3, 4, 5});  // 4, 2, 9: of the cuts with 9, the others are most equal
}

TEST_CASE("the worst stage costs as little as in the best of all cuts") {
  std::mt19937 random{3};
  for (int layers = 0; layers <= 7; ++layers)
    for (int stages = 1; stages <= 5; ++stages)
      for (int round = 0; round < 8; ++round) {
        // Small whole numbers, among them zeros and many equal ones: sums are exact, and ties are common.
        std::vector<double> costs;
        for (int i = 0; i < layers; ++i) costs.push_back(static_cast<double>(random() % (round < 4 ? 4 : 30)));
        double best = std::numeric_limits<double>::infinity();
        cut begun{0};
        for_each_cut(layers, stages, begun, [&](const cut& one) { best = std::min(best, worst_stage(costs, one)); });
        const cut found = balanced_cut(costs, stages);
        CAPTURE(layers);
        CAPTURE(stages);
        CAPTURE(round);
        CHECK_NOTHROW(plait::require_cut(found, layers, stages));
        CHECK(worst_stage(costs, found) == best);
        // Among the best cuts, the one of least squares; among those, no other is later at its first difference.
        cut again{0};
        bool is_last = true;
        for_each_cut(layers, stages, again, [&](const cut& one) {
          if (worst_stage(costs, one) > best) return;
          const double more = sum_of_squares(costs, one) - sum_of_squares(costs, found);
          if (more < 0 || (more == 0 && one > found)) is_last = false;
        });
        CHECK(is_last);
      }
}

TEST_CASE("costs that do not add up exactly are still cut into stages that hold every layer once") {
  std::mt19937_64 random{4};
  for (int round = 0; round < 200; ++round) {
    std::vector<double> costs;
    const int layers = static_cast<int>(random() % 40), stages = 1 + static_cast<int>(random() % 9);
    for (int i = 0; i < layers; ++i) costs.push_back(static_cast<double>(random() % 1000000) / 7e5);
    const cut found = balanced_cut(costs, stages);
    CHECK_NOTHROW(plait::require_cut(found, layers, stages));
    double sum = 0, largest = 0;
    for (double one : costs) sum += one, largest = std::max(largest, one);
    // No cut is better than an even one, and the best is no worse than that and one layer more.
    CHECK(worst_stage(costs, found) >= sum / stages * (1 - 1e-12));
    CHECK(worst_stage(costs, found) <= (sum / stages + largest) * (1 + 1e-12));
  }
}

TEST_CASE("with fewer layers than stages the last stages are empty") {
  CHECK(balanced_cut({2, 3}, 4) == cut{0, 1, 2, 2, 2});
  CHECK(balanced_cut({}, 3) == cut{0, 0, 0, 0});
  CHECK(balanced_cut({5}, 2) == cut{0, 1, 1});
}

TEST_CASE("layers that cost nothing go to the earliest stage that can take them") {
  CHECK(balanced_cut({0, 0, 0}, 2) == cut{0, 3, 3});
  CHECK(balanced_cut({1, 0, 0, 1}, 2) == cut{0, 3, 4});
}

TEST_CASE("no stages, and costs that are no finite numbers from 0, are refused") {
  CHECK_THROWS_WITH_AS(balanced_cut({1}, 0), doctest::Contains("plait::balanced_cut: there is at least 1 stage"),
                       plait::error);
  CHECK_THROWS_WITH_AS(balanced_cut({1, -1}, 2), doctest::Contains("no layer costs less than nothing"), plait::error);
  const double none = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH_AS(balanced_cut({1, none}, 2), doctest::Contains("no layer costs less than nothing"), plait::error);
  const double endless = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH_AS(balanced_cut({1, endless}, 2), doctest::Contains("the sum of costs is finite"), plait::error);
}

static_assert(balanced_cut({4, 1, 1, 1, 1}, 2)[1] == 1, "a cut can be made by the compiler");

TEST_CASE("a cut of one's own is checked, and refused in a sentence that says what one looks like") {
  CHECK_NOTHROW(plait::require_cut({0, 2, 5}, 5, 2));
  CHECK_NOTHROW(plait::require_cut({0, 0, 5, 5}, 5, 3));
  const auto sentence =
      "plait::cut: a cut of 5 layers into 2 stages has 3 entries that start at 0, never fall and end at 5";
  for (const cut& wrong : {cut{0, 5}, cut{0, 2, 3, 5}, cut{1, 2, 5}, cut{0, 2, 4}, cut{0, 6, 5}, cut{0, -1, 5}, cut{}})
    CHECK_THROWS_WITH_AS(plait::require_cut(wrong, 5, 2), doctest::Contains(sentence), plait::error);
}

}  // namespace
