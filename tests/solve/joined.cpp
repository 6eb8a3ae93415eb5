// SPDX-License-Identifier: Apache-2.0
// Programs whose blocks are joined by columns: pivots that touch little, prices of the links, and the vertex they give.
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <plait/solve/detail/engine.hpp>
#include <plait/solve/detail/joined_crash.hpp>
#include <plait/solve/detail/local_simplex.hpp>
#include <plait/solve/detail/price_crash.hpp>
#include <plait/solve/detail/priced_program.hpp>
#include <plait/solve/detail/sifting.hpp>
#include <plait/solve/simplex.hpp>

#include <doctest/doctest.h>

#include "../../bench/solve/shares.hpp"
#include "oracle.hpp"

namespace {

using namespace plait;

/// minimize c . x where rows want at least some of columns that stand in one or two of them.
lp loose_cover(oracle::dice& d, int rows, int columns) {
  lp model;
  for (int i = 0; i < rows; ++i) model.add_row(0.5 + d.unit(), infinity);
  for (int j = 0; j < columns; ++j) {
    const int one = j < rows ? j : static_cast<int>(d.unit() * rows), other = static_cast<int>(d.unit() * rows);
    std::vector<lp_entry> column{{one, 0.2 + d.unit()}};
    if (j >= rows && other != one) column.push_back({other, 0.2 + d.unit()});
    model.add_column(0.1 + d.unit(), 0, infinity, column);
  }
  return model;
}

/// The first column of each row.
table<basis_status> first_columns(int rows, int columns) {
  table<basis_status> status(rows + columns, basis_status::lower);
  for (int j = 0; j < rows; ++j) status[j] = basis_status::basic;
  return status;
}

/// A form with a tableau whose values and reduced costs belong to a basis.
struct at_basis {
  detail::form program;
  detail::tableau t;
  detail::monitor limits;
  at_basis(const lp& model, const table<basis_status>& start) {
    program.load(model, true);
    t.attach(program);
    t.set_basis(start);
    t.settle_all();
    REQUIRE(t.refactor() == 0);
    t.compute_values();
    t.compute_reduced_costs();
  }
  at_basis(const at_basis&) = delete;
  at_basis& operator=(const at_basis&) = delete;
};

/// Prices of pairs' programs, and what the joined crash makes of them.
struct crashed {
  lp model;
  detail::form whole;
  detail::price_crash prices;
  detail::joined_crash joined;
  detail::engine engine;
  detail::monitor limits;
  table<basis_status> status;
  table<double> near;
  bool found = false;
  explicit crashed(const lp& of, std::int64_t iteration_limit = -1) : model{of} {
    REQUIRE(prices.find(model, status));
    whole.load(model, true);
    limits.iteration_limit = iteration_limit;
    found = joined.find(whole, prices.program(), prices.prices(), prices.t(), engine, limits, 1e-7, 0, status, near);
  }
  crashed(const crashed&) = delete;
  crashed& operator=(const crashed&) = delete;
};

}  // namespace

TEST_CASE("pivots that touch little end at the optimum of the plain method, and after a change of costs again") {
  oracle::dice d{5};
  for (int trial = 0; trial < 40; ++trial) {
    CAPTURE(trial);
    const int rows = 10 + 5 * trial, columns = 6 * rows;
    lp model = loose_cover(d, rows, columns);
    at_basis one{model, first_columns(rows, columns)};
    detail::local_simplex local;
    REQUIRE(local.run(one.t, one.limits, 1e-9, 100000));
    CHECK(one.limits.iterations > rows / 4);
    CHECK(one.t.primal_infeasibilities(1e-7).count == 0);
    CHECK(one.t.dual_infeasibilities(1e-7).count == 0);
    CHECK(std::fabs(one.t.objective() - solve(model).objective) <= 1e-7 * solve(model).objective);

    for (int j = 0; j < columns; j += 3) model.set_cost(j, model.cost(j) * (0.5 + d.unit()));
    one.program.load_costs(model);
    one.t.costs_apart = true;
    one.t.restore_costs();
    one.t.compute_reduced_costs();
    REQUIRE(local.run(one.t, one.limits, 1e-9, 100000));
    CHECK(std::fabs(one.t.objective() - solve(model).objective) <= 1e-7 * solve(model).objective);
  }
}

