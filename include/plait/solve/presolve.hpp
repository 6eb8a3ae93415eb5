// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/detail/alike_rows.hpp>
#include <plait/solve/detail/editable_matrix.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/way_back.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/table.hpp>

namespace plait {

/// A smaller program with the same optimum, and the way back to a basis of the whole one.
///
/// What comes back is a basis, found with the multipliers and reduced costs of the steps; values follow from it on the
/// whole program, where the simplex method makes good whatever the way back left open, so nothing here has to be
/// trusted.
///
/// Rules, and the way back from each:
///
///   * A row without entries, or that bounds imply: its activity is basic.
///   * A row with one entry, a bound of its column: where the column is at that bound, column basic, row at its bound.
///   * A column that is fixed, or without entries: at a bound; which one, the reduced cost says.
///   * A column that only one direction helps: at the bound in that direction.
///   * A column whose reduced cost has one sign whatever the duals are (dominated): at a bound.
///   * A row that forces its columns to their bounds: columns at bounds; where reduced costs have the wrong sign, the
///     row is at its bound and the column with the worst is basic.
///   * A column alone in a row that implies its bounds: column basic, row at the bound that the dual names.
///   * A column that an equation gives, and rows and other columns keep within its bounds: column basic.
///   * A column of an equation of two entries, whose bounds go to the other one: column basic; where the other one is
///   at
///     a bound that came from it, the other one basic, and it at its own.
///   * A row that is a multiple of another one: where that one is at a bound that came from it, they change places.
///
/// Source: Andersen, Andersen, "Presolving in linear programming", Math. Programming 71, 1995.
class presolve : public detail::alike_rows {
 public:
  enum class result { reduced, infeasible, unbounded };

  /// `infeasible` and `unbounded` are hints: the caller proves them on the whole program. After `infeasible` the
  /// reduced program is what was left then, and `excluding_rows` says why.
  result reduce(const lp& model, detail::monitor* limits = nullptr) {
    const int m = model.rows(), n = model.columns();
    start(model, limits);
    for (int pass = 0; pass < 12; ++pass) {
      const int before = way_.size();
      for (int i = 0; i < m && !bad_; ++i) {
        spend(1);
        if (row_left_[i] == 0) continue;
        spend(10 + 2 * matrix_.rows.count(i));
        look_at_row(i);
      }
      for (int j = 0; j < n && !bad_ && !open_; ++j) {
        spend(1);
        if (column_left_[j] == 0) continue;
        spend(10 + 2 * matrix_.columns.count(j));
        look_at_column(j);
      }
      if (!bad_ && !open_) fix_dominated();
      for (int i = 0; i < m && !bad_ && !open_; ++i) {
        spend(1);
        if (row_left_[i] != 0) look_at_equation(i);
      }
      if (!bad_ && !open_) join_alike_rows();
      if (bad_) {
        build();
        return result::infeasible;
      }
      if (open_) return result::unbounded;
      if (way_.size() - before <= (m + n) / 1000) break;  // each pass costs a look at everything
    }
    build();
    return result::reduced;
  }

 private:
  using cell = detail::cell;
  using rule = detail::rule;
  using way_back = detail::way_back;

  void look_at_row(int i) {
    const double l = row_lower_[i], u = row_upper_[i];
    const double slack = 1e-9 * (1 + math::larger(l > -infinity ? math::abs(l) : 0, u < infinity ? math::abs(u) : 0));
    if (row_count_[i] == 0) {
      if (l > slack || u < -slack) {
        exclude(i);
        return;
      }
      drop_idle_row(i);
      return;
    }
    if (row_count_[i] == 1) {
      bound_by_row(i);
      return;
    }
    const activity_range range = range_of(i);
    const double least = range.least, largest = range.largest, size = range.size;
    const int open_low = range.open_low, open_high = range.open_high;
    const double tolerance = slack + 1e-11 * size;
    if ((open_low == 0 && least > u + tolerance) || (open_high == 0 && largest < l - tolerance)) {
      exclude(i);
      return;
    }
    const bool low_implied = l == -infinity || (open_low == 0 && least >= l);
    const bool high_implied = u == infinity || (open_high == 0 && largest <= u);
    if (low_implied && high_implied) {
      drop_idle_row(i);
    } else if ((open_low == 0 && least >= u - 1e-13 * size) || (open_high == 0 && largest <= l + 1e-13 * size)) {
      force(i, open_low == 0 && least >= u - 1e-13 * size);
    }
  }

  /// Row i holds its columns where its activity is least, or largest.
  void force(int i, bool at_least) {
    row_.clear();
    for (const cell& one : matrix_.rows[i])
      if (column_left_[one.at] != 0) row_.push_back(one);
    for (const cell& one : row_)  // they need no row to be held
      if (lower_[one.at] == upper_[one.at]) fix(one.at, lower_[one.at], basis_status::lower);
    save_row(i);
    drop_row(i);
    way_.note(
        way_back::step{.what = rule::force, .status = at_least ? basis_status::upper : basis_status::lower, .row = i});
    for (const cell& one : row_) {
      const int j = one.at;
      if (column_left_[j] == 0) continue;
      const bool lower = (one.value > 0) == at_least;
      fix(j, lower ? lower_[j] : upper_[j], lower ? basis_status::lower : basis_status::upper);
    }
  }

