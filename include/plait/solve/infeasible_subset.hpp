// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/solve/lp.hpp>
#include <plait/solve/options.hpp>
#include <plait/solve/simplex.hpp>
#include <plait/solve/table.hpp>

namespace plait {

/// Bounds that cannot hold together, none of which can be left out.
struct infeasible_subset {
  bool found = false;                   ///< false where the program is feasible, or a solve came to no end
  table<int> rows, columns;             ///< whose bounds are in it, each side for itself:
  table<char> row_sides, column_sides;  ///< 1: lower, 2: upper, 3: both
};

/// An irreducible infeasible subset of the bounds of rows and columns.
///
/// Starts from the bounds that the Farkas certificate uses, then leaves out one at a time and keeps it out where the
/// rest stays infeasible. Cost: one warm solve for each bound of the certificate. Source: Chinneck, Dravnieks,
/// "Locating minimal infeasible constraint sets in linear programs", ORSA J. Comput. 3, 1991 (deletion filter).
inline infeasible_subset find_infeasible_subset(const lp& model, const solve_options& options = {}) {
  infeasible_subset subset;
  simplex solver;
  const answer first = solver.solve(model, options);
  if (first.status != termination::infeasible || !first.verified) return subset;
  const int m = model.rows(), n = model.columns();
  lp work = model;
  for (int j = 0; j < n; ++j) work.set_cost(j, 0);
  // Bounds that the certificate does not use go at once; crossed bounds are a subset by themselves.
  const auto alone = [&](bool row, int at) {
    (row ? subset.rows : subset.columns).push_back(at);
    (row ? subset.row_sides : subset.column_sides).push_back(3);
    subset.found = true;
    return subset;
  };
  for (int i = 0; i < m; ++i)
    if (model.row_lower(i) > model.row_upper(i)) return alone(true, i);
  for (int j = 0; j < n; ++j)
    if (model.column_lower(j) > model.column_upper(j)) return alone(false, j);
  const sparse_matrix& a = model.matrix();
  for (int j = 0; j < n; ++j) {
    double z = 0, size = 0;
    for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
      const double term = a.value[k] * first.farkas[a.index[k]];
      z += term;
      size += term < 0 ? -term : term;
    }
    const double tiny = 1e-9 * size;
    work.set_column_bounds(j, z > tiny ? model.column_lower(j) : -infinity,
                           z < -tiny ? model.column_upper(j) : infinity);
  }
  for (int i = 0; i < m; ++i) {
    const double y = -first.farkas[i];
    work.set_row_bounds(i, y > 0 ? model.row_lower(i) : -infinity, y < 0 ? model.row_upper(i) : infinity);
  }
  solve_options inner = options;
  inner.presolve = false;
  answer last = solver.solve(work, inner);
  if (last.status != termination::infeasible) {
    // Small multipliers mattered after all: start from everything.
    for (int j = 0; j < n; ++j) work.set_column_bounds(j, model.column_lower(j), model.column_upper(j));
    for (int i = 0; i < m; ++i) work.set_row_bounds(i, model.row_lower(i), model.row_upper(i));
    last = first;
  }
  // One bound at a time.
  bool ended = true;
  const auto try_without = [&](bool row, int at, bool lower_side) {
    const double l = row ? work.row_lower(at) : work.column_lower(at),
                 u = row ? work.row_upper(at) : work.column_upper(at);
    if (lower_side ? l == -infinity : u == infinity) return;
    const auto put = [&](double low, double high) {
      if (row) {
        work.set_row_bounds(at, low, high);
      } else {
        work.set_column_bounds(at, low, high);
      }
    };
    put(lower_side ? -infinity : l, lower_side ? u : infinity);
    const answer rest = solver.solve(work, inner, last.basis);
    if (rest.status == termination::infeasible) {
      last = rest;
      return;
    }
    if (rest.status != termination::optimal) ended = false;
    put(l, u);
  };
  for (int i = 0; i < m; ++i) {
    try_without(true, i, true);
    try_without(true, i, false);
  }
  for (int j = 0; j < n; ++j) {
    try_without(false, j, true);
    try_without(false, j, false);
  }
  const auto sides = [](double l, double u) {
    return static_cast<char>((l > -infinity ? 1 : 0) + (u < infinity ? 2 : 0));
  };
  for (int i = 0; i < m; ++i) {
    if (const char s = sides(work.row_lower(i), work.row_upper(i)); s != 0) {
      subset.rows.push_back(i);
      subset.row_sides.push_back(s);
    }
  }
  for (int j = 0; j < n; ++j) {
    if (const char s = sides(work.column_lower(j), work.column_upper(j)); s != 0) {
      subset.columns.push_back(j);
      subset.column_sides.push_back(s);
    }
  }
  subset.found = ended;
  return subset;
}

}  // namespace plait
