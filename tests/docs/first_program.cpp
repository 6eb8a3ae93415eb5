// SPDX-License-Identifier: Apache-2.0
// The code of docs/solver.md.
#include <vector>

#include <plait/solve.hpp>
#include <plait/solve/infeasible_subset.hpp>
#include <plait/solve/model.hpp>
#include <plait/solve/ranging.hpp>

#include <doctest/doctest.h>

namespace {

using namespace plait;

}  // namespace

TEST_CASE("the first program of the solver's page has the values and duals that it says") {
  // [a first program]
  linear_model plant;
  const variable doors = plant.add("doors"), windows = plant.add("windows");
  plant.add(expression{doors} <= 4);
  plant.add(2 * windows <= 12);
  const constraint third = plant.add(3 * doors + 2 * windows <= 18, "third");
  plant.maximize(3 * doors + 5 * windows);
  const answer found = solve(plant.program());
  // [a first program]
  CHECK(found.status == termination::optimal);
  CHECK(found.objective == 36);
  CHECK(value_of(found, windows) == 6);
  CHECK(dual_of(found, third) == 1);
  // [how far]
  const ranging ranges = find_ranges(plant.program(), found);
  const number_range price = ranges.cost[windows.column], hours = ranges.bound[third.row];
  // [how far]
  CHECK(price.low == doctest::Approx(2));
  CHECK(price.high == infinity);
  CHECK(hours.low == doctest::Approx(12));
  CHECK(hours.high == doctest::Approx(24));
}

TEST_CASE("a warm start after an edit takes few pivots") {
  lp model;
  for (int i = 0; i < 30; ++i) model.add_row(-infinity, 10 + i % 7);
  for (int j = 0; j < 60; ++j) {
    const lp_entry two[] = {{j % 30, 1.0 + j % 3}, {(7 * j + 1) % 30, 2}};
    model.add_column(-1 - j % 5, 0, infinity, two);
  }
  // [a warm start]
  simplex solver;  // keeps its memory
  answer now = solver.solve(model);
  model.set_row_bounds(3, -infinity, 11.5);
  now = solver.solve(model, {}, now.basis);
  // [a warm start]
  CHECK(now.status == termination::optimal);
  CHECK(now.iterations < 10);
  CHECK(now.iterations < solve(model, {.presolve = false}).iterations);
}

TEST_CASE("an infeasible program names the bounds that cannot hold together") {
  lp model;
  model.add_column(0, 0, 3);
  model.add_column(0, 0, 3);
  model.add_column(0, 0, 3);
  const lp_entry sum[] = {{0, 1}, {1, 1}}, other[] = {{1, 1}, {2, 1}};
  model.add_row(7, infinity, sum);
  model.add_row(-infinity, 4, other);
  // [why infeasible]
  const infeasible_subset subset = find_infeasible_subset(model);
  // [why infeasible]
  REQUIRE(subset.found);
  CHECK(subset.rows == table<int>(std::vector<int>{0}));
  CHECK(subset.columns == table<int>(std::vector<int>{0, 1}));
}

TEST_CASE("column generation on a cutting-stock program ends at the bound that pricing proves") {
  // Rolls of 100; orders of lengths 45, 36, 31, 14. Source: Gilmore, Gomory, Operations Research 9, 1961; these numbers
  // are Chvatal's, Linear Programming, chapter 13: 452.25 rolls.
  const int length[] = {45, 36, 31, 14}, order[] = {97, 610, 395, 211};
  lp master;
  for (const int o : order) master.add_row(o, infinity);
  for (int i = 0; i < 4; ++i) {
    const lp_entry alone[] = {{i, static_cast<double>(100 / length[i])}};
    master.add_column(1, 0, infinity, alone);
  }
  // [column generation]
  simplex solver;
  answer now = solver.solve(master);
  while (true) {
    // The best pattern at the duals, by trying all.
    double best = 1 + 1e-9;
    std::vector<lp_entry> pattern;
    for (int a = 0; a * 45 <= 100; ++a) {
      for (int b = 0; a * 45 + b * 36 <= 100; ++b) {
        for (int c = 0; a * 45 + b * 36 + c * 31 <= 100; ++c) {
          const int d = (100 - a * 45 - b * 36 - c * 31) / 14;
          const double worth = a * now.dual[0] + b * now.dual[1] + c * now.dual[2] + d * now.dual[3];
          if (worth <= best) continue;
          best = worth;
          pattern = {{0, 1.0 * a}, {1, 1.0 * b}, {2, 1.0 * c}, {3, 1.0 * d}};
        }
      }
    }
    if (pattern.empty()) break;  // no pattern is worth more than a roll
    master.add_column(1, 0, infinity, pattern);
    now = solver.solve(master, {}, now.basis);
  }
  // [column generation]
  CHECK(now.objective == doctest::Approx(452.25));
}
