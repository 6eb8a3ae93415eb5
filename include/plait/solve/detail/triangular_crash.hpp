// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/detail/form.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// A basis to start the primal method from: activities that cannot move, those of equations, give their place to
/// columns that can. Row after row takes a column that has no entry in the rows before it, so the basis is triangular,
/// and cannot be singular.
///
/// Rows of fewest columns come first; of the columns of a row those that can move furthest, then those of fewest
/// entries. A column whose entry is less than a hundredth of its largest is not taken. Cost: O(entries + rows log
/// rows), and a row for each time that one of its columns is lost. Source: Bixby, "Implementing the simplex method: the
/// initial basis", ORSA J. Computing 4, 1992 (what to prefer); Maros, Mitra, "Strategies for creating advanced bases
/// for large-scale linear programming problems", INFORMS J. Computing 10, 1998 (lower triangular symbolic crash).
class triangular_crash {
 public:
  /// `status`: of the basis of all activities; becomes that of the one found.
  void run(const form& program, table<basis_status>& status) {
    const sparse_matrix &a = program.a, &by_rows = program.by_rows();
    const int n = a.columns;
    count(program);
    for (int size = 1; size < first_.size();) {
      const int i = first_[size];
      if (i < 0) {
        ++size;
        continue;
      }
      take_out(i);
      spend(program.limits, 8 + 2 * (by_rows.begin[i + 1] - by_rows.begin[i]));
      const int j = best_of(program, by_rows, i);
      if (j < 0) continue;
      status[j] = basis_status::basic;
      status[n + i] = basis_status::lower;
      // Whoever has an entry in this row is of no use to the rows that come later.
      for (int k = by_rows.begin[i]; k < by_rows.begin[i + 1]; ++k) {
        const int lost = by_rows.index[k];
        if (!open_[lost]) continue;
        open_[lost] = false;
        spend(program.limits, 4 * (a.begin[lost + 1] - a.begin[lost]));
        for (int e = a.begin[lost]; e < a.begin[lost + 1]; ++e) {
          const int row = a.index[e];
          if (left_[row] < 1) continue;
          const int fewer = left_[row] - 1;
          take_out(row);
          put_in(row, fewer);
          if (fewer > 0 && fewer < size) size = fewer;
        }
      }
    }
  }

 private:
  /// Equations, in lists by how many columns they may take.
  void count(const form& program) {
    const sparse_matrix& a = program.a;
    const int m = a.rows, n = a.columns;
    open_.assign(n, false);
    largest_.assign(n, 0.0);
    next_.assign(m, 0);
    for (int j = 0; j < n; ++j) {
      spend(program.limits, 4 + a.begin[j + 1] - a.begin[j]);
      open_[j] = program.lower[j] < program.upper[j];
      for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
        largest_[j] = math::larger(largest_[j], math::abs(a.value[k]));
        if (open_[j]) ++next_[a.index[k]];
      }
    }
    left_ = next_;
    int most = 0;
    for (const int columns : left_) most = columns > most ? columns : most;
    first_.assign(most + 1, -1);
    before_.assign(m, -1);
    for (int i = m; i-- > 0;) put_in(i, program.lower[n + i] == program.upper[n + i] ? left_[i] : 0);
  }
  void put_in(int row, int columns) {
    left_[row] = columns;
    if (columns < 1) return;
    before_[row] = -1;
    next_[row] = first_[columns];
    if (next_[row] >= 0) before_[next_[row]] = row;
    first_[columns] = row;
  }
  void take_out(int row) {
    (before_[row] < 0 ? first_[left_[row]] : next_[before_[row]]) = next_[row];
    if (next_[row] >= 0) before_[next_[row]] = before_[row];
    left_[row] = 0;
  }
  [[nodiscard]] int best_of(const form& program, const sparse_matrix& by_rows, int i) const {
    int best = -1, freedom = 0, entries = 0;
    for (int k = by_rows.begin[i]; k < by_rows.begin[i + 1]; ++k) {
      const int j = by_rows.index[k];
      if (!open_[j] || math::abs(by_rows.value[k]) < 0.01 * largest_[j]) continue;
      const int free = 1 + (program.lower[j] == -infinity ? 1 : 0) + (program.upper[j] == infinity ? 1 : 0);
      const int size = program.a.begin[j + 1] - program.a.begin[j];
      if (free < freedom || (free == freedom && size >= entries)) continue;
      best = j;
      freedom = free;
      entries = size;
    }
    return best;
  }

  table<bool> open_;                  // of each column: whether a row may still take it
  table<double> largest_;             // of each column
  table<int> left_;                   // of each row: how many columns it may take; 0 where it is in no list
  table<int> first_, next_, before_;  // rows by that number
};

}  // namespace plait::detail
