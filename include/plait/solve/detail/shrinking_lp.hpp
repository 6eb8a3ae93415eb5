// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/core/math.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/detail/editable_matrix.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/way_back.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// A program that rows and columns leave one after the other, with a record of how. Costs are those of a minimization.
///
/// Rows and columns that left are marked and stay in the lists of the others; counts are of those that are left.
class shrinking_lp {
 public:
  [[nodiscard]] const lp& reduced() const { return reduced_; }
  [[nodiscard]] const way_back& steps() const { return way_; }

  /// From an optimal basis of the reduced program to one of the whole: statuses of all variables, rows behind columns.
  /// `reduced_cost` belongs to the variables of the reduced program in the same order, with the sign of a
  /// minimization; without any the basis is as good as statuses alone can tell. Asks the monitor of the start.
  void postsolve(const table<basis_status>& small, const table<double>& reduced_cost, table<basis_status>& whole) {
    sides_ = small;
    // Where both bounds became the same, the sign tells which of them holds, and so what it came from.
    for (int k = 0; k < columns_.size() && !reduced_cost.empty(); ++k) {
      if (small[k] == basis_status::basic || reduced_.column_lower(k) != reduced_.column_upper(k)) continue;
      sides_[k] = reduced_cost[k] < 0 ? basis_status::upper : basis_status::lower;
    }
    way_.follow(*model_, columns_, rows_, sides_, reduced_cost, whole, limits_);
  }
  /// After an end without a feasible point: multipliers of the reduced program's rows, up to their sign, that show it.
  void excluding_rows(table<double>& multipliers) const {
    multipliers.assign(rows_.size(), 0.0);
    multipliers[renamed_[excluded_by_]] = 1;
    if (excluded_with_ >= 0) multipliers[renamed_[excluded_with_]] = -excluded_times_;
  }
  /// From multipliers of the reduced program's rows that show it infeasible to those of the whole program's rows, which
  /// do so for the whole where no step went by costs. `reduced_cost`: what they leave of all variables when nothing
  /// costs anything; `small`: the bounds that count by it.
  void farkas(const table<basis_status>& small, const table<double>& reduced_cost, table<double>& multipliers) {
    way_.follow(*model_, columns_, rows_, small, reduced_cost, unused_, limits_, false);
    multipliers = way_.multipliers();
  }

 protected:
  /// All of a model.
  void start(const lp& model, monitor* limits) {
    model_ = &model;
    limits_ = limits;
    const int m = model.rows(), n = model.columns();
    matrix_.load(model.matrix(), limits);
    const double sign = model.sense() == objective_sense::maximize ? -1 : 1;
    spend(6 * (m + n));
    lower_ = model.column_lowers();
    upper_ = model.column_uppers();
    row_lower_ = model.row_lowers();
    row_upper_ = model.row_uppers();
    cost_.resize(n);
    for (int j = 0; j < n; ++j) cost_[j] = sign * model.cost(j);
    column_left_.assign(n, 1);
    row_left_.assign(m, 1);
    column_count_.resize(n);
    row_count_.resize(m);
    for (int j = 0; j < n; ++j) column_count_[j] = matrix_.columns.count(j);
    for (int i = 0; i < m; ++i) row_count_[i] = matrix_.rows.count(i);
    way_.clear(m + n, model.entries());
    constant_ = 0;
    bad_ = false;
    open_ = false;
  }

  void drop_row(int i) {
    row_left_[i] = 0;
    spend(matrix_.rows.count(i));
    for (const cell& one : matrix_.rows[i]) --column_count_[one.at];
  }
  void drop_column(int j) {
    column_left_[j] = 0;
    spend(3 * matrix_.columns.count(j));  // with what is done beside
    for (const cell& one : matrix_.columns[j]) --row_count_[one.at];
  }
  /// A row that holds whatever the columns do.
  void drop_idle_row(int i) {
    drop_row(i);
    way_.note(way_back::step{.what = rule::drop_row, .row = i});
  }
  /// Keeps what is left of a column, or of a row, for the way back.
  void save_column(int j) {
    for (const cell& one : matrix_.columns[j])
      if (row_left_[one.at] != 0) way_.save(one);
  }
  void save_row(int i) {
    for (const cell& one : matrix_.rows[i])
      if (column_left_[one.at] != 0) way_.save(one);
  }