TEST_CASE("pivots that touch little leave nobody who would help by more than the tolerance, however large that is") {
  oracle::dice d{8};
  int pivots = 0;
  for (int trial = 0; trial < 20; ++trial) {
    const lp model = loose_cover(d, 150, 900);
    for (const double tolerance : {0.3, 0.1, 0.03, 1e-9}) {
      CAPTURE(tolerance);
      at_basis one{model, first_columns(150, 900)};
      detail::local_simplex local;
      REQUIRE(local.run(one.t, one.limits, tolerance, 100000));
      CHECK(one.t.dual_infeasibilities(tolerance).count == 0);
      if (tolerance == 1e-9) pivots += static_cast<int>(one.limits.iterations);
    }
  }
  CHECK(pivots < 20 * 150 * 2);  // 4,673; where any promise will do 6,741
}

TEST_CASE("pivots that touch little stop where they are told to, and give up where nothing limits a step") {
  oracle::dice d{6};
  const lp model = loose_cover(d, 60, 360);
  for (const int most : {0, 1, 7}) {
    at_basis one{model, first_columns(60, 360)};
    detail::local_simplex local;
    CHECK_FALSE(local.run(one.t, one.limits, 1e-9, most));
    CHECK(one.limits.iterations == most);
    CHECK(one.t.primal_infeasibilities(1e-7).count == 0);
  }
  at_basis limited{model, first_columns(60, 360)};
  limited.limits.iteration_limit = 3;
  detail::local_simplex local;
  CHECK_FALSE(local.run(limited.t, limited.limits, 1e-9, 100000));
  CHECK(limited.limits.iterations == 3);

  lp open = model;
  const lp_entry entry{0, 1.0};
  open.add_column(-1, 0, infinity, {&entry, 1});
  at_basis without_end{open, first_columns(60, 361)};
  CHECK_FALSE(local.run(without_end.t, without_end.limits, 1e-9, 100000));
}

TEST_CASE("a program without its links costs what it uses of them, and a basis of it is feasible") {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    CAPTURE(seed);
    const lp model = shares::by_name("pack", 70, seed);
    detail::price_crash prices;
    table<basis_status> status;
    REQUIRE(prices.find(model, status));
    for (const bool scaled : {false, true}) {
      detail::form whole;
      whole.load(model, scaled);
      detail::priced_program priced;
      REQUIRE(priced.load(whole, prices.program(), prices.prices(), prices.t()));
      double worth = 0;
      for (int l = 0; l < 3; ++l) worth += priced.price[l] * priced.capacity[l];
      CHECK(worth == doctest::Approx(1));
      priced.start_basis(status);
      detail::tableau t;
      t.attach(priced.program);
      t.set_basis(status);
      t.settle_all();
      REQUIRE(t.refactor() == 0);
      t.compute_values();
      CHECK(t.primal_infeasibilities(1e-9).count == 0);
      // Each block alone does its best at these prices, which are the best ones, so all of what is there is used.
      table<int> all;
      for (int j = 0; j < model.columns(); ++j) all.push_back(j);
      priced.look(all, t.x.data());
      CHECK(priced.cost() == doctest::Approx(t.objective()));
      CHECK(priced.cost() == doctest::Approx(1).epsilon(0.02));
      // The same from the model itself.
      for (int l = 0; l < 3; ++l) {
        double used = 0;
        for (int j = 0; j < model.columns(); ++j)
          used += model.coefficient(2 * 70 + l, j) * t.x[j] * whole.column_scale[j];
        CHECK(priced.use[l] == doctest::Approx(used * whole.row_scale[2 * 70 + l]));
      }
    }
  }
}

