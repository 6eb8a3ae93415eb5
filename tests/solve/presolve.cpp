// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <string>
#include <vector>

#include <plait/solve.hpp>
#include <plait/solve/detail/editable_matrix.hpp>
#include <plait/solve/detail/engine.hpp>
#include <plait/solve/detail/implied_boxes.hpp>
#include <plait/solve/model.hpp>

#include <doctest/doctest.h>

#include "made.hpp"
#include "objectives.hpp"
#include "oracle.hpp"

using namespace plait;
using detail::rule;
using objectives::near;

namespace {

solve_options plain() {
  solve_options options;
  options.presolve = options.fold = options.crash = false;
  return options;
}

/// A program made around its optimum, to which rows and columns are added that every rule of presolve is for, all of
/// them met by that optimum: so it stays one.
lp full_of_structure(oracle::dice& d, bool degenerate) {
  const made::known one = made::around_optimum(d, d.between(4, 30), d.between(3, 20), 0.25, degenerate);
  lp model = one.model;
  const answer base = solve(model, plain());
  REQUIRE(base.status == termination::optimal);
  const int n = model.columns(), m = model.rows();
  const double factors[] = {-2, -1, 0.5, 2, 3};
  const auto factor = [&] { return factors[d.between(0, 4)]; };
  for (int extra = d.between(2, 8); extra-- > 0;) {
    const int j = d.between(0, n - 1), i = d.between(0, m - 1);
    switch (d.between(0, 4)) {
      case 0: {  // an equation of two entries
        const int other = (j + 1 + d.between(0, n - 2)) % n;
        if (other == j) break;
        const lp_entry two[] = {{j, factor()}, {other, factor()}};
        const double sum = two[0].value * base.x[j] + two[1].value * base.x[other];
        model.add_row(sum, sum, two);
        break;
      }
      case 1: {  // a multiple of a row, tighter, or as tight, on one side
        const double times = factor(), at = times * base.activity[i];
        std::vector<lp_entry> row;
        for (int k = 0; k < n; ++k)
          if (const double v = model.coefficient(i, k); v != 0) row.push_back({k, times * v});
        const int kind = d.between(0, 2);
        model.add_row(kind == 0 ? -infinity : at - kind + 1, kind == 1 ? infinity : at + kind, row);
        break;
      }
      case 2: {  // a bound written as a row
        const lp_entry alone[] = {{j, factor()}};
        const double at = alone[0].value * base.x[j];
        const int kind = d.between(0, 2);
        model.add_row(kind == 0 ? -infinity : at, kind == 1 ? infinity : at, alone);
        break;
      }
      case 3: {  // a row that holds all its columns at bounds
        std::vector<lp_entry> row;
        double sum = 0;
        for (int k = 0; k < n && row.size() < 4; ++k) {
          const bool lower = base.x[k] == model.column_lower(k);
          if (!lower && base.x[k] != model.column_upper(k)) continue;
          row.push_back({k, lower ? 1.0 + k % 3 : -1.0 - k % 3});
          sum += row.back().value * base.x[k];
        }
        if (row.size() > 1) model.add_row(-infinity, sum, row);
        break;
      }
      default: {  // a column alone in its row, which stays at zero
        const lp_entry alone[] = {{i, factor()}};
        const bool free = d.between(0, 1) == 0;
        model.add_column(alone[0].value * base.dual[i] + (free ? 0 : d.between(0, 2)), free ? -infinity : 0, infinity,
                         alone);
      }
    }
  }
  return model;
}

/// Solves what presolve leaves on its own, and gives the basis that the way back leads to.
basis through_presolve(presolve& small, const lp& model) {
  const answer inner = solve(small.reduced(), plain());
  REQUIRE(inner.status == termination::optimal);
  const int n = small.reduced().columns(), m = small.reduced().rows();
  table<basis_status> at, whole;
  table<double> reduced_cost;
  for (int j = 0; j < n; ++j) {
    at.push_back(inner.basis.columns[j]);
    reduced_cost.push_back(inner.reduced_cost[j]);
  }
  for (int i = 0; i < m; ++i) {
    at.push_back(inner.basis.rows[i]);
    reduced_cost.push_back(inner.dual[i]);
  }
  small.postsolve(at, reduced_cost, whole);
  basis found;
  for (int j = 0; j < model.columns(); ++j) found.columns.push_back(whole[j]);
  for (int i = 0; i < model.rows(); ++i) found.rows.push_back(whole[model.columns() + i]);
  return found;
}

}  // namespace

