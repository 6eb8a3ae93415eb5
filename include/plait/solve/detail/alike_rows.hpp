// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/core/math.hpp>
#include <plait/solve/detail/editable_matrix.hpp>
#include <plait/solve/detail/sort.hpp>
#include <plait/solve/detail/substitution.hpp>
#include <plait/solve/detail/way_back.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// Rows that are multiples of each other become one with the tighter bounds.
///
/// Rows of the same columns are found by a hash of these, and each is compared with the first of its kind that it is
/// not a multiple of, and some more. Cost: O(entries + rows log rows). Source: Tomlin, Welch, "Finding duplicate rows
/// in a linear programming model", Oper. Res. Letters 5, 1986.
class alike_rows : public substitution {
 protected:
  void join_alike_rows() {
    const int m = model_->rows();
    keys_.clear();
    for (int i = 0; i < m; ++i) {
      if (row_left_[i] == 0 || row_count_[i] < 2) continue;
      std::uint64_t hash = 0;
      for (const cell& one : matrix_.rows[i])
        if (column_left_[one.at] != 0) hash += mixed(static_cast<std::uint64_t>(one.at));
      keys_.push_back({hash, i});
    }
    sort(keys_.data(), keys_.size(),
         [](const key& p, const key& q) { return p.hash < q.hash || (p.hash == q.hash && p.row < q.row); });
    value_.resize(model_->columns(), 0);
    for (int s = 0; s < keys_.size() && !bad_; ++s) {
      const int i = keys_[s].row;
      if (row_left_[i] == 0) continue;
      bool spread = false;
      for (int t = s + 1; t < keys_.size() && keys_[t].hash == keys_[s].hash && t <= s + most_compared; ++t) {
        if (row_left_[keys_[t].row] == 0) continue;
        if (!spread) put(i, 1);
        spread = true;
        join(i, keys_[t].row);
        if (bad_) break;
      }
      if (spread) put(i, 0);
    }
  }

 private:
  static constexpr int most_compared = 8;
  struct key {
    std::uint64_t hash = 0;
    int row = 0;
  };
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
        bad_ = true;
        return;
      }
      (one.tightened_lower ? row_lower_[i] : row_upper_[i]) = one.tightened_lower ? row_upper_[i] : row_lower_[i];
    }
    one.either = row_lower_[i] == row_upper_[i] && (one.tightened_lower || one.tightened_upper);
    drop_row(r);
    way_.note(one);
  }

  table<key> keys_;
  table<double> value_;  // of the row that is compared, by columns
};

}  // namespace plait::detail
