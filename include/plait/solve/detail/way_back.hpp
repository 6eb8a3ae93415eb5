// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/detail/editable_matrix.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// How a row or column left a program; see `presolve`.
enum class rule : signed char {
  drop_row,      ///< a row that bounds imply, or without entries
  fix_column,    ///< a column at a bound
  bound_by_row,  ///< a row with one entry
  force,         ///< a row that holds all its columns at bounds
  substitute,    ///< a column alone in a row that implies its bounds, with that row
  eliminate,     ///< a column that other bounds imply, with the equation that gives it
  exchange,      ///< a column with an equation of two entries; its bounds went to the other one
  alike_row      ///< a row that is a multiple of another, which took its bounds
};
inline constexpr int rules = 8;

/// The record of what left a program, and the way back from a basis of what is left.
///
/// Steps are undone last first. With multipliers of the rows and reduced costs of the columns beside the statuses each
/// step can tell which of its variables is basic: the one whose bound does not hold anything. All signs are those of a
/// minimization: a variable at its lower bound has a reduced cost >= 0.
class way_back {
 public:
  struct step {
    rule what = rule::drop_row;
    basis_status status = basis_status::basic;
    bool tightened_lower = false, tightened_upper = false;  ///< bounds that came from the row
    bool either = false;  ///< both bounds became the same: the sign of the reduced cost tells which one holds
    int row = -1, column = -1;
    int other = -1;          ///< exchange: the column that stayed; alike_row: the row that stayed
    double coefficient = 0;  ///< of the column in the row; alike_row: of the other row in this
    double ratio = 0;        ///< exchange: the coefficient of the other column in the row
    double cost = 0;         ///< of the column when it left
    int begin = 0, end = 0;  ///< saved cells
  };

  /// Of a program with so many rows and columns, and so many entries. Memory for them all is got at once, so that
  /// nothing is copied while lists grow; the system gives it where it is written to.
  void clear(int variables, int entries) {
    steps_.clear();
    saved_.clear();
    steps_.reserve(variables);
    saved_.reserve(entries);
    for (int& count : counts_) count = 0;
  }
  /// Cells of the step that is noted next.
  void save(cell one) { saved_.push_back(one); }
  void note(step one) {
    one.begin = steps_.empty() ? 0 : steps_.back().end;
    one.end = saved_.size();
    steps_.push_back(one);
    ++counts_[static_cast<int>(one.what)];
  }
  [[nodiscard]] int size() const { return steps_.size(); }
  /// How often a rule was used.
  [[nodiscard]] int count(rule what) const { return counts_[static_cast<int>(what)]; }

  /// After `follow`: the multipliers of all rows and reduced costs of all columns that belong to the basis.
  [[nodiscard]] const table<double>& multipliers() const { return y_; }
  [[nodiscard]] const table<double>& reduced_costs() const { return d_; }

  /// `columns` and `rows`: those of the whole program that are left. `costs`: whether the columns that left cost what
  /// they did, or nothing.
  void follow(const lp& model, const table<int>& columns, const table<int>& rows, const table<basis_status>& small,
              const table<double>& reduced_cost, table<basis_status>& whole, monitor* limits = nullptr,
              bool costs = true) {
    costs_ = costs;
    const int m = model.rows(), n = model.columns();
    spend(limits, 4 * (m + n));
    whole.assign(n + m, basis_status::lower);
    d_.assign(n, 0.0);
    y_.assign(m, 0.0);
    for (int k = 0; k < columns.size(); ++k) whole[columns[k]] = small[k];
    for (int k = 0; k < rows.size(); ++k) whole[n + rows[k]] = small[columns.size() + k];
    if (!reduced_cost.empty()) {
      for (int k = 0; k < columns.size(); ++k) d_[columns[k]] = reduced_cost[k];
      for (int k = 0; k < rows.size(); ++k) y_[rows[k]] = reduced_cost[columns.size() + k];
    }
    for (int s = steps_.size() - 1; s >= 0; --s) {
      spend(limits, 16 + 2 * (steps_[s].end - steps_[s].begin));
      undo(steps_[s], whole, n);
    }
  }

