// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include <plait/core/math.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/detail/editable_matrix.hpp>
#include <plait/solve/detail/shrinking_lp.hpp>
#include <plait/solve/detail/way_back.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// Rules that take a column out together with a row that says what it is.
///
/// A column is free of its bounds where the rows and the bounds of the other columns imply these. An equation then
/// gives its value: it goes into the other rows and the costs, and leaves with the equation. In an equation of two
/// entries no such proof is needed, because its bounds are bounds of the other column. Rows get entries that were not
/// there, so only what makes the matrix no larger by more than `most_growth` is done, with a coefficient that is not
/// small among those of the row and of the column. Source: Andersen, Andersen, "Presolving in linear programming",
/// Math. Programming 71, 1995, section 3.
class substitution : public shrinking_lp {
 protected:
  static constexpr int most_growth = 10;  // entries
  static constexpr int longest_row = 64, longest_column = 16;

  /// Column j stands in row i alone, and the row keeps it within its bounds: the row then has the dual cost_j / a_ij.
  void substitute(int j, int i, double v) {
    double largest = 0;
    spend(4 * matrix_.rows.count(i));
    for (const cell& one : matrix_.rows[i])
      if (column_left_[one.at] != 0) largest = math::larger(largest, math::abs(one.value));
    if (math::abs(v) < 0.01 * largest) return;
    const activity_range others = range_of(i, j);
    const double dual = cost_[j] / v;
    const double l = row_lower_[i], u = row_upper_[i];
    // The row will be tight at one bound.
    double at = dual > 0 ? l : dual < 0 ? u : l > -infinity ? l : u;
    if (l == u) at = l;
    if (at - at != 0) return;
    // v x_j = activity - others, with an activity at that bound, or anywhere within where the dual is zero.
    const bool pinned = l == u || dual != 0;
    const double high_activity = pinned ? at : u, low_activity = pinned ? at : l;
    double top = others.open_low > 0 ? infinity : high_activity - others.least;
    double bottom = others.open_high > 0 ? -infinity : low_activity - others.largest;
    if (v < 0) std::swap(top, bottom);
    const double most = top / v, least = bottom / v;
    if (!(lower_[j] == -infinity || least >= lower_[j]) || !(upper_[j] == infinity || most <= upper_[j])) return;
    for (const cell& one : matrix_.rows[i])
      if (column_left_[one.at] != 0 && one.at != j) charge(one.at, dual * one.value);
    constant_ += dual * at;
    drop_column(j);
    drop_row(i);
    way_.note(way_back::step{.what = rule::substitute,
                             .status = at == l ? basis_status::lower : basis_status::upper,
                             .row = i,
                             .column = j,
                             .coefficient = v,
                             .cost = cost_[j]});
  }

  /// Takes a column out of the program with equation i, where there is one that is worth it.
  void look_at_equation(int i) {
    const int length = row_count_[i];
    if (row_lower_[i] != row_upper_[i] || length < 2 || length > longest_row) return;
    spend(2 * matrix_.rows.count(i));
    double largest = 0;
    for (const cell& one : matrix_.rows[i])
      if (column_left_[one.at] != 0) largest = math::larger(largest, math::abs(one.value));
    int best = -1, least_growth = most_growth + 1;
    double coefficient = 0;
    for (const cell& one : matrix_.rows[i]) {
      const int j = one.at, count = column_count_[j];
      if (column_left_[j] == 0 || count > longest_column || math::abs(one.value) < 0.01 * largest) continue;
      const int growth = (count - 1) * (length - 1) - (count - 1) - length;
      if (growth >= least_growth || !rules_its_column(one.value, j)) continue;
      if (length > 2 && !(implied(j, true) && implied(j, false))) continue;
      best = j;
      least_growth = growth;
      coefficient = one.value;
    }
    if (best < 0) return;
    if (length == 2) {
      exchange(i, best, coefficient);
    } else {
      eliminate(i, best, coefficient, way_back::step{.what = rule::eliminate});
    }
  }

 private:
  [[nodiscard]] bool rules_its_column(double v, int j) const {
    spend(matrix_.columns.count(j));
    for (const cell& one : matrix_.columns[j])
      if (row_left_[one.at] != 0 && math::abs(one.value) > 1000 * math::abs(v)) return false;
    return true;
  }

