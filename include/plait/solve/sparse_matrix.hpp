// SPDX-License-Identifier: Apache-2.0
#pragma once

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

/// Puts the transpose of `a` into `t`; entries of a column of `t` are in increasing order. `poll` is called each
/// hundred thousand entries or so, and what it throws leaves `t` unfinished. Cost: O(entries + rows).
template <class Poll>
void transpose(const sparse_matrix& a, sparse_matrix& t, Poll&& poll) {
  constexpr int between = 1 << 17;
  t.rows = a.columns;
  t.columns = a.rows;
  const int entries = a.entries();
  t.begin.assign(a.rows + 1, 0);
  t.index.resize(entries);
  t.value.resize(entries);
  for (int k = 0; k < entries; ++k) ++t.begin[a.index[k] + 1];
  poll();
  for (int i = 0; i < a.rows; ++i) t.begin[i + 1] += t.begin[i];
  int asked = 0;
  for (int j = 0; j < a.columns; ++j) {
    if (a.begin[j] - asked > between) {
      asked = a.begin[j];
      poll();
    }
    for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
      const int at = t.begin[a.index[k]]++;
      t.index[at] = j;
      t.value[at] = a.value[k];
    }
  }
  for (int i = a.rows; i > 0; --i) t.begin[i] = t.begin[i - 1];
  t.begin[0] = 0;
}

inline void transpose(const sparse_matrix& a, sparse_matrix& t) {
  transpose(a, t, [] {});
}

}  // namespace plait
