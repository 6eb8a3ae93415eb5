// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/detail/block_program.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// The blocks of a `block_program` at given prices of the links.
///
/// What all of a block's budget does in one column is a point: the demand that it meets, and what it costs with its use
/// of the links. The cheapest ways to meet demands are the lower hull of these points and of the one that does nothing,
/// from the cheapest of all on. Cost of a hull: O(columns of the block).
class block_hulls {
 public:
  struct corner {
    double a, price, rate;  // rate: of the price, to the next corner
    int at;                 // place in program.members, or -1: nothing of the block
  };

  block_program program;
  table<double> prices;  ///< of the links

  bool recognise(const lp& model) {
    if (!program.recognise(model)) return false;
    corners_.resize_unset(program.members.size() + program.blocks.size());
    price_.resize_unset(program.members.size());
    prices.assign(program.link_row.size(), 0.0);
    return true;
  }

  /// What all of a block's budget costs in one member, its use of the links included.
  [[nodiscard]] double price_of(int k) const {
    double price = program.members[k].cost;
    program.for_each_use(k, [&](int link, double use) { price += prices[link] * use; });
    return price;
  }
  /// The magnitudes of the terms of that sum.
  [[nodiscard]] double size_of(int k) const {
    if (k < 0) return 0;
    double size = math::abs(program.members[k].cost);
    program.for_each_use(k, [&](int link, double use) { size += prices[link] * use; });
    return size;
  }
  /// How much that sum changes where prices change by as much as `by`.
  [[nodiscard]] double sway_of(int k, const table<double>& by) const {
    double sum = 0;
    if (k >= 0) program.for_each_use(k, [&](int link, double use) { sum += by[link] * use; });
    return sum;
  }

  [[nodiscard]] const corner* of(const block_program::block& one) const { return corners_.data() + one.hull_begin; }

  /// The whole hull; of a block without a demand only the cheapest point, which is all it needs.
  void make(block_program::block& one) {
    if (one.demand < 0) {
      make_alone(one);
      return;
    }
    make_cheapest(one);
    extend(one);
  }
  /// As much of the hull as a demand that stays needs: where the cheapest point meets it, that point alone.
  void make_for(block_program::block& one, double demand) {
    if (one.demand < 0) {
      make_alone(one);
      return;
    }
    make_cheapest(one);
    if (demand > of(one)[0].a) extend(one);
  }

  /// Finds the demand on the hull; returns what it costs to meet it.
  double cost_at(block_program::block& one, double demand) const {
    const corner* const hull = of(one);
    if (one.demand < 0) return hull[0].price;
    int s = one.segment < one.hull_count ? one.segment : 0;
    while (s > 0 && hull[s].a > demand) --s;
    while (s + 1 < one.hull_count && hull[s + 1].a <= demand) ++s;
    one.segment = s;
    double cost = hull[s].price;
    if (demand >= hull[s].a && s + 1 < one.hull_count) cost += hull[s].rate * (demand - hull[s].a);
    return cost;
  }

  /// Prices times `by`, and the hulls of these blocks with them.
  void scale(const table<int>& blocks, double by) {
    for (double& one : prices) one *= by;
    for (const int b : blocks) {
      const block_program::block& one = program.blocks[b];
      for (int s = 0; s < one.hull_count; ++s) {
        corners_[one.hull_begin + s].price *= by;
        corners_[one.hull_begin + s].rate *= by;
      }
    }
  }

 private:
  /// The cheapest point of a block that has nothing to meet.
  void make_alone(block_program::block& one) {
    const double* const of_link = prices.data();
    double least = 0;
    int best = -1;
    if (program.each_one_link) {
      const block_program::member* const members = program.members.data();
      for (int k = one.begin, end = one.end; k < end; ++k) {
        const double price = members[k].cost + of_link[members[k].link] * members[k].use;
        if (price >= least) continue;
        least = price;
        best = k;
      }
    } else {
      for (int k = one.begin; k < one.end; ++k) {
        const double price = price_of(k);
        if (price >= least) continue;
        least = price;
        best = k;
      }
    }
    corners_[one.hull_begin] = {0, least, 0, best};
    one.hull_count = 1;
    one.segment = 0;
  }
  /// Of points that cost the same, the one that meets most.
  void make_cheapest(block_program::block& one) {
    const block_program::member* const members = program.members.data();
    const double* const of_link = prices.data();
    double* const price = price_.data();
    const int begin = one.begin, end = one.end;
    if (program.each_one_link) {
      for (int k = begin; k < end; ++k) price[k] = members[k].cost + of_link[members[k].link] * members[k].use;
    } else {
      for (int k = begin; k < end; ++k) price[k] = price_of(k);
    }
    double least = 0, a = 0;
    int best = -1;
    for (int k = begin; k < end; ++k) {
      if (price[k] > least || (price[k] == least && members[k].a <= a)) continue;
      least = price[k];
      a = members[k].a;
      best = k;
    }
    corners_[one.hull_begin] = {a, least, 0, best};
    one.hull_count = 1;
  }
  /// The corners behind the cheapest one, which costs less than all that meet more.
  void extend(block_program::block& one) {
    corner* const hull = corners_.data() + one.hull_begin;
    int last = 0;
    for (int k = hull[0].at < 0 ? one.begin : hull[0].at + 1; k < one.end; ++k) {
      const corner c{program.members[k].a, price_[k], 0, k};
      // A point that meets no more and costs no less is not on the hull; earlier points that it undercuts leave.
      if (c.a <= hull[last].a && c.price >= hull[last].price) continue;
      while (hull[last].price >= c.price) --last;
      while (last > 0) {
        const corner &p = hull[last - 1], &q = hull[last];
        if ((q.price - p.price) * (c.a - p.a) < (c.price - p.price) * (q.a - p.a)) break;
        --last;
      }
      hull[++last] = c;
    }
    one.hull_count = last + 1;
    for (int s = 0; s < last; ++s) hull[s].rate = (hull[s + 1].price - hull[s].price) / (hull[s + 1].a - hull[s].a);
  }

  table<double> price_;  // of members, when their block was last looked at
  table<corner> corners_;
};

}  // namespace plait::detail