TEST_CASE("the way back from presolve is a basis that is optimal as it is, whatever rules were used") {
  oracle::dice d{211};
  int used[detail::rules] = {};
  presolve small;
  for (int trial = 0; trial < 400; ++trial) {
    CAPTURE(trial);
    const lp model = full_of_structure(d, trial % 2 == 1);
    const answer whole = solve(model, plain());
    REQUIRE(whole.status == termination::optimal);
    REQUIRE(small.reduce(model) == presolve::result::reduced);
    for (int k = 0; k < detail::rules; ++k) used[k] += small.steps().count(static_cast<rule>(k));
    const basis back = through_presolve(small, model);
    int basic = 0;
    for (const basis_status one : back.columns) basic += one == basis_status::basic ? 1 : 0;
    for (const basis_status one : back.rows) basic += one == basis_status::basic ? 1 : 0;
    CHECK(basic == model.rows());
    const answer there = solve(model, plain(), back);
    REQUIRE(there.status == termination::optimal);
    CHECK(there.verified);  // values and duals
    CHECK(there.iterations == 0);
    CHECK(there.basis == back);
    // The duals that the way back has found are those of the basis.
    const double sign = model.sense() == objective_sense::maximize ? -1 : 1;
    for (int i = 0; i < model.rows(); ++i)
      CHECK(std::fabs(small.steps().multipliers()[i] - sign * there.dual[i]) < 1e-8);
    for (int j = 0; j < model.columns(); ++j)
      CHECK(std::fabs(small.steps().reduced_costs()[j] - sign * there.reduced_cost[j]) < 1e-8);
    CHECK(near(there.objective, whole.objective));
    CHECK(near(solve(model).objective, whole.objective));
  }
  for (const int count : used) CHECK(count > 60);
}

TEST_CASE("a column that is left with two bounds that are the same comes back at the one that holds it") {
  // Passes end with the first, as so little happens in a program of this size: x + z = 5 leaves z at most 3, and so
  // z - w = 2 leaves w within [1, 1], of which the upper bound is that of x in the end. Where w would grow x is at its
  // bound, and w follows.
  oracle::dice d{229};
  for (const double cost : {-50.0, 50.0}) {
    lp model;
    const int rows = 40, columns = 2300;
    for (int i = 0; i < rows; ++i) model.add_row(8, infinity);
    const int first = model.add_row(5, 5), second = model.add_row(2, 2);
    for (int j = 0; j < columns; ++j) {
      std::vector<lp_entry> entries;
      for (int i = 0; i < rows; ++i)
        if (d.between(0, 9) == 0) entries.push_back({i, 1.0 + d.between(0, 5)});
      while (entries.size() < 2) entries.push_back({static_cast<int>(entries.size()) * 7, 2.0});
      model.add_column(5 + d.between(0, 90), 0, 1, entries);
    }
    const lp_entry of_x[] = {{first, 1}}, of_z[] = {{first, 1}, {second, 1}}, of_w[] = {{0, 1}, {second, -1}};
    model.add_column(0, 2, 10, of_x);
    model.add_column(0, 0, 10, of_z);
    model.add_column(cost, 1, 5, of_w);
    presolve small;
    REQUIRE(small.reduce(model) == presolve::result::reduced);
    REQUIRE(small.steps().count(rule::exchange) == 2);
    REQUIRE(small.reduced().columns() == columns + 1);
    const int w = small.reduced().columns() - 1;
    REQUIRE(small.reduced().column_lower(w) == small.reduced().column_upper(w));
    const answer whole = solve(model, plain(), through_presolve(small, model));
    CHECK(whole.status == termination::optimal);
    CHECK(whole.iterations == 0);
    CHECK(whole.objective == doctest::Approx(solve(model, plain()).objective));
  }
}

