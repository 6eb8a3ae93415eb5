// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/solve/infeasible_subset.hpp>
#include <plait/solve/model.hpp>
#include <plait/solve/ranging.hpp>
#include <plait/solve/simplex.hpp>

#include <doctest/doctest.h>

#include "made.hpp"
#include "oracle.hpp"

using namespace plait;

TEST_CASE("an infeasible subset is infeasible, and feasible without any one of its bounds") {
  oracle::dice d{97};
  int seen = 0;
  for (int trial = 0; trial < 200; ++trial) {
    const lp model = oracle::tiny_program(d, d.between(2, 5), d.between(2, 5));
    const infeasible_subset subset = find_infeasible_subset(model);
    const bool infeasible = solve(model).status == termination::infeasible;
    REQUIRE(subset.found == infeasible);
    if (!infeasible) continue;
    ++seen;
    struct side {
      bool row;
      int at;
      bool lower;
    };
    std::vector<side> sides;
    for (int k = 0; k < subset.rows.size(); ++k) {
      if ((subset.row_sides[k] & 1) != 0) sides.push_back({true, subset.rows[k], true});
      if ((subset.row_sides[k] & 2) != 0) sides.push_back({true, subset.rows[k], false});
    }
    for (int k = 0; k < subset.columns.size(); ++k) {
      if ((subset.column_sides[k] & 1) != 0) sides.push_back({false, subset.columns[k], true});
      if ((subset.column_sides[k] & 2) != 0) sides.push_back({false, subset.columns[k], false});
    }
    const auto with = [&](std::size_t left_out) {
      lp only = model;
      for (int j = 0; j < only.columns(); ++j) only.set_column_bounds(j, -infinity, infinity);
      for (int i = 0; i < only.rows(); ++i) only.set_row_bounds(i, -infinity, infinity);
      for (std::size_t k = 0; k < sides.size(); ++k) {
        if (k == left_out) continue;
        const auto [row, at, lower] = sides[k];
        const double l = row ? only.row_lower(at) : only.column_lower(at),
                     u = row ? only.row_upper(at) : only.column_upper(at);
        const double bound = row ? (lower ? model.row_lower(at) : model.row_upper(at))
                                 : (lower ? model.column_lower(at) : model.column_upper(at));
        if (row) {
          only.set_row_bounds(at, lower ? bound : l, lower ? u : bound);
        } else {
          only.set_column_bounds(at, lower ? bound : l, lower ? u : bound);
        }
      }
      return solve(only).status;
    };
    CHECK(with(sides.size()) == termination::infeasible);
    for (std::size_t k = 0; k < sides.size(); ++k) CHECK(with(k) != termination::infeasible);
  }
  CHECK(seen > 20);
}

TEST_CASE("ranges of a textbook program are those that one draws by hand") {
  // The Wyndor Glass example: cost of y within [2, inf), of x within [0, 7.5]; right sides [6, 18] and [12, 24].
  linear_model m;
  const variable x = m.add(), y = m.add();
  m.add(expression{x} <= 4);
  m.add(2 * y <= 12);
  m.add(3 * x + 2 * y <= 18);
  m.maximize(3 * x + 5 * y);
  const answer found = solve(m.program());
  const ranging ranges = find_ranges(m.program(), found);
  CHECK(ranges.cost[0].low == doctest::Approx(0));
  CHECK(ranges.cost[0].high == doctest::Approx(7.5));
  CHECK(ranges.cost[1].low == doctest::Approx(2));
  CHECK(ranges.cost[1].high == infinity);
  CHECK(ranges.bound[1].low == doctest::Approx(6));
  CHECK(ranges.bound[1].high == doctest::Approx(18));
  CHECK(ranges.bound[2].low == doctest::Approx(12));
  CHECK(ranges.bound[2].high == doctest::Approx(24));
  answer other = found;
  other.status = termination::infeasible;
  CHECK_THROWS_AS(find_ranges(m.program(), other), error);
}

