// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <optional>
#include <vector>

#include <plait/solve/branch_and_bound.hpp>

#include <doctest/doctest.h>

#include "objectives.hpp"
#include "oracle.hpp"

namespace {

using namespace plait;
using objectives::to_minimize;

/// The best whole point, by trying all of them.
std::optional<double> best_whole(const lp& model) {
  const int n = model.columns();
  std::vector<double> x(static_cast<std::size_t>(n));
  std::optional<double> best;
  const auto visit = [&](auto&& self, int j) -> void {
    if (j == n) {
      double cost = model.offset();
      for (int k = 0; k < n; ++k) cost += model.cost(k) * x[static_cast<std::size_t>(k)];
      for (int i = 0; i < model.rows(); ++i) {
        double sum = 0;
        for (int k = 0; k < n; ++k) sum += model.coefficient(i, k) * x[static_cast<std::size_t>(k)];
        if (sum < model.row_lower(i) || sum > model.row_upper(i)) return;
      }
      if (!best || (model.sense() == objective_sense::maximize ? cost > *best : cost < *best)) best = cost;
      return;
    }
    for (double v = model.column_lower(j); v <= model.column_upper(j); ++v) {
      x[static_cast<std::size_t>(j)] = v;
      self(self, j + 1);
    }
  };
  visit(visit, 0);
  return best;
}

/// A program of small whole columns that has whole points: nothing is one.
lp small_knapsack(oracle::dice& d) {
  lp model;
  const bool most = d.between(0, 1) == 1;
  if (most) model.set_sense(objective_sense::maximize);
  const int rows = d.between(1, 4), columns = d.between(3, 7);
  for (int i = 0; i < rows; ++i) model.add_row(-infinity, d.between(3, 20));
  for (int j = 0; j < columns; ++j) {
    std::vector<lp_entry> entries;
    for (int i = 0; i < rows; ++i) entries.push_back({i, static_cast<double>(d.between(0, 7))});
    model.add_column((most ? 1 : -1) * d.between(1, 12), 0, d.between(1, 3), entries);
    model.set_integer(j);
  }
  return model;
}

/// What must hold of every end of a search, stopped or not, on a program whose optimum is known.
void is_true(const lp& model, const answer& found, double optimum, termination stop) {
  REQUIRE((found.status == termination::optimal || found.status == stop));
  CHECK(to_minimize(model, found.bound) <= to_minimize(model, optimum) + 1e-7);
  if (found.status == termination::optimal) CHECK(std::fabs(found.objective - optimum) < 1e-7);
  if (found.x.empty()) {
    CHECK(found.relative_gap == infinity);
    CHECK_FALSE(found.verified);
    return;
  }
  CHECK(found.verified);
  CHECK(to_minimize(model, found.objective) >= to_minimize(model, optimum) - 1e-7);
  CHECK(found.relative_gap == std::fabs(found.objective - found.bound) / std::fmax(1, std::fabs(found.objective)));
}

}  // namespace

TEST_CASE("branch and bound finds what trying every whole point finds") {
  oracle::dice d{61};
  int infeasible = 0, branched = 0;
  for (int trial = 0; trial < 1200; ++trial) {
    lp model = oracle::tiny_program(d, d.between(2, 5), d.between(1, 4));
    for (int j = 0; j < model.columns(); ++j) model.set_integer(j);
    const auto exact = best_whole(model);
    const answer found = branch_and_bound(model);
    CAPTURE(trial);
    REQUIRE(found.status == (exact ? termination::optimal : termination::infeasible));
    CHECK(found.verified);
    if (!exact) {
      ++infeasible;
      continue;
    }
    CHECK(std::fabs(found.objective - *exact) < 1e-9);
    CHECK(std::fabs(found.bound - *exact) < 1e-6);
    for (int j = 0; j < model.columns(); ++j) CHECK(found.x[j] == std::round(found.x[j]));
    if (found.nodes > 1) ++branched;
  }
  CHECK(infeasible > 10);
  CHECK(branched > 30);
}

