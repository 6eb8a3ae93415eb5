// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/solve.hpp>

#include <doctest/doctest.h>

#include "../../bench/solve/shares.hpp"
#include "made.hpp"
#include "objectives.hpp"
#include "oracle.hpp"

namespace {

using namespace plait;
using objectives::near;

/// Every way to solve that must lead to the same end.
std::vector<solve_options> ways() {
  std::vector<solve_options> all;
  for (const lp_algorithm algorithm : {lp_algorithm::automatic, lp_algorithm::dual, lp_algorithm::primal}) {
    for (const bool presolve : {false, true}) {
      solve_options one;
      one.algorithm = algorithm;
      one.presolve = presolve;
      all.push_back(one);
    }
  }
  return all;
}

/// x, y >= 0; maximize 3x + 5y with x <= 4, 2y <= 12, 3x + 2y <= 18: x = 2, y = 6, duals 0, 3/2, 1.
/// Source: Hillier, Lieberman, Introduction to Operations Research, the Wyndor Glass example.
lp wyndor() {
  lp model;
  model.set_sense(objective_sense::maximize);
  for (int i = 0; i < 3; ++i) model.add_row(-infinity, i == 0 ? 4 : i == 1 ? 12 : 18);
  const lp_entry x[] = {{0, 1}, {2, 3}}, y[] = {{1, 2}, {2, 2}};
  model.add_column(3, 0, infinity, x);
  model.add_column(5, 0, infinity, y);
  return model;
}

}  // namespace

TEST_CASE("names go with their rows and columns, given anew, longer or shorter, and when others leave") {
  lp model;
  for (int k = 0; k < 5; ++k) {
    model.add_row(0, 1);
    model.add_column(1, 0, 1);
  }
  model.set_row_name(0, "demand");
  model.set_row_name(2, "supply");
  model.set_column_name(1, "a");
  model.set_column_name(3, "flow");
  model.set_column_name(1, "much longer");
  model.set_column_name(3, "in");
  CHECK(model.row_name(0) == "demand");
  CHECK(model.row_name(1) == "r1");
  CHECK(model.row_name(4) == "r4");
  CHECK(model.column_name(1) == "much longer");
  CHECK(model.column_name(3) == "in");
  const lp before = model;
  const std::vector<char> first{1, 0, 0, 0, 0}, third{0, 0, 1, 0, 0};
  model.remove_rows(first);
  // Row 3 had no name, and has not got that of row 2, whose place it takes.
  CHECK(model.row_name(0) == "r0");
  CHECK(model.row_name(1) == "supply");
  CHECK(model.row_name(2) == "r2");
  CHECK(model.row_name(3) == "r3");
  model.remove_columns(third);
  CHECK(model.column_name(1) == "much longer");
  CHECK(model.column_name(2) == "in");
  CHECK(model.column_name(3) == "x3");
  model.set_column_name(3, "out");
  CHECK(model.column_name(2) == "in");
  CHECK(model.column_name(3) == "out");
  CHECK(before.row_name(2) == "supply");
  model.clear();
  model.add_column(1, 0, 1);
  CHECK(model.column_name(0) == "x0");
}

TEST_CASE("a textbook program gives the textbook's values, duals and basis") {
  for (const solve_options& way : ways()) {
    const answer found = solve(wyndor(), way);
    REQUIRE(found.status == termination::optimal);
    CHECK(found.verified);
    CHECK(found.objective == 36);
    CHECK(found.x == table<double>(std::vector<double>{2, 6}));
    CHECK(found.dual == table<double>(std::vector<double>{0, 1.5, 1}));
    CHECK(found.reduced_cost == table<double>(std::vector<double>{0, 0}));
    CHECK(found.activity == table<double>(std::vector<double>{2, 12, 18}));
    CHECK(found.basis.columns == table<basis_status>(2, basis_status::basic));
    CHECK(found.basis.rows[0] == basis_status::basic);
  }
}

