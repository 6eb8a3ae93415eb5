// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// Gaussian elimination of the part of a basis that no row or column singleton opens.
///
/// Columns hold rows and values, rows hold columns only; both have lists by their number of entries. A pivot is the
/// entry of least (row entries - 1)(column entries - 1) among the first few short rows and columns, and at least
/// `threshold` times the largest of its column.
/// Rows can be marked as heavy: no list is kept for them and none is pivoted on, so that long rows cost nothing; what
/// is left at the end, with `entries_of`, makes another nucleus.
/// Source: Markowitz, "The elimination form of the inverse", Management Science 3, 1957; Suhl, Suhl, "Computing sparse
/// LU factorizations for large-scale linear programming bases", ORSA J. Comput. 2, 1990 (the search).
class nucleus {
 public:
  monitor* limits = nullptr;  ///< asked by work, for one pivot among dense columns may take milliseconds

  struct line {
    int begin = 0, count = 0, space = 0;
    int before = -1, after = -1;  // neighbours in the list of lines with as many entries
    int linked_count = 0;
    bool linked = false;
  };

  /// `entries`: about so many will come. Memory for as many again is got at once, so that it is seldom copied as it
  /// grows; the system gives it where it is written to.
  void reset(int rows, int columns, int entries) {
    rows_.assign(rows, line{});
    columns_.assign(columns, line{});
    row_head_.assign(columns + 1, -1);
    column_head_.assign(rows + 1, -1);
    row_entry_.clear();
    entry_.clear();
    value_.clear();
    entry_.reserve(2 * entries);
    value_.reserve(2 * entries);
    largest_.assign(columns, 0.0);
    work_.assign(rows, 0.0);
    heavy_.assign(rows, 0);
  }

  void mark_heavy(int row) { heavy_[row] = 1; }

  /// The entries of a column that was not pivoted on.
  template <class Take>
  void entries_of(int column, Take&& take) const {
    const line& c = columns_[column];
    for (int k = c.begin; k < c.begin + c.count; ++k) take(entry_[k], value_[k]);
  }

  void add_column(int column, const int* index, const double* value, int count) {
    line& c = columns_[column];
    c.begin = entry_.size();
    c.count = count;
    c.space = count;
    for (int k = 0; k < count; ++k) {
      entry_.push_back(index[k]);
      value_.push_back(value[k]);
      ++rows_[index[k]].count;
    }
    spend(8 * count);
  }

  /// To be called once all columns are there.
  void link() {
    int at = 0;
    for (int i = 0; i < rows_.size(); ++i) {
      rows_[i].begin = at;
      rows_[i].space = heavy_[i] != 0 ? 0 : rows_[i].count * 2 + 4;
      at += rows_[i].space;
      rows_[i].count = 0;
    }
    row_entry_.resize_unset(at);
    for (int c = 0; c < columns_.size(); ++c) {
      for (int k = columns_[c].begin; k < columns_[c].begin + columns_[c].count; ++k) {
        line& r = rows_[entry_[k]];
        if (heavy_[entry_[k]] == 0) row_entry_[r.begin + r.count] = c;
        ++r.count;
      }
      measure(c);
      spend(8 * columns_[c].count);
      link(columns_, column_head_, c);
    }
    for (int i = 0; i < rows_.size(); ++i)
      if (heavy_[i] == 0) link(rows_, row_head_, i);
  }

