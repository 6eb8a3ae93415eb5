// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/solve/detail/factors.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/nucleus.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

// What `factorization::build` does with the rows and columns that are no singletons.

namespace plait::detail {

/// Long columns wait until the others are done, and long rows are not looked at until then: each would be walked
/// through once for every pivot. Then both meet in a second nucleus, which is as small as there are such rows and
/// columns. `peeled`: how many pivots there were when long columns began to wait.
inline void factorization::eliminate_nucleus(const sparse_matrix& a, const table<int>& basic, double threshold,
                                             int peeled) {
  const int size = nucleus_rows_.size(), first_pivot = order_.size();
  int entries = 0;
  line_count_.assign(size, 0);
  monitor* const asked = if_many(limits, 4 * std::int64_t{upper_columns_.index.size()});
  for (const int c : short_columns_) {
    const int j = basic[c];
    spend(asked, 4 * (a.begin[j + 1] - a.begin[j]));
    for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
      const int r = nucleus_row_[a.index[k]];
      if (r < 0) continue;
      ++line_count_[r];
      ++entries;
    }
  }
  const int long_line = longer_than(entries / size + 1);

  const auto pivot_all = [&](const table<int>& rows, const table<int>& columns) {
    int row = 0, column = 0;
    while (nucleus_.choose(threshold, smallest_pivot, row, column)) {
      const int i = rows[row], c = columns[column];
      lower_columns_.begin[i] = lower_columns_.index.size();
      const double pivot = nucleus_.eliminate(
          row, column,
          [&](int r, double multiplier) {
            lower_columns_.index.push_back(rows[r]);
            lower_columns_.value.push_back(multiplier);
            lower_columns_.owner.push_back(i);
          },
          [&](int other, double value) {
            beside_row_.push_back(i);
            beside_column_.push_back(columns[other]);
            beside_value_.push_back(value);
          });
      lower_columns_.end[i] = lower_columns_.index.size();
      if (lower_columns_.end[i] > lower_columns_.begin[i]) lower_columns_.sequence.push_back(i);
      row_of_column_[c] = i;
      column_of_row_[i] = c;
      column_pivot_[c] = pivot;
      order_.push_back(c);
    }
  };

  nucleus_.limits = limits;
  nucleus_.reset(size, short_columns_.size(), entries);
  bool any_long = !long_columns_.empty();
  for (int r = 0; r < size; ++r) {
    if (line_count_[r] <= long_line) continue;
    nucleus_.mark_heavy(r);
    any_long = true;
  }
  for (int s = 0; s < short_columns_.size(); ++s) {
    const int j = basic[short_columns_[s]];
    gathered_index_.clear();
    gathered_value_.clear();
    for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
      const int r = nucleus_row_[a.index[k]];
      if (r < 0) continue;
      gathered_index_.push_back(r);
      gathered_value_.push_back(a.value[k]);
    }
    nucleus_.add_column(s, gathered_index_.data(), gathered_value_.data(), gathered_index_.size());
  }
  nucleus_.link();
  pivot_all(nucleus_rows_, short_columns_);
  if (!any_long || order_.size() == first_pivot + size) return;

  // What is left, in rows that are left.
  rest_rows_.clear();
  rest_columns_.clear();
  rest_begin_.assign(1, 0);
  gathered_index_.clear();
  gathered_value_.clear();
  rest_row_.assign(size, -1);
  for (int r = 0; r < size; ++r) {
    if (column_of_row_[nucleus_rows_[r]] >= 0) continue;
    rest_row_[r] = rest_rows_.size();
    rest_rows_.push_back(nucleus_rows_[r]);
  }
  const auto take = [&](int r, double v) {
    gathered_index_.push_back(rest_row_[r]);
    gathered_value_.push_back(v);
  };
  for (int s = 0; s < short_columns_.size(); ++s) {
    if (row_of_column_[short_columns_[s]] >= 0) continue;
    nucleus_.entries_of(s, take);
    spend(limits, size);
    rest_columns_.push_back(short_columns_[s]);
    rest_begin_.push_back(gathered_index_.size());
  }
  scattered_.assign(a.rows, 0.0);
  for (const int c : long_columns_) {
    const int j = basic[c];
    monitor* const each = if_many(limits, std::int64_t{lower_columns_.index.size()} + order_.size());
    for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) scattered_[a.index[k]] = a.value[k];
    for (int s = peeled; s < order_.size(); ++s) {
      const int i = row_of_column_[order_[s]];
      const double v = scattered_[i];
      scattered_[i] = 0;
      if (v < 1e-14 && v > -1e-14) continue;
      beside_row_.push_back(i);
      beside_column_.push_back(c);
      beside_value_.push_back(v);
      spend(each, lower_columns_.end[i] - lower_columns_.begin[i]);
      for (int k = lower_columns_.begin[i]; k < lower_columns_.end[i]; ++k) {
        scattered_[lower_columns_.index[k]] -= v * lower_columns_.value[k];
      }
    }
    for (const int i : rest_rows_) {
      const double v = scattered_[i];
      scattered_[i] = 0;
      if (v > 1e-14 || v < -1e-14) take(nucleus_row_[i], v);
    }
    rest_columns_.push_back(c);
    rest_begin_.push_back(gathered_index_.size());
  }
  nucleus_.reset(rest_rows_.size(), rest_columns_.size(), gathered_index_.size());
  for (int s = 0; s < rest_columns_.size(); ++s) {
    nucleus_.add_column(s, gathered_index_.data() + rest_begin_[s], gathered_value_.data() + rest_begin_[s],
                        rest_begin_[s + 1] - rest_begin_[s]);
  }
  nucleus_.link();
  pivot_all(rest_rows_, rest_columns_);
}

}  // namespace plait::detail