TEST_CASE("duals and reduced costs are derivatives of the objective, to minimize and to maximize") {
  int compared = 0, smooth = 0;
  for (const objective_sense sense : {objective_sense::minimize, objective_sense::maximize}) {
    oracle::dice d{5};
    for (int trial = 0; trial < 20; ++trial) {
      made::known one = made::around_optimum(d, 12, 8, 0.5, false);
      if (sense == objective_sense::maximize) {
        for (int j = 0; j < one.model.columns(); ++j) one.model.set_cost(j, -one.model.cost(j));
        one.model.set_sense(sense);
        one.optimum = -one.optimum;
      }
      const answer base = solve(one.model);
      REQUIRE(base.status == termination::optimal);
      CHECK(near(base.objective, one.optimum));
      for (int j = 0; j < one.model.columns(); ++j) {
        double sum = base.reduced_cost[j];
        for (int i = 0; i < one.model.rows(); ++i) sum += one.model.coefficient(i, j) * base.dual[i];
        CHECK(std::fabs(sum - one.model.cost(j)) < 1e-9);
      }
      // The optimum is convex in a bound to minimize and concave to maximize, so it is never on the wrong side of the
      // line whose slope is the dual; where it is smooth, both small moves are on that line.
      const double sign = sense == objective_sense::minimize ? 1 : -1;
      for (int i = 0; i < one.model.rows(); ++i) {
        if (base.dual[i] == 0) continue;
        lp moved = one.model;
        for (const double by : {1e-3, -1e-3}) {
          const bool lower = base.basis.rows[i] == basis_status::lower;
          const double l = one.model.row_lower(i), u = one.model.row_upper(i);
          moved.set_row_bounds(i, lower || l == u ? l + by : l, !lower || l == u ? u + by : u);
          const answer there = solve(moved);
          if (there.status != termination::optimal) continue;
          CHECK(sign * (there.objective - base.objective - by * base.dual[i]) > -1e-9);
          ++compared;
          if (std::fabs(there.objective - base.objective - by * base.dual[i]) < 1e-9) ++smooth;
        }
      }
    }
  }
  CHECK(compared > 200);
  CHECK(smooth > compared / 2);
}

TEST_CASE("programs made around their optimum have it, by every way") {
  oracle::dice d{17};
  for (int trial = 0; trial < 60; ++trial) {
    const made::known one = made::around_optimum(d, d.between(1, 60), d.between(1, 40), 0.3, trial % 2 == 1);
    for (const solve_options& way : ways()) {
      const answer found = solve(one.model, way);
      CAPTURE(trial);
      REQUIRE(found.status == termination::optimal);
      CHECK(found.verified);
      CHECK(near(found.objective, one.optimum));
    }
  }
}

TEST_CASE("tiny programs agree with every vertex in exact fractions") {
  oracle::dice d{23};
  int infeasible = 0;
  for (int trial = 0; trial < 1500; ++trial) {
    const lp model = oracle::tiny_program(d, d.between(1, 4), d.between(0, 4));
    const auto exact = oracle::optimum(model);
    if (!exact) ++infeasible;
    for (const solve_options& way : ways()) {
      const answer found = solve(model, way);
      CAPTURE(trial);
      REQUIRE(found.status == (exact ? termination::optimal : termination::infeasible));
      CHECK(found.verified);
      if (exact) CHECK(near(found.objective, exact->value()));
    }
  }
  CHECK(infeasible > 100);
  CHECK(infeasible < 1400);
}

TEST_CASE("Klee and Minty's cubes end at their optimum") {
  for (const int n : {3, 8, 12}) {
    const made::known cube = made::klee_minty(n);
    for (const solve_options& way : ways()) {
      const answer found = solve(cube.model, way);
      REQUIRE(found.status == termination::optimal);
      CHECK(near(found.objective, cube.optimum));
    }
  }
}

