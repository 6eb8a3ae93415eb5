// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include <plait/solve/detail/dual_bound.hpp>
#include <plait/solve/detail/factorization.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/presolve.hpp>
#include <plait/solve/simplex.hpp>

#include <doctest/doctest.h>

#include "made.hpp"
#include "oracle.hpp"

namespace {

using namespace plait;

double to_minimize(const lp& model, double value) {
  return model.sense() == objective_sense::maximize ? -value : value;
}

/// The same program to maximize, with an offset.
lp turned(const lp& model) {
  lp other = model;
  other.set_sense(objective_sense::maximize);
  for (int j = 0; j < model.columns(); ++j) other.set_cost(j, -model.cost(j));
  other.set_offset(7);
  return other;
}

}  // namespace

TEST_CASE("a limit on the objective that the optimum keeps is never met, and one that it does not only with a bound") {
  oracle::dice d{107};
  int met = 0, kept = 0;
  for (int trial = 0; trial < 60; ++trial) {
    CAPTURE(trial);
    const made::known one = made::around_optimum(d, d.between(5, 20), d.between(3, 12), 0.5, trial % 3 == 0);
    const lp model = trial % 2 == 0 ? one.model : turned(one.model);
    const double optimum = solve(model).objective;
    CHECK(optimum == doctest::Approx(trial % 2 == 0 ? one.optimum : 7 - one.optimum));
    for (int by = -3; by <= 3; ++by) {
      for (const bool presolve : {true, false}) {
        for (const lp_algorithm algorithm : {lp_algorithm::automatic, lp_algorithm::dual, lp_algorithm::primal}) {
          solve_options options;
          options.presolve = presolve;
          options.algorithm = algorithm;
          options.objective_limit = optimum + by * 1.5;
          const answer found = solve(model, options);
          const double past = to_minimize(model, optimum) - to_minimize(model, options.objective_limit);
          if (found.status == termination::objective_limit) {
            REQUIRE(past > 0);
            CHECK(to_minimize(model, found.bound) > to_minimize(model, options.objective_limit));
            CHECK(to_minimize(model, found.bound) <= to_minimize(model, optimum) + 1e-7 * (1 + std::fabs(optimum)));
            ++met;
            continue;
          }
          REQUIRE(found.status == termination::optimal);
          CHECK(found.objective == doctest::Approx(optimum));
          if (past > 0) CHECK(algorithm != lp_algorithm::dual);
          if (past <= 0) ++kept;
        }
      }
    }
  }
  CHECK(met > 300);
  CHECK(kept > 1000);
}

TEST_CASE("a limit on the objective ends a cold dual solve before its optimum") {
  oracle::dice d{109};
  for (const bool presolve : {true, false}) {
    for (int trial = 0; trial < 3; ++trial) {
      CAPTURE(presolve);
      CAPTURE(trial);
      const made::known one = made::around_optimum(d, 300, 200, 0.05, false);
      const lp model = trial == 1 ? turned(one.model) : one.model;
      solve_options options;
      options.presolve = presolve;
      options.algorithm = lp_algorithm::dual;
      const answer whole = solve(model, options);
      REQUIRE(whole.status == termination::optimal);
      REQUIRE(whole.iterations > 150);
      options.objective_limit = whole.objective - to_minimize(model, 3) * std::fabs(whole.objective);
      const answer found = solve(model, options);
      CHECK(found.status == termination::objective_limit);
      CHECK(found.iterations < whole.iterations);
      CHECK(to_minimize(model, found.bound) > to_minimize(model, options.objective_limit));
      CHECK(to_minimize(model, found.bound) <= to_minimize(model, whole.objective));
      CHECK(found.basis.columns.size() == model.columns());
      // It goes on from there.
      options.objective_limit = infinity;
      const answer on = solve(model, options, found.basis);
      CHECK(on.status == termination::optimal);
      CHECK(on.objective == doctest::Approx(whole.objective));
    }
  }
}