TEST_CASE("within the range of a cost the point stays optimal, and the objective follows it") {
  oracle::dice d{101};
  int moved = 0;
  for (int trial = 0; trial < 20; ++trial) {
    const lp model = made::around_optimum(d, 12, 8, 0.5, false).model;
    const answer found = solve(model);
    const ranging ranges = find_ranges(model, found);
    for (int j = 0; j < model.columns(); ++j) {
      for (const double to : {ranges.cost[j].low, ranges.cost[j].high}) {
        if (std::fabs(to) > 1e6) continue;
        lp changed = model;
        changed.set_cost(j, to);
        const answer there = solve(changed);
        REQUIRE(there.status == termination::optimal);
        CHECK(there.objective == doctest::Approx(found.objective + (to - model.cost(j)) * found.x[j]).epsilon(1e-8));
        ++moved;
      }
    }
  }
  CHECK(moved > 50);
}

namespace {

/// x_(i+1) >= x_i + 1 around a ring: infeasible, and every row is needed.
lp ring(int n) {
  lp model;
  for (int j = 0; j < n; ++j) model.add_column(0, -infinity, infinity);
  for (int i = 0; i < n; ++i) {
    const lp_entry entries[] = {{i, -1}, {(i + 1) % n, 1}};
    model.add_row(1, infinity, entries);
  }
  return model;
}

struct count {
  int stop_at = 1 << 30, calls = 0;
  static bool ask(void* at) {
    auto& one = *static_cast<count*>(at);
    return ++one.calls >= one.stop_at;
  }
};

/// Says no, slowly.
bool wait(void* seconds) {
  const double until = detail::seconds_now() + *static_cast<double*>(seconds);
  while (detail::seconds_now() < until) {
  }
  return false;
}

}  // namespace

TEST_CASE("the limits of an infeasible subset are those of all its solves together") {
  const lp model = ring(200);
  const answer first = solve(model);
  REQUIRE(first.status == termination::infeasible);
  solve_options options;
  options.iteration_limit = first.iterations + 1;
  CHECK_FALSE(find_infeasible_subset(model, options).found);
  options.iteration_limit = 100000;
  CHECK(find_infeasible_subset(model, options).found);
  options.objective_limit = -1;  // means nothing here
  CHECK(find_infeasible_subset(model, options).found);
  // No further solve begins once the caller has asked for the end.
  count whole;
  options = {};
  options.interrupt = count::ask;
  options.context = &whole;
  CHECK(find_infeasible_subset(model, options).found);
  for (int k = 1; k < whole.calls; k += 37) {
    count asked{k};
    options.context = &asked;
    CHECK_FALSE(find_infeasible_subset(model, options).found);
    CHECK(asked.calls <= k + 2);
  }
  // A tenth of a second in which no solve of all these takes a hundredth, and all of them four tenths.
  double each = 0.4 / whole.calls;
  options.time_limit = 0.1;
  options.interrupt = wait;
  options.context = &each;
  CHECK_FALSE(find_infeasible_subset(model, options).found);
}

TEST_CASE("ranges end where a limit or the caller says so") {
  oracle::dice d{131};
  const lp model = made::around_optimum(d, 60, 40, 0.3, false).model;
  const answer found = solve(model);
  CHECK(find_ranges(model, found).found);
  solve_options options;
  options.time_limit = 0;
  CHECK_FALSE(find_ranges(model, found, options).found);
  count whole;
  options = {};
  options.interrupt = count::ask;
  options.context = &whole;
  CHECK(find_ranges(model, found, options).found);
  CHECK(whole.calls >= 100);  // at least once for each column and row
  for (int k = 1; k <= whole.calls; k += 7) {
    count asked{k};
    options.context = &asked;
    const ranging ranges = find_ranges(model, found, options);
    CHECK_FALSE(ranges.found);
    CHECK(ranges.cost.empty());
    CHECK(asked.calls == k);
  }
}
