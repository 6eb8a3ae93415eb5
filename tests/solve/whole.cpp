// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <optional>
#include <vector>

#include <plait/solve/branch_and_bound.hpp>

#include <doctest/doctest.h>

#include "oracle.hpp"

namespace {

using namespace plait;

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
