// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <plait/schedule/action.hpp>

namespace plait {

/// Marks when a rank was done with each action of a step. An action begins where the one before it ended, save for
/// those that run beside the others, in an order of their own, which have marks of their own.
template <class Space>
class recorder {
 public:
  using mark = typename Space::mark;
  struct entry {
    action what{};
    std::int64_t bytes = 0;
    std::size_t from = 0;  ///< the marks where it began and ended
    std::size_t to = 0;
  };

  /// Room for a step of `actions`, so that none is made during a step.
  void reserve(std::size_t actions) {
    marks_.resize(3 * actions + 1);
    entries_.resize(actions);
  }
  void start(typename Space::stream order) {
    count_ = marked_ = 0;
    began_ = std::chrono::steady_clock::now();
    marks_[0].record(order);
  }
  void done(const action& what, std::int64_t moved, typename Space::stream order) {
    if (count_ == entries_.size()) return;
    entries_[count_++] = {what, moved, marked_, marked_ + 1};
    marks_[++marked_].record(order);
  }

  /// An action beside the others begins, in its own order.
  void begin_beside(typename Space::stream beside) {
    if (count_ < entries_.size()) marks_[marked_ + 1].record(beside);
  }
  /// ... and ends there; the others go on in theirs.
  void done_beside(const action& what, std::int64_t moved, typename Space::stream beside,
                   typename Space::stream order) {
    if (count_ == entries_.size()) return;
    entries_[count_++] = {what, moved, marked_ + 1, marked_ + 2};
    marks_[marked_ + 2].record(beside);
    marks_[marked_ += 3].record(order);
  }

  /// What has been done since `start`.
  [[nodiscard]] std::span<const entry> entries() const { return {entries_.data(), count_}; }
  /// The work that gave these entries is done again, marks included.
  void again(std::span<const entry> of) {
    count_ = of.size();
    std::ranges::copy(of, entries_.begin());
    began_ = std::chrono::steady_clock::now();
  }

  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] const entry& operator[](std::size_t i) const { return entries_[i]; }
  /// When action i began and ended, in seconds on the steady clock that ranks of one process share; and for how long
  /// its thread or device worked on it.
  [[nodiscard]] double begin_of(std::size_t i) const { return at(entries_[i].from); }
  [[nodiscard]] double end_of(std::size_t i) const { return at(entries_[i].to); }
  [[nodiscard]] double work_of(std::size_t i) const {
    return Space::mark::work_seconds(marks_[entries_[i].from], marks_[entries_[i].to]);
  }

 private:
  [[nodiscard]] double at(std::size_t number) const {
    return std::chrono::duration<double>(began_.time_since_epoch()).count() +
           Space::mark::wall_seconds(marks_[0], marks_[number]);
  }

  std::vector<mark> marks_;
  std::vector<entry> entries_;
  std::size_t count_ = 0;   ///< of entries
  std::size_t marked_ = 0;  ///< the last mark of the others'
  std::chrono::steady_clock::time_point began_{};
};

}  // namespace plait