  /// The best pivot there is. False when no entry is large enough.
  bool choose(double threshold, double absolute, int& row, int& column) {
    double best = 1e300;
    int searched = 0;
    const int longest = rows_.size() > columns_.size() ? rows_.size() : columns_.size();
    for (int count = 1; count <= longest; ++count) {
      if (count < column_head_.size()) {
        for (int c = column_head_[count], after; c >= 0; c = after) {
          after = columns_[c].after;
          if (largest_[c] < absolute) {  // nothing to pivot on; elimination may still change it
            unlink(columns_, column_head_, c);
            continue;
          }
          bool light = false;
          for (int k = columns_[c].begin; k < columns_[c].begin + count; ++k) {
            if (heavy_[entry_[k]] != 0) continue;
            light = true;
            if (magnitude(value_[k]) < threshold * largest_[c] || magnitude(value_[k]) < absolute) continue;
            const double merit = static_cast<double>(count - 1) * (rows_[entry_[k]].count - 1);
            if (merit < best) {
              best = merit;
              row = entry_[k];
              column = c;
            }
          }
          if (!light) {
            unlink(columns_, column_head_, c);
            continue;
          }
          spend(count);
          ++searched;
          const double bound = static_cast<double>(count - 1) * (count - 1);
          if (best <= bound || (searched >= searches && best < 1e300)) return true;
        }
      }
      if (count < row_head_.size()) {
        for (int r = row_head_[count]; r >= 0; r = rows_[r].after) {
          int steps = count;
          for (int k = rows_[r].begin; k < rows_[r].begin + count; ++k) {
            const int c = row_entry_[k];
            const double merit = static_cast<double>(count - 1) * (columns_[c].count - 1);
            if (merit >= best) continue;
            steps += columns_[c].count;
            const double v = magnitude(value_[position(c, r)]);
            if (v < threshold * largest_[c] || v < absolute) continue;
            best = merit;
            row = r;
            column = c;
          }
          spend(steps);
          ++searched;
          const double bound = static_cast<double>(count - 1) * count;
          if (best <= bound || (searched >= searches && best < 1e300)) return true;
        }
      }
    }
    return best < 1e300;
  }

  /// Eliminates with the pivot: calls lower(row, multiplier) for each entry below it and upper(column, value) for each
  /// one beside it. Returns the pivot's value.
  template <class Lower, class Upper>
  double eliminate(int row, int column, Lower&& lower, Upper&& upper) {
    line& pivot_column = columns_[column];
    line& pivot_row = rows_[row];
    unlink(columns_, column_head_, column);
    unlink(rows_, row_head_, row);
    const double pivot = value_[position(column, row)];
    // Multipliers, scattered.
    eliminated_.clear();
    for (int k = pivot_column.begin; k < pivot_column.begin + pivot_column.count; ++k) {
      const int i = entry_[k];
      if (i == row) continue;
      const double multiplier = value_[k] / pivot;
      work_[i] = multiplier;
      eliminated_.push_back(i);
      lower(i, multiplier);
      remove_from_row(i, column);
    }
    pivot_column.count = 0;
    for (int k = 0; k < pivot_row.count; ++k) {
      const int c = row_entry_[pivot_row.begin + k];
      if (c == column) continue;
      const int at = position(c, row);
      const double beside = value_[at];
      upper(c, beside);
      line& target = columns_[c];
      const int last = target.begin + --target.count;
      entry_[at] = entry_[last];
      value_[at] = value_[last];
      subtract(c, beside);
      spend(2 * target.count + eliminated_.size());
      measure(c);
      relink(columns_, column_head_, c);
    }
    pivot_row.count = 0;
    for (const int i : eliminated_) {
      work_[i] = 0;
      if (heavy_[i] == 0) relink(rows_, row_head_, i);
    }
    return pivot;
  }

 private:
  static constexpr int searches = 8;
  static double magnitude(double v) { return v < 0 ? -v : v; }
  /// Handed on in larger portions, for there are many that are small.
  void spend(int steps) {
    spent_ += steps;
    if (spent_ < 1 << 12) return;
    detail::spend(limits, spent_);
    spent_ = 0;
  }

