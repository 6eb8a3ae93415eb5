// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <plait/alloc/detail/hash_places.hpp>
#include <plait/alloc/detail/server_packing.hpp>
#include <plait/alloc/detail/type_workers.hpp>
#include <plait/alloc/round_entry.hpp>

namespace plait::detail {

/// Who has which workers in servers, and how one more entry finds room there: `placement` says in which order and by
/// which rules.
class seating {
 protected:
  worker_use& at(int type, int worker) {
    return types_[static_cast<std::size_t>(type)].uses[static_cast<std::size_t>(worker)];
  }
  void hold(std::size_t e, int worker) {
    const round_entry& entry = entries_[e];
    at(entry.type, worker) = {entry.first, entry.second, entry.option};
    placed_[e].workers.push_back(worker);
  }
  [[nodiscard]] bool needs_server(std::size_t e) const { return entries_[e].consolidated && entries_[e].workers > 1; }

  /// The entry of a first job.
  int& entry_of(int job) {
    return entry_of_.find(static_cast<std::uint64_t>(job) * 0x9E3779B97F4A7C15u,
                          [&](int e) { return entries_[static_cast<std::size_t>(e)].first == job; });
  }

  /// Of a type, how many servers have 0, 1, ... workers that have not failed.
  [[nodiscard]] std::vector<int> servers(int type) const {
    return types_[static_cast<std::size_t>(type)].servers_by_size();
  }

  /// Workers for an entry that has none.
  void find(std::size_t e) {
    const round_entry& entry = entries_[e];
    type_workers& type = types_[static_cast<std::size_t>(entry.type)];
    placed_[e].moved = true;
    int wanted = entry.workers;
    if (wanted > type.all_room) return;
    while (wanted > 0) {
      // The server with least room that takes all, else the one with most room.
      int best = -1;
      for (int s = 0; s < static_cast<int>(type.room.size()); ++s) {
        const int here = type.room[static_cast<std::size_t>(s)];
        if (here == 0) continue;
        const int there = best < 0 ? 0 : type.room[static_cast<std::size_t>(best)];
        if (best < 0 || (here >= wanted ? there < wanted || here < there : there < wanted && here > there)) best = s;
        if (here == wanted) break;  // none is better
      }
      if (entry.consolidated && type.room[static_cast<std::size_t>(best)] < wanted) {
        if (!make_room(e)) pack_anew(entry.type);
        return;
      }
      wanted -= take_room(e, best);
    }
  }

  /// Workers of one server, as many as it has and the entry lacks. How many that are.
  int take_room(std::size_t e, int server) {
    const round_entry& entry = entries_[e];
    const int lacks = entry.workers - static_cast<int>(placed_[e].workers.size());
    return types_[static_cast<std::size_t>(entry.type)].take(server, lacks, {entry.first, entry.second, entry.option},
                                                             placed_[e].workers);
  }
  void give_back(std::size_t e) { types_[static_cast<std::size_t>(entries_[e].type)].give_back(placed_[e].workers); }

  /// Gives a consolidated gang the server that costs least to clear, and finds other room for who was there.
  bool make_room(std::size_t e) {
    const round_entry& entry = entries_[e];
    const type_workers& type = types_[static_cast<std::size_t>(entry.type)];
    leaving best;
    int server = -1;
    for (int s = 0; s < type.servers(); ++s) {
      leaving found = least_leaving(entry.type, s, entry.workers, entry.workers);
      if (!found.possible || (server >= 0 && found.workers >= best.workers)) continue;
      best = std::move(found);
      server = s;
      if (best.workers == 0) break;
    }
    if (server < 0) return false;
    seat_after(best.entries, {{e, server}});
    return true;
  }

  /// Who leaves a server, and how many workers have to be started anew for it.
  struct leaving {
    bool possible = false;
    int workers = 0;
    std::vector<std::size_t> entries = {};
  };

  /// The cheapest way to have so much room in a server, if only gangs that may stand anywhere and consolidated ones of
  /// less than `below` workers leave.
  leaving least_leaving(int type, int server, int wanted, int below) {
    const type_workers& of = types_[static_cast<std::size_t>(type)];
    const int lacks = wanted - of.room[static_cast<std::size_t>(server)];
    if (lacks <= 0) return {.possible = true};
    if (of.alive(server) < wanted) return {};
    std::vector<leaving> ways(static_cast<std::size_t>(lacks) + 1);  // to have that many workers more, or all
    ways[0].possible = true;
    std::vector<std::size_t> seen;
    for (int w = of.begin(server); w < of.end(server); ++w) {
      const int job = of.uses[static_cast<std::size_t>(w)].first;
      if (job < 0) continue;
      const auto e = static_cast<std::size_t>(entry_of(job));
      if (std::find(seen.begin(), seen.end(), e) != seen.end()) continue;
      seen.push_back(e);
      if (needs_server(e) && entries_[e].workers >= below) continue;
      int here = 0, cost = placed_[e].moved ? 0 : entries_[e].workers;
      for (const int x : placed_[e].workers) here += x / of.per_server == server;
      if (needs_server(e) && !of.has_room_beside(server, entries_[e].workers)) cost += of.per_server * of.servers();
      for (int more = lacks; more > 0; --more) {
        const leaving& without = ways[static_cast<std::size_t>(std::max(0, more - here))];
        leaving& with = ways[static_cast<std::size_t>(more)];
        if (!without.possible || (with.possible && with.workers <= without.workers + cost)) continue;
        leaving made{.possible = true, .workers = without.workers + cost, .entries = without.entries};
        made.entries.push_back(e);
        with = std::move(made);
      }
    }
    return ways.back();
  }

