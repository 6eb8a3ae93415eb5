// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include <plait/solve/detail/crossover.hpp>
#include <plait/solve/detail/folding.hpp>
#include <plait/solve/simplex.hpp>

#include <doctest/doctest.h>

#include "../../bench/solve/shares.hpp"
#include "made.hpp"
#include "objectives.hpp"

using namespace plait;
using objectives::near;

namespace {

/// `copies` of a program, joined: of every third column an entry is spread over the rows of all copies. The mean of the
/// copies of a point is feasible in the first program, so the optimum is `copies` times that of one.
lp joined(const lp& one, int copies) {
  const sparse_matrix& a = one.matrix();
  lp model;
  model.set_sense(one.sense());
  for (int s = 0; s < copies; ++s)
    for (int i = 0; i < a.rows; ++i) model.add_row(one.row_lower(i), one.row_upper(i));
  std::vector<lp_entry> column;
  for (int s = 0; s < copies; ++s) {
    for (int j = 0; j < a.columns; ++j) {
      column.clear();
      for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
        if (j % 3 != 0) column.push_back({s * a.rows + a.index[k], a.value[k]});
        for (int r = 0; r < copies && j % 3 == 0; ++r) column.push_back({r * a.rows + a.index[k], a.value[k] / copies});
      }
      model.add_column(one.cost(j), one.column_lower(j), one.column_upper(j), column);
    }
  }
  return model;
}

}  // namespace

TEST_CASE("columns and rows that look alike, and only these, share a class") {
  // 12 jobs of kinds 0 1 2 in turns on 2 machines; kind 2 alone may use the second one; a column that is in no row.
  lp model;
  for (int m = 0; m < 12; ++m) model.add_row(-infinity, 1);
  for (int k = 0; k < 2; ++k) model.add_row(-infinity, 3);
  for (int m = 0; m < 12; ++m) {
    const int kind = m % 3;
    const lp_entry first[] = {{m, 1}, {12, 1.0 + kind}}, second[] = {{m, 1}, {13, 1}};
    model.add_column(-1 - kind, 0, infinity, first);
    if (kind == 2) model.add_column(-2, 0, infinity, second);
  }
  model.add_column(1, 0, 1);
  for (int j = 0; j < 3; ++j) model.add_column(1, 0, 2);
  detail::folding folded;
  REQUIRE(folded.fold(model));
  const detail::colour_refinement& classes = folded.classes();
  CHECK(classes.row_classes == 5);     // three kinds of jobs, two machines
  CHECK(classes.column_classes == 6);  // three kinds and the second machine, two of columns in no row
  for (int m = 0; m < 12; ++m)
    for (int other = 0; other < 12; ++other)
      CHECK((classes.row_class[m] == classes.row_class[other]) == (m % 3 == other % 3));
  CHECK(classes.row_class[12] != classes.row_class[13]);
  // Four jobs of kind 1 use 2 of the first machine each, and cost -2 each.
  CHECK(folded.folded().coefficient(classes.row_class[12], classes.column_class[1]) == 8);
  CHECK(folded.folded().coefficient(classes.row_class[1], classes.column_class[1]) == 1);
  CHECK(folded.folded().cost(classes.column_class[1]) == -8);
  // One coefficient of one job makes it a kind of its own.
  model.set_coefficient(12, 1, 2.5);
  detail::folding again;
  REQUIRE(again.fold(model));
  CHECK(again.classes().row_classes == 6);
  CHECK(again.classes().column_classes == 7);
}

TEST_CASE("a program joined of copies folds to one of them and has the optimum of all, values, duals and basis") {
  oracle::dice d{131};
  int pushed = 0;
  for (int trial = 0; trial < 40; ++trial) {
    const made::known one = made::around_optimum(d, d.between(6, 30), d.between(4, 20), 0.4, trial % 2 == 1);
    const int copies = trial % 3 == 0 ? 8 : 4;
    lp model = joined(one.model, copies);
    CAPTURE(trial);
    detail::folding folded;
    REQUIRE(folded.fold(model));
    CHECK(folded.folded().rows() <= one.model.rows());
    CHECK(folded.folded().columns() <= one.model.columns());
    for (const bool presolve : {false, true}) {
      simplex solver;
      solve_options options;
      options.presolve = presolve;
      const answer found = solver.solve(model, options);
      REQUIRE(found.status == termination::optimal);
      CHECK(found.verified);
      CHECK(near(found.objective, copies * one.optimum));
      options.fold = false;
      const answer plain = solve(model, options);
      CHECK(near(plain.objective, found.objective));
      // A vertex: exactly what its basis says.
      const answer again = solver.solve(model, options, found.basis);
      CHECK(again.iterations == 0);
      CHECK(again.x == found.x);
      if (found.iterations < plain.iterations) ++pushed;
    }
  }
  CHECK(pushed > 40);
}

