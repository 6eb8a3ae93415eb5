// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include <plait/alloc/detail/round_books.hpp>
#include <plait/alloc/round_entry.hpp>

namespace plait::detail {

/// How far the clock of each type goes in some time: as far as time does, or so far that what its entries are owed
/// comes to a limit and not beyond.
class type_clocks {
 public:
  /// A type of w workers may owe w times `limit` seconds.
  void begin(const std::vector<int>& workers, double limit, double elapsed) {
    elapsed_ = elapsed;
    types_.clear();
    for (const int count : workers) types_.push_back({.room = count * limit});
  }

  /// An entry that has a share.
  void add(const round_entry& entry, const round_book& book) {
    clock& of = types_[static_cast<std::size_t>(entry.type)];
    of.room -= entry.workers * book.debt;
    of.asked += entry.workers * book.share;
  }

  /// Seconds on the clock of a type.
  [[nodiscard]] double elapsed(int type) const {
    const clock& of = types_[static_cast<std::size_t>(type)];
    return of.asked * elapsed_ <= of.room ? elapsed_ : std::fmax(0, of.room / of.asked);
  }

 private:
  struct clock {
    double room = 0;   ///< worker seconds until the limit
    double asked = 0;  ///< workers that all shares come to
  };
  std::vector<clock> types_;
  double elapsed_ = 0;
};

}  // namespace plait::detail
