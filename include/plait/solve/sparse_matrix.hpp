// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/table.hpp>

namespace plait {

/// A sparse matrix by compressed columns: column j holds entries begin[j] .. begin[j + 1] of `index` (rows) and
/// `value`.
///
/// Memory: 12 bytes for each entry and 4 for each column.
struct sparse_matrix {
  int rows = 0;
  int columns = 0;
  table<int> begin = table<int>(1);
  table<int> index;
  table<double> value;

  [[nodiscard]] int entries() const { return begin[columns]; }

  friend bool operator==(const sparse_matrix&, const sparse_matrix&) = default;
};

/// Puts the transpose of `a` into `t`; entries of a column of `t` are in increasing order. A request to stop that
/// `limits` throws leaves `t` unfinished. Cost: O(entries + rows).
inline void transpose(const sparse_matrix& a, sparse_matrix& t, detail::monitor* limits = nullptr) {
  t.rows = a.columns;
  t.columns = a.rows;
  const int entries = a.entries();
  t.begin.assign(a.rows + 1, 0);
  t.index.resize_unset(entries);
  t.value.resize_unset(entries);
  detail::touch_in_parts(limits, t.index);
  detail::touch_in_parts(limits, t.value);
  const int *const begin = a.begin.data(), *const index = a.index.data();
  const double* const value = a.value.data();
  int *const next = t.begin.data(), *const to_index = t.index.data();
  double* const to_value = t.value.data();
  for (const auto [first, last] : detail::parts(limits, entries)) {
    for (int k = first; k < last; ++k) ++next[index[k] + 1];
  }
  for (int i = 0; i < a.rows; ++i) next[i + 1] += next[i];
  for (const auto [from, to] : detail::parts(limits, begin, a.columns, 2)) {
    for (int j = from; j < to; ++j) {
      for (int k = begin[j]; k < begin[j + 1]; ++k) {
        const int at = next[index[k]]++;
        to_index[at] = j;
        to_value[at] = value[k];
      }
    }
  }
  for (int i = a.rows; i > 0; --i) next[i] = next[i - 1];
  next[0] = 0;
}

}  // namespace plait
