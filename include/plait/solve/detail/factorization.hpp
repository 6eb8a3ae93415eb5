// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/solve/detail/eliminate_nucleus.hpp>
#include <plait/solve/detail/factors.hpp>
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
  lower_columns_.reset(m);
  upper_columns_.reset(m);
  row_of_column_.assign(m, -1);  // by position in `basic`
  column_of_row_.assign(m, -1);
  column_pivot_.assign(m, 0.0);
  column_count_.assign(m, 0);
  row_count_.assign(m, 0);
  order_.clear();

  // Activities of rows pivot on their rows at once.
  waiting_.clear();
  for (int c = 0; c < m; ++c) {
    const int variable = basic[c];
    if (variable < n) {
      waiting_.push_back(c);
      continue;
    }
    const int i = variable - n;
    row_of_column_[c] = i;
    column_of_row_[i] = c;
    column_pivot_[c] = -1;
    order_.push_back(c);
  }
  // Rows of the rest, over rows that are not pivoted yet.
  int listed = 0;
  for (const int c : waiting_) {
    const int j = basic[c];
    for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
      if (column_of_row_[a.index[k]] >= 0) continue;
      ++row_count_[a.index[k]];
      ++column_count_[c];
      ++listed;
    }
  }
  row_begin_.resize(m + 1);
  row_begin_[0] = 0;
  for (int i = 0; i < m; ++i) row_begin_[i + 1] = row_begin_[i] + row_count_[i];
  row_list_.resize_unset(listed);
  for (const int c : waiting_) {
    const int j = basic[c];
    for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
      const int i = a.index[k];
      if (column_of_row_[i] < 0) row_list_[row_begin_[i]++] = c;
    }
  }
  for (int i = m; i > 0; --i) row_begin_[i] = row_begin_[i - 1];
  row_begin_[0] = 0;

  row_queue_.clear();
  column_queue_.clear();
  for (const int c : waiting_)
    if (column_count_[c] == 1) column_queue_.push_back(c);
  for (int i = 0; i < m; ++i)
    if (column_of_row_[i] < 0 && row_count_[i] == 1) row_queue_.push_back(i);

  set_aside_.assign(m, 0);  // columns that wait until all others are done
  const auto pivot_on = [&](int c, int i, double value, bool eliminate) {
    row_of_column_[c] = i;
    column_of_row_[i] = c;
    column_pivot_[c] = value;
    order_.push_back(c);
    const int j = basic[c];
    if (eliminate) lower_columns_.begin[i] = lower_columns_.index.size();
    for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
      const int r = a.index[k];
      if (r == i || column_of_row_[r] >= 0) continue;
      if (--row_count_[r] == 1) row_queue_.push_back(r);
      if (eliminate) {
        lower_columns_.index.push_back(r);
        lower_columns_.value.push_back(a.value[k] / value);
      }
    }
    if (eliminate) {
      lower_columns_.end[i] = lower_columns_.index.size();
      if (lower_columns_.end[i] > lower_columns_.begin[i]) lower_columns_.sequence.push_back(i);
    }
    for (int k = row_begin_[i]; k < row_begin_[i + 1]; ++k) {
      const int other = row_list_[k];
      if (row_of_column_[other] < 0 && --column_count_[other] == 1 && set_aside_[other] == 0)
        column_queue_.push_back(other);
    }
  };
  // A pivot that is small beside the largest entry of its column would make large multipliers; the nucleus takes it.
  const auto good = [&](int c, int i, double& value, double share) {
    const int j = basic[c];
    double largest = 0;
    for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
      const double v = a.value[k] < 0 ? -a.value[k] : a.value[k];
      if (a.index[k] == i) value = a.value[k];
      if (column_of_row_[a.index[k]] < 0 && v > largest) largest = v;
    }
    const double v = value < 0 ? -value : value;
    return v >= smallest_pivot && v >= share * largest;
  };
  const auto peel = [&](double share) {
    while (!column_queue_.empty() || !row_queue_.empty()) {
      double value = 0;
      if (!column_queue_.empty()) {
        const int c = column_queue_.back();
        column_queue_.pop_back();
        if (row_of_column_[c] >= 0 || column_count_[c] != 1) continue;
        const int j = basic[c];
        int i = -1;
        for (int k = a.begin[j]; k < a.begin[j + 1]; ++k)
          if (column_of_row_[a.index[k]] < 0) i = a.index[k];
        if (i >= 0 && good(c, i, value, share)) pivot_on(c, i, value, false);
      } else {
        const int i = row_queue_.back();
        row_queue_.pop_back();
        if (column_of_row_[i] >= 0 || row_count_[i] != 1) continue;
        int c = -1;
        for (int k = row_begin_[i]; k < row_begin_[i + 1]; ++k)
          if (row_of_column_[row_list_[k]] < 0 && set_aside_[row_list_[k]] == 0) c = row_list_[k];
        if (c >= 0 && good(c, i, value, share)) pivot_on(c, i, value, true);
      }
    }
  };
  if (limits != nullptr) limits->poll();
  peel(threshold * 0.1);

  // Long columns hide rows that are singletons but for them: they wait, and what shows then is peeled too. Their own
  // entries follow from the multipliers of all pivots from here on.
  const int peeled = order_.size();
  long_columns_.clear();
  if (peeled < m) {
    int left = 0;
    for (const int c : waiting_)
      if (row_of_column_[c] < 0) left += column_count_[c];
    const int long_line = longer_than(left / (m - peeled) + 1);
    for (const int c : waiting_) {
      if (row_of_column_[c] >= 0 || column_count_[c] <= long_line) continue;
      set_aside_[c] = 1;
      long_columns_.push_back(c);
      for (int k = a.begin[basic[c]]; k < a.begin[basic[c] + 1]; ++k) {
        const int i = a.index[k];
        if (column_of_row_[i] < 0 && --row_count_[i] == 1) row_queue_.push_back(i);
      }
    }
    peel(threshold);
  }

  // What is left.
  const int outside = order_.size();
  nucleus_rows_.clear();
  short_columns_.clear();
  nucleus_row_.assign(m, -1);
  beside_row_.clear();
  beside_column_.clear();
  beside_value_.clear();
  for (int i = 0; i < m; ++i) {
    if (column_of_row_[i] >= 0) continue;
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

  if (limits != nullptr) limits->poll();
  // The columns of U: what stands in rows that were pivoted earlier.
  permuted_.assign(m, 0);  // entries that the nucleus adds to the column pivoted on a row
  for (int k = 0; k < beside_row_.size(); ++k) ++permuted_[row_of_column_[beside_column_[k]]];
  sequence_at_.assign(m, -1);
  triangle& u = upper_columns_;
  pivot_.resize(m);
  inverse_.resize(m);
  u.sequence.resize_unset(m);
  int entries = beside_row_.size();
  for (const int c : waiting_) entries += a.begin[basic[c] + 1] - a.begin[basic[c]];
  u.index.resize_unset(entries);
  u.value.resize_unset(entries);
  int at = 0;
  for (int s = 0; s < m; ++s) {
    const int c = order_[s], i = row_of_column_[c], variable = basic[c];
    u.begin[i] = at;
    if (variable < n) {
      // A column that others were taken off has its own entries in the rows that were pivoted before; the rest come
      // from the elimination.
      const int own = set_aside_[c] != 0 ? peeled : s >= outside ? outside : m;
      for (int k = a.begin[variable]; k < a.begin[variable + 1]; ++k) {
        const int r = a.index[k];
        if (static_cast<unsigned>(sequence_at_[r]) < static_cast<unsigned>(own)) {
          u.index[at] = r;
          u.value[at++] = a.value[k];
        }
      }
    }
    u.end[i] = at;
    at += permuted_[i];
    pivot_[i] = column_pivot_[c];
    inverse_[i] = 1 / column_pivot_[c];
    sequence_at_[i] = s;
    u.sequence[s] = i;
  }
  u.index.resize(at);
  u.value.resize(at);
  for (int k = 0; k < beside_row_.size(); ++k) {
    const int i = row_of_column_[beside_column_[k]];
    u.index[u.end[i]] = beside_row_[k];
    u.value[u.end[i]++] = beside_value_[k];
  }
  finish(m, basic);
  return 0;
}