TEST_CASE("where columns join blocks, prices lead to a feasible basis from which hardly a pivot is left") {
  int found = 0, trials = 0;
  for (const int jobs : {420, 500, 600}) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      CAPTURE(jobs);
      CAPTURE(seed);
      crashed one{shares::by_name("pack", jobs, seed)};
      ++trials;
      if (!one.found) continue;
      ++found;
      CHECK(one.joined.rounds() > 3);
      // Feasible, with t in it, and its value is not far from the best: at one price a gang of eight moves as a whole.
      detail::tableau t;
      t.attach(one.whole);
      t.set_basis(one.status);
      t.settle_all();
      REQUIRE(t.refactor() == 0);
      t.compute_values();
      CHECK(t.primal_infeasibilities(1e-6).count == 0);
      const answer best = solve(one.model);
      CHECK(-t.objective() > 0.85 * best.objective);
      CHECK(-t.objective() < (1 + 1e-9) * best.objective);
      // The multipliers give t its cost, and are nearly those of the optimum.
      const int n = one.model.columns();
      double worst = 0, of_t = one.whole.cost[n - 1];
      for (int j = 0; j < n; ++j) {
        double d = one.whole.cost[j];
        for (int k = one.whole.a.begin[j]; k < one.whole.a.begin[j + 1]; ++k)
          d -= one.whole.a.value[k] * one.near[one.whole.a.index[k]];
        if (j == n - 1) of_t = d;
        if (j < n - 1) worst = std::fmin(worst, d);
      }
      CHECK(std::fabs(of_t) <= 1e-9 * std::fabs(one.whole.cost[n - 1]));
      double largest = 0;
      for (const double y : one.near) largest = std::fmax(largest, std::fabs(y));
      CHECK(-worst <= 0.3 * largest);
      // Few pivots are left, far fewer than from the prices without pairs.
      detail::monitor after, from_prices;
      detail::sifting sift;
      table<basis_status> status = one.status;
      REQUIRE(sift.run(one.whole, one.engine, after, 1e-7, 0, one.near, status));
      REQUIRE(one.prices.find(one.model, status));
      REQUIRE(sift.run(one.whole, one.engine, from_prices, 1e-7, 0, {}, status));
      CHECK(4 * after.iterations < from_prices.iterations);
    }
  }
  CHECK(found >= trials - 2);
}

TEST_CASE("pairs of many jobs are solved by way of prices, to the optimum of the plain method") {
  const lp model = shares::by_name("pack", 420, 3);
  simplex solver;
  solve_options logged, plain;
  std::string log;
  logged.context = &log;
  logged.log = [](void* context, const char* line) { *static_cast<std::string*>(context) += line; };
  plain.crash = false;
  const answer with = solver.solve(model, logged), without = solver.solve(model, plain);
  CHECK(log.find("joined blocks") != std::string::npos);
  REQUIRE(with.status == termination::optimal);
  REQUIRE(without.status == termination::optimal);
  CHECK(with.verified);
  CHECK(std::fabs(with.objective - without.objective) <= 1e-9 * without.objective);
  // The same to the bit in a fresh solver, and no pivot is left from its basis.
  const answer again = solve(model);
  CHECK(again.x == with.x);
  CHECK(again.iterations == with.iterations);
  CHECK(solve(model, {}, with.basis).iterations == 0);
}

TEST_CASE("where capacities are ample or pivots are limited the joined crash leaves what was there") {
  shares::cluster c = shares::made(100, 4);
  for (double& n : c.processors) n *= 40;
  const lp ample = shares::pairs(c, 4, 5);
  crashed one{ample};
  table<basis_status> of_prices;
  REQUIRE(one.prices.find(ample, of_prices));
  if (!one.found) CHECK(one.status == of_prices);
  const answer found = solve(ample);
  CHECK(found.status == termination::optimal);
  CHECK(found.verified);

  crashed limited{shares::by_name("pack", 100, 4), 20};
  CHECK_FALSE(limited.found);
  CHECK(limited.near.empty());
  CHECK(limited.limits.iterations <= 21);
  REQUIRE(limited.prices.find(limited.model, of_prices));
  CHECK(limited.status == of_prices);
}
