// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace plait::detail {

/// What a worker does.
struct worker_use {
  static constexpr int nobody = -1, broken = -2;
  int first = nobody, second = -1, option = -1;  ///< of the entry that has it
  friend bool operator==(const worker_use&, const worker_use&) = default;
  template <class Archive>
  void visit(Archive& archive) {
    archive(first, second, option);
  }
};

/// The workers of one type, which stand in servers, and who has them.
struct type_workers {
  int per_server = 1;
  std::vector<worker_use> uses;  ///< of each worker
  std::vector<int> room;         ///< of each server: workers that nobody has
  int all_room = 0;

  [[nodiscard]] int servers() const { return (static_cast<int>(uses.size()) + per_server - 1) / per_server; }
  [[nodiscard]] int begin(int server) const { return server * per_server; }
  [[nodiscard]] int end(int server) const { return std::min(static_cast<int>(uses.size()), (server + 1) * per_server); }
  /// Workers of a server that have not failed.
  [[nodiscard]] int alive(int server) const {
    int count = 0;
    for (int w = begin(server); w < end(server); ++w)
      count += uses[static_cast<std::size_t>(w)].first != worker_use::broken;
    return count;
  }
  /// How many servers have 0, 1, ... workers that have not failed; none where all stand in one server.
  [[nodiscard]] std::vector<int> servers_by_size() const {
    std::vector<int> made;
    if (per_server >= static_cast<int>(uses.size())) return made;
    made.assign(static_cast<std::size_t>(per_server) + 1, 0);
    for (int s = 0; s < servers(); ++s) ++made[static_cast<std::size_t>(alive(s))];
    return made;
  }

  void count_room() {
    const auto each = static_cast<std::size_t>(per_server);
    room.assign((uses.size() + each - 1) / each, 0);
    all_room = 0;
    for (std::size_t w = 0; w < uses.size(); ++w) {
      if (uses[w].first != worker_use::nobody) continue;
      ++room[w / each];
      ++all_room;
    }
  }
  /// Whether there is room for a gang in another server; if not, others have to move for it as well.
  [[nodiscard]] bool has_room_beside(int server, int workers) const {
    for (int s = 0; s < servers(); ++s)
      if (s != server && room[static_cast<std::size_t>(s)] >= workers) return true;
    return false;
  }

  /// Gives workers of a server, the first that nobody has and `most` at most, one use and adds them to `taken`.
  int take(int server, int most, const worker_use& use, std::vector<int>& taken) {
    const int last = end(server);
    int count = 0;
    worker_use* const all = uses.data();
    for (int w = begin(server); w < last && count < most; ++w) {
      if (all[w].first != worker_use::nobody) continue;
      all[w] = use;
      taken.push_back(w);
      ++count;
    }
    all_room -= count;
    room[static_cast<std::size_t>(server)] -= count;
    return count;
  }
  void give_back(std::vector<int>& workers) {
    for (const int w : workers) {
      uses[static_cast<std::size_t>(w)] = {};
      ++room[static_cast<std::size_t>(w / per_server)];
      ++all_room;
    }
    workers.clear();
  }
};

}  // namespace plait::detail
