// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace plait {

/// One kind of worker, such as a GPU model, and how many there are.
struct worker_type {
  std::string name;
  double num_workers = 0;      ///< whole in a real cluster; a part of a cluster may hold a fraction
  double cost_per_hour = 0;    ///< dollars for one worker now, see `cluster_prices`; 0: not known
  int workers_per_server = 0;  ///< 0: all stand in one server, so every gang is consolidated
  double largest_gang = -1;    ///< workers that one gang may hold; negative: num_workers. Parts of a cluster need it
  std::string cloud = {}, zone = {};  ///< where they are: the same GPU model in two zones, or as spot, is two types
  bool spot = false;                  ///< at a price that changes, not on demand; a word for people
};

/// The workers to be shared, by type. The order of the types is that of all tables of shares and prices.
struct cluster {
  std::vector<worker_type> types;

  [[nodiscard]] int size() const { return static_cast<int>(types.size()); }
  [[nodiscard]] double workers() const {
    double all = 0;
    for (const worker_type& one : types) all += one.num_workers;
    return all;
  }
};

}  // namespace plait
