// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

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