TEST_CASE("Beale's example, on which plain rules cycle, ends") {
  // minimize -3/4 x4 + 20 x5 - 1/2 x6 + 6 x7; optimum -5/4. Source: Beale, Naval Res. Logist. Quart. 2, 1955.
  lp model;
  for (int i = 0; i < 3; ++i) model.add_row(-infinity, i == 2 ? 1 : 0);
  const lp_entry a[] = {{0, 0.25}, {1, 0.5}}, b[] = {{0, -8}, {1, -12}}, c[] = {{0, -1}, {1, -0.5}, {2, 1}},
                 e[] = {{0, 9}, {1, 3}};
  model.add_column(-0.75, 0, infinity, a);
  model.add_column(20, 0, infinity, b);
  model.add_column(-0.5, 0, infinity, c);
  model.add_column(6, 0, infinity, e);
  for (const solve_options& way : ways()) {
    const answer found = solve(model, way);
    REQUIRE(found.status == termination::optimal);
    CHECK(found.objective == -1.25);
  }
}

TEST_CASE("transportation, where almost every basis is degenerate, gives the swept optimum") {
  oracle::dice d{3};
  for (const int places : {2, 7, 25}) {
    const made::known one = made::transportation(places, d);
    for (const solve_options& way : ways()) {
      const answer found = solve(one.model, way);
      REQUIRE(found.status == termination::optimal);
      CHECK(near(found.objective, one.optimum));
    }
  }
}

TEST_CASE("no rows, no columns, empty rows and free columns are programs as well") {
  CHECK(solve(lp{}).status == termination::optimal);
  lp model;
  model.add_column(1, -3, 5);
  model.add_column(-2, -3, 5);
  CHECK(solve(model).objective == -13);
  model.add_column(0, -infinity, infinity);
  CHECK(solve(model).objective == -13);
  model.add_row(-1, 1);
  CHECK(solve(model).objective == -13);
  model.add_row(1, 2);  // zero is not within
  for (const solve_options& way : ways()) {
    const answer found = solve(model, way);
    CHECK(found.status == termination::infeasible);
    CHECK(found.verified);
  }
  lp open;
  open.add_column(1, -infinity, infinity);
  for (const solve_options& way : ways()) {
    const answer found = solve(open, way);
    CHECK(found.status == termination::unbounded);
    CHECK(found.verified);
    CHECK(found.ray[0] < 0);
  }
  lp crossed;
  crossed.add_column(1, 2, 1);
  const answer found = solve(crossed);
  CHECK(found.status == termination::infeasible);
  CHECK(found.verified);
  CHECK(found.explanation.find("x0") != std::string::npos);
}

TEST_CASE("solving again from the returned basis takes no pivot and gives the same bits") {
  oracle::dice d{31};
  simplex solver;
  for (int trial = 0; trial < 40; ++trial) {
    const made::known one = made::around_optimum(d, 40, 25, 0.3, trial % 2 == 0);
    for (const solve_options& way : ways()) {
      const answer first = solver.solve(one.model, way);
      const answer again = solver.solve(one.model, way, first.basis);
      CHECK(again.iterations == 0);
      CHECK(again.x == first.x);
      CHECK(again.dual == first.dual);
      CHECK(again.basis == first.basis);
      CHECK(std::memcmp(&again.objective, &first.objective, sizeof first.objective) == 0);
    }
  }
}

/// Solved again from where it ended, a program ends as before, without a pivot and with the same basis.
void ends_so_again(const lp& model, const solve_options& way, const answer& first) {
  const answer again = solve(model, way, first.basis);
  CHECK(again.status == first.status);
  CHECK(again.verified);
  CHECK(again.iterations == 0);
  CHECK(again.basis == first.basis);
}

