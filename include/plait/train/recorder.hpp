// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <plait/schedule/action.hpp>

namespace plait {

/// Marks when a rank was done with each action of a step. An action begins where the one before it ended.
template <class Space>
class recorder {
 public:
  using mark = typename Space::mark;
  struct entry {
    action what{};
    std::int64_t bytes = 0;
  };

  /// Room for a step of `actions`, so that none is made during a step.
  void reserve(std::size_t actions) {
    marks_.resize(actions + 1);
    entries_.resize(actions);
  }
  void start(typename Space::stream order) {
    count_ = 0;
    began_ = std::chrono::steady_clock::now();
    marks_[0].record(order);
  }
  void done(const action& what, std::int64_t moved, typename Space::stream order) {
    if (count_ == entries_.size()) return;
    entries_[count_] = {what, moved};
    marks_[++count_].record(order);
  }

  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] const entry& operator[](std::size_t i) const { return entries_[i]; }
  /// When action i began and ended, in seconds on the steady clock that ranks of one process share; and for how long
  /// its thread or device worked on it.
  [[nodiscard]] double begin_of(std::size_t i) const {
    return since_epoch() + Space::mark::wall_seconds(marks_[0], marks_[i]);
  }
  [[nodiscard]] double end_of(std::size_t i) const { return begin_of(i + 1); }
  [[nodiscard]] double work_of(std::size_t i) const { return Space::mark::work_seconds(marks_[i], marks_[i + 1]); }

 private:
  [[nodiscard]] double since_epoch() const { return std::chrono::duration<double>(began_.time_since_epoch()).count(); }

  std::vector<mark> marks_;
  std::vector<entry> entries_;
  std::size_t count_ = 0;
  std::chrono::steady_clock::time_point began_{};
};

}  // namespace plait
