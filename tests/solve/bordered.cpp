// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <vector>

#include <plait/solve/detail/bordered_simplex.hpp>
#include <plait/solve/detail/price_crash.hpp>
#include <plait/solve/detail/sifting.hpp>
#include <plait/solve/simplex.hpp>

#include <doctest/doctest.h>

#include "../../bench/solve/shares.hpp"
#include "oracle.hpp"

namespace {

using namespace plait;

/// max t where row i gets at least g_i t from columns between bounds that share a capacity: rows are scaled at random,
/// some columns stand in two of them, and t is at most `most`.
lp shared_level(oracle::dice& d, int rows, double most) {
  lp model;
  model.set_sense(objective_sense::maximize);
  for (int i = 0; i < rows; ++i) model.add_row(0, infinity);
  model.add_row(-infinity, 0.3 * rows);
  for (int i = 0; i < rows; ++i) {
    for (int k = 0; k < 3; ++k) {
      std::vector<lp_entry> column{{i, 0.1 + d.unit()}, {rows, 0.5 + d.unit()}};
      if (const int other = static_cast<int>(d.unit() * rows); k > 0 && other != i)
        column.push_back({other, 0.1 + d.unit()});
      model.add_column(0, 0, k == 1 ? 0.5 + d.unit() : infinity, column);
    }
  }
  std::vector<lp_entry> t;
  for (int i = 0; i < rows; ++i) t.push_back({i, -0.5 - d.unit()});
  model.add_column(1, 0, most, t);
  return model;
}

/// All at rest and t in the basis in place of the first row's activity: feasible, with t = 0.
table<basis_status> at_rest(const lp& model) {
  const int n = model.columns(), m = model.rows();
  table<basis_status> status(n + m, basis_status::lower);
  for (int i = 1; i < m; ++i) status[n + i] = basis_status::basic;
  status[n - 1] = basis_status::basic;
  return status;
}

basis as_basis(const lp& model, const table<basis_status>& status) {
  basis made;
  for (int v = 0; v < status.size(); ++v) (v < model.columns() ? made.columns : made.rows).push_back(status[v]);
  return made;
}

/// Sums of how far duals are from what optimality asks for.
double dual_infeasibility(const detail::form& program, const table<basis_status>& status, const table<double>& y) {
  double sum = 0;
  const int n = program.columns();
  for (int v = 0; v < program.variables(); ++v) {
    double d = program.cost[v];
    if (v < n) {
      for (int k = program.a.begin[v]; k < program.a.begin[v + 1]; ++k) d -= program.a.value[k] * y[program.a.index[k]];
    } else {
      d += y[v - n];
    }
    if (program.lower[v] == program.upper[v]) continue;
    sum += status[v] == basis_status::basic   ? std::fabs(d)
           : status[v] == basis_status::lower ? std::fmax(0, -d)
                                              : std::fmax(0, d);
  }
  return sum;
}

/// A program, a basis of it, and what becomes of them with t beside the basis.
struct with_t_beside {
  detail::form program;
  detail::tableau t;
  detail::monitor limits;
  detail::bordered_simplex bordered;
  bool ended;

  with_t_beside(const lp& model, const table<basis_status>& start, std::int64_t iteration_limit = -1) {
    program.load(model, true);
    t.attach(program);
    t.set_basis(start);
    limits.iteration_limit = iteration_limit;
    ended = bordered.run(t, detail::bordered_simplex::column_of(program), limits, 1e-9);
  }
  with_t_beside(const with_t_beside&) = delete;  // the tableau looks at the program
  with_t_beside& operator=(const with_t_beside&) = delete;

  double dual_infeasibility_of_multipliers() {
    table<double> y;
    bordered.multipliers(y);
    return dual_infeasibility(program, t.status, y);
  }
};

}  // namespace

TEST_CASE("with t beside the basis the optimum is that of the plain method, and its multipliers prove it") {
  oracle::dice d{77};
  for (int trial = 0; trial < 30; ++trial) {
    CAPTURE(trial);
    const lp model = shared_level(d, 8 + trial, infinity);
    with_t_beside one{model, at_rest(model)};
    REQUIRE(detail::bordered_simplex::column_of(one.program) == model.columns() - 1);
    REQUIRE(one.ended);
    CHECK(one.limits.iterations > 4);
    CHECK(one.dual_infeasibility_of_multipliers() <= 1e-7);
    const answer plain = solve(model), from = solve(model, {}, as_basis(model, one.t.status));
    REQUIRE(plain.status == termination::optimal);
    REQUIRE(from.status == termination::optimal);
    CHECK(from.iterations == 0);
    CHECK(std::fabs(from.objective - plain.objective) <= 1e-9 * std::fmax(1, std::fabs(plain.objective)));
  }
}