TEST_CASE("an infeasible end brings along what shows it: no pivot is needed to say so again, and none is believed") {
  oracle::dice d{33};
  int still = 0, feasible = 0;
  for (int trial = 0; trial < 60; ++trial) {
    CAPTURE(trial);
    const made::known one = made::around_optimum(d, 40, 25, 0.3, trial % 2 == 0);
    for (const solve_options& way : ways()) {
      lp model = one.model;
      const answer base = solve(model, way);
      std::vector<lp_entry> entries;
      double at = 0;
      for (int j = 0; j < model.columns(); j += 1 + d.between(0, 3)) {
        entries.push_back({j, d.between(0, 1) == 0 ? 2.0 : -1.0});
        at += entries.back().value * base.x[j];
      }
      const int added = model.add_row(at + 1000, infinity, entries);
      const answer first = solve(model, way);
      if (first.status != termination::infeasible) continue;
      REQUIRE(first.basis.farkas == first.farkas);
      ends_so_again(model, way, first);
      lp more = model;  // a row that it has gained counts nothing
      more.add_row(-infinity, 1e6, std::vector<lp_entry>{{0, 1.0}});
      CHECK(solve(more, way, first.basis).iterations == 0);
      // Looser, so that it may be feasible: the multipliers are held against the model as it is.
      model.set_row_bounds(added, at + (d.between(0, 1) == 0 ? 900 : -1), infinity);
      const answer other = solve(model, way, first.basis), cold = solve(model, way);
      CHECK(other.status == cold.status);
      CHECK(other.verified);
      if (other.status == termination::optimal) {
        ++feasible;
        CHECK(other.basis.farkas.empty());
        CHECK(other.objective == doctest::Approx(cold.objective));
      } else {
        ++still;
        CHECK(other.iterations == 0);
      }
      basis wrong = first.basis;  // not for this model: left out
      wrong.farkas.push_back(1);
      CHECK(solve(more, way, wrong).status == termination::infeasible);
    }
  }
  CHECK(still > 40);
  CHECK(feasible > 40);
}

/// Rows that leave room at the origin and along a ray of positive entries, along which the cost falls.
lp with_ray(oracle::dice& d, int rows, int columns) {
  lp model;
  std::vector<double> ray(static_cast<std::size_t>(columns));
  double gain = 0;
  for (double& r : ray) {
    r = d.between(0, 2) == 0 ? 0 : d.between(1, 9);
    const int cost = d.between(-4, 5);
    gain -= cost * r;
    model.add_column(cost, 0, infinity);
  }
  if (gain < 0) model.set_sense(objective_sense::maximize);
  for (int i = 0; i < rows; ++i) {
    std::vector<lp_entry> row;
    double along = 0;
    for (int j = 0; j < columns; ++j) {
      if (d.between(0, 2) != 0) continue;
      row.push_back({j, static_cast<double>(d.between(-9, 9))});
      along += row.back().value * ray[static_cast<std::size_t>(j)];
    }
    const double room = d.between(1, 50);
    along > 0 ? model.add_row(-room, infinity, row) : model.add_row(-infinity, room, row);
  }
  return model;
}

TEST_CASE("an unbounded end brings along its ray: no pivot is needed to say so again, and none is believed") {
  oracle::dice d{35};
  int unbounded = 0, still = 0, ends = 0;
  for (int trial = 0; trial < 60; ++trial) {
    CAPTURE(trial);
    const lp model = with_ray(d, 30, 40);
    for (const solve_options& way : ways()) {
      const answer first = solve(model, way);
      if (first.status != termination::unbounded) continue;  // no gain along the ray, and perhaps an optimum
      ++unbounded;
      REQUIRE(first.basis.ray == first.ray);
      ends_so_again(model, way, first);
      lp more = model;  // a column that it has gained stays where it is
      more.add_column(1, 0, 5, std::vector<lp_entry>{{0, 1.0}});
      CHECK(solve(more, way, first.basis).iterations == 0);
      // Where columns along which the ray leads end, it shows nothing any more; where only others do, it still does.
      const bool along = d.between(0, 1) == 0;
      lp other = model;
      for (int j = 0; j < model.columns(); ++j)
        if (along ? d.between(0, 1) == 0 : first.ray[j] == 0) other.set_column_bounds(j, 0, 1e4);
      const answer warm = solve(other, way, first.basis), cold = solve(other, way);
      CHECK(warm.status == cold.status);
      CHECK(warm.verified);
      CHECK((along || warm.status == termination::unbounded));
      if (warm.status == termination::optimal) {
        ++ends;
        CHECK(warm.ray.empty());
        CHECK(warm.basis.ray.empty());
        CHECK(warm.objective == doctest::Approx(cold.objective));
      } else if (!along) {
        ++still;
        CHECK(warm.iterations == 0);
      }
      basis wrong = first.basis;  // not for this model: left out
      wrong.ray.push_back(1);
      CHECK(solve(more, way, wrong).status == termination::unbounded);
    }
  }
  CHECK(unbounded > 200);
  CHECK(still > 100);
  CHECK(ends > 40);
}

