// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/detail/block_hulls.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// Blocks that do the same, by the same columns, while prices and t stay within a range: what they use and cost is one
/// linear function of t, added up once.
struct settled_blocks {
  bool any = false;                    ///< whether there may be some
  double cost = 0, cost_by_t = 0;      ///< at t = 0 and for each unit of t, without prices
  table<double> cost_of;               ///< the cost at t = 0 of each group of blocks
  table<double> use, use_by_t;         ///< likewise, of the links, group by group
  table<double> price_from, price_to;  ///< the range
  double t_from = -infinity, t_to = infinity;

  void clear(int links, int groups) {
    any = false;
    cost = cost_by_t = 0;
    cost_of.assign(groups, 0.0);
    use.assign(links * groups, 0.0);
    use_by_t.assign(links * groups, 0.0);
    price_from.assign(links, -infinity);
    price_to.assign(links, infinity);
    t_from = -infinity;
    t_to = infinity;
  }

  [[nodiscard]] bool hold(const table<double>& prices) const {
    for (int l = 0; l < prices.size(); ++l)
      if (prices[l] < price_from[l] || prices[l] > price_to[l]) return false;
    return true;
  }

  /// For all prices within `by` of those at hand, and all t within `t_by` of `t`.
  void narrow(const table<double>& prices, const table<double>& by, double t, double t_by) {
    any = true;
    for (int l = 0; l < prices.size(); ++l) {
      price_from[l] = math::larger(price_from[l], prices[l] - by[l]);
      price_to[l] = math::smaller(price_to[l], prices[l] + by[l]);
    }
    t_from = math::larger(t_from, t - t_by);
    t_to = math::smaller(t_to, t + t_by);
  }

  /// Takes a block up if it does the same in all of the range, of which prices are within `by` of those of `hulls`.
  bool take(const block_hulls& hulls, const block_program::block& one, const table<double>& by, int group) {
    const block_program& program = hulls.program;
    const block_hulls::corner* const hull = hulls.of(one);
    const int s = one.segment;
    const double low = one.b + one.g * t_from, high = one.b + one.g * t_to;
    if (one.demand < 0 || high <= hull[0].a) {
      // The cheapest of all, by more than prices can change.
      const double most = hull[0].price + hulls.sway_of(hull[0].at, by);
      if (s != 0 || (hull[0].at >= 0 && most >= 0)) return false;
      for (int k = one.begin; k < one.end; ++k)
        if (k != hull[0].at && hulls.price_of(k) - hulls.sway_of(k, by) <= most) return false;
      add(program, hull[0].at, 1, 0, group);
      return true;
    }
    if (s + 1 >= one.hull_count || low < hull[s].a || high > hull[s + 1].a) return false;
    // Two corners of the hull, and all others above the line through them.
    const block_hulls::corner &p = hull[s], &q = hull[s + 1];
    const double width = q.a - p.a, sway_p = hulls.sway_of(p.at, by), sway_q = hulls.sway_of(q.at, by);
    const auto above = [&](double sway, double a, double price) {
      const double part = (a - p.a) / width;
      return price - p.price - p.rate * (a - p.a) > sway + math::abs(1 - part) * sway_p + math::abs(part) * sway_q;
    };
    if (q.price - p.price <= sway_p + sway_q || (p.at >= 0 && !above(0, 0, 0))) return false;
    for (int k = one.begin; k < one.end; ++k) {
      if (k == p.at || k == q.at) continue;
      if (!above(hulls.sway_of(k, by), program.members[k].a, hulls.price_of(k))) return false;
    }
    const double share = (one.b - p.a) / width, share_by_t = one.g / width;
    add(program, p.at, 1 - share, -share_by_t, group);
    add(program, q.at, share, share_by_t, group);
    return true;
  }

 private:
  void add(const block_program& program, int at, double share, double share_by_t, int group) {
    if (at < 0) return;
    const int first = group * price_from.size();
    cost += program.members[at].cost * share;
    cost_of[group] += program.members[at].cost * share;
    cost_by_t += program.members[at].cost * share_by_t;
    program.for_each_use(at, [&](int link, double used) {
      use[first + link] += used * share;
      use_by_t[first + link] += used * share_by_t;
    });
  }
};

}  // namespace plait::detail
