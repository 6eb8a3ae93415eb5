// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include <plait/core/math.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/shrinking_lp.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

namespace plait {

/// A smaller program with the same optimum, and the way back to a basis of the whole one.
///
/// Only bounds and costs change and only rows and columns leave, so every coefficient of the smaller program is one of
/// the whole. What comes back is a basis; values, duals and reduced costs follow from it on the whole program, where
/// the simplex method makes good whatever the way back left open, so nothing here has to be trusted.
///
///   rule                                            the way back
///   row without entries, or that bounds imply       its activity is basic
///   row with one entry: a bound of its column       where the column is at that bound: column basic, row at its bound
///   column that is fixed, or without entries        at a bound
///   column that only one direction helps            at the bound in that direction
///   column whose reduced cost has one sign          at a bound
///   whatever the duals are (dominated)
///   row that forces its columns to their bounds     its activity is basic, columns at bounds
///   column alone in a row that implies its bounds   column basic, row at the bound that the dual names
///
/// Source: Andersen, Andersen, "Presolving in linear programming", Math. Programming 71, 1995.
class presolve : public detail::shrinking_lp {
 public:
  enum class result { reduced, infeasible, unbounded };

  /// `infeasible` and `unbounded` are hints: the caller proves them on the whole program.
  result reduce(const lp& model, detail::monitor* limits = nullptr) {
    const int m = model.rows(), n = model.columns();
    start(model);
    for (int pass = 0; pass < 12; ++pass) {
      const int before = done_.size();
      const auto poll = [&](int at) {
        if (limits != nullptr && (at & 255) == 0) limits->poll();
      };
      for (int i = 0; i < m && !bad_; ++i) {
        poll(i);
        if (row_left_[i] != 0) look_at_row(i);
      }
      for (int j = 0; j < n && !bad_ && !open_; ++j) {
        poll(j);
        if (column_left_[j] != 0) look_at_column(j);
      }
      if (!bad_ && !open_) fix_dominated();
      if (bad_) return result::infeasible;
      if (open_) return result::unbounded;
      if (done_.size() == before) break;
    }
    build();
    return result::reduced;
  }

 private:
  void look_at_row(int i) {
    const double l = row_lower_[i], u = row_upper_[i];
    const double slack = 1e-9 * (1 + math::larger(l > -infinity ? math::abs(l) : 0, u < infinity ? math::abs(u) : 0));
    if (row_count_[i] == 0) {
      if (l > slack || u < -slack) {
        bad_ = true;
        return;
      }
      drop_row(i);
      done_.push_back({rule::drop_row, basis_status::basic, false, false, i, -1, 0});
      return;
    }
    if (row_count_[i] == 1) {
      bound_by_row(i);
      return;
    }
    // The least and largest activity that the bounds of the columns allow.
    double least = 0, largest = 0, size = 0;
    int open_low = 0, open_high = 0;
    for (int k = by_rows_.begin[i]; k < by_rows_.begin[i + 1]; ++k) {
      const int j = by_rows_.index[k];
      if (column_left_[j] == 0) continue;
      const double v = by_rows_.value[k];
      const double low = v > 0 ? lower_[j] : upper_[j], high = v > 0 ? upper_[j] : lower_[j];
      if (low - low != 0) {
        ++open_low;
      } else {
        least += v * low;
        size = math::larger(size, math::abs(v * low));
      }
      if (high - high != 0) {
        ++open_high;
      } else {
        largest += v * high;
        size = math::larger(size, math::abs(v * high));
      }
    }
    const double tolerance = slack + 1e-11 * size;
    if ((open_low == 0 && least > u + tolerance) || (open_high == 0 && largest < l - tolerance)) {
      bad_ = true;
      return;
    }
    const bool low_implied = l == -infinity || (open_low == 0 && least >= l);
    const bool high_implied = u == infinity || (open_high == 0 && largest <= u);
    if (low_implied && high_implied) {
      drop_row(i);
      done_.push_back({rule::drop_row, basis_status::basic, false, false, i, -1, 0});
    } else if ((open_low == 0 && least >= u - 1e-13 * size) || (open_high == 0 && largest <= l + 1e-13 * size)) {
      const bool at_least = open_low == 0 && least >= u - 1e-13 * size;
      for (int k = by_rows_.begin[i]; k < by_rows_.begin[i + 1]; ++k) {
        const int j = by_rows_.index[k];
        if (column_left_[j] == 0) continue;
        const bool lower = (by_rows_.value[k] > 0) == at_least;
        fix(j, lower ? lower_[j] : upper_[j], lower ? basis_status::lower : basis_status::upper);
      }
      drop_row(i);
      done_.push_back({rule::drop_row, basis_status::basic, false, false, i, -1, 0});
    }
  }

  void bound_by_row(int i) {
    int j = -1;
    double v = 0;
    for (int k = by_rows_.begin[i]; k < by_rows_.begin[i + 1]; ++k) {
      if (column_left_[by_rows_.index[k]] == 0) continue;
      j = by_rows_.index[k];
      v = by_rows_.value[k];
    }
    if (math::abs(v) < 1e-7) return;
    const double l = (v > 0 ? row_lower_[i] : row_upper_[i]) / v, u = (v > 0 ? row_upper_[i] : row_lower_[i]) / v;
    action one{rule::bound_by_row, basis_status::basic, l > lower_[j], u < upper_[j], i, j, v};
    if (one.tightened_lower) lower_[j] = l;
    if (one.tightened_upper) upper_[j] = u;
    if (lower_[j] > upper_[j]) {
      if (lower_[j] > upper_[j] + 1e-9 * (1 + math::abs(lower_[j]))) {
        bad_ = true;
        return;
      }
      (one.tightened_lower ? lower_[j] : upper_[j]) = one.tightened_lower ? upper_[j] : lower_[j];
    }
    drop_row(i);
    done_.push_back(one);
  }