TEST_CASE("the same solve twice is equal to the bit, in a fresh solver and in a used one") {
  oracle::dice d{37};
  simplex used;
  for (int trial = 0; trial < 10; ++trial) {
    const made::known one = made::around_optimum(d, 80, 50, 0.2, true);
    const answer a = used.solve(one.model), b = solve(one.model);
    CHECK(a.x == b.x);
    CHECK(a.dual == b.dual);
    CHECK(a.iterations == b.iterations);
    solve_options other;
    other.seed = 99;
    CHECK(near(used.solve(one.model, other).objective, a.objective));
  }
}

TEST_CASE("a re-solve is equal to the bit in a fresh solver and in one that has solved whatever came before") {
  oracle::dice d{67};
  const auto bits = [](const table<double>& a, const table<double>& b) { return same_bits(a, b); };
  int pivots = 0, without = 0;
  for (int trial = 0; trial < 12; ++trial) {
    lp models[] = {made::around_optimum(d, 70, 45, 0.2, trial % 2 == 0).model,
                   made::around_optimum(d, 70, 45, 0.2, trial % 2 == 0).model};
    answer last[] = {solve(models[0]), solve(models[1])};
    simplex used;
    for (int edit = 0; edit < 60; ++edit) {
      CAPTURE(trial);
      CAPTURE(edit);
      const int at = d.between(0, 9) == 0 ? 1 : 0;
      lp& model = models[at];
      const int j = d.between(0, model.columns() - 1), i = d.between(0, model.rows() - 1);
      const double by = 0.125 * d.between(-8, 8);
      const double lower = model.column_lower(j), upper = model.column_upper(j), low = model.row_lower(i),
                   high = model.row_upper(i);
      switch (d.between(0, 7)) {
        case 0:
          model.set_cost(j, model.cost(j) + by);
          break;
        case 1:
          model.set_column_bounds(j, lower + by, upper + by);
          break;
        case 2:
          model.set_column_bounds(j, d.between(0, 1) == 0 ? -infinity : -9, d.between(0, 1) == 0 ? infinity : 9);
          break;
        case 3:
          model.set_row_bounds(i, low + by, high + by);
          break;
        case 4:
          model.set_coefficient(i, j, model.coefficient(i, j) + by);
          break;
        case 5:
          model.set_sense(d.between(0, 9) == 0 ? objective_sense::maximize : objective_sense::minimize);
          break;
        case 6:
          std::swap(models[0], models[1]);
          std::swap(last[0], last[1]);
          break;
        default:
          break;  // once more as it is
      }
      // Solves of the same program that end on updated factors, or nowhere, by either method.
      solve_options before;
      before.keep_factors = d.between(0, 1) == 0;
      before.algorithm = d.between(0, 1) == 0 ? lp_algorithm::dual : lp_algorithm::primal;
      before.iteration_limit = d.between(0, 3);
      if (edit % 3 == 0) {
        const double x = model.column_upper(j);
        if (x < infinity) model.set_column_bounds(j, model.column_lower(j), x + 0.5);
        CHECK(used.solve(model, before, last[at].basis).status != termination::imprecise);
        if (x < infinity) model.set_column_bounds(j, model.column_lower(j), x);
      }
      const lp copy = models[at];
      const basis start = last[at].basis;
      const answer one = used.solve(models[at], {}, start), other = simplex{}.solve(copy, {}, start);
      REQUIRE(one.status == other.status);
      CHECK(one.iterations == other.iterations);
      CHECK(bits(one.x, other.x));
      CHECK(bits(one.dual, other.dual));
      CHECK(bits(one.reduced_cost, other.reduced_cost));
      CHECK(bits(one.activity, other.activity));
      CHECK(one.basis == other.basis);
      if (one.status != termination::optimal) continue;
      last[at] = one;
      (one.iterations > 0 ? pivots : without) += 1;
    }
  }
  CHECK(pivots > 100);
  CHECK(without > 100);
}