TEST_CASE("columns that are not marked stay free of wholeness") {
  lp model;  // maximize x + y, 2x + 2y <= 7, x <= 2.5 whole, y <= 1.5
  model.set_sense(objective_sense::maximize);
  model.add_row(-infinity, 7);
  const lp_entry two[] = {{0, 2}};
  model.add_column(1, 0, 2.5, two);
  model.add_column(1, 0, 1.5, two);
  model.set_integer(0);
  const answer found = branch_and_bound(model);
  CHECK(found.objective == 3.5);
  CHECK(found.x[0] == 2);
  CHECK(found.x[1] == 1.5);
}

TEST_CASE("a node limit ends the search with a bound and says so, and better solutions are told") {
  oracle::dice d{67};
  lp model;  // a knapsack whose values are close to its weights
  model.set_sense(objective_sense::maximize);
  model.add_row(-infinity, 300);
  for (int j = 0; j < 24; ++j) {
    const double weight = d.between(20, 60);
    const lp_entry entry[] = {{0, weight}};
    model.add_column(weight + d.between(0, 5), 0, 1, entry);
    model.set_integer(j);
  }
  branching_options how;
  how.node_limit = 20;
  const answer stopped = branch_and_bound(model, {}, how);
  CHECK(stopped.status == termination::node_limit);
  CHECK(stopped.nodes == 20);
  int told = 0;
  how.node_limit = -1;
  how.context = &told;
  how.incumbent = [](void* count, const answer& better) {
    CHECK(better.verified);
    ++*static_cast<int*>(count);
  };
  const answer whole = branch_and_bound(model, {}, how);
  CHECK(whole.status == termination::optimal);
  CHECK(told > 0);
  CHECK(stopped.bound >= whole.objective - 1e-9);
  solve_options brief;
  brief.time_limit = 0;
  CHECK(branch_and_bound(model, brief).status == termination::time_limit);
}

TEST_CASE("a search that is interrupted anywhere says so, and its bound cuts off no solution") {
  struct count {
    int left;
    bool said = false;
  };
  oracle::dice d{71};
  int stopped = 0;
  for (int trial = 0; trial < 60; ++trial) {
    CAPTURE(trial);
    const lp model = small_knapsack(d);
    const double optimum = *best_whole(model);
    for (int k = 0;; ++k) {
      CAPTURE(k);
      count calls{k};
      solve_options options;
      options.context = &calls;
      options.interrupt = [](void* at) {
        auto& c = *static_cast<count*>(at);
        c.said = c.said || --c.left < 0;
        return c.said;
      };
      const answer found = branch_and_bound(model, options);
      is_true(model, found, optimum, termination::interrupted);
      if (!calls.said) break;
      ++stopped;
    }
  }
  CHECK(stopped > 1000);
}

TEST_CASE("a search that a limit ends anywhere says which, and its bound cuts off no solution") {
  oracle::dice d{73};
  int stopped = 0, late = 0;
  for (int trial = 0; trial < 60; ++trial) {
    CAPTURE(trial);
    const lp model = small_knapsack(d);
    const double optimum = *best_whole(model);
    branching_options how;
    for (how.node_limit = 0;; ++how.node_limit) {
      const answer found = branch_and_bound(model, {}, how);
      is_true(model, found, optimum, termination::node_limit);
      if (found.status == termination::optimal) break;
      ++stopped;
    }
    solve_options options;
    for (options.iteration_limit = 0;; ++options.iteration_limit) {
      const answer found = branch_and_bound(model, options);
      is_true(model, found, optimum, termination::iteration_limit);
      CHECK(found.iterations <= options.iteration_limit);
      if (found.status == termination::optimal) break;
      ++stopped;
    }
    options.iteration_limit = -1;
    for (options.time_limit = 1e-6; options.time_limit < 1; options.time_limit *= 1.3) {
      const answer found = branch_and_bound(model, options);
      is_true(model, found, optimum, termination::time_limit);
      if (found.status == termination::optimal) break;
      ++late;
    }
  }
  CHECK(stopped > 500);
  CHECK(late > 100);
}

