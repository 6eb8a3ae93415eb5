// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/solve/basis.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// Where a variable may go from where it stands: 1 up, 2 down, 3 either way, 0 where it is basic or not to move.
inline signed char moves_from(basis_status at, bool may_move) {
  return !may_move || at == basis_status::basic ? 0 : at == basis_status::lower ? 1 : at == basis_status::upper ? 2 : 3;
}

/// The columns that are not basic and may move, in no order, for passes over these alone. A change costs O(1).
class resting_columns {
 public:
  /// None of so many columns.
  void clear(int columns) {
    list_.clear();
    at_.assign(columns, -1);
  }
  void set(int j, bool rests) {
    if ((at_[j] >= 0) == rests) return;
    if (rests) {
      at_[j] = list_.size();
      list_.push_back(j);
    } else {
      const int last = list_.back(), to = at_[j];
      list_[to] = last;
      at_[last] = to;
      at_[j] = -1;
      list_.pop_back();
    }
  }
  [[nodiscard]] const table<int>& list() const { return list_; }

 private:
  table<int> list_, at_;  ///< at: of each column its place in the list, or -1
};

}  // namespace plait::detail
