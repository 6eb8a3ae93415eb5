// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include <plait/alloc/round_entry.hpp>

namespace plait::detail {

/// What is known of an entry over time, also while it has no share. Seconds.
struct round_book {
  double share = 0;        ///< of time
  double received = 0;     ///< since the shares last changed
  double debt = 0;         ///< share of the time that passed, less what was received
  double debt_before = 0;  ///< when the shares last changed

  template <class Archive>
  void visit(Archive& archive) {
    archive(share, received, debt, debt_before);
  }
};

/// A book for each entry that there has been and whose jobs have not ended, by number.
class round_books {
 public:
  round_book& operator[](std::size_t number) { return books_[number]; }

  /// The number of an entry's book; a new one where it has none.
  std::size_t number_of(const round_entry& entry) {
    const auto [at, is_new] = numbers_.try_emplace(key_of(entry), books_.size());
    if (is_new && !free_.empty()) {
      at->second = free_.back();
      free_.pop_back();
    } else if (is_new) {
      books_.emplace_back();
    }
    return at->second;
  }

  /// Whether both have one book.
  [[nodiscard]] static bool same(const round_entry& a, const round_entry& b) { return key_of(a) == key_of(b); }

  [[nodiscard]] double debt_of(const round_entry& entry) const {
    const auto found = numbers_.find(key_of(entry));
    return found == numbers_.end() ? 0 : books_[found->second].debt;
  }

  void end_shares() {
    for (round_book& one : books_) one.share = 0;
  }

  /// Closes all books of a job.
  void forget(int job) {
    for (auto at = numbers_.begin(); at != numbers_.end();) {
      if (at->first.first == job || at->first.second == job) {
        books_[at->second] = {};
        free_.push_back(at->second);
        at = numbers_.erase(at);
      } else {
        ++at;
      }
    }
  }

  template <class Archive>
  void visit(Archive& archive) {
    std::vector<numbered> all;
    for (const auto& [which, number] : numbers_) all.push_back({which, number});
    archive(books_, free_, all);
    numbers_.clear();
    for (const numbered& one : all) numbers_[one.which] = one.number;
  }

 private:
  struct key {
    int first = 0, second = 0, way = 0;
    friend bool operator==(const key&, const key&) = default;
  };
  struct key_hash {
    std::size_t operator()(const key& k) const {
      std::uint64_t hash = 0;
      for (const int part : {k.first, k.second, k.way})
        hash = (hash ^ static_cast<std::uint64_t>(part)) * 0x9E3779B97F4A7C15u;
      return static_cast<std::size_t>(hash ^ (hash >> 32));
    }
  };
  struct numbered {
    key which;
    std::size_t number = 0;
    template <class Archive>
    void visit(Archive& archive) {
      archive(which.first, which.second, which.way, number);
    }
  };
  static key key_of(const round_entry& entry) {
    return {entry.first, entry.second, entry.second < 0 ? entry.option : entry.type};
  }

  std::vector<round_book> books_;
  std::vector<std::size_t> free_;
  std::unordered_map<key, std::size_t, key_hash> numbers_;
};

}  // namespace plait::detail