  void bound_by_row(int i) {
    int j = -1;
    double v = 0;
    for (const cell& one : matrix_.rows[i]) {
      if (column_left_[one.at] == 0) continue;
      j = one.at;
      v = one.value;
    }
    if (math::abs(v) < 1e-7) return;
    const double l = (v > 0 ? row_lower_[i] : row_upper_[i]) / v, u = (v > 0 ? row_upper_[i] : row_lower_[i]) / v;
    way_back::step one{.what = rule::bound_by_row, .row = i, .column = j, .coefficient = v};
    one.tightened_lower = l > lower_[j];
    one.tightened_upper = u < upper_[j];
    if (!tighten(i, j, l, u, one.tightened_lower, one.tightened_upper)) return;
    drop_row(i);
    way_.note(one);
  }

  void look_at_column(int j) {
    if (lower_[j] == upper_[j]) {
      fix(j, lower_[j], basis_status::lower);
      return;
    }
    // Which way the rows let it go, whatever the other columns do.
    bool down = true, up = true;
    int row = -1;
    double coefficient = 0;
    for (const cell& one : matrix_.columns[j]) {
      const int i = one.at;
      if (row_left_[i] == 0) continue;
      const bool low = row_lower_[i] > -infinity, high = row_upper_[i] < infinity;
      const bool positive = one.value > 0;
      if (positive ? low : high) down = false;
      if (positive ? high : low) up = false;
      row = i;
      coefficient = one.value;
    }
    if (down && cost_[j] >= 0 && (cost_[j] > 0 || lower_[j] > -infinity)) {
      fix(j, lower_[j], basis_status::lower);
      return;
    }
    if (up && cost_[j] <= 0 && (cost_[j] < 0 || upper_[j] < infinity)) {
      fix(j, upper_[j], basis_status::upper);
      return;
    }
    if (column_count_[j] == 1 && row_count_[row] > 1) substitute(j, row, coefficient);
  }

  /// Rows bound their duals: by sign where they have one bound, and where a column alone in a row has no upper (lower)
  /// bound, because its reduced cost is then never below (above) zero at an optimum. A column whose reduced cost these
  /// keep off zero rests at a bound in every optimum.
  void fix_dominated() {
    const int m = model_->rows(), n = model_->columns();
    dual_lower_.resize(m);
    dual_upper_.resize(m);
    bool any = false;
    spend(4 * m);
    for (int i = 0; i < m; ++i) {
      dual_lower_[i] = row_upper_[i] < infinity ? -infinity : 0;
      dual_upper_[i] = row_lower_[i] > -infinity ? infinity : 0;
    }
    for (int j = 0; j < n; ++j) {
      spend(1);
      if (column_left_[j] == 0 || column_count_[j] != 1 || (lower_[j] > -infinity && upper_[j] < infinity)) continue;
      for (const cell& one : matrix_.columns[j]) {
        const int i = one.at;
        if (row_left_[i] == 0) continue;
        const double at = cost_[j] / one.value;
        const bool above = upper_[j] == infinity, below = lower_[j] == -infinity;
        if (above == (one.value > 0) || (above && below)) dual_upper_[i] = math::smaller(dual_upper_[i], at);
        if (below == (one.value > 0) || (above && below)) dual_lower_[i] = math::larger(dual_lower_[i], at);
        any = true;
      }
    }
    for (int i = 0; i < m && any; ++i) any = dual_lower_[i] <= dual_upper_[i];  // else there may be no optimum
    if (!any) return;
    for (int j = 0; j < n && !open_; ++j) {
      spend(1);
      if (column_left_[j] == 0) continue;
      spend(10 + 2 * matrix_.columns.count(j));
      double least = cost_[j], most = cost_[j], size = math::abs(cost_[j]);
      for (const cell& one : matrix_.columns[j]) {
        const int i = one.at;
        if (row_left_[i] == 0) continue;
        const double v = one.value, low = v > 0 ? dual_lower_[i] : dual_upper_[i],
                     high = v > 0 ? dual_upper_[i] : dual_lower_[i];
        least -= v * high;
        most -= v * low;
        if (high - high == 0) size += math::abs(v * high);
        if (low - low == 0) size += math::abs(v * low);
        if (least == -infinity && most == infinity) break;
      }
      const double clear = 1e-7 * (1 + size);
      if (least > clear && lower_[j] > -infinity) {
        fix(j, lower_[j], basis_status::lower);
      } else if (most < -clear && upper_[j] < infinity) {
        fix(j, upper_[j], basis_status::upper);
      }
    }
  }

  table<double> dual_lower_, dual_upper_;
  table<cell> row_;
};

}  // namespace plait
