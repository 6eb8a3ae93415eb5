// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/solve/basis.hpp>
#include <plait/solve/simplex.hpp>
#include <plait/solve/table.hpp>

namespace plait {

namespace detail {

/// Where a program of shares ended, group by group, so that the next one, with other groups or other numbers of
/// members, can go on from there.
class kept_basis {
 public:
  [[nodiscard]] bool empty() const { return key_.empty(); }
  void clear() { key_.clear(); }

  /// Forgets what was there. Groups follow, and behind each its columns.
  void begin(const table<basis_status>& capacities, basis_status level) {
    key_.clear();
    begin_.clear();
    column_.clear();
    demand_.clear();
    budget_.clear();
    capacity_ = capacities;
    level_ = level;
  }
  void add_group(std::uint64_t key, basis_status demand, basis_status budget) {
    key_.push_back(key);
    demand_.push_back(demand);
    budget_.push_back(budget);
    begin_.push_back(column_.size());
  }
  void add_column(basis_status status) { column_.push_back(status); }

  [[nodiscard]] basis_status capacity(int type) const {
    return type < capacity_.size() ? capacity_[type] : basis_status::basic;
  }
  [[nodiscard]] basis_status level() const { return level_; }
  /// The place of a group; -1: it was not there.
  int find(std::uint64_t key) {
    const int count = key_.size();
    for (int tried = 0; tried < count; ++tried) {
      if (++last_ >= count) last_ = 0;
      if (key_[last_] == key) return last_;
    }
    return -1;
  }
  [[nodiscard]] basis_status demand(int place) const { return demand_[place]; }
  [[nodiscard]] basis_status budget(int place) const { return budget_[place]; }
  /// Of a group's column; at its lower bound where the group had fewer.
  [[nodiscard]] basis_status column(int place, int number) const {
    const int at = begin_[place] + number, end = place + 1 < begin_.size() ? begin_[place + 1] : column_.size();
    return 0 <= at && at < end && at < column_.size() ? column_[at] : basis_status::lower;
  }

  /// All of it, to save and to load.
  template <class Archive>
  void visit(Archive& archive) {
    archive(key_, begin_, column_, demand_, budget_, capacity_, level_, last_);
  }

 private:
  table<std::uint64_t> key_;
  table<int> begin_;
  table<basis_status> column_, demand_, budget_, capacity_;
  basis_status level_ = basis_status::basic;
  int last_ = -1;  ///< groups mostly come in the same order again
};

class share_solver;

}  // namespace detail

/// What policies of programs may keep from one allocation to the next, for those who ask again and again while jobs
/// come and go: the memory of the solver, and where programs ended. Shares are the same without, but for their last
/// digit. One at a time may use it, and each policy has its own.
class share_memory {
 public:
  /// Forgets where programs ended.
  void clear() {
    for (detail::kept_basis& one : ends_) one.clear();
  }

  /// Where programs ended, to save and to load.
  template <class Archive>
  void visit(Archive& archive) {
    for (detail::kept_basis& one : ends_) one.visit(archive);
  }

 private:
  friend class detail::share_solver;
  simplex solver_;
  detail::kept_basis ends_[3];  ///< of the level, of the most throughput at that level, of the fewest workers then
};

}  // namespace plait
