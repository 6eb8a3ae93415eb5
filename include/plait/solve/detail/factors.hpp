// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/nucleus.hpp>
#include <plait/solve/detail/triangle.hpp>
#include <plait/solve/detail/work_vector.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// The share of places that vectors of one kind leave nonzero: the mean of the first twenty, then a running average.
struct density {
  double share = 0;
  int seen = 0;

  void note(int count, int size) {
    if (size <= 0) return;
    if (seen < 20) ++seen;
    share += (static_cast<double>(count) / size - share) / seen;
  }
};
/// That of solves of one kind after their first and after their second triangle: solves take their ways by it.
struct solve_density {
  density first, second;
};

/// B = L R U, where B are the basic columns of [A, -I], and R collects the row operations of updates.
///
/// After `build`, basic variable i is the one whose column was pivoted on row i, so that places of the basis and rows
/// are one set of numbers. Variables 0 .. columns - 1 are columns of A, variable columns + i is the activity of row i.
///
/// `build`: singletons of columns and rows first, which cost nothing and fill nothing in, then a `nucleus`.
/// `update`: one column is exchanged, by Forrest and Tomlin: the entering column with L and R applied (the spike)
/// becomes the last column of U, and the row of the old pivot is cleared by one row operation, whose multipliers are
/// what BTRAN of that unit vector leaves behind U.
/// Source: Forrest, Tomlin, "Updated triangular factors of the basis to maintain sparsity in the product form simplex
/// method", Math. Programming 2, 1972; singletons as in Suhl and Suhl, see `nucleus`.
class factorization {
 public:
  static constexpr double smallest_pivot = 1e-10;
  static constexpr double dense = 0.25;  ///< share of places from which on solves do not ask which are zero
  monitor* limits = nullptr;  ///< asked while building, and between the triangles of solves; a build that it ends
                              ///< leaves nothing of use, a solve leaves a vector that can be cleared

  /// Factorizes; puts basic variables into the order of their pivot rows. Where the columns depend on each other, the
  /// activity of an unpivoted row takes the place of a column without pivot: `replaced` lists (variable out, row).
  /// Returns how many were replaced.
  int build(const sparse_matrix& a, table<int>& basic, double threshold);

  /// x := B^-1 x: in by row, out by place. Keeps L and R of it as `spike` when asked.
  void ftran(work_vector& x, solve_density& expected, work_vector* spike = nullptr) {
    spend(limits, lower_columns_.index.size());
    first_triangle(lower_columns_, nullptr, x, expected);
    spend(limits, upper_entries_);
    apply_row_operations(x);
    if (spike != nullptr) spike->copy(x);
    if (expected.second.share > dense) {
      solve_triangle_densely<true>(upper_rows_, inverse_.data(), x);
      x.list();
    } else {
      solve_triangle<true>(upper_columns_, inverse_.data(), x, expected.second.share, walk_);
    }
    expected.second.note(x.count, x.size());
  }
  void ftran(work_vector& x, double expected, work_vector* spike = nullptr) {
    solve_density both{{expected}, {expected}};
    ftran(x, both, spike);
  }
  /// y := B^-T y: in by place, out by row. Keeps what stands behind U as `behind_upper` when asked. Where most of y
  /// ends nonzero it is only listed if `listed`.
  void btran(work_vector& y, solve_density& expected, work_vector* behind_upper = nullptr, bool listed = true) {
    spend(limits, upper_entries_);
    first_triangle(upper_rows_, inverse_.data(), y, expected);
    spend(limits, lower_columns_.index.size());
    if (behind_upper != nullptr) behind_upper->copy(y);
    undo_row_operations(y);
    if (expected.second.share <= dense) {
      solve_triangle<true>(lower_rows_, nullptr, y, expected.second.share, walk_);
    } else if (!walk_triangle(lower_rows_, nullptr, y, most_to_walk(y, dense), walk_)) {
      solve_triangle_densely<true>(lower_columns_, nullptr, y);
      if (!listed) return;
      y.list();
    }
    expected.second.note(y.count, y.size());
  }
  void btran(work_vector& y, double expected, work_vector* behind_upper = nullptr) {
    solve_density both{{expected}, {expected}};
    btran(y, both, behind_upper);
  }

