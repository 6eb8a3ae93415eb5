// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/solve/answer.hpp>
#include <plait/solve/detail/colour_refinement.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// A program with one column and one row for each class of alike ones, and the way back to values and duals.
///
/// With Q a class of columns and P one of rows, the folded program has x_Q for the value that all of Q share:
///
///     cost_Q = |Q| cost_j,   a_PQ = sum over j in Q of a_ij for any i in P,   bounds as those of any member
///
/// The mean over each class of a feasible point is feasible and as good, so nothing is lost. Back: x_j = x_Q, and
/// y_i = y_P / |P|, with which the reduced cost of j is that of Q over |Q|. The point that comes back is seldom a
/// vertex; see `crossover`. Cost: O(entries).
/// Source: Grohe, Kersting, Mladenov, Selman, "Dimension reduction via colour refinement", ESA 2014, section 5.
class folding {
 public:
  /// False where too little is alike.
  bool fold(const lp& model, monitor* limits = nullptr) {
    if (!classes_.run(model, limits)) return false;
    const sparse_matrix& a = model.matrix();
    const int m = a.rows, n = a.columns, rows = classes_.row_classes, columns = classes_.column_classes;
    spend(limits, 6 * m);
    first_row_.assign(rows, -1);
    row_count_.assign(rows, 0);
    for (int i = 0; i < m; ++i) {
      const int p = classes_.row_class[i];
      if (first_row_[p] < 0) first_row_[p] = i;
      ++row_count_[p];
    }
    // Columns, class by class.
    spend(limits, 12 * n);
    begin_.assign(columns + 1, 0);
    for (int j = 0; j < n; ++j) ++begin_[classes_.column_class[j] + 1];
    for (int q = 0; q < columns; ++q) begin_[q + 1] += begin_[q];
    member_.resize(n);
    for (int j = 0; j < n; ++j) member_[begin_[classes_.column_class[j]]++] = j;
    for (int q = columns; q > 0; --q) begin_[q] = begin_[q - 1];
    begin_[0] = 0;

    spend(limits, 8 * rows);
    folded_.clear();
    folded_.set_sense(model.sense());
    folded_.set_offset(model.offset());
    for (int p = 0; p < rows; ++p) folded_.add_row(model.row_lower(first_row_[p]), model.row_upper(first_row_[p]));
    sparse_matrix& small = small_;
    small.rows = rows;
    small.columns = columns;
    small.begin.assign(1, 0);
    small.index.clear();
    small.value.clear();
    small.index.reserve(a.entries());  // which takes no time: nothing is written there
    small.value.reserve(a.entries());
    sum_.assign(rows, 0.0);
    touched_.clear();
    for (int q = 0; q < columns; ++q) {
      const int any = member_[begin_[q]];
      folded_.add_column(model.cost(any) * (begin_[q + 1] - begin_[q]), model.column_lower(any),
                         model.column_upper(any));
      for (int s = begin_[q]; s < begin_[q + 1]; ++s) {
        const int j = member_[s];
        spend(limits, 4 + 2 * (a.begin[j + 1] - a.begin[j]));
        for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
          const int p = classes_.row_class[a.index[k]];
          if (first_row_[p] != a.index[k]) continue;
          if (sum_[p] == 0) touched_.push_back(p);
          sum_[p] += a.value[k];
        }
      }
      for (const int p : touched_) {
        if (sum_[p] == 0) continue;  // listed twice, or all cancelled
        small.index.push_back(p);
        small.value.push_back(sum_[p]);
        sum_[p] = 0;
      }
      touched_.clear();
      small.begin.push_back(small.index.size());
    }
    folded_.swap_matrix(small, limits);
    return true;
  }

  [[nodiscard]] const lp& folded() const { return folded_; }
  [[nodiscard]] const colour_refinement& classes() const { return classes_; }

  /// Values of all columns and duals of all rows, from those of the classes.
  void unfold(const answer& of_classes, table<double>& x, table<double>& dual) const {
    x.resize(classes_.column_class.size());
    dual.resize(classes_.row_class.size());
    for (int j = 0; j < x.size(); ++j) x[j] = of_classes.x[classes_.column_class[j]];
    for (int i = 0; i < dual.size(); ++i) {
      const int p = classes_.row_class[i];
      dual[i] = of_classes.dual[p] / row_count_[p];
    }
  }

 private:
  colour_refinement classes_;
  lp folded_;
  sparse_matrix small_;
  table<int> first_row_, row_count_, begin_, member_, touched_;
  table<double> sum_;
};

}  // namespace plait::detail
