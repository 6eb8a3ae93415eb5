// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/core/math.hpp>
#include <plait/solve/detail/form.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// What multipliers of the rows leave of column j where it costs nothing: the reduced cost -(y A)_j, and nothing where
/// that is the rounding of its terms.
inline double left_of_column(const sparse_matrix& a, int j, const double* y) {
  double left = 0, terms = 0;
  for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
    const double term = a.value[k] * y[a.index[k]];
    left -= term;
    terms += math::abs(term);
  }
  return math::abs(left) <= 1e-13 * terms ? 0 : left;
}

/// Bounds of columns that the rows of a form imply, for the dual method.
///
/// A column whose reduced cost has the wrong sign goes to its other bound, where without one a whole first phase is
/// needed; and what is out of bounds in the beginning is less far out. A bound is set a little beyond what is implied.
/// So no feasible point reaches it, a basis that is optimal in the end has no column there, and it is optimal without
/// these bounds as well. One beyond 1e6 of the scaled program is left out, because values computed from it would have
/// lost their digits, and so is one that gains little. That finite bounds are made tighter too is what matters in some
/// programs: 450 pivots instead of 1280, and 2100 without any (`docs/design/solve.md`).
/// Source: Brearley, Mitra, Williams, "Analysis of mathematical programming problems prior to applying the simplex
/// algorithm", Math. Programming 8, 1975.
class implied_boxes {
 public:
  /// Sets them. Cost: O(entries), five times at most; asks the form's monitor whether to stop.
  void add(form& program) {
    const sparse_matrix& r = program.by_rows();
    const int n = program.columns();
    set_.clear();
    for (int pass = 0; pass < 5; ++pass) {
      const int before = set_.size();
      for (int i = 0; i < program.rows(); ++i) {
        spend(program.limits, 4 + 4 * std::int64_t{r.begin[i + 1] - r.begin[i]});
        look_at_row(program, r, n, i);
      }
      if (set_.size() == before) break;
    }
  }
  void clear() { set_.clear(); }
  /// How many were set.
  [[nodiscard]] int count() const { return set_.size(); }

  /// Turns multipliers of rows that show the form infeasible with these bounds into such that do without: where the
  /// bound of a column counts, the row that implied it pays, last bounds first. What a row's columns then count with
  /// are bounds that were there when it implied its own. Cost: O(entries), and of the rows of the bounds that count.
  void leave_out(const form& program, table<double>& multipliers) {
    const sparse_matrix &a = program.a, &r = program.by_rows();
    left_.resize_unset(a.columns);
    for (int j = 0; j < a.columns; ++j) {
      spend(program.limits, 4 + a.begin[j + 1] - a.begin[j]);
      left_[j] = left_of_column(a, j, multipliers.data());
    }
    for (int s = set_.size() - 1; s >= 0; --s) {
      const box one = set_[s];
      const double left = left_[one.column];
      if (one.upper ? left >= 0 : left <= 0) continue;
      spend(program.limits, 4 + r.begin[one.row + 1] - r.begin[one.row]);
      const double by = left / one.coefficient;
      multipliers[one.row] += by;
      for (int k = r.begin[one.row]; k < r.begin[one.row + 1]; ++k) left_[r.index[k]] -= r.value[k] * by;
      left_[one.column] = 0;
    }
  }

 private:
  struct box {
    int column, row;
    double coefficient;
    bool upper;
  };

  void look_at_row(form& program, const sparse_matrix& r, int n, int i) {
    const table<double>&lower = program.lower, &upper = program.upper;
    // The least and largest activity by the bounds of the columns that have them.
    double least = 0, largest = 0;
    int open_low = 0, open_high = 0;
    for (int k = r.begin[i]; k < r.begin[i + 1]; ++k) {
      const double v = r.value[k], l = lower[r.index[k]], u = upper[r.index[k]];
      const double low = v * (v > 0 ? l : u), high = v * (v > 0 ? u : l);
      if (open(low)) {
        ++open_low;
      } else {
        least += low;
      }
      if (open(high)) {
        ++open_high;
      } else {
        largest += high;
      }
    }
    const bool from_above = upper[n + i] < infinity && open_low <= 1;
    const bool from_below = lower[n + i] > -infinity && open_high <= 1;
    if (!from_above && !from_below) return;
    for (int k = r.begin[i]; k < r.begin[i + 1]; ++k) {
      const int j = r.index[k];
      const double v = r.value[k], l = lower[j], u = upper[j];
      if (l == u) continue;
      // v x_j = activity - others: at most its upper bound less the least of the others, and the like.
      const double low = v * (v > 0 ? l : u), high = v * (v > 0 ? u : l);
      if (from_above && open_low == (open(low) ? 1 : 0)) {
        offer(program, {j, i, v, v > 0}, (upper[n + i] - (least - (open(low) ? 0 : low))) / v);
      }
      if (from_below && open_high == (open(high) ? 1 : 0)) {
        offer(program, {j, i, v, v < 0}, (lower[n + i] - (largest - (open(high) ? 0 : high))) / v);
      }
    }
  }
  void offer(form& program, const box& one, double at) {
    if (!(math::abs(at) < 1e6)) return;
    const double beyond = 1e-3 * (1 + math::abs(at));
    double &low = program.lower[one.column], &high = program.upper[one.column];
    double& bound = one.upper ? high : low;
    const double better = one.upper ? at + beyond : at - beyond;
    const double gain = one.upper ? bound - better : better - bound;
    if (!open(bound) && gain <= 0.1 * (1 + math::abs(bound))) return;
    if (one.upper ? better <= low : better >= high) return;  // no feasible point: the methods will say so
    bound = better;
    set_.push_back(one);
  }
  static bool open(double bound) { return bound - bound != 0; }

  table<box> set_;
  table<double> left_;
};

}  // namespace plait::detail