  /// Both for vectors of which every place is wanted: nothing is listed, and what rounding leaves is not forgotten.
  void ftran_whole(work_vector& x) const {
    spend(limits, lower_columns_.index.size());
    sweep_triangle<false>(lower_columns_, nullptr, x);
    spend(limits, upper_entries_);
    apply_row_operations(x);
    solve_triangle_densely<true>(upper_rows_, inverse_.data(), x);
  }
  void btran_whole(work_vector& y) const {
    spend(limits, upper_entries_);
    sweep_triangle<false>(upper_rows_, inverse_.data(), y);
    spend(limits, lower_columns_.index.size());
    undo_row_operations(y);
    solve_triangle_densely<true>(lower_columns_, nullptr, y);
  }

  /// The variable at `place` is exchanged: `spike` as ftran left it for the entering column, `behind_upper` as btran
  /// left it for the unit vector of the place, `alpha` the pivot entry of the entering column.
  void update(int place, const work_vector& spike, const work_vector& behind_upper, double alpha);

  [[nodiscard]] int updates() const { return updates_; }
  /// Whether the entries that updates added have cost solves as much as building anew would; a few turns of the entries
  /// do, by measuring.
  [[nodiscard]] bool worth_rebuilding(int most_updates = 100) const {
    return updates_ >= most_updates || (updates_ >= 10 && excess_ > 10.0 * (built_entries_ + row_space_.size()));
  }
  /// Entries of the factors now, for deciding when to build anew.
  [[nodiscard]] int entries() const { return upper_entries_ + operation_index_.size() + lower_columns_.index.size(); }
  [[nodiscard]] int built_entries() const { return built_entries_; }
  [[nodiscard]] const table<int>& replaced_variables() const { return replaced_variable_; }

 private:
  int build_once(const sparse_matrix& a, table<int>& basic, double threshold);
  void count_entries(const sparse_matrix& a, const table<int>& basic);
  void pivot_on(int row, int column, double pivot, int at) {
    row_of_column_[column] = row;
    column_of_row_[row] = column;
    pivot_[row] = pivot;
    inverse_[row] = 1 / pivot;
    sequence_at_[row] = at;
    upper_columns_.sequence[at] = row;
    order_[at] = column;
  }
  void peel(const sparse_matrix& a, const table<int>& basic, double share, int& lower_end, int& upper_end);
  void list_rows(const sparse_matrix& a, const table<int>& basic);
  void set_long_columns_aside(const sparse_matrix& a, const table<int>& basic, int left);
  void eliminate_nucleus(const sparse_matrix& a, const table<int>& basic, double threshold, int peeled);
  void transpose(const triangle& from, int more, triangle& to);
  /// From what length on a row or column counts as long, by the mean of all.
  static int longer_than(int average) { return 8 * average > 40 ? 8 * average : 40; }
  void finish(int m, table<int>& basic);
  /// Where the second triangle asks for no list either, none is made between the two.
  void first_triangle(const triangle& t, const double* inverse, work_vector& x, solve_density& expected) {
    if (expected.first.share > dense && expected.second.share > dense) {
      sweep_triangle<false>(t, inverse, x);
      return;
    }
    solve_triangle<false>(t, inverse, x, expected.first.share, walk_);
    expected.first.note(x.count, x.size());
  }
  void apply_row_operations(work_vector& x) const {
    const int count = operation_pivot_.size();
    if (count == 0) return;
    double* const v = x.value.data();
    for (int s = 0; s < count; ++s) {
      const int p = operation_pivot_[s];
      double sum = 0;
      for (int k = operation_begin_[s]; k < operation_begin_[s + 1]; ++k)
        sum += operation_value_[k] * v[operation_index_[k]];
      if (sum == 0) continue;
      const double old = v[p];
      double now = old - sum;
      if (now < 1e-14 && now > -1e-14) now = 1e-100;
      v[p] = now;
      if (old == 0 && x.listed) x.index[x.count++] = p;
    }
  }
  void undo_row_operations(work_vector& y) const {
    double* const v = y.value.data();
    for (int s = operation_pivot_.size() - 1; s >= 0; --s) {
      const double step = v[operation_pivot_[s]];
      if (step == 0) continue;
      for (int k = operation_begin_[s]; k < operation_begin_[s + 1]; ++k) {
        const int i = operation_index_[k];
        const double old = v[i];
        double now = old - step * operation_value_[k];
        if (now < 1e-14 && now > -1e-14) now = 1e-100;
        v[i] = now;
        if (old == 0 && y.listed) y.index[y.count++] = i;
      }
    }
  }
  static void remove(triangle& t, int vector, int place) {
    int k = t.begin[vector];
    while (t.index[k] != place) ++k;
    const int last = --t.end[vector];
    t.index[k] = t.index[last];
    t.value[k] = t.value[last];
  }
  void append(int row, int place, double value) {
    triangle& t = upper_rows_;
    if (t.end[row] - t.begin[row] == row_space_[row]) {
      const int count = row_space_[row], to = t.index.size(), space = count * 2 + 4;
      t.index.grow(to + space);
      t.value.grow(to + space);
      for (int k = 0; k < count; ++k) {
        t.index[to + k] = t.index[t.begin[row] + k];
        t.value[to + k] = t.value[t.begin[row] + k];
      }
      t.begin[row] = to;
      t.end[row] = to + count;
      row_space_[row] = space;
    }
    t.index[t.end[row]] = place;
    t.value[t.end[row]++] = value;
  }

