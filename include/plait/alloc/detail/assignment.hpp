// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include <plait/solve/lp.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// Assigns each of `rows` to a slot with room at least total cost: successive shortest paths with potentials (the
/// Hungarian method, with slots that take several).
///
/// `cost(row, slot)`: infinity where it cannot be. Rows without a slot that leads to room stay at -1. Needs: costs not
/// negative. Cost: O(rows^2 slots) at most.
/// Source: Jonker, Volgenant, "A shortest augmenting path algorithm for dense and sparse linear assignment problems",
/// Computing 38, 1987.
class assignment {
 public:
  /// The slot of each row.
  template <class Cost>
  table<int> solve(int rows, const table<int>& room, Cost&& cost) {
    const int slots = room.size();
    slot_of_.assign(rows, -1);
    row_price_.assign(rows, 0.0);
    slot_price_.assign(slots, 0.0);
    next_.assign(rows, -1);
    head_.assign(slots, -1);
    used_.assign(slots, 0);
    for (int first = 0; first < rows; ++first) {
      distance_.assign(slots, infinity);
      from_.assign(slots, -1);
      done_.assign(slots, 0);
      reached_.clear();
      const auto relax = [&](int row, double base) {
        for (int s = 0; s < slots; ++s) {
          if (done_[s] != 0) continue;
          const double c = cost(row, s);
          if (c == infinity) continue;
          const double length = base + c - row_price_[row] - slot_price_[s];
          if (length < distance_[s]) {
            distance_[s] = length;
            from_[s] = row;
          }
        }
      };
      relax(first, 0);
      int end = -1;
      double shortest = 0;
      while (true) {
        int best = -1;
        for (int s = 0; s < slots; ++s)
          if (done_[s] == 0 && distance_[s] < infinity && (best < 0 || distance_[s] < distance_[best])) best = s;
        if (best < 0) break;
        done_[best] = 1;
        shortest = distance_[best];
        if (used_[best] < room[best]) {
          end = best;
          break;
        }
        reached_.push_back(best);
        for (int row = head_[best]; row >= 0; row = next_[row]) relax(row, shortest);
      }
      if (end < 0) continue;
      row_price_[first] += shortest;
      for (const int s : reached_) {
        for (int row = head_[s]; row >= 0; row = next_[row]) row_price_[row] += shortest - distance_[s];
        slot_price_[s] -= shortest - distance_[s];
      }
      int s = end;
      while (true) {
        const int row = from_[s], before = slot_of_[row];
        if (before >= 0) leave(row, before);
        slot_of_[row] = s;
        next_[row] = head_[s];
        head_[s] = row;
        ++used_[s];
        if (row == first) break;
        s = before;
      }
    }
    return slot_of_;
  }

  /// What the total cost would fall by for one more room in a slot, at the margin: the dual. Not negative.
  [[nodiscard]] double worth(int slot) const { return slot_price_[slot] < 0 ? -slot_price_[slot] : 0; }

 private:
  void leave(int row, int slot) {
    int* at = &head_[slot];
    while (*at != row) at = &next_[*at];
    *at = next_[row];
    --used_[slot];
  }

  table<int> slot_of_, next_, head_, used_, from_, reached_;
  table<double> row_price_, slot_price_, distance_;
  table<char> done_;
};

}  // namespace plait::detail