  void look_at_column(int j) {
    if (lower_[j] == upper_[j]) {
      // At the bound whose reduced cost would be right; the way back looks at nothing but bounds, so either will do.
      const bool upper = lower_[j] != model_->column_lower(j) && upper_[j] == model_->column_upper(j);
      fix(j, lower_[j], upper ? basis_status::upper : basis_status::lower);
      return;
    }
    const sparse_matrix& a = model_->matrix();
    // Which way the rows let it go, whatever the other columns do.
    bool down = true, up = true;
    int row = -1;
    double coefficient = 0;
    for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
      const int i = a.index[k];
      if (row_left_[i] == 0) continue;
      const bool low = row_lower_[i] > -infinity, high = row_upper_[i] < infinity;
      const bool positive = a.value[k] > 0;
      if (positive ? low : high) down = false;
      if (positive ? high : low) up = false;
      row = i;
      coefficient = a.value[k];
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
    const sparse_matrix& a = model_->matrix();
    dual_lower_.resize(m);
    dual_upper_.resize(m);
    bool any = false;
    for (int i = 0; i < m; ++i) {
      dual_lower_[i] = row_upper_[i] < infinity ? -infinity : 0;
      dual_upper_[i] = row_lower_[i] > -infinity ? infinity : 0;
    }
    for (int j = 0; j < n; ++j) {
      if (column_left_[j] == 0 || column_count_[j] != 1 || (lower_[j] > -infinity && upper_[j] < infinity)) continue;
      for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
        const int i = a.index[k];
        if (row_left_[i] == 0) continue;
        const double at = cost_[j] / a.value[k];
        const bool above = upper_[j] == infinity, below = lower_[j] == -infinity;
        if (above == (a.value[k] > 0) || (above && below)) dual_upper_[i] = math::smaller(dual_upper_[i], at);
        if (below == (a.value[k] > 0) || (above && below)) dual_lower_[i] = math::larger(dual_lower_[i], at);
        any = true;
      }
    }
    for (int i = 0; i < m && any; ++i) any = dual_lower_[i] <= dual_upper_[i];  // else there may be no optimum
    if (!any) return;
    for (int j = 0; j < n && !open_; ++j) {
      if (column_left_[j] == 0) continue;
      double least = cost_[j], most = cost_[j], size = math::abs(cost_[j]);
      for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
        const int i = a.index[k];
        if (row_left_[i] == 0) continue;
        const double v = a.value[k], low = v > 0 ? dual_lower_[i] : dual_upper_[i],
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

  /// Column j stands in row i alone, and the row keeps it within its bounds: the row then has the dual cost_j / a_ij.
  void substitute(int j, int i, double v) {
    double largest = 0;
    double least_others = 0, largest_others = 0;
    bool open_low = false, open_high = false;
    for (int k = by_rows_.begin[i]; k < by_rows_.begin[i + 1]; ++k) {
      const int other = by_rows_.index[k];
      if (column_left_[other] == 0) continue;
      const double c = by_rows_.value[k];
      largest = math::larger(largest, math::abs(c));
      if (other == j) continue;
      const double low = c > 0 ? lower_[other] : upper_[other], high = c > 0 ? upper_[other] : lower_[other];
      if (low - low != 0) {
        open_low = true;
      } else {
        least_others += c * low;
      }
      if (high - high != 0) {
        open_high = true;
      } else {
        largest_others += c * high;
      }
    }
    if (math::abs(v) < 0.01 * largest) return;
    const double dual = cost_[j] / v;
    const double l = row_lower_[i], u = row_upper_[i];
    // The row will be tight at one bound.
    double at = dual > 0 ? l : dual < 0 ? u : l > -infinity ? l : u;
    if (l == u) at = l;
    if (at - at != 0) return;
    // v x_j = activity - others, with an activity at that bound, or anywhere within where the dual is zero.
    const bool pinned = l == u || dual != 0;
    const double high_activity = pinned ? at : u, low_activity = pinned ? at : l;
    double top = open_low ? infinity : high_activity - least_others;
    double bottom = open_high ? -infinity : low_activity - largest_others;
    if (v < 0) std::swap(top, bottom);
    const double most = top / v, least = bottom / v;
    if (!(lower_[j] == -infinity || least >= lower_[j]) || !(upper_[j] == infinity || most <= upper_[j])) return;
    if (dual != 0) {
      for (int k = by_rows_.begin[i]; k < by_rows_.begin[i + 1]; ++k) {
        const int other = by_rows_.index[k];
        if (column_left_[other] == 0 || other == j) continue;
        cost_[other] -= dual * by_rows_.value[k];
        if (math::abs(cost_[other]) < 1e-13 * math::abs(dual * by_rows_.value[k])) cost_[other] = 0;
      }
    }
    drop_column(j);
    drop_row(i);
    done_.push_back({rule::substitute, at == l ? basis_status::lower : basis_status::upper, false, false, i, j, v});
  }

  table<double> dual_lower_, dual_upper_;
};

}  // namespace plait