  /// What one entry has to stand in.
  struct seat {
    std::size_t entry = 0;
    int server = 0;
  };
  /// Some leave, others take their seats, and those that left look for room, consolidated and larger gangs first.
  void seat_after(std::vector<std::size_t> leave, const std::vector<seat>& seats) {
    for (const std::size_t e : leave) give_back(e);
    for (const seat& one : seats) {
      placed_[one.entry].moved = true;
      take_room(one.entry, one.server);
    }
    std::stable_sort(leave.begin(), leave.end(), [&](std::size_t a, std::size_t b) {
      if (needs_server(a) != needs_server(b)) return needs_server(a);
      return entries_[a].workers > entries_[b].workers;
    });
    for (const std::size_t e : leave)
      if (placed_[e].workers.empty()) find(e);
  }

  /// Packs all consolidated gangs of a type into servers as `rounds` saw that they fit; where they do not, nothing.
  void pack_anew(int type) {
    const type_workers& of = types_[static_cast<std::size_t>(type)];
    packing_.begin(servers(type));
    std::vector<std::size_t> unseated;
    for (const std::size_t e : order_) {
      if (entries_[e].type != type || !needs_server(e)) continue;
      if (entries_[e].workers > packing_.largest() || !packing_.add(entries_[e].workers)) return;
      unseated.push_back(e);
    }
    std::vector<int> left;
    for (int s = 0; s < of.servers(); ++s) left.push_back(of.alive(s));
    std::vector<seat> seats;
    std::vector<int> wanted(left.size(), 0);
    const auto server_of = [&](std::size_t e) {
      return placed_[e].workers.empty() ? -1 : placed_[e].workers.front() / of.per_server;
    };
    for (const detail::server_packing::step& step : packing_.steps()) {
      const auto is_next = [&](std::size_t e) { return entries_[e].workers == step.gang; };
      const auto is_there = [&](int s) { return left[static_cast<std::size_t>(s)] == step.room; };
      for (int k = 0; k < step.servers; ++k) {
        // Rather a server that has such a gang already, and in it those that are there, then those that stand nowhere.
        const auto stays = std::find_if(unseated.begin(), unseated.end(), [&](std::size_t e) {
          return is_next(e) && server_of(e) >= 0 && is_there(server_of(e));
        });
        int server = stays == unseated.end() ? 0 : server_of(*stays);
        while (!is_there(server)) ++server;
        const auto rank = [&](std::size_t e) {
          return !is_next(e) ? 0 : server_of(e) == server ? 3 : server_of(e) < 0 ? 2 : 1;
        };
        for (int g = 0; g < step.gangs_in_each; ++g) {
          const auto found = std::max_element(unseated.begin(), unseated.end(),
                                              [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
          if (rank(*found) < 3) seats.push_back({*found, server});
          unseated.erase(found);
        }
        left[static_cast<std::size_t>(server)] -= step.gang * step.gangs_in_each;
      }
    }
    for (const seat& one : seats) {
      if (!placed_[one.entry].workers.empty()) give_back(one.entry);
      wanted[static_cast<std::size_t>(one.server)] += entries_[one.entry].workers;
    }
    // A gang that stands in several servers may leave for the first of them, and so make room in the others.
    std::vector<std::size_t> all;
    for (int s = 0; s < of.servers(); ++s) {
      const leaving found = least_leaving(type, s, wanted[static_cast<std::size_t>(s)], 0);
      for (const std::size_t e : found.entries) give_back(e);
      all.insert(all.end(), found.entries.begin(), found.entries.end());
    }
    seat_after(std::move(all), seats);
  }

  std::vector<type_workers> types_;
  std::span<const round_entry> entries_;  ///< while they are placed
  detail::hash_places entry_of_;          ///< of first jobs
  detail::server_packing packing_;
  std::vector<placed_entry> placed_;
  std::vector<std::size_t> order_;
};

}  // namespace plait::detail
