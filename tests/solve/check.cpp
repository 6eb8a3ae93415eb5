// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <utility>

#include <plait/solve/check.hpp>
#include <plait/solve/double_double.hpp>
#include <plait/solve/simplex.hpp>

#include <doctest/doctest.h>

#include "made.hpp"

using namespace plait;

TEST_CASE("double_double keeps what a double forgets") {
  double_double sum;
  sum += 1e16;
  sum += 1;
  sum += -1e16;
  CHECK(sum.value() == 1);
  double_double product;
  product.add_product(1 + 0x1p-30, 1 + 0x1p-30);
  product -= 1;
  product -= 0x1p-29;
  CHECK(product.value() == 0x1p-60);
}

TEST_CASE("a product keeps all its digits, whatever the factors, as a fused multiplication shows") {
  oracle::dice d{5};
  int rounded = 0;
  for (int trial = 0; trial < 3000; ++trial) {
    const double a = std::ldexp(std::cbrt(d.unit() - 0.5), d.between(-300, 300));
    const double power = std::ldexp(trial % 2 == 0 ? 1 : -1, d.between(-200, 200));
    const double b = trial % 3 == 0 ? power : trial % 3 == 1 ? d.between(-9, 9) : std::cbrt(d.unit() - 0.5);
    for (const auto& [p, q] : {std::pair{a, b}, std::pair{b, a}}) {
      double_double product;
      product.add_product(p, q);
      CHECK(product.high == p * q);
      CHECK(product.low == std::fma(p, q, -(p * q)));
      rounded += product.low != 0 ? 1 : 0;
    }
  }
  CHECK(rounded > 1500);
  double_double spoiled;
  spoiled.add_product(infinity, 0.3);
  CHECK_FALSE(std::isfinite(spoiled.value()));
}

TEST_CASE("check accepts an optimal answer and refuses each way to spoil it") {
  oracle::dice d{7};
  for (int trial = 0; trial < 20; ++trial) {
    const made::known one = made::around_optimum(d, 15, 10, 0.5, false);
    const answer good = solve(one.model);
    REQUIRE(check(one.model, good).verified);
    int spoiled = 0, refused = 0;
    const auto refuse = [&](const answer& bad) {
      ++spoiled;
      if (!check(one.model, bad).verified) ++refused;
    };
    for (int j = 0; j < 15; ++j) {
      answer bad = good;
      bad.x[j] += 1e-3;
      // Along a face of optima nothing is wrong with another point.
      if (good.reduced_cost[j] != 0) refuse(bad);
      bad.x[j] = std::nan("");
      refuse(bad);
    }
    for (int i = 0; i < 10; ++i) {
      if (good.dual[i] == 0) continue;
      answer bad = good;
      bad.dual[i] = -bad.dual[i];
      refuse(bad);
    }
    CHECK(spoiled > 15);
    CHECK(refused == spoiled);
    answer claim = good;
    claim.status = termination::infeasible;
    CHECK_FALSE(check(one.model, claim).verified);
    claim.farkas = good.dual;
    CHECK_FALSE(check(one.model, claim).verified);
    claim.status = termination::unbounded;
    claim.ray = good.x;
    CHECK_FALSE(check(one.model, claim).verified);
  }
}

TEST_CASE("what is off is held against the terms that it is a sum of") {
  for (const double size : {1.0, 1e6}) {
    CAPTURE(size);
    const bool large = size > 1;
    lp model;
    model.add_column(0, 0, infinity);
    model.add_column(0, 0, infinity);
    for (int i = 0; i < 2; ++i) {
      const int row = model.add_row(0, infinity);
      model.set_coefficient(row, 0, size);
      model.set_coefficient(row, 1, -size);
    }
    answer claim;
    claim.status = termination::optimal;
    claim.x = table<double>(2, 1.0);
    claim.dual = table<double>(2);
    CHECK(check(model, claim).verified);
    // An activity of zero, ten times the tolerance below its bound; its terms are of this size.
    model.set_row_bounds(0, 1e-8, infinity);
    CHECK(check(model, claim).verified == large);
    CHECK(check(model, claim).max_primal_residual == 1e-8);
    // Reduced costs of -1e-8 and 1e-8, of which the first has the wrong sign.
    model.set_row_bounds(0, 0, 0);
    model.set_row_bounds(1, 0, 0);
    claim.dual[0] = 1;
    claim.dual[1] = -1 + 1e-8 / size;
    CHECK(check(model, claim).verified == large);
    CHECK(check(model, claim).max_dual_residual == doctest::Approx(1e-8).epsilon(1e-2));
  }
}

TEST_CASE("a reduced cost counts with all its digits") {
  // Cost 0.7 less 0.1 is no double; times 2^53, what rounding takes off would open a gap.
  const double at = 0x1p53;
  lp model;
  model.add_column(0.7, at, at);
  model.add_column(-0.7, at, at);
  const int row = model.add_row(0.1 * at, 0.1 * at);
  model.set_coefficient(row, 0, 0.1);
  answer claim;
  claim.status = termination::optimal;
  claim.x = table<double>(2, at);
  claim.dual = table<double>(1, 1.0);
  CHECK(check(model, claim).verified);
  CHECK(check(model, claim).relative_gap == 0);
}