TEST_CASE("with presolve tiny programs full of equations agree with every vertex in exact fractions") {
  oracle::dice d{223};
  int infeasible = 0, taken = 0;
  presolve small;
  for (int trial = 0; trial < 1500; ++trial) {
    CAPTURE(trial);
    lp model = oracle::tiny_program(d, d.between(2, 4), d.between(0, 2));
    const int n = model.columns();
    for (int extra = d.between(1, 2); extra-- > 0;) {
      const int j = d.between(0, n - 1), other = (j + 1 + d.between(0, n - 2)) % n, length = d.between(2, 3);
      std::vector<lp_entry> row{{j, d.between(1, 3) * (d.between(0, 1) == 0 ? 1.0 : -1.0)}};
      if (other != j) row.push_back({other, d.between(1, 3) * (d.between(0, 1) == 0 ? 1.0 : -1.0)});
      const int third = (other + 1) % n;
      if (length == 3 && third != j && third != other) row.push_back({third, 1});
      const double right = d.between(-4, 4);
      model.add_row(right, right, row);
    }
    const auto exact = oracle::optimum(model);
    if (!exact) ++infeasible;
    if (small.reduce(model) == presolve::result::reduced) {
      taken += small.steps().count(rule::exchange) + small.steps().count(rule::eliminate);
      if (exact && small.reduced().rows() > 0) {
        const answer there = solve(model, plain(), through_presolve(small, model));
        CHECK(there.iterations == 0);
        CHECK(near(there.objective, exact->value()));
      }
    } else {
      CHECK_FALSE(exact);  // every column has bounds
    }
    for (const lp_algorithm algorithm : {lp_algorithm::dual, lp_algorithm::primal}) {
      solve_options options;
      options.algorithm = algorithm;
      const answer found = solve(model, options);
      REQUIRE(found.status == (exact ? termination::optimal : termination::infeasible));
      CHECK(found.verified);
      if (exact) CHECK(near(found.objective, exact->value()));
    }
  }
  CHECK(taken > 100);
  CHECK(infeasible > 100);
  CHECK(infeasible < 1400);
}

TEST_CASE("with presolve and without it the same programs have no optimum, and a ray that is checked says why") {
  oracle::dice d{227};
  int infeasible = 0, unbounded = 0, reduced = 0, at_once = 0, later = 0;
  presolve small;
  for (int trial = 0; trial < 400; ++trial) {
    CAPTURE(trial);
    lp model = full_of_structure(d, trial % 2 == 1);
    // Some costs, bounds and rows are no longer what the optimum was made for.
    for (int edit = d.between(2, 6); edit-- > 0;) {
      const int j = d.between(0, model.columns() - 1), i = d.between(0, model.rows() - 1);
      if (d.between(0, 1) == 0) {
        model.set_cost(j, d.between(-9, 9));
        if (d.between(0, 1) == 0) model.set_column_bounds(j, -infinity, model.column_upper(j));
      } else {
        const double at = d.between(-60, 60);
        model.set_row_bounds(i, at, d.between(0, 1) == 0 ? at : infinity);
      }
    }
    const answer without = solve(model, plain());
    for (const lp_algorithm algorithm : {lp_algorithm::dual, lp_algorithm::primal}) {
      solve_options options;
      options.algorithm = algorithm;
      const answer with = solve(model, options);
      CHECK(with.verified);
      if (with.status != without.status) {  // both are true of it
        CHECK(with.status != termination::optimal);
        CHECK(without.status != termination::optimal);
      } else if (with.status == termination::optimal) {
        CHECK(near(with.objective, without.objective));
      }
    }
    infeasible += without.status == termination::infeasible ? 1 : 0;
    unbounded += without.status == termination::unbounded ? 1 : 0;
    const presolve::result ended = small.reduce(model);
    if (without.status != termination::optimal && ended == presolve::result::reduced) ++reduced;
    if (ended == presolve::result::infeasible) {
      solve_options options;
      options.fold = options.crash = false;
      const answer with = solve(model, options);
      (with.status == termination::infeasible && with.iterations == 0 ? at_once : later)++;
    }
  }
  CHECK(infeasible > 50);
  CHECK(unbounded > 20);
  CHECK(reduced > 20);  // the methods found it, on what was left
  // What excludes every point is taken back as it is, unless a step before it went by costs.
  CHECK(at_once > 150);
  CHECK(later < 3);
}

TEST_CASE("an equation of two entries hands on the bounds of the column that leaves") {
  // x + 2 y = 8 with 2 <= x <= 6 holds y between 1 and 3; z + y + x <= 9 becomes z - y <= 1.
  linear_model m;
  const variable x = m.add("x", 2, 6), y = m.add("y", 0, 10), z = m.add("z", 0, 10), w = m.add("w", 0, 10);
  m.minimize(-1 * x - 3 * y - 2 * z - w);
  const constraint equation = m.add(x + 2 * y == 8);
  m.add(x + y + z <= 9);
  m.add(z + y + w <= 7);
  m.add(2 * z + 5 * w + y <= 25);
  presolve small;
  REQUIRE(small.reduce(m.program()) == presolve::result::reduced);
  CHECK(small.steps().count(rule::exchange) == 1);
  REQUIRE(small.reduced().columns() == 3);
  CHECK(small.reduced().column_lower(0) == 1);
  CHECK(small.reduced().column_upper(0) == 3);
  CHECK(small.reduced().cost(0) == -1);
  CHECK(small.reduced().row_upper(0) == 1);
  CHECK(small.reduced().coefficient(0, 0) == -1);
  const answer found = solve(m.program());
  REQUIRE(found.status == termination::optimal);
  CHECK(found.objective == solve(m.program(), plain()).objective);
  CHECK(value_of(found, x) + 2 * value_of(found, y) == 8);
  CHECK(reduced_cost_of(found, y) == 0);
  CHECK(found.basis.rows[equation.row] != basis_status::basic);
}