  triangle lower_columns_, lower_rows_, upper_columns_, upper_rows_;
  table<double> pivot_, inverse_;
  table<int> sequence_at_;  // where the pivot of a row stands in upper_columns_.sequence
  table<int> row_space_;
  table<int> operation_pivot_, operation_begin_, operation_index_;
  table<double> operation_value_;
  int updates_ = 0, upper_entries_ = 0, built_entries_ = 0;
  double excess_ = 0;  // entries beyond those built, summed over updates
  depth_walk walk_;

  // memory of build
  nucleus nucleus_;
  table<int> row_begin_, row_list_, row_count_, column_count_, row_of_column_, row_queue_, column_queue_,
      replaced_variable_;
  table<int> columns_of_row_;  // all that are left in a row, by exclusive or: the one column, where it is one
  bool rows_listed_ = false;   // whether row_list_ is made
  table<int> column_of_row_, nucleus_row_, nucleus_rows_, order_, permuted_;
  table<int> gathered_index_;
  table<double> gathered_value_, beside_value_;
  table<int> beside_row_, beside_column_;
  table<double> column_pivot_;
  table<int> waiting_;  // columns, in `basic`
  table<char> set_aside_;
  table<int> line_count_, short_columns_, long_columns_, rest_row_, rest_rows_, rest_columns_, rest_begin_;
  table<double> scattered_;
};

inline void factorization::update(int place, const work_vector& spike, const work_vector& behind_upper, double alpha) {
  triangle& columns = upper_columns_;
  triangle& rows = upper_rows_;
  const double old_pivot = pivot_[place];
  // The row operation that clears the row of the old pivot.
  const auto note = [&](int i) {
    const double v = behind_upper.value[i];
    if (i == place || (v < 1e-14 && v > -1e-14)) return;
    operation_index_.push_back(i);
    operation_value_.push_back(-v * old_pivot);
  };
  if (behind_upper.listed) {
    for (int k = 0; k < behind_upper.count; ++k) note(behind_upper.index[k]);
  } else {
    for (int i = 0; i < behind_upper.size(); ++i) note(i);
  }
  if (operation_index_.size() > operation_begin_.back()) {
    operation_pivot_.push_back(place);
    operation_begin_.push_back(operation_index_.size());
  }
  // The old column and the old row leave U.
  for (int k = columns.begin[place]; k < columns.end[place]; ++k) remove(rows, columns.index[k], place);
  for (int k = rows.begin[place]; k < rows.end[place]; ++k) remove(columns, rows.index[k], place);
  upper_entries_ -= columns.end[place] - columns.begin[place] + rows.end[place] - rows.begin[place];
  rows.end[place] = rows.begin[place];
  // The spike becomes the last column.
  columns.begin[place] = columns.index.size();
  const auto enter = [&](int i) {
    const double v = spike.value[i];
    if (i == place || (v < 1e-14 && v > -1e-14)) return;
    columns.index.push_back(i);
    columns.value.push_back(v);
    append(i, place, v);
  };
  if (spike.listed) {
    for (int k = 0; k < spike.count; ++k) enter(spike.index[k]);
  } else {
    for (int i = 0; i < spike.size(); ++i) enter(i);
  }
  columns.end[place] = columns.index.size();
  upper_entries_ += columns.end[place] - columns.begin[place];
  columns.sequence[sequence_at_[place]] = -1;
  rows.sequence[sequence_at_[place]] = -1;
  sequence_at_[place] = columns.sequence.size();
  columns.sequence.push_back(place);
  rows.sequence.push_back(place);
  pivot_[place] = alpha * old_pivot;
  inverse_[place] = 1 / pivot_[place];
  ++updates_;
  excess_ += entries() - built_entries_;
}

}  // namespace plait::detail