TEST_CASE("after a processor left or came back two or three pivots lead to the new optimum, in the mean") {
  for (const char* family : {"maxmin", "makespan"}) {
    CAPTURE(std::string{family});
    std::int64_t pivots = 0;
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
      lp model = shares::by_name(family, 96, seed);
      simplex solver;
      answer found = solver.solve(model);
      const int last = model.rows() - 1;
      const double processors = model.row_upper(last);
      for (int k = 0; k < 12; ++k) {
        model.set_row_bounds(last, -infinity, k % 2 == 0 ? processors - 1 : processors);
        found = solver.solve(model, {}, found.basis);
        REQUIRE(found.verified);
        pivots += found.iterations;
      }
    }
    CHECK(pivots <= (std::string{family} == "maxmin" ? 3 : 2) * 8 * 12);  // 264 and 156 were measured
  }
}

TEST_CASE("coefficients that changed have another edition, a copy has the same, and what moves takes its own along") {
  oracle::dice d{71};
  lp one = made::around_optimum(d, 9, 6, 0.5, true).model, other = made::around_optimum(d, 9, 6, 0.5, true).model;
  const detail::edition first = one.matrix_edition();
  CHECK(first.surely_same(one.matrix_edition()));
  CHECK_FALSE(first.surely_same(other.matrix_edition()));
  const lp copy = one;
  CHECK(copy.matrix_edition().surely_same(first));
  one.set_cost(0, 5);
  one.set_row_bounds(0, -1, 1);
  CHECK(one.matrix_edition().surely_same(first));
  // Each kind of change.
  const auto changes = [](lp& model, auto&& change) {
    const detail::edition before = model.matrix_edition();
    change(model);
    return !model.matrix_edition().surely_same(before);
  };
  const lp_entry entry[] = {{0, 2.0}};
  CHECK(changes(one, [](lp& m) { m.set_coefficient(m.matrix().index[0], 0, 3.5); }));
  CHECK(changes(one, [](lp& m) { m.set_coefficient(m.matrix().index[0], 0, 0); }));
  CHECK(changes(one, [&](lp& m) { m.add_row(0, 1, entry); }));
  CHECK(changes(one, [&](lp& m) { m.add_column(1, 0, 1, entry); }));
  CHECK(changes(one, [&](lp& m) { m.remove_rows(std::vector<char>(static_cast<std::size_t>(m.rows()), 0)); }));
  CHECK(changes(one, [&](lp& m) { m.remove_columns(std::vector<char>(static_cast<std::size_t>(m.columns()), 0)); }));
  CHECK(changes(one, [](lp& m) { m.take_matrix(m.matrix()); }));
  CHECK(changes(one, [](lp& m) {
    sparse_matrix a = m.matrix();
    m.swap_matrix(a);
  }));
  // Tables that are moved change places, and so must editions.
  lp from = copy, to = other;
  to = std::move(from);
  CHECK(to.matrix_edition().surely_same(first));
  CHECK_FALSE(from.matrix_edition().surely_same(first));  // NOLINT: what is left is a model as well
  CHECK(changes(other, [](lp& m) { m.clear(); }));
}

