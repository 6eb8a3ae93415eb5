// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/solve/detail/eliminate_nucleus.hpp>
#include <plait/solve/detail/factors.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/peel_singletons.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

// How a factorization is built; what it is and how it solves stands in factors.hpp.

namespace plait::detail {

inline int factorization::build(const sparse_matrix& a, table<int>& basic, double threshold) {
  replaced_variable_.clear();
  while (build_once(a, basic, threshold) > 0) {  // once more, with columns that are independent
  }
  return replaced_variable_.size();
}

inline int factorization::build_once(const sparse_matrix& a, table<int>& basic, double threshold) {
  const int m = a.rows, n = a.columns;
  spend(limits, 16 * std::int64_t{m});
  triangle &l = lower_columns_, &u = upper_columns_;
  l.reset(m);
  u.begin.resize_unset(m);
  u.end.resize_unset(m);
  u.sequence.resize_unset(m);
  pivot_.resize_unset(m);
  inverse_.resize_unset(m);
  sequence_at_.resize_unset(m);
  row_of_column_.assign(m, -1);  // by position in `basic`
  column_of_row_.assign(m, -1);
  column_pivot_.resize_unset(m);
  order_.resize_unset(m);
  waiting_.resize_unset(m);

  // Activities of rows pivot on their rows at once.
  const int *const begin = a.begin.data(), *const index = a.index.data();
  int waiting = 0, activities = 0, entries = 1;  // of U one is written before it is known whether it counts
  for (int c = 0; c < m; ++c) {
    const int variable = basic[c];
    if (variable < n) {
      waiting_[waiting++] = c;
      entries += begin[variable + 1] - begin[variable];
    } else {
      const int i = variable - n;
      u.begin[i] = u.end[i] = 0;
      pivot_on(i, c, -1, activities++);
    }
  }
  waiting_.resize(waiting);
  order_.resize(activities);
  for (triangle* const t : {&l, &u}) {
    t->index.resize_unset(entries);
    t->value.resize_unset(entries);
    t->owner.resize_unset(entries);
  }
  int lower_end = 0, at = 0;
  count_entries(a, basic);
  peel(a, basic, threshold * 0.1, lower_end, at);

  // Long columns hide rows that are singletons but for them: they wait, and what shows then is peeled too. Their own
  // entries follow from the multipliers of all pivots from here on.
  const int peeled = order_.size();
  long_columns_.clear();
  if (peeled < m) {
    set_long_columns_aside(a, basic, m - peeled);
    peel(a, basic, threshold, lower_end, at);
  }

  // What is left.
  l.index.resize(lower_end);
  l.value.resize(lower_end);
  l.owner.resize(lower_end);
  const int outside = order_.size();
  nucleus_rows_.clear();
  short_columns_.clear();
  nucleus_row_.assign(m, -1);
  beside_row_.clear();
  beside_column_.clear();
  beside_value_.clear();
  for (int i = 0; i < m; ++i) {
    if (column_of_row_[i] >= 0) continue;
    sequence_at_[i] = -1;
    nucleus_row_[i] = nucleus_rows_.size();
    nucleus_rows_.push_back(i);
  }
  if (!nucleus_rows_.empty()) {
    for (const int c : waiting_) {
      if (row_of_column_[c] < 0 && set_aside_[c] == 0) short_columns_.push_back(c);
    }
    eliminate_nucleus(a, basic, threshold, peeled);
  }
  // Columns without a pivot give their place to activities of rows without one.
  int replaced = 0, free_row = 0;
  for (int c = 0; c < m && order_.size() < m; ++c) {
    if (row_of_column_[c] >= 0) continue;
    while (column_of_row_[free_row] >= 0) ++free_row;
    replaced_variable_.push_back(basic[c]);
    basic[c] = n + free_row;
    row_of_column_[c] = free_row;
    column_of_row_[free_row] = c;
    ++replaced;
  }
  if (replaced > 0) return replaced;

  // The columns of U that are left: what stands in rows that were pivoted earlier.
  permuted_.assign(m, 0);  // entries that the nucleus adds to the column pivoted on a row
  for (int k = 0; k < beside_row_.size(); ++k) ++permuted_[row_of_column_[beside_column_[k]]];
  u.index.grow(entries + beside_row_.size());
  u.value.grow(entries + beside_row_.size());
  u.owner.grow(entries + beside_row_.size());
  for (int s = outside; s < m; ++s) {
    const int c = order_[s], i = row_of_column_[c], variable = basic[c];
    spend(limits, 4 * (begin[variable + 1] - begin[variable]));
    u.begin[i] = at;
    // A column that others were taken off has its own entries in the rows that were pivoted before; the rest come from
    // the elimination.
    const int own = set_aside_[c] != 0 ? peeled : outside;
    for (int k = begin[variable], last = begin[variable + 1]; k < last; ++k) {
      const int r = index[k];
      u.index[at] = r;
      u.value[at] = a.value[k];
      u.owner[at] = i;
      at += static_cast<int>(static_cast<unsigned>(sequence_at_[r]) < static_cast<unsigned>(own));
    }
    u.end[i] = at;
    at += permuted_[i];
    pivot_on(i, c, column_pivot_[c], s);
  }
  u.index.resize(at);
  u.value.resize(at);
  for (int k = 0; k < beside_row_.size(); ++k) {
    const int i = row_of_column_[beside_column_[k]];
    u.index[u.end[i]] = beside_row_[k];
    u.owner[u.end[i]] = i;
    u.value[u.end[i]++] = beside_value_[k];
  }
  finish(m, basic);
  return 0;
}

/// The transpose: rows where `from` has columns, in memory that gives each row some places more. Sequences are left to
/// the caller. Needs: the entries of `from`, with their owners, in the order of its pivots and without gaps.
inline void factorization::transpose(const triangle& from, int more, triangle& to) {
  const int m = from.begin.size();
  row_count_.assign(m, 0);
  int* const count = row_count_.data();
  for (const auto [first, last] : parts(limits, from.index.size())) {
    for (int k = first; k < last; ++k) ++count[from.index[k]];
  }
  to.sequence.clear();
  to.begin.resize_unset(m);
  to.end.resize_unset(m);
  int *const begin = to.begin.data(), *const end = to.end.data(), at = 0;
  for (int i = 0; i < m; ++i) {
    begin[i] = end[i] = at;
    at += count[i] + more;
  }
  to.index.resize_unset(at);
  to.value.resize_unset(at);
  const int *const owner = from.owner.data(), *const index = from.index.data();
  const double* const value = from.value.data();
  touch_in_parts(limits, to.index);
  touch_in_parts(limits, to.value);
  int* const to_index = to.index.data();
  double* const to_value = to.value.data();
  for (const auto [first, last] : parts(limits, from.index.size(), 4)) {  // each waits for memory
    for (int k = first; k < last; ++k) {
      const int place = end[index[k]]++;
      to_index[place] = owner[k];
      to_value[place] = value[k];
    }
  }
}

inline void factorization::finish(int m, table<int>& basic) {
  spend(limits, 8 * std::int64_t{m});
  // Rows of U, each with room to grow.
  const triangle &u = upper_columns_, &l = lower_columns_;
  transpose(u, 4, upper_rows_);
  row_space_.resize_unset(m);
  for (int i = 0; i < m; ++i) row_space_[i] = row_count_[i] + 4;
  upper_rows_.sequence = u.sequence;
  upper_entries_ = u.index.size() + m;

  // Rows of L: solved against the order of pivots, so every row that has multipliers stands in it.
  transpose(l, 0, lower_rows_);
  if (!l.sequence.empty()) {
    const int *const begin = lower_rows_.begin.data(), *const end = lower_rows_.end.data();
    for (const int p : u.sequence)
      if (end[p] > begin[p]) lower_rows_.sequence.push_back(p);
  }

  permuted_.resize_unset(m);
  int *const now = permuted_.data(), *const row_of_column = row_of_column_.data();
  for (int c = 0; c < m; ++c) now[row_of_column[c]] = basic[c];
  basic = permuted_;
  operation_pivot_.clear();
  operation_begin_.assign(1, 0);
  operation_index_.clear();
  operation_value_.clear();
  updates_ = 0;
  excess_ = 0;
  walk_.resize(m);
  built_entries_ = entries();
}

}  // namespace plait::detail
