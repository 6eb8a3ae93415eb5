// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// One entry of a row or column.
struct cell {
  int at = 0;  ///< the column in a row, the row in a column
  double value = 0;
};

/// Lists of cells that grow and shrink, in one pool. A list that has no room left moves to the end of the pool, with
/// room for as many again; what it leaves is not used anew.
class cell_lists {
 public:
  struct range {
    const cell *first, *last;
    [[nodiscard]] const cell* begin() const { return first; }
    [[nodiscard]] const cell* end() const { return last; }
  };

  /// The columns of a matrix. Memory for lists that move is asked for at once, so that what is there is seldom copied;
  /// the system gives it where it is written to.
  void load(const sparse_matrix& a, monitor* limits) {
    const int entries = a.entries();
    make_room(entries);
    for (const auto [first, last] : parts(limits, entries, 2)) {
      for (int k = first; k < last; ++k) pool_[k] = {a.index[k], a.value[k]};
    }
    spend(limits, a.columns);
    begin_ = a.begin;
    begin_.resize(a.columns);
    count_.resize_unset(a.columns);
    for (int j = 0; j < a.columns; ++j) count_[j] = a.begin[j + 1] - a.begin[j];
    room_ = count_;
  }
  /// The rows of a matrix, by growing column.
  void load_rows(const sparse_matrix& a, monitor* limits) {
    const int entries = a.entries();
    make_room(entries);
    touch_in_parts(limits, pool_);
    count_.assign(a.rows, 0);
    for (const auto [first, last] : parts(limits, entries)) {
      for (int k = first; k < last; ++k) ++count_[a.index[k]];
    }
    begin_.resize_unset(a.rows);
    int at = 0;
    for (int i = 0; i < a.rows; ++i) {
      begin_[i] = at;
      at += count_[i];
    }
    room_ = begin_;  // where the next entry of each row goes
    for (const auto [from, to] : parts(limits, a.begin.data(), a.columns, 2)) {
      for (int j = from; j < to; ++j)
        for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) pool_[room_[a.index[k]]++] = {j, a.value[k]};
    }
    room_ = count_;
  }
  /// Valid until something is added.
  [[nodiscard]] range operator[](int list) const {
    const cell* const first = pool_.data() + begin_[list];
    return {first, first + count_[list]};
  }
  [[nodiscard]] int count(int list) const { return count_[list]; }
  [[nodiscard]] cell& at(int list, int position) { return pool_[begin_[list] + position]; }
  /// Where `wanted` stands in a list; -1 where it does not.
  [[nodiscard]] int find(int list, int wanted) const {
    const cell* const first = pool_.data() + begin_[list];
    for (int p = 0; p < count_[list]; ++p)
      if (first[p].at == wanted) return p;
    return -1;
  }
  void add(int list, cell one) {
    if (count_[list] == room_[list]) {
      const int from = begin_[list], to = pool_.size(), room = 2 * count_[list] + 4;
      pool_.grow(to + room);
      for (int p = 0; p < count_[list]; ++p) pool_[to + p] = pool_[from + p];
      begin_[list] = to;
      room_[list] = room;
    }
    pool_[begin_[list] + count_[list]++] = one;
  }
  /// The last one takes its place.
  void remove(int list, int position) { at(list, position) = at(list, --count_[list]); }

 private:
  void make_room(int entries) {
    pool_.clear();
    pool_.reserve(entries + entries / 2);
    pool_.resize_unset(entries);
  }
  table<cell> pool_;
  table<int> begin_, count_, room_;
};

/// A matrix by rows and by columns, whose rows can be taken off each other.
class editable_matrix {
 public:
  cell_lists rows, columns;

  /// Cost: O(entries).
  void load(const sparse_matrix& a, monitor* limits = nullptr) {
    columns.load(a, limits);
    rows.load_rows(a, limits);
    place_.assign(a.columns, -1);
  }

  /// Row k minus `times` those cells, of each of which the column, and row k, count one entry more or less where one
  /// comes or goes; one that is left with less than 1e-11 of what it was made of goes. Needs: cells that are not those
  /// of a list here. Cost: O(entries of row k, and of each column met).
  void subtract(int k, double times, const table<cell>& row, int& row_count, table<int>& column_count) {
    for (int p = 0; p < rows.count(k); ++p) place_[rows.at(k, p).at] = p;
    gone_.clear();
    for (const cell& one : row) {
      const double by = -times * one.value;
      const int at = place_[one.at];
      if (at < 0) {
        rows.add(k, {one.at, by});
        columns.add(one.at, {k, by});
        ++row_count;
        ++column_count[one.at];
        continue;
      }
      cell& here = rows.at(k, at);
      const double sum = here.value + by;
      const int of_column = columns.find(one.at, k);
      if (math::abs(sum) < 1e-11 * (math::abs(here.value) + math::abs(by))) {
        columns.remove(one.at, of_column);
        here.value = 0;
        gone_.push_back(one.at);
        --row_count;
        --column_count[one.at];
      } else {
        here.value = columns.at(one.at, of_column).value = sum;
      }
    }
    for (int p = 0; p < rows.count(k); ++p) place_[rows.at(k, p).at] = -1;
    for (const int j : gone_) rows.remove(k, rows.find(k, j));
  }

 private:
  table<int> place_, gone_;
};

}  // namespace plait::detail