TEST_CASE("of many small programs each one that it ends is proved optimal: what left the basis may come back") {
  oracle::dice d{77};
  int ended = 0;
  const int trials = 400;
  for (int trial = 0; trial < trials; ++trial) {
    CAPTURE(trial);
    const lp model = shared_level(d, 4 + trial % 40, infinity);
    with_t_beside one{model, at_rest(model)};
    if (!one.ended) continue;  // the other methods go on
    ++ended;
    CHECK(one.dual_infeasibility_of_multipliers() <= 1e-7);
  }
  CHECK(ended > trials * 9 / 10);
}

TEST_CASE("pairs of jobs are solved with t beside the basis from the basis that prices give") {
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u}) {
    CAPTURE(seed);
    const lp model = shares::by_name("pack", 48, seed);
    detail::price_crash crash;
    table<basis_status> status;
    REQUIRE(crash.find(model, status));
    with_t_beside one{model, status};
    detail::tableau& t = one.t;
    REQUIRE(one.ended);
    CHECK(one.limits.iterations > 20);
    CHECK(one.dual_infeasibility_of_multipliers() <= 1e-7);
    CHECK(solve(model, {}, as_basis(model, t.status)).iterations <= 1);
    // From there again, without looking for what to hold: nothing is left to do.
    const long before = one.limits.iterations;
    t.set_basis(table<basis_status>{t.status});
    REQUIRE(one.bordered.run(t, detail::bordered_simplex::column_of(one.program), one.limits, 1e-9, true));
    CHECK(one.limits.iterations <= before + 1);
    CHECK(one.dual_infeasibility_of_multipliers() <= 1e-7);
  }
}

TEST_CASE("pairs take little more than a pivot a row") {
  // With candidates that are not offered as soon as they promise something it is 1.7 pivots a row.
  for (const int jobs : {256, 257, 800}) {
    CAPTURE(jobs);
    const lp model = shares::by_name("pack", jobs);
    detail::price_crash crash;
    table<basis_status> status;
    REQUIRE(crash.find(model, status));
    detail::form whole;
    whole.load(model, true);
    detail::engine engine;
    detail::monitor limits;
    detail::sifting sift;
    REQUIRE(sift.run(whole, engine, limits, 1e-7, 0, {}, status));
    CHECK(static_cast<double>(limits.iterations) < 1.35 * model.rows());
  }
}

TEST_CASE("where t meets a bound of its own, or a limit comes first, a basis is left to go on from") {
  oracle::dice d{5};
  for (int trial = 0; trial < 20; ++trial) {
    CAPTURE(trial);
    const bool limited = trial % 2 == 1;
    const lp model = shared_level(d, 10 + trial, limited ? infinity : 0.05);
    with_t_beside one{model, at_rest(model), limited ? 3 : -1};
    const detail::tableau& t = one.t;
    CHECK(!one.ended);
    CHECK((one.limits.reason == detail::stop_reason::iterations) == limited);
    int basic = 0;
    for (const basis_status at : t.status) basic += at == basis_status::basic ? 1 : 0;
    CHECK(basic == model.rows());
    CHECK(t.status[model.columns() - 1] == basis_status::basic);
    const answer plain = solve(model), from = solve(model, {}, as_basis(model, t.status));
    REQUIRE(from.status == termination::optimal);
    CHECK(std::fabs(from.objective - plain.objective) <= 1e-9);
    if (!limited) CHECK(std::fabs(from.objective - 0.05) <= 1e-12);
  }
}

TEST_CASE("only a cost on one column that stands in many rows is for the method with t beside the basis") {
  oracle::dice d{9};
  lp model = shared_level(d, 12, infinity);
  detail::form program;
  program.load(model, false);
  CHECK(detail::bordered_simplex::column_of(program) == 36);
  model.set_cost(4, 0.5);
  program.load(model, false);
  CHECK(detail::bordered_simplex::column_of(program) == -1);
  model.set_cost(36, 0);  // a cost on a short column alone
  program.load(model, false);
  CHECK(detail::bordered_simplex::column_of(program) == -1);
  model.set_cost(4, 0);
  program.load(model, false);
  CHECK(detail::bordered_simplex::column_of(program) == -1);
}
