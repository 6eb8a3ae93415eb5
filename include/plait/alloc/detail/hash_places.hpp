// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/solve/table.hpp>

namespace plait::detail {

/// A place for each key in a table of twice as many places, for keys that are compared by `same(place's key, key)`.
class hash_places {
 public:
  explicit hash_places(int keys = 0) { clear(keys); }

  /// Empties all places, and makes room for so many keys.
  void clear(int keys) {
    while (room_ < 2 * keys) room_ *= 2;
    slot_.assign(room_, -1);
  }
  /// The slot of a key with this hash: what is in it is an equal one, or -1.
  template <class Same>
  int& find(std::uint64_t hash, Same&& same) {
    int at = static_cast<int>(hash >> 33) & (room_ - 1);
    while (slot_[at] >= 0 && !same(slot_[at])) at = (at + 1) & (room_ - 1);
    return slot_[at];
  }

 private:
  int room_ = 16;
  table<int> slot_;
};

}  // namespace plait::detail