TEST_CASE("what presolve takes out of the objective is the offset of the reduced program") {
  oracle::dice d{113};
  int apart = 0;
  for (int trial = 0; trial < 300; ++trial) {
    CAPTURE(trial);
    const made::known one = made::around_optimum(d, d.between(5, 20), d.between(3, 12), 0.3, trial % 3 == 0);
    presolve before;
    REQUIRE(before.reduce(one.model) == presolve::result::reduced);
    const answer small = solve(before.reduced());
    REQUIRE(small.status == termination::optimal);
    CHECK(small.objective == doctest::Approx(one.optimum).epsilon(1e-7));
    if (before.reduced().columns() > 0 && std::fabs(before.reduced().offset()) > 1e-3) ++apart;
  }
  CHECK(apart > 30);
}

TEST_CASE("multipliers bound the objective only where every sign names a bound") {
  lp model;  // minimize 2 x + 3 y + 1, x + y >= 4, x >= 0, y free
  model.add_row(4, infinity);
  const lp_entry entry[] = {{0, 1}};
  model.add_column(2, 0, infinity, entry);
  model.add_column(3, -infinity, infinity, entry);
  model.set_offset(1);
  table<double> dual(1);
  dual[0] = 3;  // leaves -1 of x, which has no upper bound
  CHECK(detail::bound_by_duals(model, dual) == -infinity);
  dual[0] = 2;  // leaves 1 of y, which has no bound
  CHECK(detail::bound_by_duals(model, dual) == -infinity);
  model.set_column_bounds(1, -5, infinity);
  CHECK(detail::bound_by_duals(model, dual) == 1 + 8 - 5);
  dual[0] = -1;  // the row has no upper bound
  CHECK(detail::bound_by_duals(model, dual) == -infinity);
  model.set_sense(objective_sense::maximize);
  CHECK(detail::bound_by_duals(model, dual) == infinity);
}

TEST_CASE("the factorization of a dense basis asks by its work whether to stop") {
  oracle::dice d{127};
  const int m = 250;
  sparse_matrix a;
  a.rows = a.columns = m;
  a.begin.assign(1, 0);
  table<int> basic;
  for (int j = 0; j < m; ++j) {
    for (int i = 0; i < m; ++i) {
      a.index.push_back(i);
      a.value.push_back(d.unit() + 0.01);
    }
    a.begin.push_back(a.index.size());
    basic.push_back(j);
  }
  struct count {
    int calls = 0, stop_at = 1 << 30;
  } asked;
  detail::monitor limits;
  limits.context = &asked;
  limits.interrupted = [](void* at) {
    auto& one = *static_cast<count*>(at);
    return ++one.calls >= one.stop_at;
  };
  detail::factorization factors;
  factors.limits = &limits;
  CHECK(factors.build(a, basic, 0.1) == 0);
  const int all = asked.calls;
  CHECK(all > m * m / 1000 * m / 200);  // one for some 200 thousand of m^3 steps, or more often
  // A request in the middle of a pivot leaves nothing behind.
  detail::work_vector first, second;
  for (detail::work_vector* const one : {&first, &second}) one->prepare(m);
  for (int i = 0; i < m; ++i) first.value[i] = second.value[i] = 1 + i % 7;
  factors.ftran_whole(first);
  for (asked = {0, all / 2};; asked = {0, asked.stop_at + 7}) {
    limits.reason = detail::stop_reason::none;
    for (int j = 0; j < m; ++j) basic[j] = j;
    try {
      factors.build(a, basic, 0.1);
      break;
    } catch (const detail::stop_request&) {
      asked.stop_at = all < asked.stop_at + 7 ? 1 << 30 : asked.stop_at;
    }
  }
  factors.ftran_whole(second);
  for (int i = 0; i < m; ++i) CHECK(first.value[i] == second.value[i]);
}

TEST_CASE("a dual without a bound that stands for a whole cost proves no bound of the objective") {
  lp model;
  const int row = model.add_row(-infinity, 50);
  const lp_entry of_x[] = {{row, -1e9}}, of_y[] = {{row, 1}};
  model.add_column(-0.0008, -infinity, infinity, of_x);
  model.add_column(1, 0, 5, of_y);
  CHECK(detail::bound_by_duals(model, table<double>(1, 8e-13)) == -infinity);
  model.set_row_bounds(row, -50, 50);  // now it has one: x is at most 5.5e-8
  CHECK(detail::bound_by_duals(model, table<double>(1, 8e-13)) == doctest::Approx(-50 * 8e-13));
}