TEST_CASE("permuted, scaled, negated and dualised programs have the same optimum") {
  oracle::dice d{41};
  for (int trial = 0; trial < 15; ++trial) {
    const made::known one = made::around_optimum(d, 30, 20, 0.4, trial % 2 == 1);
    const lp& model = one.model;
    const int n = model.columns(), m = model.rows();
    // Reversed order, columns and rows scaled by odd factors, costs negated and maximized.
    lp other;
    other.set_sense(objective_sense::maximize);
    const auto row_factor = [](int i) { return 0.37 * (i % 5 + 1); };
    const auto column_factor = [](int j) { return 3.1 / (j % 7 + 1); };
    for (int i = m; i-- > 0;) other.add_row(model.row_lower(i) * row_factor(i), model.row_upper(i) * row_factor(i));
    for (int j = n; j-- > 0;) {
      std::vector<lp_entry> column;
      for (int i = 0; i < m; ++i)
        if (const double v = model.coefficient(i, j); v != 0)
          column.push_back({m - 1 - i, v * row_factor(i) * column_factor(j)});
      other.add_column(-model.cost(j) * column_factor(j), model.column_lower(j) / column_factor(j),
                       model.column_upper(j) / column_factor(j), column);
    }
    for (const solve_options& way : ways()) {
      const answer found = solve(other, way);
      REQUIRE(found.status == termination::optimal);
      CHECK(near(-found.objective, one.optimum));
    }
    // The dual program: max of b y + bounds z, written with one column for each finite bound.
    lp dual;
    dual.set_sense(objective_sense::maximize);
    for (int j = 0; j < n; ++j) dual.add_row(model.cost(j), model.cost(j));
    const auto both = [&](double lower, double upper, const std::vector<lp_entry>& column) {
      if (lower > -infinity) dual.add_column(lower, 0, infinity, column);
      if (upper < infinity) dual.add_column(upper, -infinity, 0, column);
    };
    for (int i = 0; i < m; ++i) {
      std::vector<lp_entry> column;
      for (int j = 0; j < n; ++j)
        if (const double v = model.coefficient(i, j); v != 0) column.push_back({j, v});
      both(model.row_lower(i), model.row_upper(i), column);
    }
    for (int j = 0; j < n; ++j) both(model.column_lower(j), model.column_upper(j), {{j, 1}});
    const answer found = solve(dual);
    REQUIRE(found.status == termination::optimal);
    CHECK(near(found.objective, one.optimum));
  }
}

TEST_CASE("after any edits a warm solve and a cold one agree") {
  oracle::dice d{43};
  for (int trial = 0; trial < 24; ++trial) {
    solve_options options;
    options.keep_factors = trial >= 12;
    lp model = made::around_optimum(d, 20, 12, 0.4, trial % 2 == 1).model;
    simplex solver;
    answer last = solver.solve(model);
    for (int edit = 0; edit < 25; ++edit) {
      basis start = last.basis;
      const int j = d.between(0, model.columns() - 1), i = d.between(0, model.rows() - 1);
      switch (d.between(0, 6)) {
        case 0:
          model.set_cost(j, d.between(-9, 9));
          break;
        case 1:
          model.set_column_bounds(j, d.between(-5, 0), d.between(0, 5));
          break;
        case 2:
          model.set_row_bounds(i, d.between(-30, 0), d.between(0, 30));
          break;
        case 3:
          model.set_coefficient(i, j, d.between(-9, 9));
          break;
        case 4: {
          const lp_entry row[] = {{j, 2.0}, {(j + 1) % model.columns(), -1.0}};
          if (row[0].index != row[1].index) model.add_row(-10, d.between(0, 9), row);
          break;
        }
        case 5: {
          const lp_entry column[] = {{i, static_cast<double>(d.between(1, 5))}};
          model.add_column(d.between(-3, 3), 0, 4, column);
          break;
        }
        default: {
          if (model.rows() < 3) break;
          std::vector<char> marked(static_cast<std::size_t>(model.rows()), 0);
          marked[static_cast<std::size_t>(i)] = 1;
          model.remove_rows(marked);
          start = {};
        }
      }
      const answer warm = solver.solve(model, options, start), cold = solve(model);
      CAPTURE(trial);
      CAPTURE(edit);
      REQUIRE(warm.status == cold.status);
      CHECK(warm.verified);
      CHECK(cold.verified);
      if (warm.status == termination::optimal) CHECK(near(warm.objective, cold.objective));
      last = warm;
    }
  }
}