 private:
  void undo(const step& one, table<basis_status>& whole, int n) {
    switch (one.what) {
      case rule::drop_row:
        leave_idle(one.row, whole, n);
        break;
      case rule::fix_column:
        d_[one.column] = price(one);
        whole[one.column] = !one.either ? one.status : d_[one.column] < 0 ? basis_status::upper : basis_status::lower;
        break;
      case rule::bound_by_row: {
        const basis_status at = whole[one.column];
        if (!by_row(at, one)) {
          leave_idle(one.row, whole, n);
          break;
        }
        y_[one.row] = d_[one.column] / one.coefficient;
        d_[one.column] = 0;
        whole[one.column] = basis_status::basic;
        whole[n + one.row] = side((at == basis_status::lower) == (one.coefficient > 0));
        break;
      }
      case rule::force:
        hold(one, whole, n);
        break;
      case rule::substitute:
      case rule::eliminate:
        y_[one.row] = price(one) / one.coefficient;
        d_[one.column] = 0;
        whole[one.column] = basis_status::basic;
        whole[n + one.row] = one.status;
        break;
      case rule::exchange: {
        y_[one.row] = price(one) / one.coefficient;
        d_[one.column] = 0;
        whole[one.column] = basis_status::basic;
        whole[n + one.row] = one.status;
        const basis_status at = whole[one.other];
        if (!by_row(at, one)) break;
        // The other column is where a bound of this one put it, so it follows, and this one is at the bound.
        const double by = d_[one.other] / one.ratio;
        y_[one.row] += by;
        d_[one.column] = -one.coefficient * by;
        d_[one.other] = 0;
        whole[one.other] = basis_status::basic;
        whole[one.column] = side((at == basis_status::lower) == ((one.coefficient > 0) != (one.ratio > 0)));
        break;
      }
      case rule::alike_row: {
        basis_status& at = whole[n + one.other];
        if (one.either && at != basis_status::basic) at = side(y_[one.other] >= 0);
        if (!by_row(at, one)) {
          leave_idle(one.row, whole, n);
          break;
        }
        y_[one.row] = y_[one.other] / one.coefficient;
        whole[n + one.row] = side((at == basis_status::lower) == (one.coefficient > 0));
        leave_idle(one.other, whole, n);
        break;
      }
    }
  }

  static basis_status side(bool lower) { return lower ? basis_status::lower : basis_status::upper; }
  static bool by_row(basis_status at, const step& one) {
    return (at == basis_status::lower && one.tightened_lower) || (at == basis_status::upper && one.tightened_upper);
  }
  void leave_idle(int row, table<basis_status>& whole, int n) {
    y_[row] = 0;
    whole[n + row] = basis_status::basic;
  }
  /// What is left of the column's cost once the rows that were left with it have been paid.
  [[nodiscard]] double price(const step& one) const {
    double left = costs_ ? one.cost : 0;
    for (int k = one.begin; k < one.end; ++k) left -= y_[saved_[k].at] * saved_[k].value;
    return left;
  }
  /// Columns at bounds where their reduced costs would have the wrong sign are held there by the row; the one that
  /// wants it most becomes basic.
  void hold(const step& one, table<basis_status>& whole, int n) {
    double most = 0;
    int wants = -1;
    for (int k = one.begin; k < one.end; ++k) {
      const double v = saved_[k].value, by = d_[saved_[k].at] / v;
      const bool lower = (v > 0) == (one.status == basis_status::upper);
      if (lower == (d_[saved_[k].at] >= 0) || math::abs(by) <= math::abs(most)) continue;
      most = by;
      wants = saved_[k].at;
    }
    if (wants < 0) {
      leave_idle(one.row, whole, n);
      return;
    }
    y_[one.row] = most;
    for (int k = one.begin; k < one.end; ++k) d_[saved_[k].at] -= most * saved_[k].value;
    d_[wants] = 0;
    whole[wants] = basis_status::basic;
    whole[n + one.row] = one.status;
  }

  table<step> steps_;
  table<cell> saved_;
  int counts_[rules] = {};
  table<double> d_, y_;
  bool costs_ = true;
};

}  // namespace plait::detail
