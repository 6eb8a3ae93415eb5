// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace plait::detail {

/// How gangs that each need one server fit into the servers of a type together. A gang of one fits everywhere and is
/// not asked for here.
///
/// Larger gangs go first, each into the server with least room that takes it; that is exact where gangs and servers are
/// powers of two. Where some find no room so, other servers are tried for each, at most `tries` in all; tests found no
/// case of up to three servers where it says no and should say yes. The answer depends on how many gangs of each size
/// there are, not on the order in which they are named.
class server_packing {
 public:
  /// So many gangs, one after the other, go into so many servers that had `room` workers each before the first.
  struct step {
    int gang = 0, room = 0, servers = 0, gangs_in_each = 0;
  };

  /// Servers that differ in what they hold: `servers[w]` of them have w workers. None at all: gangs need no servers.
  void begin(std::vector<int> servers) {
    servers_ = std::move(servers);
    while (!servers_.empty() && servers_.back() == 0) servers_.pop_back();
    clear();
  }
  /// The servers of `count` workers that stand by `per_server`; none where they stand in one.
  void begin(int count, int per_server) {
    std::vector<int> servers;
    if (per_server > 0 && per_server < count) {
      servers.assign(static_cast<std::size_t>(per_server) + 1, 0);
      servers.back() = count / per_server;
      ++servers[static_cast<std::size_t>(count % per_server)];
    }
    begin(std::move(servers));
  }
  [[nodiscard]] bool has_servers() const { return !servers_.empty(); }
  [[nodiscard]] int largest() const { return static_cast<int>(servers_.size()) - 1; }

  /// No gang is there.
  void clear() {
    gangs_.assign(servers_.size(), 0);
    refused_ = static_cast<int>(servers_.size());
  }

  /// One gang more; false where it was not seen how all fit, and then it is not there. O(largest^2) mostly.
  bool add(int workers) {
    if (workers >= refused_) return false;  // there was more room before
    ++gangs_[static_cast<std::size_t>(workers)];
    if (pack()) return true;
    --gangs_[static_cast<std::size_t>(workers)];
    refused_ = workers;
    return false;
  }

  /// Where the gangs go, larger ones first, as the last `add` that succeeded saw it.
  const std::vector<step>& steps() {
    pack();
    return steps_;
  }

 private:
  static constexpr int tries = 2000;

  bool pack() { return best_fit() || search(); }

  bool best_fit() {
    room_ = servers_;
    steps_.clear();
    for (int gang = largest(); gang > 1; --gang) {
      int left = gangs_[static_cast<std::size_t>(gang)];
      for (int room = gang; left > 0; ++room) {
        if (room > largest()) return false;
        const int each = std::min(room / gang, left);
        const int servers = std::min(room_[static_cast<std::size_t>(room)], left / each);
        if (servers == 0) continue;
        use({gang, room, servers, each}, 1);
        left -= servers * each;
        --room;  // some of these may be left
      }
    }
    return true;
  }

  /// All ways for each gang in turn, from the smallest room on.
  bool search() {
    order_.clear();
    for (int gang = largest(); gang > 1; --gang)
      order_.insert(order_.end(), static_cast<std::size_t>(gangs_[static_cast<std::size_t>(gang)]), gang);
    room_ = servers_;
    steps_.clear();
    int from = 0;
    for (int tried = 0; steps_.size() < order_.size();) {
      const int gang = order_[steps_.size()];
      int room = std::max(from, gang);
      while (room <= largest() && room_[static_cast<std::size_t>(room)] == 0) ++room;
      if (room <= largest()) {
        if (++tried > tries) return false;
        use({gang, room, 1, 1}, 1);
        from = 0;
      } else {
        if (steps_.empty()) return false;
        const step last = steps_.back();
        use(last, -1);
        from = last.room + 1;
      }
    }
    return true;
  }

  /// Takes a step, or takes back the last one.
  void use(const step& one, int sign) {
    room_[static_cast<std::size_t>(one.room)] -= sign * one.servers;
    room_[static_cast<std::size_t>(one.room - one.gang * one.gangs_in_each)] += sign * one.servers;
    if (sign > 0)
      steps_.push_back(one);
    else
      steps_.pop_back();
  }

  std::vector<int> servers_, room_;  ///< servers with so many workers, and with so many left
  std::vector<int> gangs_, order_;   ///< gangs of each size, and all of them
  std::vector<step> steps_;
  int refused_ = 0;  ///< the smallest gang that found no room
};

}  // namespace plait::detail
