// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <unordered_map>
#include <vector>

#include <plait/alloc/detail/assignment.hpp>
#include <plait/alloc/round_entry.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// An entry in the order of a rule of rounds: what is larger goes first.
struct owed_entry {
  double first = 0, second = 0, third = 0;
  int entry = 0;
};

/// An object, not a function, so that sorting calls nothing through a pointer.
inline constexpr auto is_owed_more = [](const owed_entry& a, const owed_entry& b) {
  if (a.first != b.first) return a.first > b.first;
  if (a.second != b.second) return a.second > b.second;
  if (a.third != b.third) return a.third > b.third;
  return a.entry < b.entry;
};

/// The set of entries that is owed most, of gangs of one worker: jobs are matched to types, or to waiting.
class owed_matching {
 public:
  /// `ranked`: the entries in order, `first` what each is owed. Returns the entries that are chosen.
  const std::vector<int>& find(const std::vector<owed_entry>& ranked, const std::vector<round_entry>& entries,
                               const std::vector<int>& workers) {
    const int types = static_cast<int>(workers.size());
    rows_.clear();
    best_.clear();
    chosen_.clear();
    double most = 0;
    for (const owed_entry& c : ranked) {  // what is owed most comes first, so a job's first entry of a type is its best
      if (c.first <= 0) break;
      most = std::fmax(most, c.first);
      const round_entry& entry = entries[static_cast<std::size_t>(c.entry)];
      const auto [at, is_new] = rows_.try_emplace(entry.first, static_cast<int>(rows_.size()));
      if (is_new) best_.resize(best_.size() + static_cast<std::size_t>(types), {});
      owed_entry& there = best_[static_cast<std::size_t>(at->second * types + entry.type)];
      if (there.first <= 0) there = c;
    }
    table<int> room;
    for (const int count : workers) room.push_back(count);
    const int jobs = static_cast<int>(rows_.size());
    room.push_back(jobs);  // to wait costs all that one could be owed
    const auto cost = [&](int row, int slot) {
      if (slot == types) return most;
      const owed_entry& c = best_[static_cast<std::size_t>(row * types + slot)];
      return c.first > 0 ? most - c.first : infinity;
    };
    const table<int> slot = matching_.solve(jobs, room, cost);
    for (int row = 0; row < jobs; ++row)
      if (slot[row] < types) chosen_.push_back(best_[static_cast<std::size_t>(row * types + slot[row])].entry);
    return chosen_;
  }

 private:
  std::unordered_map<int, int> rows_;
  std::vector<owed_entry> best_;
  std::vector<int> chosen_;
  assignment matching_;
};

}  // namespace plait::detail
