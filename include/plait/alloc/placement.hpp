// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <plait/alloc/cluster.hpp>
#include <plait/alloc/detail/hash_places.hpp>
#include <plait/alloc/round_entry.hpp>

namespace plait {

/// The workers that an entry of a round has: numbers 0 .. num_workers - 1 of its type. Worker w stands in server
/// w / `workers_per_server`.
struct placed_entry {
  std::vector<int> workers;  ///< empty: it found no room, as a consolidated gang may
  bool moved = false;        ///< it did not have exactly these in the round before, so it has to be started
};

/// Gives the entries of a round their workers, with as little movement as can be had simply: what stays on its type
/// keeps its workers, larger gangs choose first, and a gang that moves takes the server it fills best, then as few
/// servers as possible. Workers that have failed are left out.
class placement {
 public:
  explicit placement(const cluster& where) {
    for (const worker_type& type : where.types) {
      const int count = static_cast<int>(std::floor(type.num_workers));
      kind& made = types_.emplace_back();
      made.per_server = type.workers_per_server > 0 ? type.workers_per_server : std::max(count, 1);
      made.uses.resize(static_cast<std::size_t>(count));
    }
  }

  /// A worker fails, or is back.
  void set_failed(int type, int worker, bool failed) { at(type, worker) = {.first = failed ? broken : nobody}; }
  [[nodiscard]] bool has_failed(int type, int worker) const {
    return types_[static_cast<std::size_t>(type)].uses[static_cast<std::size_t>(worker)].first == broken;
  }

  /// The workers of each entry of this round.
  std::span<const placed_entry> place(std::span<const round_entry> entries) {
    placed_.resize(entries.size());
    for (placed_entry& one : placed_) {
      one.workers.clear();
      one.moved = false;
    }
    order_.clear();
    for (std::size_t e = 0; e < entries.size(); ++e) order_.push_back(e);
    std::stable_sort(order_.begin(), order_.end(),
                     [&](std::size_t a, std::size_t b) { return entries[a].workers > entries[b].workers; });
    keep(entries);
    for (kind& type : types_) type.count_room();
    for (const std::size_t e : order_)
      if (placed_[e].workers.empty()) find(entries[e], placed_[e]);
    return placed_;
  }

  /// All that changes, to save and to load.
  template <class Archive>
  void visit(Archive& archive) {
    for (kind& type : types_) archive(type.uses);
  }

 private:
  static constexpr int nobody = -1, broken = -2;
  /// What a worker does.
  struct use {
    int first = nobody, second = -1, option = -1;  ///< of the entry that has it
    friend bool operator==(const use&, const use&) = default;
    template <class Archive>
    void visit(Archive& archive) {
      archive(first, second, option);
    }
  };
  struct kind {
    int per_server = 1;
    std::vector<use> uses;  ///< of each worker
    std::vector<int> room;  ///< of each server: workers that nobody has
    int all_room = 0;

    void count_room() {
      const auto each = static_cast<std::size_t>(per_server);
      room.assign((uses.size() + each - 1) / each, 0);
      all_room = 0;
      for (std::size_t w = 0; w < uses.size(); ++w) {
        if (uses[w].first != nobody) continue;
        ++room[w / each];
        ++all_room;
      }
    }
  };

  use& at(int type, int worker) {
    return types_[static_cast<std::size_t>(type)].uses[static_cast<std::size_t>(worker)];
  }
  void hold(const round_entry& entry, placed_entry& made, int worker) {
    at(entry.type, worker) = {entry.first, entry.second, entry.option};
    made.workers.push_back(worker);
  }

  /// What has as many workers of its type as before keeps them; all others give theirs back.
  void keep(std::span<const round_entry> entries) {
    const auto slot_of = [&](int job) -> int& {
      return entry_of_.find(static_cast<std::uint64_t>(job) * 0x9E3779B97F4A7C15u,
                            [&](int e) { return entries[static_cast<std::size_t>(e)].first == job; });
    };
    entry_of_.clear(static_cast<int>(entries.size()));
    for (std::size_t e = 0; e < entries.size(); ++e) slot_of(entries[e].first) = static_cast<int>(e);
    for (int j = 0; j < static_cast<int>(types_.size()); ++j) {
      for (int w = 0; w < static_cast<int>(types_[static_cast<std::size_t>(j)].uses.size()); ++w) {
        const use was = at(j, w);
        if (was.first == broken || was.first == nobody) continue;
        at(j, w) = {};
        const int found = slot_of(was.first);
        if (found < 0 || entries[static_cast<std::size_t>(found)].type != j) continue;
        const auto e = static_cast<std::size_t>(found);
        hold(entries[e], placed_[e], w);
        if (was != at(j, w)) placed_[e].moved = true;
      }
    }
    for (std::size_t e = 0; e < entries.size(); ++e) {
      std::vector<int>& workers = placed_[e].workers;
      if (static_cast<int>(workers.size()) == entries[e].workers) continue;
      for (const int w : workers) at(entries[e].type, w) = {};
      workers.clear();
    }
  }

  void find(const round_entry& entry, placed_entry& made) {
    kind& type = types_[static_cast<std::size_t>(entry.type)];
    std::vector<int>& room = type.room;
    const int count = static_cast<int>(type.uses.size()), each = type.per_server;
    made.moved = true;
    int wanted = entry.workers;
    if (wanted > type.all_room) return;
    while (wanted > 0) {
      // The server with least room that takes all, else the one with most room.
      int best = -1;
      for (int s = 0; s < static_cast<int>(room.size()); ++s) {
        const int here = room[static_cast<std::size_t>(s)];
        if (here == 0) continue;
        const int there = best < 0 ? 0 : room[static_cast<std::size_t>(best)];
        if (best < 0 || (here >= wanted ? there < wanted || here < there : there < wanted && here > there)) best = s;
        if (here == wanted) break;  // none is better
      }
      if (entry.consolidated && room[static_cast<std::size_t>(best)] < wanted) return;
      for (int w = best * each; w < std::min(count, (best + 1) * each) && wanted > 0; ++w) {
        if (type.uses[static_cast<std::size_t>(w)].first != nobody) continue;
        hold(entry, made, w);
        --wanted;
        --type.all_room;
        --room[static_cast<std::size_t>(best)];
      }
    }
  }

  std::vector<kind> types_;
  detail::hash_places entry_of_;  ///< of first jobs, while workers are kept
  std::vector<placed_entry> placed_;
  std::vector<std::size_t> order_;
};

}  // namespace plait
