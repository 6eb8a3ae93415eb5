// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <plait/alloc/detail/server_packing.hpp>
#include <plait/alloc/round_entry.hpp>

namespace plait::detail {

/// The servers of each type, as rounds see them: how gangs fit into them together.
class packed_servers {
 public:
  void clear() { types_.clear(); }
  /// One type more, or one as it is now.
  server_packing& add_type() { return types_.emplace_back(); }
  server_packing& operator[](int type) { return types_[static_cast<std::size_t>(type)]; }

  /// Whether an entry has to stand in one of several servers.
  [[nodiscard]] bool are_needed_by(const round_entry& entry) const {
    return entry.consolidated && entry.workers > 1 && types_[static_cast<std::size_t>(entry.type)].has_servers();
  }
  [[nodiscard]] bool are_needed_by(std::span<const round_entry> entries) const {
    const auto has_servers = [](const server_packing& type) { return type.has_servers(); };
    return std::any_of(types_.begin(), types_.end(), has_servers) &&
           std::any_of(entries.begin(), entries.end(), [&](const round_entry& e) { return are_needed_by(e); });
  }
  /// Whether no server is large enough for an entry, as servers are now.
  [[nodiscard]] bool are_too_small_for(const round_entry& entry) const {
    return are_needed_by(entry) && entry.workers > types_[static_cast<std::size_t>(entry.type)].largest();
  }

  void empty() {
    for (server_packing& type : types_) type.clear();
  }

 private:
  std::vector<server_packing> types_;
};

/// What has been chosen for a round so far: no job twice, no type beyond its workers and its servers.
class round_draft {
 public:
  /// Nothing is chosen yet for round `number`, which no round had before. `servers`: none where no entry needs them.
  void begin(long number, const std::vector<int>& workers, packed_servers* servers) {
    number_ = number;
    left_ = workers;
    servers_ = servers;
    entries_.clear();
    books_.clear();
    is_gift_.clear();
    if (servers_ != nullptr) servers_->empty();
  }

  /// Takes an entry where its jobs are not yet taken and there are workers.
  bool take(const round_entry& entry, std::size_t book, bool gift) {
    int& left = left_[static_cast<std::size_t>(entry.type)];
    if (entry.workers > left || has_job_of(entry)) return false;
    if (servers_ != nullptr && servers_->are_needed_by(entry) && !(*servers_)[entry.type].add(entry.workers))
      return false;
    left -= entry.workers;
    mark(entry.first);
    if (entry.second >= 0) mark(entry.second);
    entries_.push_back(entry);
    books_.push_back(book);
    is_gift_.push_back(gift ? 1 : 0);
    return true;
  }
  /// Whether a job of an entry is in the round.
  [[nodiscard]] bool has_job_of(const round_entry& entry) const {
    return has(entry.first) || (entry.second >= 0 && has(entry.second));
  }

  /// Workers of a type that nobody has.
  [[nodiscard]] const int& left(int type) const { return left_[static_cast<std::size_t>(type)]; }
  [[nodiscard]] std::span<const round_entry> entries() const { return entries_; }
  [[nodiscard]] std::size_t book(std::size_t entry) const { return books_[entry]; }
  [[nodiscard]] bool is_gift(std::size_t entry) const { return is_gift_[entry] != 0; }

  /// Numbers of rounds begin anew.
  void forget() { taken_in_.clear(); }

 private:
  [[nodiscard]] bool has(int job) const {
    const auto at = static_cast<std::size_t>(job);
    return at < taken_in_.size() && taken_in_[at] == number_;
  }
  void mark(int job) {
    const auto at = static_cast<std::size_t>(job);
    if (at >= taken_in_.size()) taken_in_.resize(2 * at + 16, 0);
    taken_in_[at] = number_;
  }

  long number_ = 0;
  std::vector<int> left_;
  packed_servers* servers_ = nullptr;
  std::vector<round_entry> entries_;
  std::vector<std::size_t> books_;
  std::vector<char> is_gift_;
  std::vector<long> taken_in_;  ///< of each job the last round that it was taken in
};

}  // namespace plait::detail
