// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include <plait/solve/detail/edition.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// A sparse matrix by columns, and entries that wait to be sorted in.
///
/// Invariant of `made`: no entry is stored twice and none is zero.
struct growing_matrix {
  struct triplet {
    int row, column;
    double value;
  };
  sparse_matrix made;
  table<triplet> pending;  ///< entries that are not in `made` yet
  edition made_in;         ///< of `made`

  [[nodiscard]] bool settled(int rows, int columns) const {
    return pending.empty() && made.rows == rows && made.columns == columns;
  }

  /// Sorts in what waits; a request to stop that `limits` throws leaves it waiting. Cost: O(entries).
  void merge(int rows, int columns, monitor* limits = nullptr) {
    sparse_matrix merged;
    merged.rows = rows;
    merged.columns = columns;
    merged.begin.assign(columns + 1, 0);
    for (int j = 0; j < made.columns; ++j) merged.begin[j + 1] = made.begin[j + 1] - made.begin[j];
    for (const auto [first, last] : parts(limits, pending.size()))
      for (int k = first; k < last; ++k) ++merged.begin[pending[k].column + 1];
    for (int j = 0; j < columns; ++j) merged.begin[j + 1] += merged.begin[j];
    merged.index.resize_unset(merged.entries());
    merged.value.resize_unset(merged.entries());
    table<int> fill = merged.begin;
    for (const auto [from, to] : parts(limits, made.begin.data(), made.columns)) {
      for (int j = from; j < to; ++j) {
        for (int k = made.begin[j]; k < made.begin[j + 1]; ++k) {
          merged.index[fill[j]] = made.index[k];
          merged.value[fill[j]++] = made.value[k];
        }
      }
    }
    for (const auto [first, last] : parts(limits, pending.size())) {
      for (int k = first; k < last; ++k) {
        const triplet& t = pending[k];
        merged.index[fill[t.column]] = t.row;
        merged.value[fill[t.column]++] = t.value;
      }
    }
    // Entries given twice become their sum.
    table<int> seen(rows, -1);
    int out = 0;
    for (int j = 0; j < columns; ++j) {
      const int first = out, from = merged.begin[j];
      spend(limits, 1 + fill[j] - from);
      merged.begin[j] = first;
      for (int k = from; k < fill[j]; ++k) {
        const int i = merged.index[k];
        if (seen[i] >= first) {
          merged.value[seen[i]] += merged.value[k];
        } else {
          seen[i] = out;
          merged.index[out] = i;
          merged.value[out++] = merged.value[k];
        }
      }
      int kept = first;
      for (int k = first; k < out; ++k) {
        seen[merged.index[k]] = -1;  // zeros leave, so places here say nothing to the columns to come
        if (merged.value[k] == 0) continue;
        merged.index[kept] = merged.index[k];
        merged.value[kept++] = merged.value[k];
      }
      out = kept;
    }
    merged.begin[columns] = out;
    merged.index.resize(out);
    merged.value.resize(out);
    made = std::move(merged);
    pending.clear();
    made_in.change();
  }

  /// To be called after changes of `made` from outside, as `made_in.change()` is where none of them made a zero.
  void drop_zeros(monitor* limits = nullptr) {
    made_in.change();
    int zeros = 0, out = 0;
    for (const auto [first, last] : parts(limits, made.entries())) {
      for (int k = first; k < last; ++k) zeros += made.value[k] == 0 ? 1 : 0;
    }
    if (zeros == 0) {
      made.index.resize(made.entries());
      made.value.resize(made.entries());
      return;
    }
    for (int j = 0; j < made.columns; ++j) {
      const int from = made.begin[j];
      made.begin[j] = out;
      for (int k = from; k < made.begin[j + 1]; ++k) {
        if (made.value[k] == 0) continue;
        made.index[out] = made.index[k];
        made.value[out++] = made.value[k];
      }
    }
    made.begin[made.columns] = out;
    made.index.resize(out);
    made.value.resize(out);
  }

  /// Without entries, rows and columns; the memory stays.
  void clear() {
    made_in.change();
    pending.clear();
    made.rows = made.columns = 0;
    made.begin.assign(1, 0);
    made.index.clear();
    made.value.clear();
  }

  /// Row i becomes renamed[i] of `kept` rows, or leaves where that is negative. Needs: nothing waits.
  void rename_rows(const table<int>& renamed, int kept) {
    for (int k = 0; k < made.entries(); ++k) {
      const int to = renamed[made.index[k]];
      if (to < 0) made.value[k] = 0;
      made.index[k] = to < 0 ? 0 : to;
    }
    made.rows = kept;
    drop_zeros();
  }

  /// Columns whose mark is not zero leave. Needs: nothing waits.
  void keep_columns(std::span<const char> marked) {
    made_in.change();
    int kept = 0, out = 0;
    for (int j = 0; j < made.columns; ++j) {
      if (marked[static_cast<std::size_t>(j)] != 0) continue;
      const int from = made.begin[j], to = made.begin[j + 1];
      made.begin[kept++] = out;
      for (int k = from; k < to; ++k) {
        made.index[out] = made.index[k];
        made.value[out++] = made.value[k];
      }
    }
    made.begin.resize(kept + 1);
    made.begin[kept] = out;
    made.index.resize(out);
    made.value.resize(out);
    made.columns = kept;
  }
};

}  // namespace plait::detail