TEST_CASE("presolve fills in no more than a few entries for a column that it takes out") {
  oracle::dice d{229};
  presolve small;
  for (int trial = 0; trial < 60; ++trial) {
    const lp model = full_of_structure(d, false);
    REQUIRE(small.reduce(model) == presolve::result::reduced);
    CHECK(small.reduced().entries() <= model.entries() + 10 * small.steps().count(rule::eliminate));
  }
}

TEST_CASE("rows taken off each other leave rows and columns of one matrix") {
  oracle::dice d{233};
  for (int trial = 0; trial < 50; ++trial) {
    const int m = d.between(2, 8), n = d.between(2, 8);
    lp model;
    std::vector<std::vector<double>> dense(static_cast<std::size_t>(m),
                                           std::vector<double>(static_cast<std::size_t>(n)));
    for (int i = 0; i < m; ++i) model.add_row(0, 0);
    for (int j = 0; j < n; ++j) {
      std::vector<lp_entry> column;
      for (int i = 0; i < m; ++i) {
        const double v = d.between(0, 1) == 0 ? 0 : d.between(-3, 3);
        dense[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)] = v;
        if (v != 0) column.push_back({i, v});
      }
      model.add_column(0, 0, 1, column);
    }
    detail::editable_matrix a;
    a.load(model.matrix());
    table<int> row_count(m), column_count(n);
    for (int i = 0; i < m; ++i) row_count[i] = a.rows.count(i);
    for (int j = 0; j < n; ++j) column_count[j] = a.columns.count(j);
    for (int step = 0; step < 20; ++step) {
      const int k = d.between(0, m - 1), i = d.between(0, m - 1);
      if (i == k) continue;
      table<detail::cell> row;
      for (const detail::cell& one : a.rows[i]) row.push_back(one);
      const double times = d.between(-2, 2);
      if (times == 0) continue;
      a.subtract(k, times, row, row_count[k], column_count);
      for (std::size_t j = 0; j < static_cast<std::size_t>(n); ++j)
        dense[static_cast<std::size_t>(k)][j] -= times * dense[static_cast<std::size_t>(i)][j];
    }
    int in_rows = 0, in_columns = 0;
    for (int i = 0; i < m; ++i) {
      for (const detail::cell& one : a.rows[i]) {
        CHECK(one.value == dense[static_cast<std::size_t>(i)][static_cast<std::size_t>(one.at)]);
        CHECK(one.value != 0);
        ++in_rows;
      }
    }
    for (int j = 0; j < n; ++j) {
      for (const detail::cell& one : a.columns[j]) {
        CHECK(one.value == dense[static_cast<std::size_t>(one.at)][static_cast<std::size_t>(j)]);
        ++in_columns;
      }
    }
    int entries = 0;
    for (const auto& row : dense)
      for (const double v : row) entries += v != 0 ? 1 : 0;
    CHECK(in_rows == entries);
    CHECK(in_columns == entries);
    for (int i = 0; i < m; ++i) CHECK(row_count[i] == a.rows.count(i));
    for (int j = 0; j < n; ++j) CHECK(column_count[j] == a.columns.count(j));
  }
}

