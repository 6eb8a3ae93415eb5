// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/core/math.hpp>
#include <plait/solve/detail/editable_matrix.hpp>
#include <plait/solve/detail/substitution.hpp>
#include <plait/solve/detail/way_back.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// Rows that are multiples of each other become one with the tighter bounds.
///
/// Rows of the same columns are found by a hash of these, and each is compared with the last few of them.
/// Cost: O(entries).
///
/// Source: Tomlin, Welch, "Finding duplicate rows in a linear programming model", Oper. Res. Letters 5, 1986.
class alike_rows : public substitution {
 protected:
  void join_alike_rows() {
    const int m = model_->rows();
    int slots = 16;
    while (slots < 2 * m) slots *= 2;
    last_.assign(slots, -1);
    before_.resize_unset(m);
    hash_.resize_unset(m);
    value_.assign(model_->columns(), 0);  // a request to stop may have left something
    for (int i = 0; i < m && !bad_; ++i) {
      spend(1);
      if (row_left_[i] == 0 || row_count_[i] < 2) continue;
      spend(10 + 2 * matrix_.rows.count(i));
      std::uint64_t hash = 0;
      for (const cell& one : matrix_.rows[i])
        if (column_left_[one.at] != 0) hash += mixed(static_cast<std::uint64_t>(one.at));
      hash_[i] = hash;
      int& last = last_[static_cast<int>(hash >> 33) & (slots - 1)];
      bool spread = false;
      int compared = 0;
      for (int r = last; r >= 0 && compared < most_compared && !bad_; r = before_[r]) {
        spend(1);
        if (row_left_[r] == 0 || hash_[r] != hash) continue;
        if (!spread) put(i, 1);
        spread = true;
        spend(10 + 2 * matrix_.rows.count(r));
        ++compared;
        join(i, r);
      }
      if (spread) put(i, 0);
      before_[i] = last;
      last = i;
    }
  }

 private:
  static constexpr int most_compared = 8;
  static std::uint64_t mixed(std::uint64_t z) {
    z = (z + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  void put(int i, double times) {
    for (const cell& one : matrix_.rows[i])
      if (column_left_[one.at] != 0) value_[one.at] = times * one.value;
  }
  /// Drops row r where it is a multiple of row i, whose entries are in `value_`.
  void join(int i, int r) {
    if (row_count_[i] != row_count_[r]) return;
    double times = 0;
    for (const cell& one : matrix_.rows[r]) {
      if (column_left_[one.at] == 0) continue;
      const double here = value_[one.at];
      if (here == 0) return;
      if (times == 0) times = one.value / here;
      if (math::abs(one.value - times * here) > 1e-13 * math::abs(one.value)) return;
    }
    const double l = (times > 0 ? row_lower_[r] : row_upper_[r]) / times,
                 u = (times > 0 ? row_upper_[r] : row_lower_[r]) / times;
    way_back::step one{.what = rule::alike_row, .row = r, .other = i, .coefficient = times};
    one.tightened_lower = l > row_lower_[i];
    one.tightened_upper = u < row_upper_[i];
    if (one.tightened_lower) row_lower_[i] = l;
    if (one.tightened_upper) row_upper_[i] = u;
    if (row_lower_[i] > row_upper_[i]) {
      if (row_lower_[i] > row_upper_[i] + 1e-9 * (1 + math::abs(row_lower_[i]))) {
        exclude(r, i, times);
        return;
      }
      (one.tightened_lower ? row_lower_[i] : row_upper_[i]) = one.tightened_lower ? row_upper_[i] : row_lower_[i];
    }
    one.either = row_lower_[i] == row_upper_[i] && (one.tightened_lower || one.tightened_upper);
    drop_row(r);
    way_.note(one);
  }

  table<int> last_, before_;  // rows of one place in the table of hashes
  table<std::uint64_t> hash_;
  table<double> value_;  // of the row that is compared, by columns
};

}  // namespace plait::detail
