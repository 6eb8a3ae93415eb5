// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/detail/block_hulls.hpp>
#include <plait/solve/detail/sort.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// Prices to begin a search with, and prices that are hardly exceeded, from what each link would cost if the others
/// cost nothing like it. Left in the prices of the hulls, and in `highest` where that is higher.
class first_prices {
 public:
  /// Where t is to be found: in proportion to how scarce the links are, so high that the first step of t would cost
  /// what it brings. `cost_t`: of t, for the blocks that are looked at.
  void for_moving_t(block_hulls& hulls, const table<int>& blocks, double cost_t, table<double>& highest) {
    const block_program& program = hulls.program;
    table<double>& prices = hulls.prices;
    for (int l = 0; l < prices.size(); ++l) prices[l] = program.capacity[l] > 0 ? 1 / program.capacity[l] : 1;
    double rate = 0;
    for (const int b : blocks) {
      block_program::block& one = hulls.program.blocks[b];
      hulls.make(one);
      if (one.demand >= 0 && one.hull_count > 1) rate += one.g * hulls.of(one)[0].rate;
    }
    const double scale = rate > 0 ? -cost_t / rate : 0;
    for (int l = 0; l < prices.size(); ++l) {
      if (scale > 0) highest[l] = math::smaller(highest[l], 4 * scale * prices[l]);
      prices[l] *= 0.5 * scale;
    }
  }

  /// Where it is not: half of the price at which those who want the link most fill it. `share`: of the capacities.
  void for_fixed_t(block_hulls& hulls, const table<int>& blocks, double share, table<double>& highest) {
    const block_program& program = hulls.program;
    table<double>& prices = hulls.prices;
    for (int l = 0; l < prices.size(); ++l) {
      wishes_.clear();
      for (const int b : blocks) {
        for (int k = program.blocks[b].begin; k < program.blocks[b].end; ++k) {
          const double cost = program.members[k].cost;
          if (cost >= 0) continue;
          program.for_each_use(k, [&](int link, double use) {
            if (link == l && use > 0) wishes_.push_back({-cost / use, use});
          });
        }
      }
      sort(wishes_.data(), wishes_.size(), [](const wish& p, const wish& q) { return p.worth > q.worth; });
      double left = program.capacity[l] * share;
      prices[l] = 0;
      if (wishes_.empty()) continue;
      highest[l] = math::smaller(highest[l], wishes_[0].worth);
      for (const wish& one : wishes_) {
        left -= one.use;
        if (left > 0) continue;
        highest[l] = math::smaller(highest[l], one.worth);
        prices[l] = 0.5 * one.worth;
        break;
      }
    }
  }

 private:
  struct wish {
    double worth, use;
  };
  table<wish> wishes_;
};

}  // namespace plait::detail