TEST_CASE("crossover ends at a vertex that is feasible and as good as the point it came from") {
  oracle::dice d{149};
  int pushes = 0, exchanges = 0;
  for (int trial = 0; trial < 30; ++trial) {
    const int copies = 6;
    const made::known one = made::around_optimum(d, d.between(10, 40), d.between(4, 20), 0.4, trial % 2 == 1);
    const lp model = joined(one.model, copies);
    const int n = model.columns(), m = model.rows();
    detail::folding folded;
    CAPTURE(trial);
    REQUIRE(folded.fold(model));
    const answer of_classes = solve(folded.folded());
    REQUIRE(of_classes.status == termination::optimal);
    table<double> x, dual;
    folded.unfold(of_classes, x, dual);
    table<basis_status> status(n + m);
    for (int j = 0; j < n; ++j) status[j] = of_classes.basis.columns[folded.classes().column_class[j]];
    for (int i = 0; i < m; ++i) status[n + i] = of_classes.basis.rows[folded.classes().row_class[i]];
    detail::form program;
    program.load(model, false);
    detail::tableau t;
    t.attach(program);
    detail::monitor limits;
    detail::crossover cross;
    cross.run(t, x, dual, limits, status);
    pushes += cross.pushes();
    exchanges += cross.exchanges();
    CHECK(t.factorize(status) == 0);
    t.settle_all();
    t.compute_values();
    CHECK(t.primal_infeasibilities(1e-7).count == 0);
    double objective = model.offset();
    for (int j = 0; j < n; ++j) objective += model.cost(j) * t.x[j];
    CHECK(near(objective, copies * one.optimum));
  }
  CHECK(pushes > 100);
  CHECK(exchanges > 10);
  CHECK(exchanges < pushes);
}

TEST_CASE("jobs of few kinds: the folded answer is that of the whole program, in fewer pivots") {
  for (const char* family : {"kinds_maxmin", "kinds_packall"}) {
    for (const std::uint64_t seed : {1u, 2u, 3u}) {
      const int jobs = family[6] == 'm' ? 512 : 128;
      const lp model = shares::by_name(family, jobs, seed);
      solve_options plain;
      plain.fold = false;
      detail::folding folded;
      CAPTURE(family);
      CAPTURE(seed);
      REQUIRE(folded.fold(model));
      CHECK(folded.folded().columns() < 0.7 * model.columns());
      const answer with = solve(model), without = solve(model, plain);
      REQUIRE(with.status == termination::optimal);
      CHECK(with.verified);
      CHECK(near(with.objective, without.objective));
      CHECK(with.iterations < without.iterations);
      CHECK(solve(model, {}, with.basis).iterations == 0);
    }
  }
}

TEST_CASE("a program without alike columns is given up after the first round") {
  oracle::dice d{137};
  detail::folding folded;
  CHECK_FALSE(folded.fold(shares::by_name("maxmin", 200)));
  CHECK(folded.classes().rounds() == 0);
  CHECK_FALSE(folded.fold(shares::by_name("packall", 64)));
  CHECK(folded.classes().rounds() == 0);
  CHECK_FALSE(folded.fold(made::around_optimum(d, 60, 40, 0.5, false).model));
}

TEST_CASE("alike columns of a program without optimum: the whole program still gets its proof") {
  lp model;
  for (int i = 0; i < 40; ++i) model.add_row(1, 2);
  for (int i = 0; i < 40; ++i) {
    const lp_entry two[] = {{i, 1}, {(i + 1) % 40, -1}};
    model.add_column(1, 0, infinity, two);
  }
  answer found = solve(model);  // the rows add up to zero
  CHECK(found.status == termination::infeasible);
  CHECK(found.verified);
  lp open;
  for (int i = 0; i < 40; ++i) open.add_row(0, infinity);
  for (int i = 0; i < 40; ++i) {
    const lp_entry one[] = {{i, 1}};
    open.add_column(-1, 0, infinity, one);
  }
  found = solve(open);
  CHECK(found.status == termination::unbounded);
  CHECK(found.verified);
}

TEST_CASE("limits hold inside of a folded program too") {
  const lp model = shares::by_name("kinds_packall", 200);
  solve_options options;
  options.iteration_limit = 5;
  answer found = solve(model, options);
  CHECK(found.status == termination::iteration_limit);
  CHECK(found.iterations == 5);
  CHECK(found.x.size() == model.columns());
  CHECK_FALSE(found.verified);
  options.iteration_limit = -1;
  for (int after = 0; after < 80; after += 7) {
    int left = after;
    options.context = &left;
    options.interrupt = [](void* count) { return --*static_cast<int*>(count) < 0; };
    found = solve(model, options);
    CHECK((found.status == termination::interrupted || found.status == termination::optimal));
    CHECK(found.x.size() == model.columns());
    CHECK(found.basis.rows.size() == model.rows());
    if (after == 0) CHECK(found.status == termination::interrupted);
  }
}
