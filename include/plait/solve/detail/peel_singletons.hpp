// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/core/math.hpp>
#include <plait/solve/detail/factors.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

// What `factorization::build` does with rows and columns that are singletons: pivots that fill nothing in.

namespace plait::detail {

/// Entries of the columns in `waiting_`, in rows that are not pivoted yet, by columns and by rows.
inline void factorization::count_entries(const sparse_matrix& a, const table<int>& basic) {
  const int m = a.rows;
  row_count_.assign(m, 0);
  columns_of_row_.assign(m, 0);
  column_count_.resize_unset(m);
  set_aside_.assign(m, 0);
  rows_listed_ = false;
  row_queue_.clear();
  column_queue_.clear();
  const int *const begin = a.begin.data(), *const index = a.index.data(), *const column_of_row = column_of_row_.data();
  int *const in_row = row_count_.data(), *const columns = columns_of_row_.data();
  const int *const waiting = waiting_.data(), *const variable = basic.data();
  list_in_parts(
      limits, waiting_.size(), 4 * std::int64_t{lower_columns_.index.size()},
      [=](int s) { return 4 * (begin[variable[waiting[s]] + 1] - begin[variable[waiting[s]]]); },
      [&](int from, int to) {
        for (int s = from; s < to; ++s) {
          const int c = waiting[s];
          int count = 0;
          for (int k = begin[variable[c]], end = begin[variable[c] + 1]; k < end; ++k) {
            const int i = index[k];
            if (column_of_row[i] >= 0) continue;
            ++in_row[i];
            columns[i] ^= c;
            ++count;
          }
          column_count_[c] = count;
          if (count == 1) column_queue_.push_back(c);
        }
      });
  for (int i = 0; i < m; ++i)
    if (in_row[i] == 1 && column_of_row[i] < 0) row_queue_.push_back(i);
}

/// Pivots on singletons until none is left. A pivot that is less than `share` of the largest entry of its column would
/// make large multipliers; the nucleus takes it. Of a column that is pivoted, what stands in rows that were pivoted
/// before is its column of U; the entries of L and of U end at `lower_end` and `upper_end`, with room behind them.
inline void factorization::peel(const sparse_matrix& a, const table<int>& basic, double share, int& lower_end,
                                int& upper_end) {
  const int *const begin = a.begin.data(), *const index = a.index.data();
  const double* const value = a.value.data();
  int *const column_of_row = column_of_row_.data(), *const row_of_column = row_of_column_.data();
  int *const in_row = row_count_.data(), *const columns = columns_of_row_.data();
  triangle &l = lower_columns_, &u = upper_columns_;
  int *const lower_index = l.index.data(), *const upper_index = u.index.data();
  int *const lower_owner = l.owner.data(), *const upper_owner = u.owner.data();
  double *const lower_value = l.value.data(), *const upper_value = u.value.data();
  int below = lower_end, above = upper_end, pivots = order_.size();
  monitor* const asked = if_many(limits, 8 * std::int64_t{l.index.size()});
  while (true) {
    int c = 0, i = -1;
    bool alone_in_row = false;
    if (!column_queue_.empty()) {
      c = column_queue_.back();
      column_queue_.pop_back();
      if (row_of_column[c] >= 0 || column_count_[c] != 1) continue;
      for (int k = begin[basic[c]], end = begin[basic[c] + 1]; k < end; ++k)
        if (column_of_row[index[k]] < 0) i = index[k];
      if (i < 0) continue;
    } else if (!row_queue_.empty()) {
      i = row_queue_.back();
      row_queue_.pop_back();
      if (column_of_row[i] >= 0 || in_row[i] != 1) continue;
      c = columns[i];
      alone_in_row = true;
    } else {
      break;
    }
    const int first = begin[basic[c]], last = begin[basic[c] + 1];
    spend(asked, 8 * (last - first));
    double pivot = 0, largest = 0;
    for (int k = first; k < last; ++k) {
      if (index[k] == i) pivot = value[k];
      const double size = math::abs(value[k]);
      if (column_of_row[index[k]] < 0 && size > largest) largest = size;
    }
    if (!(math::abs(pivot) >= smallest_pivot && math::abs(pivot) >= share * largest)) continue;
    l.begin[i] = below;
    u.begin[i] = above;
    for (int k = first; k < last; ++k) {  // a column that is alone in its row takes nothing off others
      const int r = index[k];
      if (column_of_row[r] >= 0) {
        upper_index[above] = r;
        upper_owner[above] = i;
        upper_value[above++] = value[k];
      } else if (r != i) {
        columns[r] ^= c;
        if (--in_row[r] == 1) row_queue_.push_back(r);
        lower_index[below] = r;
        lower_owner[below] = i;
        lower_value[below++] = value[k] / pivot;
      }
    }
    l.end[i] = below;
    u.end[i] = above;
    if (below > l.begin[i]) l.sequence.push_back(i);
    pivot_on(i, c, pivot, pivots++);
    if (!alone_in_row) {  // no other row loses one
      if (!rows_listed_) list_rows(a, basic);
      for (int k = row_begin_[i]; k < row_begin_[i + 1]; ++k) {
        const int other = row_list_[k];
        if (row_of_column[other] < 0 && --column_count_[other] == 1) column_queue_.push_back(other);
      }
    }
  }
  lower_end = below;
  upper_end = above;
  order_.resize_unset(pivots);
}

/// The columns in each row: only pivots on columns that are singletons ask for them. There are none once long columns
/// are set aside, for a row that is a singleton then has no entry in another column that is left.
inline void factorization::list_rows(const sparse_matrix& a, const table<int>& basic) {
  const int m = a.rows;
  const int *const begin = a.begin.data(), *const index = a.index.data();
  row_begin_.assign(m + 1, 0);
  int* const place = row_begin_.data() + 1;
  const auto each = [&](auto&& see) {
    monitor* const asked = if_many(limits, 4 * std::int64_t{lower_columns_.index.size()});
    for (const int c : waiting_) {
      spend(asked, 4 * (begin[basic[c] + 1] - begin[basic[c]]));
      for (int k = begin[basic[c]], end = begin[basic[c] + 1]; k < end; ++k) see(c, index[k]);
    }
  };
  each([&](int, int i) { ++place[i]; });
  int at = 0;
  for (int i = 0; i < m; ++i) {
    const int count = place[i];
    place[i] = at;
    at += count;
  }
  row_list_.resize_unset(at);
  int* const list = row_list_.data();
  each([&](int c, int i) { list[place[i]++] = c; });
  rows_listed_ = true;
}

/// Columns much longer than the mean of those that are left are not counted in rows any more. `left`: rows.
inline void factorization::set_long_columns_aside(const sparse_matrix& a, const table<int>& basic, int left) {
  const int *const begin = a.begin.data(), *const index = a.index.data(), *const column_of_row = column_of_row_.data();
  int *const in_row = row_count_.data(), *const columns = columns_of_row_.data();
  int entries = 0;
  for (const int c : waiting_)
    if (row_of_column_[c] < 0) entries += column_count_[c];
  const int long_line = longer_than(entries / left + 1);
  for (const int c : waiting_) {
    if (row_of_column_[c] >= 0 || column_count_[c] <= long_line) continue;
    set_aside_[c] = 1;
    spend(limits, begin[basic[c] + 1] - begin[basic[c]]);
    long_columns_.push_back(c);
    for (int k = begin[basic[c]], end = begin[basic[c] + 1]; k < end; ++k) {
      const int i = index[k];
      if (column_of_row[i] >= 0) continue;
      columns[i] ^= c;
      if (--in_row[i] == 1) row_queue_.push_back(i);
    }
  }
}

}  // namespace plait::detail
