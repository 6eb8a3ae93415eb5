// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/detail/block_program.hpp>
#include <plait/solve/detail/monitor.hpp>
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

  bool recognise(const lp& model, monitor* limits = nullptr) {
    if (!program.recognise(model, limits)) return false;
    corners_.resize_unset(program.hull_points());
    price_.resize_unset(program.largest_block());
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
    corner* const hull = corners_.data() + one.hull_begin;
    for (int s = 0; s + 1 < one.hull_count; ++s) hull[s].rate = rate_behind(hull + s);
  }
  /// As much of the hull as a demand that stays needs: where the cheapest point meets it, that point alone. Finds the
  /// demand there, and returns what it costs to meet it. Of rates only that of the segment found is made.
  double make_and_meet(block_program::block& one, double demand) {
    if (one.demand < 0) {
      make_alone(one);
      return of(one)[0].price;
    }
    make_cheapest(one);
    corner* const hull = corners_.data() + one.hull_begin;
    one.segment = 0;
    if (demand <= hull[0].a) return hull[0].price;
    extend(one);
    int s = 0;
    while (s + 1 < one.hull_count && hull[s + 1].a <= demand) ++s;
    one.segment = s;
    if (s + 1 == one.hull_count) return hull[s].price;
    hull[s].rate = rate_behind(hull + s);
    return hull[s].price + hull[s].rate * (demand - hull[s].a);
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
  static double rate_behind(const corner* at) { return (at[1].price - at[0].price) / (at[1].a - at[0].a); }
  /// Price of a member; `single`: whether each uses one link.
  template <bool Single>
  [[nodiscard]] double price_in(const block_program::member& one, int k) const {
    if constexpr (Single) return one.cost + prices[one.link] * one.use;
    return price_of(k);
  }
  /// The cheapest point of a block that has nothing to meet.
  void make_alone(block_program::block& one) {
    const int best = program.each_one_link ? cheapest<true>(one) : cheapest<false>(one);
    corners_[one.hull_begin] = {0, least_, 0, best};
    one.hull_count = 1;
    one.segment = 0;
  }
  template <bool Single>
  int cheapest(const block_program::block& one) {
    const block_program::member* const members = program.members.data();
    double least = 0;
    int best = -1;
    for (int k = one.begin, end = one.end; k < end; ++k) {
      const double price = price_in<Single>(members[k], k);
      const bool less = price < least;  // without a branch: which is the least is as good as drawn
      least = less ? price : least;
      best = less ? k : best;
    }
    least_ = least;
    return best;
  }
  /// Of points that cost the same, the one that meets most.
  void make_cheapest(block_program::block& one) {
    const int best = program.each_one_link ? cheapest_meeting<true>(one) : cheapest_meeting<false>(one);
    corners_[one.hull_begin] = {best < 0 ? 0 : program.members[best].a, least_, 0, best};
    one.hull_count = 1;
  }
  template <bool Single>
  int cheapest_meeting(const block_program::block& one) {
    const block_program::member* const members = program.members.data();
    double* price_at = price_.data();
    double least = 0, a = 0;
    int best = -1;
    for (int k = one.begin, end = one.end; k < end; ++k) {
      const double price = price_in<Single>(members[k], k);
      *price_at++ = price;
      const bool better = price < least || (price == least && members[k].a > a);
      least = better ? price : least;
      a = better ? members[k].a : a;
      best = better ? k : best;
    }
    least_ = least;
    return best;
  }
  /// The corners behind the cheapest one, which costs less than all that meet more; without their rates.
  void extend(block_program::block& one) {
    corner* const hull = corners_.data() + one.hull_begin;
    const block_program::member* const members = program.members.data();
    const double* const price = price_.data();
    int last = 0;
    for (int k = hull[0].at < 0 ? one.begin : hull[0].at + 1; k < one.end; ++k) {
      const double a = members[k].a, here = price[k - one.begin];
      // A point that meets no more and costs no less is not on the hull; earlier points that it undercuts leave.
      if (a <= hull[last].a && here >= hull[last].price) continue;
      while (hull[last].price >= here) --last;
      while (last > 0) {
        const corner &p = hull[last - 1], &q = hull[last];
        if ((q.price - p.price) * (a - p.a) < (here - p.price) * (q.a - p.a)) break;
        --last;
      }
      hull[++last] = {a, here, 0, k};
    }
    one.hull_count = last + 1;
  }

  double least_ = 0;     // of the block that was last looked at
  table<double> price_;  // of the members of the block that was last looked at
  table<corner> corners_;
};

}  // namespace plait::detail