TEST_CASE("bounds that rows imply for the dual method lie beyond every feasible point") {
  // x + 2 y <= 8 with x, y >= 0: x up to 8 and y up to 4, and a little beyond; z has none.
  lp two;
  two.add_row(-infinity, 8);
  two.add_row(-infinity, 8);
  const lp_entry x[] = {{0, 1}}, y[] = {{0, 2}}, z[] = {{1, 1}}, w[] = {{1, -1}};
  two.add_column(-1, 0, infinity, x);
  two.add_column(-1, 0, 100, y);
  two.add_column(0, 0, infinity, z);
  two.add_column(0, 0, infinity, w);
  detail::form program;
  program.load(two, false);
  detail::implied_boxes boxes;
  boxes.add(program);
  CHECK(boxes.count() == 2);
  CHECK(program.upper[0] == doctest::Approx(8 + 9e-3));
  CHECK(program.upper[1] == doctest::Approx(4 + 5e-3));
  CHECK(program.upper[2] == infinity);
  CHECK(program.upper[3] == infinity);
  oracle::dice d{239};
  int set = 0;
  for (int trial = 0; trial < 200; ++trial) {
    CAPTURE(trial);
    const lp model = full_of_structure(d, trial % 2 == 1);
    program.load(model, true);
    boxes.add(program);
    const int here = boxes.count();
    set += here;
    int changed = 0;
    for (int pass = 0; pass < 4; ++pass) {  // feasible points: the optima of some objectives
      lp other = model;
      for (int j = 0; j < model.columns(); ++j) other.set_cost(j, pass == 0 ? model.cost(j) : d.between(-3, 3));
      const answer found = solve(other, plain());
      if (found.status != termination::optimal) continue;
      changed = 0;
      for (int j = 0; j < model.columns(); ++j) {
        const double v = found.x[j] / program.column_scale[j];
        const double l = model.column_lower(j) / program.column_scale[j],
                     u = model.column_upper(j) / program.column_scale[j];
        if (program.lower[j] != l) {
          ++changed;
          CHECK(program.lower[j] > l);
          CHECK(program.lower[j] < v - 5e-4);
        }
        if (program.upper[j] != u) {
          ++changed;
          CHECK(program.upper[j] < u);
          CHECK(program.upper[j] > v + 5e-4);
        }
      }
      CHECK((changed > 0) == (here > 0));
    }
  }
  CHECK(set > 200);
}

TEST_CASE("what shows that bounds implied by rows leave no point is taken back to the rows") {
  oracle::dice d{241};
  int shown = 0, without = 0;
  for (int trial = 0; trial < 300; ++trial) {
    CAPTURE(trial);
    lp model = full_of_structure(d, trial % 2 == 1);
    const answer base = solve(model, plain());
    for (int extra = d.between(1, 2); extra-- > 0;) {  // sums of rows that are more than the rows allow
      std::vector<lp_entry> row;
      for (int j = 0; j < model.columns(); ++j)
        if (d.between(0, 2) == 0) row.push_back({j, d.between(1, 3) * (d.between(0, 1) == 0 ? 1.0 : -1.0)});
      double at = 0;
      for (const lp_entry& one : row) at += one.value * base.x[one.index];
      model.add_row(at + d.between(20, 60), infinity, row);
    }
    detail::form program;
    program.load(model, true);
    detail::implied_boxes boxes;
    boxes.add(program);
    detail::engine engine;
    engine.attach(program, 0);
    table<basis_status> status(model.columns() + model.rows(), basis_status::lower);
    for (int i = 0; i < model.rows(); ++i) status[model.columns() + i] = basis_status::basic;
    engine.state.set_basis(status);
    detail::monitor limits;
    if (engine.run(limits, true, true, 1e-7, infinity) != detail::outcome::infeasible) continue;
    answer claim;
    claim.status = termination::infeasible;
    const auto shows = [&](double sign, bool leave_out) {
      table<double> ray = engine.ray;
      for (double& y : ray) y *= sign;
      if (leave_out) boxes.leave_out(program, ray);
      claim.farkas.resize(model.rows());
      for (int i = 0; i < model.rows(); ++i) claim.farkas[i] = -ray[i] * program.row_scale[i];
      return check(model, claim).verified;
    };
    if (shows(1, false) || shows(-1, false)) ++without;
    CHECK((shows(1, true) || shows(-1, true)));
    ++shown;
  }
  CHECK(shown > 100);
  CHECK(without < shown - 30);
}

TEST_CASE("what shows a reduced program infeasible shows the whole one so, and no pivot is needed there") {
  oracle::dice d{251};
  int shown = 0;
  for (int trial = 0; trial < 300; ++trial) {
    CAPTURE(trial);
    lp model = full_of_structure(d, trial % 2 == 1);
    const answer base = solve(model, plain());
    std::vector<lp_entry> row;
    double at = 0;
    for (int j = 0; j < model.columns(); ++j) {
      if (d.between(0, 2) != 0) continue;
      row.push_back({j, d.between(1, 3) * (d.between(0, 1) == 0 ? 1.0 : -1.0)});
      at += row.back().value * base.x[j];
    }
    model.add_row(at + d.between(20, 60), infinity, row);
    presolve small;
    if (small.reduce(model) != presolve::result::reduced || small.steps().size() == 0) continue;
    const answer inner = solve(small.reduced(), plain());
    if (inner.status != termination::infeasible) continue;
    solve_options with;
    with.fold = with.crash = false;
    const answer found = solve(model, with);
    CHECK(found.status == termination::infeasible);
    CHECK(found.verified);
    CHECK(found.basis.columns.size() == model.columns());
    CHECK(found.iterations <= inner.iterations + 8);
    ++shown;
  }
  CHECK(shown > 40);
}
