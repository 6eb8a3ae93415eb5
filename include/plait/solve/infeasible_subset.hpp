// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include <plait/solve/answer.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/options.hpp>
#include <plait/solve/simplex.hpp>
#include <plait/solve/table.hpp>

namespace plait {

/// Bounds that cannot hold together, none of which can be left out.
struct infeasible_subset {
  bool found = false;                   ///< false where the program is feasible, or a limit or the caller ended it
  table<int> rows, columns;             ///< whose bounds are in it, each side for itself:
  table<char> row_sides, column_sides;  ///< 1: lower, 2: upper, 3: both
};

/// An irreducible infeasible subset of the bounds of rows and columns.
///
/// Starts from the bounds that the Farkas certificate uses, then leaves out one at a time and keeps it out where the
/// rest stays infeasible. Cost: one warm solve for each bound of the certificate; the limits of time and iterations are
/// those of all of them together, and that on the objective means nothing here. Source: Chinneck, Dravnieks,
/// "Locating minimal infeasible constraint sets in linear programs", ORSA J. Comput. 3, 1991 (deletion filter).
inline infeasible_subset find_infeasible_subset(const lp& model, const solve_options& options = {}) {
  const double began = detail::seconds_now();
  infeasible_subset subset;
  simplex solver;
  solve_options inner = options;
  inner.objective_limit = infinity;
  const auto solve_next = [&](const lp& program, const basis& start) {
    answer found = solver.solve(program, inner, start);
    inner.time_limit = options.time_limit - (detail::seconds_now() - began);
    if (options.iteration_limit >= 0) {
      inner.iteration_limit -= found.iterations < inner.iteration_limit ? found.iterations : inner.iteration_limit;
    }
    return found;
  };
  const auto ended = [](const answer& found) {
    return found.status == termination::optimal || found.status == termination::infeasible;
  };
  const answer first = solve_next(model, {});
  if (first.status != termination::infeasible || !first.verified) return subset;
  const int m = model.rows(), n = model.columns();
  // Crossed bounds are a subset by themselves.
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
  // Bounds that the certificate does not use go at once.
  lp work;
  detail::monitor limits;
  limits.deadline = options.time_limit < infinity ? began + options.time_limit : 1e300;
  limits.interrupted = options.interrupt;
  limits.context = options.context;
  const sparse_matrix& a = model.matrix();
  try {
    work.copy_unnamed(model, &limits);
    for (const auto [from, to] : detail::parts(&limits, a.begin.data(), n)) {
      for (int j = from; j < to; ++j) {
        double z = 0, size = 0;
        for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
          const double term = a.value[k] * first.farkas[a.index[k]];
          z += term;
          size += term < 0 ? -term : term;
        }
        const double tiny = 1e-9 * size;
        work.set_cost(j, 0);
        work.set_column_bounds(j, z > tiny ? model.column_lower(j) : -infinity,
                               z < -tiny ? model.column_upper(j) : infinity);
      }
    }
  } catch (const detail::stop_request&) {
    return subset;
  }
  for (int i = 0; i < m; ++i) {
    const double y = -first.farkas[i];
    work.set_row_bounds(i, y > 0 ? model.row_lower(i) : -infinity, y < 0 ? model.row_upper(i) : infinity);
  }
  inner.presolve = false;
  answer last = solve_next(work, {});
  if (!ended(last)) return subset;
  if (last.status != termination::infeasible) {
    // Small multipliers mattered after all: start from everything.
    for (int j = 0; j < n; ++j) work.set_column_bounds(j, model.column_lower(j), model.column_upper(j));
    for (int i = 0; i < m; ++i) work.set_row_bounds(i, model.row_lower(i), model.row_upper(i));
    last = first;
  }
  // One bound at a time. False where a solve came to no end.
  const auto try_without = [&](bool row, int at, bool lower_side) {
    const double l = row ? work.row_lower(at) : work.column_lower(at),
                 u = row ? work.row_upper(at) : work.column_upper(at);
    if (lower_side ? l == -infinity : u == infinity) return true;
    const auto put = [&](double low, double high) {
      if (row) {
        work.set_row_bounds(at, low, high);
      } else {
        work.set_column_bounds(at, low, high);
      }
    };
    put(lower_side ? -infinity : l, lower_side ? u : infinity);
    answer rest = solve_next(work, last.basis);
    if (rest.status == termination::infeasible) {
      last = std::move(rest);
      return true;
    }
    put(l, u);
    return ended(rest);
  };
  for (int i = 0; i < m; ++i)
    if (!try_without(true, i, true) || !try_without(true, i, false)) return subset;
  for (int j = 0; j < n; ++j)
    if (!try_without(false, j, true) || !try_without(false, j, false)) return subset;
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
  subset.found = true;
  return subset;
}

}  // namespace plait