TEST_CASE("a Farkas ray is refused when its sign is turned or one bound is opened") {
  // x + y <= 1 and x + y >= 2.
  lp model;
  model.add_row(-infinity, 1);
  model.add_row(2, infinity);
  const lp_entry both[] = {{0, 1}, {1, 1}};
  model.add_column(0, 0, infinity, both);
  model.add_column(0, 0, infinity, both);
  const answer found = solve(model);
  REQUIRE(found.status == termination::infeasible);
  CHECK(check(model, found).verified);
  answer turned = found;
  for (double& y : turned.farkas) y = -y;
  CHECK_FALSE(check(model, turned).verified);
  model.set_row_bounds(0, -infinity, 3);
  CHECK_FALSE(check(model, found).verified);
}

TEST_CASE("a primal ray is refused when a bound ends it or the objective does not improve") {
  lp model;  // minimize -x - y with x - y = 0
  model.add_row(0, 0);
  const lp_entry plus[] = {{0, 1}}, minus[] = {{0, -1}};
  model.add_column(-1, 0, infinity, plus);
  model.add_column(-1, 0, infinity, minus);
  const answer found = solve(model);
  REQUIRE(found.status == termination::unbounded);
  CHECK(check(model, found).verified);
  answer alone = found;
  alone.ray[1] = 0;
  CHECK_FALSE(check(model, alone).verified);
  lp dearer = model;
  dearer.set_cost(0, 1);
  CHECK_FALSE(check(dearer, found).verified);
  model.set_column_bounds(0, 0, 1e6);
  CHECK_FALSE(check(model, found).verified);
}

TEST_CASE("a dual too small to be seen may stand for a whole cost: no optimum is claimed where the objective falls") {
  for (const double cost : {-0.0008, -0.5}) {
    for (const double coefficient : {-7e6, -1e9, -1e12}) {
      lp model;
      const int row = model.add_row(-infinity, 50);
      const lp_entry of_x[] = {{row, coefficient}}, of_y[] = {{row, 1}};
      model.add_column(cost, -infinity, infinity, of_x);
      model.add_column(1, 0, 5, of_y);
      answer claim;
      claim.status = termination::optimal;
      claim.x.assign(2, 0.0);
      claim.x[0] = 50 / coefficient;
      claim.dual.assign(1, cost / coefficient);
      CHECK_FALSE(check(model, claim).verified);
      for (const lp_algorithm algorithm : {lp_algorithm::automatic, lp_algorithm::dual, lp_algorithm::primal}) {
        for (const bool presolved : {false, true}) {
          const answer found = solve(model, {.algorithm = algorithm, .presolve = presolved});
          CAPTURE(cost);
          CAPTURE(coefficient);
          CHECK(found.status == termination::unbounded);
          CHECK(found.verified);
        }
      }
    }
  }
}

TEST_CASE("rays are held to their last digits: what is nearly parallel meets far away") {
  // x - y >= 1 and x <= (1 + 1e-10) y meet at y = 1e10.
  lp model;
  const int apart = model.add_row(1, infinity), below = model.add_row(-infinity, 0);
  const lp_entry of_x[] = {{apart, 1}, {below, 1}}, of_y[] = {{apart, -1}, {below, -1.0000000001}};
  model.add_column(0, 0, infinity, of_x);
  model.add_column(0, 0, infinity, of_y);
  answer claim;
  claim.status = termination::infeasible;
  claim.farkas.assign(2, 1.0);
  claim.farkas[0] = -1;
  CHECK_FALSE(check(model, claim).verified);
  model.set_coefficient(below, 1, -1);
  CHECK(check(model, claim).verified);
  CHECK(solve(model).status == termination::infeasible);
  // A gap of one beside bounds of a milliard.
  lp narrow;
  const int least = narrow.add_row(1e9 + 1, infinity), most = narrow.add_row(-infinity, 1e9);
  const lp_entry of_both[] = {{least, 1}, {most, 1}};
  narrow.add_column(0, -infinity, infinity, of_both);
  CHECK(check(narrow, claim).verified);
}

TEST_CASE("the rounding of a dual is no gap, however far the bounds are away") {
  // The reduced cost of x is 4e-11, the rounding of 8e5, and its upper bound 8e5.
  lp model;
  const int row = model.add_row(-0.001, 0.299);
  const lp_entry of_x[] = {{row, 30000}};
  model.add_column(-8e5, -1e5, 8e5, of_x);
  model.set_sense(objective_sense::maximize);
  const answer found = solve(model);
  CHECK(found.status == termination::optimal);
  CHECK(found.objective == doctest::Approx(8e5 * 0.001 / 30000));
  // A reduced cost that is not rounding alone still is one.
  answer claim = found;
  claim.dual[0] *= 1 + 1e-14;
  CHECK_FALSE(check(model, claim).verified);
}