  /// Whether a row and the other columns keep column j within its upper, or lower, bound.
  [[nodiscard]] bool implied(int j, bool upper) const {
    const double bound = upper ? upper_[j] : lower_[j];
    if (bound - bound != 0) return true;
    for (const cell& one : matrix_.columns[j]) {
      const int i = one.at;
      if (row_left_[i] == 0 || row_count_[i] > longest_row) continue;
      spend(2 * matrix_.rows.count(i));
      // v x_j = activity - others.
      const bool top = upper == (one.value > 0);
      const double activity = top ? row_upper_[i] : row_lower_[i];
      if (activity - activity != 0) continue;
      const activity_range others = range_of(i, j);
      if ((top ? others.open_low : others.open_high) > 0) continue;
      const double at = (activity - (top ? others.least : others.largest)) / one.value;
      if (upper ? at <= bound : at >= bound) return true;
    }
    return false;
  }

  /// Takes something off a cost; what is left of a difference of equals is nothing.
  void charge(int j, double by) {
    if (by == 0) return;
    cost_[j] -= by;
    if (math::abs(cost_[j]) < 1e-13 * math::abs(by)) cost_[j] = 0;
  }

  /// Column j leaves with equation i of two entries: a x_j + b x_other = c.
  void exchange(int i, int j, double a) {
    way_back::step one{.what = rule::exchange};
    for (const cell& two : matrix_.rows[i]) {
      if (column_left_[two.at] == 0 || two.at == j) continue;
      one.other = two.at;
      one.ratio = two.value;
    }
    const int other = one.other;
    const double b = one.ratio, c = row_lower_[i];
    const double at_lower = (c - a * lower_[j]) / b, at_upper = (c - a * upper_[j]) / b;
    const bool falls = (a > 0) == (b > 0);  // x_other as x_j grows
    const double l = falls ? at_upper : at_lower, u = falls ? at_lower : at_upper;
    one.tightened_lower = l > lower_[other];
    one.tightened_upper = u < upper_[other];
    if (!tighten(i, other, l, u, one.tightened_lower, one.tightened_upper)) return;
    eliminate(i, j, a, one);
  }

  void eliminate(int i, int j, double v, way_back::step one) {
    const double right = row_lower_[i], times = cost_[j] / v;
    row_.clear();
    for (const cell& other : matrix_.rows[i])
      if (column_left_[other.at] != 0 && other.at != j) row_.push_back(other);
    drop_column(j);
    drop_row(i);
    column_.clear();
    for (const cell& other : matrix_.columns[j])
      if (row_left_[other.at] != 0) column_.push_back(other);
    save_column(j);
    one.row = i;
    one.column = j;
    one.status = basis_status::lower;
    one.coefficient = v;
    one.cost = cost_[j];
    way_.note(one);
    constant_ += times * right;
    int met = 0;  // entries of the columns that each row is looked up in
    for (const cell& other : row_) {
      charge(other.at, times * other.value);
      met += matrix_.columns.count(other.at);
    }
    for (const cell& other : column_) {
      const int k = other.at;
      const double factor = other.value / v;
      spend(2 * matrix_.rows.count(k) + met);
      matrix_.subtract(k, factor, row_, row_count_[k], column_count_);
      if (right != 0) shift_row(k, -factor * right);
    }
  }

 protected:
  /// New bounds of a column by row i, where those that are marked are tighter. False, and `bad_`, where they exclude
  /// each other.
  bool tighten(int i, int j, double l, double u, bool from_lower, bool from_upper) {
    if (from_lower) lower_[j] = l;
    if (from_upper) upper_[j] = u;
    if (lower_[j] <= upper_[j]) return true;
    if (lower_[j] > upper_[j] + 1e-9 * (1 + math::abs(lower_[j]))) {
      exclude(i);
      return false;
    }
    (from_lower ? lower_[j] : upper_[j]) = from_lower ? upper_[j] : lower_[j];
    return true;
  }

 private:
  table<cell> row_, column_;
};

}  // namespace plait::detail