  /// A column that stays at a bound. Where both bounds are the same its reduced cost tells which one holds it.
  void fix(int j, double value, basis_status status) {
    if (value - value != 0) {
      open_ = true;
      return;
    }
    save_column(j);
    drop_column(j);
    if (value != 0) {  // what it uses up is taken off the bounds of the rows
      constant_ += cost_[j] * value;
      for (const cell& one : matrix_.columns[j])
        if (row_left_[one.at] != 0) shift_row(one.at, -one.value * value);
    }
    way_.note(way_back::step{.what = rule::fix_column,
                             .status = status,
                             .either = lower_[j] == upper_[j] && model_->column_lower(j) != model_->column_upper(j),
                             .column = j,
                             .cost = cost_[j]});
  }

  /// Moves both bounds of a row; what is left of a difference of equals is nothing.
  void shift_row(int i, double by) {
    const bool equation = row_lower_[i] == row_upper_[i];
    shift(row_lower_[i], by);
    if (equation) {
      row_upper_[i] = row_lower_[i];
    } else {
      shift(row_upper_[i], by);
    }
  }
  static void shift(double& value, double by) {
    const double sum = value + by;
    value = math::abs(sum) < 1e-14 * math::abs(by) ? 0 : sum;
  }

  /// The least and largest that a row can be by the bounds of its columns but one. Cost: O(entries of the row).
  struct activity_range {
    double least = 0, largest = 0;  ///< of the columns that have a bound on that side
    double size = 0;                ///< the largest term
    int open_low = 0, open_high = 0;
  };
  [[nodiscard]] activity_range range_of(int i, int without = -1) const {
    activity_range found;
    for (const cell& one : matrix_.rows[i]) {
      const int j = one.at;
      if (column_left_[j] == 0 || j == without) continue;
      const double v = one.value;
      const double low = v > 0 ? lower_[j] : upper_[j], high = v > 0 ? upper_[j] : lower_[j];
      if (low - low != 0) {
        ++found.open_low;
      } else {
        found.least += v * low;
        found.size = math::larger(found.size, math::abs(v * low));
      }
      if (high - high != 0) {
        ++found.open_high;
      } else {
        found.largest += v * high;
        found.size = math::larger(found.size, math::abs(v * high));
      }
    }
    return found;
  }

  /// No point keeps row i and the bounds of its columns; or row i and row `with`, of which it is so many times.
  void exclude(int i, int with = -1, double times = 0) {
    bad_ = true;
    excluded_by_ = i;
    excluded_with_ = with;
    excluded_times_ = times;
  }

  /// Makes the reduced program of what is left.
  void build() {
    const int m = model_->rows(), n = model_->columns();
    columns_.clear();
    rows_.clear();
    renamed_.assign(m, -1);
    reduced_.clear();
    spend(8 * m);
    for (int i = 0; i < m; ++i) {
      if (row_left_[i] == 0) continue;
      renamed_[i] = rows_.size();
      rows_.push_back(i);
      reduced_.add_row(row_lower_[i], row_upper_[i]);
    }
    sparse_matrix& small = small_;
    small.index.clear();
    small.value.clear();
    small.rows = rows_.size();
    small.begin.assign(1, 0);
    int entries = 0;
    for (int j = 0; j < n; ++j)
      if (column_left_[j] != 0) entries += column_count_[j];
    small.index.reserve(entries);  // which takes no time: nothing is written there
    small.value.reserve(entries);
    for (int j = 0; j < n; ++j) {
      if (column_left_[j] == 0) continue;
      spend(8 + matrix_.columns.count(j));
      columns_.push_back(j);
      reduced_.add_column(cost_[j], lower_[j], upper_[j]);
      for (const cell& one : matrix_.columns[j]) {
        if (row_left_[one.at] == 0) continue;
        small.index.push_back(renamed_[one.at]);
        small.value.push_back(one.value);
      }
      small.begin.push_back(small.index.size());
    }
    small.columns = columns_.size();
    reduced_.swap_matrix(small, limits_);
    reduced_.set_offset(constant_);
  }

  /// Asks, by the entries that were looked at, whether to stop.
  void spend(std::int64_t entries) const { detail::spend(limits_, entries); }

  const lp* model_ = nullptr;
  table<basis_status> sides_, unused_;
  monitor* limits_ = nullptr;
  lp reduced_;
  sparse_matrix small_;
  table<int> renamed_;
  editable_matrix matrix_;
  table<double> lower_, upper_, row_lower_, row_upper_, cost_;
  table<char> column_left_, row_left_;
  table<int> column_count_, row_count_, columns_, rows_;
  way_back way_;
  double constant_ = 0;  // what the objective has beside that of the reduced program, without the model's offset
  bool bad_ = false, open_ = false;  // found infeasible; found unbounded
  int excluded_by_ = -1, excluded_with_ = -1;
  double excluded_times_ = 0;
};

}  // namespace plait::detail