TEST_CASE("re-solves that keep their factors agree with cold ones, past infeasible bounds and rebuilt factors") {
  oracle::dice d{61};
  for (int trial = 0; trial < 6; ++trial) {
    lp model = made::around_optimum(d, 60, 40, 0.2, trial % 2 == 1).model;
    solve_options keep;
    keep.keep_factors = true;
    simplex solver;
    answer last = solver.solve(model);
    REQUIRE(last.status == termination::optimal);
    std::int64_t pivots = 0;
    int infeasible = 0;
    for (int edit = 0; edit < 60; ++edit) {
      CAPTURE(trial);
      CAPTURE(edit);
      const int i = d.between(0, model.rows() - 1);
      const double lower = model.row_lower(i), upper = model.row_upper(i), by = d.between(1, 9);
      // Every tenth time what no values satisfy, every tenth what they do, and then back.
      const bool crossing = edit % 10 == 9, back = crossing || edit % 10 == 4;
      const int j = edit % model.columns();
      const double column_lower = model.column_lower(j), column_upper = model.column_upper(j);
      if (crossing) {
        model.set_row_bounds(i, 1e6, 2e6);
      } else {
        model.set_row_bounds(i, lower > -infinity ? lower - by : lower, upper < infinity ? upper + by : upper);
        model.set_column_bounds(j, -by, by);
      }
      const basis start = last.basis;
      const answer warm = solver.solve(model, keep, start), cold = solve(model);
      REQUIRE(warm.status == cold.status);
      CHECK(warm.verified);
      if (warm.status == termination::optimal) {
        CHECK(near(warm.objective, cold.objective));
        CHECK(solve(model, {}, warm.basis).iterations == 0);
        if (!back) last = warm;
      } else {
        ++infeasible;
      }
      pivots += warm.iterations;
      if (!back) continue;
      // The solver's factors are those of another basis now.
      model.set_row_bounds(i, lower, upper);
      model.set_column_bounds(j, column_lower, column_upper);
      CHECK(solver.solve(model, keep, start).iterations == 0);
    }
    CHECK(infeasible > 0);
    CHECK(pivots > 40);  // more than are kept at once
  }
}

TEST_CASE("limits and callbacks stop a solve with an honest word") {
  oracle::dice d{47};
  const lp model = made::transportation(25, d).model;
  solve_options options;
  options.presolve = false;
  options.iteration_limit = 3;
  answer found = solve(model, options);
  CHECK(found.status == termination::iteration_limit);
  CHECK(found.iterations == 3);
  CHECK_FALSE(found.verified);
  options.iteration_limit = -1;
  options.time_limit = 0;
  CHECK(solve(model, options).status == termination::time_limit);
  options.time_limit = infinity;
  int asked = 0;
  options.context = &asked;
  options.interrupt = [](void* count) { return ++*static_cast<int*>(count) > 2; };
  CHECK(solve(model, options).status == termination::interrupted);
  CHECK(asked >= 3);
  int lines = 0;
  solve_options logged;
  logged.context = &lines;
  logged.log = [](void* count, const char*) { ++*static_cast<int*>(count); };
  CHECK(solve(model, logged).status == termination::optimal);
  CHECK(lines > 0);
}

TEST_CASE("a basis that is too large, too small or singular is repaired") {
  oracle::dice d{53};
  const made::known one = made::around_optimum(d, 30, 20, 0.4, false);
  for (const basis_status all : {basis_status::basic, basis_status::lower, basis_status::upper, basis_status::free}) {
    basis start;
    start.columns.assign(30, all);
    start.rows.assign(20, all);
    const answer found = solve(one.model, {}, start);
    CHECK(found.status == termination::optimal);
    CHECK(near(found.objective, one.optimum));
  }
  basis larger;
  larger.columns.assign(31, basis_status::lower);
  CHECK_THROWS_AS(solve(one.model, {}, larger), error);
}