inline void factorization::finish(int m, table<int>& basic) {
  // Rows of U, each with room to grow.
  row_count_.assign(m, 0);
  triangle& u = upper_columns_;
  for (int k = 0; k < u.index.size(); ++k) ++row_count_[u.index[k]];
  upper_rows_.reset(m);
  row_space_.resize(m);
  int at = 0;
  for (int i = 0; i < m; ++i) {
    row_space_[i] = row_count_[i] + 4;
    upper_rows_.begin[i] = upper_rows_.end[i] = at;
    at += row_space_[i];
  }
  upper_rows_.index.resize_unset(at);
  upper_rows_.value.resize_unset(at);
  for (const int p : u.sequence) {
    for (int k = u.begin[p]; k < u.end[p]; ++k) {
      int& end = upper_rows_.end[u.index[k]];
      upper_rows_.index[end] = p;
      upper_rows_.value[end++] = u.value[k];
    }
  }
  upper_rows_.sequence = u.sequence;
  upper_entries_ = u.index.size() + m;

  // Rows of L: solved against the order of pivots, so every row that has multipliers stands in it.
  lower_rows_.reset(m);
  row_count_.assign(m + 1, 0);
  const triangle& l = lower_columns_;
  for (int k = 0; k < l.index.size(); ++k) ++row_count_[l.index[k]];
  at = 0;
  for (int i = 0; i < m; ++i) {
    lower_rows_.begin[i] = lower_rows_.end[i] = at;
    at += row_count_[i];
  }
  lower_rows_.index.resize_unset(at);
  lower_rows_.value.resize_unset(at);
  for (const int p : l.sequence) {
    for (int k = l.begin[p]; k < l.end[p]; ++k) {
      int& end = lower_rows_.end[l.index[k]];
      lower_rows_.index[end] = p;
      lower_rows_.value[end++] = l.value[k];
    }
  }
  if (!l.sequence.empty()) {
    for (const int p : u.sequence)
      if (lower_rows_.end[p] > lower_rows_.begin[p]) lower_rows_.sequence.push_back(p);
  }

  permuted_.resize(m);
  for (int c = 0; c < m; ++c) permuted_[row_of_column_[c]] = basic[c];
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
