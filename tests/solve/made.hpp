// SPDX-License-Identifier: Apache-2.0
// Programs whose optimum is known because they were made around it.
#pragma once

#include <cmath>
#include <vector>

#include <plait/solve/lp.hpp>

#include "oracle.hpp"

namespace made {

/// A program and its optimum, from a random point x and random multipliers y that satisfy the optimality conditions.
struct known {
  plait::lp model;
  double optimum = 0;
};

/// `degenerate`: so many rows and bounds beyond the needed ones are tight at x.
inline known around_optimum(oracle::dice& d, int n, int m, double density, bool degenerate) {
  using plait::infinity;
  known made;
  std::vector<double> x(static_cast<std::size_t>(n)), y(static_cast<std::size_t>(m)),
      activity(static_cast<std::size_t>(m));
  std::vector<std::vector<plait::lp_entry>> column(static_cast<std::size_t>(n));
  for (double& v : y) v = d.between(0, 2) == 0 ? 0 : d.between(-8, 8) / 4.0;
  for (int i = 0; i < m; ++i) made.model.add_row(-infinity, infinity);
  for (int j = 0; j < n; ++j) {
    const auto at = static_cast<std::size_t>(j);
    x[at] = d.between(-20, 20) / 4.0;
    double cost = 0;
    for (int i = 0; i < m; ++i) {
      if (d.unit() >= density) continue;
      const double v = d.between(-9, 9);
      if (v == 0) continue;
      column[at].push_back({i, v});
      cost += v * y[static_cast<std::size_t>(i)];
      activity[static_cast<std::size_t>(i)] += v * x[at];
    }
    // The reduced cost decides which bound x is at.
    const int kind = d.between(0, 3);
    double lower = -infinity, upper = infinity, reduced = 0;
    if (kind == 0) {
      reduced = d.between(0, 8) / 2.0;
      lower = x[at];
      if (d.between(0, 1) == 0) upper = x[at] + d.between(0, 9);
    } else if (kind == 1) {
      reduced = -d.between(0, 8) / 2.0;
      upper = x[at];
      if (d.between(0, 1) == 0) lower = x[at] - d.between(0, 9);
    } else if (kind == 2) {
      lower = degenerate ? x[at] : x[at] - d.between(1, 9);
      upper = x[at] + d.between(1, 9);
    }
    cost += reduced;
    made.model.add_column(cost, lower, upper, column[at]);
    made.optimum += cost * x[at];
  }
  for (int i = 0; i < m; ++i) {
    const auto at = static_cast<std::size_t>(i);
    double lower = activity[at], upper = activity[at];
    if (y[at] > 0) upper = d.between(0, 1) == 0 ? infinity : lower + d.between(0, 9);
    if (y[at] < 0) lower = d.between(0, 1) == 0 ? -infinity : upper - d.between(0, 9);
    if (y[at] == 0) {
      if (degenerate || d.between(0, 1) == 0) lower -= degenerate ? 0 : d.between(1, 9);
      if (d.between(0, 1) == 0) upper = infinity;
      if (!degenerate && upper == lower) upper += d.between(1, 9);
    }
    made.model.set_row_bounds(i, lower, upper);
  }
  return made;
}

/// Klee and Minty's cube, on which the largest-coefficient rule visits all 2^n vertices. Optimum: 5^n.
/// Source: Klee, Minty, "How good is the simplex algorithm?", Inequalities III, 1972, in Chvatal's form.
inline known klee_minty(int n) {
  known made;
  made.model.set_sense(plait::objective_sense::maximize);
  for (int j = 0; j < n; ++j) made.model.add_column(std::ldexp(1.0, n - 1 - j), 0, plait::infinity);
  double right = 1;
  for (int i = 0; i < n; ++i) {
    std::vector<plait::lp_entry> row;
    for (int j = 0; j < i; ++j) row.push_back({j, std::ldexp(1.0, i - j + 1)});
    row.push_back({i, 1});
    right *= 5;
    made.model.add_row(-plait::infinity, right, row);
  }
  made.optimum = right;
  return made;
}

/// Balanced transportation with costs |i - j|: very degenerate. The optimum is found by sweeping the surplus along.
inline known transportation(int places, oracle::dice& d) {
  known made;
  std::vector<int> supply(static_cast<std::size_t>(places), 0), demand = supply;
  for (int k = 0; k < 3 * places; ++k) {
    ++supply[static_cast<std::size_t>(d.between(0, places - 1))];
    ++demand[static_cast<std::size_t>(d.between(0, places - 1))];
  }
  for (int i = 0; i < places; ++i)
    made.model.add_row(supply[static_cast<std::size_t>(i)], supply[static_cast<std::size_t>(i)]);
  for (int i = 0; i < places; ++i)
    made.model.add_row(demand[static_cast<std::size_t>(i)], demand[static_cast<std::size_t>(i)]);
  for (int i = 0; i < places; ++i) {
    for (int j = 0; j < places; ++j) {
      const plait::lp_entry two[] = {{i, 1}, {places + j, 1}};
      made.model.add_column(std::abs(i - j), 0, plait::infinity, two);
    }
  }
  int surplus = 0;
  for (int i = 0; i < places; ++i) {
    surplus += supply[static_cast<std::size_t>(i)] - demand[static_cast<std::size_t>(i)];
    made.optimum += std::abs(surplus);
  }
  return made;
}

}  // namespace made
