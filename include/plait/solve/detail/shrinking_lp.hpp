// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/solve/basis.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// A program that rows and columns leave one after the other, with a record of how, which leads a basis of what is left
/// back to one of the whole. Costs are those of a minimization.
class shrinking_lp {
 public:
  [[nodiscard]] const lp& reduced() const { return reduced_; }
  [[nodiscard]] int steps() const { return done_.size(); }

  /// The statuses of all variables of the whole program, rows behind columns, from those of the reduced one.
  void postsolve(const table<basis_status>& small, table<basis_status>& whole) const {
    const int m = model_->rows(), n = model_->columns();
    whole.assign(n + m, basis_status::lower);
    for (int k = 0; k < columns_.size(); ++k) whole[columns_[k]] = small[k];
    for (int k = 0; k < rows_.size(); ++k) whole[n + rows_[k]] = small[columns_.size() + k];
    for (int s = done_.size() - 1; s >= 0; --s) {
      const action& one = done_[s];
      switch (one.what) {
        case rule::drop_row:
          whole[n + one.row] = basis_status::basic;
          break;
        case rule::fix_column:
          whole[one.column] = one.status;
          break;
        case rule::bound_by_row: {
          const basis_status at = whole[one.column];
          const bool by_row =
              (at == basis_status::lower && one.tightened_lower) || (at == basis_status::upper && one.tightened_upper);
          if (by_row) {
            whole[one.column] = basis_status::basic;
            const bool row_lower = (at == basis_status::lower) == (one.coefficient > 0);
            whole[n + one.row] = row_lower ? basis_status::lower : basis_status::upper;
          } else {
            whole[n + one.row] = basis_status::basic;
          }
          break;
        }
        case rule::substitute:
          whole[one.column] = basis_status::basic;
          whole[n + one.row] = one.status;
          break;
      }
    }
  }

 protected:
  enum class rule : signed char { drop_row, fix_column, bound_by_row, substitute };
  struct action {
    rule what;
    basis_status status;
    bool tightened_lower, tightened_upper;
    int row, column;
    double coefficient;
  };

  /// All of a model.
  void start(const lp& model) {
    model_ = &model;
    const int m = model.rows(), n = model.columns();
    transpose(model.matrix(), by_rows_);
    const double sign = model.sense() == objective_sense::maximize ? -1 : 1;
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
    for (int j = 0; j < n; ++j) column_count_[j] = model.matrix().begin[j + 1] - model.matrix().begin[j];
    for (int i = 0; i < m; ++i) row_count_[i] = by_rows_.begin[i + 1] - by_rows_.begin[i];
    done_.clear();
    bad_ = false;
    open_ = false;
  }

  void drop_row(int i) {
    row_left_[i] = 0;
    for (int k = by_rows_.begin[i]; k < by_rows_.begin[i + 1]; ++k) --column_count_[by_rows_.index[k]];
  }
  void drop_column(int j) {
    column_left_[j] = 0;
    const sparse_matrix& a = model_->matrix();
    for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) --row_count_[a.index[k]];
  }
  void fix(int j, double value, basis_status status) {
    if (value == infinity || value == -infinity) {
      open_ = true;
      return;
    }
    drop_column(j);
    const sparse_matrix& a = model_->matrix();
    if (value != 0) {  // what it uses up is taken off the bounds of the rows
      for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
        row_lower_[a.index[k]] -= a.value[k] * value;
        row_upper_[a.index[k]] -= a.value[k] * value;
      }
    }
    done_.push_back({rule::fix_column, status, false, false, -1, j, 0});
  }

  /// Makes the reduced program of what is left.
  void build() {
    const int m = model_->rows(), n = model_->columns();
    const sparse_matrix& a = model_->matrix();
    columns_.clear();
    rows_.clear();
    renamed_.assign(m, -1);
    reduced_.clear();
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
    for (int j = 0; j < n; ++j) {
      if (column_left_[j] == 0) continue;
      columns_.push_back(j);
      reduced_.add_column(cost_[j], lower_[j], upper_[j]);
      for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
        if (row_left_[a.index[k]] == 0) continue;
        small.index.push_back(renamed_[a.index[k]]);
        small.value.push_back(a.value[k]);
      }
      small.begin.push_back(small.index.size());
    }
    small.columns = columns_.size();
    reduced_.swap_matrix(small);
  }

  const lp* model_ = nullptr;
  lp reduced_;
  sparse_matrix small_;
  table<int> renamed_;
  sparse_matrix by_rows_;
  table<double> lower_, upper_, row_lower_, row_upper_, cost_;
  table<char> column_left_, row_left_;
  table<int> column_count_, row_count_, columns_, rows_;
  table<action> done_;
  bool bad_ = false, open_ = false;  // found infeasible; found unbounded
};

}  // namespace plait::detail