  void subtract(int column, double times) {
    line& c = columns_[column];
    int hits = 0;
    for (int k = c.begin; k < c.begin + c.count;) {
      const int i = entry_[k];
      const double multiplier = work_[i];
      if (multiplier == 0) {
        ++k;
        continue;
      }
      work_[i] = 0;  // done; put back below
      touched_.push_back(i);
      multiplier_.push_back(multiplier);
      ++hits;
      value_[k] -= multiplier * times;
      if (magnitude(value_[k]) < 1e-14) {
        const int last = c.begin + --c.count;
        entry_[k] = entry_[last];
        value_[k] = value_[last];
        remove_from_row(i, column);
      } else {
        ++k;
      }
    }
    if (hits < eliminated_.size()) {
      make_space(column, c.count + eliminated_.size() - hits);
      line& moved = columns_[column];
      for (const int i : eliminated_) {
        if (work_[i] == 0) continue;
        const double fill = -work_[i] * times;
        if (magnitude(fill) < 1e-14) continue;
        entry_[moved.begin + moved.count] = i;
        value_[moved.begin + moved.count++] = fill;
        add_to_row(i, column);
      }
    }
    for (int k = 0; k < touched_.size(); ++k) work_[touched_[k]] = multiplier_[k];
    touched_.clear();
    multiplier_.clear();
  }

  [[nodiscard]] int position(int column, int row) const {
    int k = columns_[column].begin;
    while (entry_[k] != row) ++k;
    return k;
  }
  void measure(int column) {
    double largest = 0;
    const line& c = columns_[column];
    for (int k = c.begin; k < c.begin + c.count; ++k)
      if (magnitude(value_[k]) > largest) largest = magnitude(value_[k]);
    largest_[column] = largest;
  }
  void make_space(int column, int count) {
    line& c = columns_[column];
    if (count <= c.space) return;
    const int to = entry_.size(), space = count + count / 2 + 4;
    entry_.grow(to + space);
    value_.grow(to + space);
    for (int k = 0; k < c.count; ++k) {
      entry_[to + k] = entry_[c.begin + k];
      value_[to + k] = value_[c.begin + k];
    }
    c.begin = to;
    c.space = space;
  }
  void add_to_row(int row, int column) {
    line& r = rows_[row];
    if (heavy_[row] != 0) {
      ++r.count;
      return;
    }
    if (r.count == r.space) {
      const int to = row_entry_.size(), space = r.count * 2 + 4;
      row_entry_.grow(to + space);
      for (int k = 0; k < r.count; ++k) row_entry_[to + k] = row_entry_[r.begin + k];
      r.begin = to;
      r.space = space;
    }
    row_entry_[r.begin + r.count++] = column;
  }
  void remove_from_row(int row, int column) {
    line& r = rows_[row];
    if (heavy_[row] != 0) {
      --r.count;
      return;
    }
    int k = r.begin;
    while (row_entry_[k] != column) ++k;
    row_entry_[k] = row_entry_[r.begin + --r.count];
  }

  static void link(table<line>& lines, table<int>& head, int one) {
    line& l = lines[one];
    if (l.count == 0) return;
    l.before = -1;
    l.after = head[l.count];
    if (l.after >= 0) lines[l.after].before = one;
    head[l.count] = one;
    l.linked = true;
    l.linked_count = l.count;
  }
  static void unlink(table<line>& lines, table<int>& head, int one) {
    line& l = lines[one];
    if (!l.linked) return;
    if (l.before >= 0) {
      lines[l.before].after = l.after;
    } else {
      head[l.linked_count] = l.after;
    }
    if (l.after >= 0) lines[l.after].before = l.before;
    l.linked = false;
  }
  static void relink(table<line>& lines, table<int>& head, int one) {
    unlink(lines, head, one);
    link(lines, head, one);
  }

  table<line> rows_, columns_;
  table<int> row_head_, column_head_;
  table<int> row_entry_, entry_;
  table<double> value_, largest_, work_;
  table<char> heavy_;
  table<int> eliminated_, touched_;
  table<double> multiplier_;
  int spent_ = 0;
};

}  // namespace plait::detail