TEST_CASE("a limit on the objective that the optimum keeps changes nothing, and one that it does not is told") {
  oracle::dice d{79};
  int limited = 0;
  for (int trial = 0; trial < 200; ++trial) {
    CAPTURE(trial);
    const lp model = small_knapsack(d);
    const double optimum = *best_whole(model), worse = to_minimize(model, 1);
    for (const double by : {0.0, 0.7, 1.4, 2.8, 7.0}) {
      solve_options options;
      options.objective_limit = optimum + worse * by;
      const answer found = branch_and_bound(model, options);
      REQUIRE(found.status == termination::optimal);
      CHECK(std::fabs(found.objective - optimum) < 1e-7);
    }
    for (const double by : {0.01, 0.7, 7.0}) {
      solve_options options;
      options.objective_limit = optimum - worse * by;
      const answer found = branch_and_bound(model, options);
      is_true(model, found, optimum, termination::objective_limit);
      REQUIRE(found.status == termination::objective_limit);
      CHECK(to_minimize(model, found.bound) > to_minimize(model, options.objective_limit));
      ++limited;
    }
  }
  CHECK(limited == 600);
}

TEST_CASE("the bound and the gap of a search that was told to leave a gap are those of what it left") {
  oracle::dice d{83};
  int apart = 0, worse = 0;
  for (int trial = 0; trial < 200; ++trial) {
    CAPTURE(trial);
    const lp model = small_knapsack(d);
    const double optimum = *best_whole(model);
    branching_options how;
    how.relative_gap = 0.3;
    const answer found = branch_and_bound(model, {}, how);
    REQUIRE(found.status == termination::optimal);
    CHECK(to_minimize(model, found.bound) <= to_minimize(model, optimum) + 1e-7);
    CHECK(std::fabs(found.objective - found.bound) <= 0.3 * std::fabs(found.objective) + 1e-9);
    CHECK(found.relative_gap == std::fabs(found.objective - found.bound) / std::fmax(1, std::fabs(found.objective)));
    if (found.relative_gap > 0.01) ++apart;
    if (std::fabs(found.objective - optimum) > 1e-7) ++worse;
  }
  CHECK(apart > 50);
  CHECK(worse > 10);
}

TEST_CASE("unbounded is said of an integer program only with a whole point and a ray") {
  lp model;  // maximize x + y, 2y - 2z = 1: no whole y and z
  model.set_sense(objective_sense::maximize);
  model.add_row(1, 1);
  const lp_entry plus[] = {{0, 2}}, minus[] = {{0, -2}};
  model.add_column(1, 0, infinity);
  model.add_column(1, 0, infinity, plus);
  model.add_column(0, 0, infinity, minus);
  for (int j = 0; j < 3; ++j) model.set_integer(j);
  const answer neither = branch_and_bound(model);
  CHECK(neither.status == termination::infeasible_or_unbounded);
  CHECK_FALSE(neither.verified);
  CHECK(neither.x.empty());
  CHECK(neither.bound == infinity);
  CHECK_FALSE(neither.explanation.empty());
  model.set_row_bounds(0, 2, 2);
  const answer without = branch_and_bound(model);
  CHECK(without.status == termination::unbounded);
  CHECK(without.verified);
  CHECK(without.certificate == certificate_kind::primal_ray);
  CHECK(check(model, without).verified);
  for (int j = 0; j < 3; ++j) CHECK(without.x[j] == std::round(without.x[j]));
}

TEST_CASE("a value that is whole only within the tolerance does not hide a better solution") {
  lp model;  // maximize x - 0.31 z, x <= 1e6 z, x <= 0.5: at z = 5e-7 the relaxation is whole but for the tolerance
  model.set_sense(objective_sense::maximize);
  model.add_row(-infinity, 0);
  const lp_entry one[] = {{0, 1}}, large[] = {{0, -1e6}};
  model.add_column(1, 0, 0.5, one);
  model.add_column(-0.31, 0, 1, large);
  model.set_integer(1);
  const answer found = branch_and_bound(model);
  CHECK(found.status == termination::optimal);
  CHECK(found.verified);
  CHECK(found.objective == doctest::Approx(0.19));
  CHECK(found.x[1] == 1);
  model.set_row_bounds(0, 0.25, infinity);  // x >= 1e6 z + 0.25, at z = 0 alone
  model.set_cost(1, 1e6);
  const answer other = branch_and_bound(model);
  CHECK(other.status == termination::optimal);
  CHECK(other.objective == doctest::Approx(0.5));
  CHECK(other.x[1] == 0);
}
