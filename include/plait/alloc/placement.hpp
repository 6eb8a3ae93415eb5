// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <plait/alloc/cluster.hpp>
#include <plait/alloc/detail/seating.hpp>
#include <plait/alloc/round_entry.hpp>

namespace plait {

/// Gives the entries of a round their workers, with as little movement as can be had simply: what stays on its type
/// keeps its workers, larger gangs choose first, and a gang that moves takes the server it fills best, then as few
/// servers as possible. Where no server has room for a consolidated gang, one is cleared: that where fewest workers
/// have to be started anew, by moving smaller consolidated gangs and whoever may stand anywhere. Where clearing single
/// servers does not do, the consolidated gangs of the type are packed anew, each in its server where that comes to the
/// same. So all find room where `detail::server_packing` finds it. Workers that have failed are left out.
class placement : private detail::seating {
 public:
  explicit placement(const cluster& where) {
    for (const worker_type& type : where.types) {
      const int count = static_cast<int>(std::floor(type.num_workers));
      detail::type_workers& made = types_.emplace_back();
      made.per_server = type.workers_per_server > 0 ? type.workers_per_server : std::max(count, 1);
      made.uses.resize(static_cast<std::size_t>(count));
    }
  }

  /// A worker fails, or is back.
  void set_failed(int type, int worker, bool failed) {
    at(type, worker) = {.first = failed ? use::broken : use::nobody};
  }
  [[nodiscard]] bool has_failed(int type, int worker) const {
    return types_[static_cast<std::size_t>(type)].uses[static_cast<std::size_t>(worker)].first == use::broken;
  }

  /// The workers of each entry of this round.
  std::span<const placed_entry> place(std::span<const round_entry> entries) {
    placed_.resize(entries.size());
    for (placed_entry& one : placed_) {
      one.workers.clear();
      one.moved = false;
    }
    entries_ = entries;
    order_.clear();
    for (std::size_t e = 0; e < entries.size(); ++e) order_.push_back(e);
    std::stable_sort(order_.begin(), order_.end(),
                     [&](std::size_t a, std::size_t b) { return entries[a].workers > entries[b].workers; });
    keep();
    for (detail::type_workers& type : types_) type.count_room();
    for (const std::size_t e : order_)
      if (placed_[e].workers.empty()) find(e);
    return placed_;
  }

  /// Of a type, how many servers have 0, 1, ... workers that have not failed; none where all stand in one server.
  using detail::seating::servers;

  /// All that changes, to save and to load.
  template <class Archive>
  void visit(Archive& archive) {
    for (detail::type_workers& type : types_) archive(type.uses);
  }

 private:
  using use = detail::worker_use;

  /// What has as many workers of its type as before keeps them; all others give theirs back.
  void keep() {
    entry_of_.clear(static_cast<int>(entries_.size()));
    for (std::size_t e = 0; e < entries_.size(); ++e) entry_of(entries_[e].first) = static_cast<int>(e);
    for (int j = 0; j < static_cast<int>(types_.size()); ++j) {
      for (int w = 0; w < static_cast<int>(types_[static_cast<std::size_t>(j)].uses.size()); ++w) {
        const use was = at(j, w);
        if (was.first == use::broken || was.first == use::nobody) continue;
        at(j, w) = {};
        const int found = entry_of(was.first);
        if (found < 0 || entries_[static_cast<std::size_t>(found)].type != j) continue;
        const auto e = static_cast<std::size_t>(found);
        hold(e, w);
        if (was != at(j, w)) placed_[e].moved = true;
      }
    }
    for (std::size_t e = 0; e < entries_.size(); ++e) {
      std::vector<int>& workers = placed_[e].workers;
      if (static_cast<int>(workers.size()) == entries_[e].workers && stands_together(e)) continue;
      for (const int w : workers) at(entries_[e].type, w) = {};
      workers.clear();
    }
  }
  /// A gang that ran on two servers and is consolidated now does not keep them.
  [[nodiscard]] bool stands_together(std::size_t e) const {
    const int each = types_[static_cast<std::size_t>(entries_[e].type)].per_server;
    return !needs_server(e) || placed_[e].workers.front() / each == placed_[e].workers.back() / each;
  }
};

}  // namespace plait
