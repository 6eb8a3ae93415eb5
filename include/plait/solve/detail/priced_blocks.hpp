// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/core/math.hpp>
#include <plait/solve/detail/block_hulls.hpp>
#include <plait/solve/detail/block_program.hpp>
#include <plait/solve/detail/broken_line.hpp>
#include <plait/solve/detail/first_prices.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/settled_blocks.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// What the blocks of a `block_program` do at given prices of the links.
///
/// A block's cheapest way to meet a demand is a point on the lower hull of its columns, so all blocks are solved by
/// walking their hulls. Blocks whose choice cannot change while the prices stay near are settled: what they use and
/// cost is one linear function of t, added up once. Cost of an answer: O(entries) of the blocks that are not settled.
class priced_blocks {
 public:
  int stride = 1;                     ///< every so many blocks are looked at, from `start` on
  double now_t = 0, moved = 0;        ///< the t of the last answer, and how far from the one before it is
  double value = 0;                   ///< cost of the last answer, use of the links included
  double bound = 0;                   ///< what no solution of the blocks that are looked at costs less than
  int groups = 1;                     ///< of blocks, whose uses are told apart
  table<double> used, used_by_t;      ///< of the links, group by group, after `uses`
  table<double> cost_of;              ///< of each group, likewise, without prices
  double cost_by_t = 0;               ///< likewise, of all
  double even_from = 0, even_to = 0;  ///< of t; both `now_t` where nothing is known
  block_hulls hulls;

  bool recognise(const lp& model, monitor* limits = nullptr) {
    limits_ = limits;
    if (!hulls.recognise(model, limits)) return false;
    now_t = program().linking < 0 ? 0 : -1;
    t_moves_ = program().linking >= 0;
    costless_ = t_moves_;
    if (t_moves_)
      for (const block_program::member& one : program().members) costless_ = costless_ && one.cost == 0;
    evaluations_ = 0;
    return find_highest_t();
  }
  [[nodiscard]] const block_program& program() const { return hulls.program; }
  [[nodiscard]] table<double>& prices() { return hulls.prices; }  ///< of the links
  [[nodiscard]] const table<double>& prices() const { return hulls.prices; }

  /// To be called when `stride` has changed. Returns the share of the blocks that are looked at.
  double start() {
    groups = 1;
    for (shift_ = 0; (1 << shift_) < stride; ++shift_) {
    }
    const int looked_at = (program().blocks.size() - 1) / stride + 1;
    while (program().linking < 0 && groups < most_groups && looked_at >= least_in_group * 2 * groups) groups *= 2;
    unsettle();
    moved = 0;
    share_ = static_cast<double>(active_.size()) / program().blocks.size();
    cost_t_ = t_moves_ ? program().cost_t * share_ : 0;
    return share_;
  }
  /// From here on t is the largest that all blocks can meet, and what is sought among all ways to meet it is the one
  /// that uses least of the links. For programs whose columns cost nothing. `highest`: prices that are hardly exceeded.
  void fix_highest_t(table<double>& highest) {
    block_program& p = hulls.program;
    t_moves_ = costless_ = false;
    now_t = highest_t_;
    double largest = 0, smallest_use = 1e300;
    for (int k = 0; k < p.members.size(); ++k) {
      double& cost = p.members[k].cost;
      p.for_each_use(k, [&](int link, double use) {
        cost += p.capacity[link] > 0 ? use / p.capacity[link] : use;
        if (use > 0) smallest_use = math::smaller(smallest_use, use);
      });
      largest = math::larger(largest, cost);
    }
    p.penalty = 1e6 * largest / (smallest_use < 1e300 ? smallest_use : 1);
    for (int l = 0; l < prices().size(); ++l) {
      prices()[l] = 0;
      highest[l] = math::smaller(p.penalty, p.capacity[l] > 0 ? 4 / p.capacity[l] : 4);
    }
  }
  /// Whether a solution of this cost has the largest t that all blocks can meet, and nothing else counts.
  [[nodiscard]] bool at_highest_t(double cost) const {
    const double least = cost_t_ * highest_t_;
    return costless_ && math::abs(cost - least) <= 1e-11 * math::abs(least);
  }
  /// Whether t is to be found; else it is fixed, or there is none.
  [[nodiscard]] bool t_moves() const { return t_moves_; }
  /// The block that can meet no larger t, or -1 where it is t's own bound that ends it.
  [[nodiscard]] int limiting_block() const { return limiting_; }

  /// Prices to begin with, and prices that are hardly exceeded. Needs: `start`.
  void guess(table<double>& highest) {
    if (t_moves_) {
      first_.for_moving_t(hulls, active_, cost_t_, highest);
    } else {
      first_.for_fixed_t(hulls, active_, share_, highest);
    }
  }

  /// What `from` is multiplied with to say the same as `to` does, as far as the scale of prices says nothing.
  [[nodiscard]] double scale_to(const table<double>& from, const table<double>& to) const {
    if (!costless_) return 1;
    double of_from = 0, of_to = 0;
    for (int l = 0; l < prices().size(); ++l) {
      of_from += from[l] * program().capacity[l];
      of_to += to[l] * program().capacity[l];
    }
    return of_from > 0 && of_to > 0 ? of_to / of_from : 1;
  }

  /// What the blocks do at the prices at hand, at the best t. False where no t is feasible.
  ///
  /// Where the columns cost nothing, only the proportions of prices matter to what blocks do, and there is a best scale
  /// of the prices: that at which t is as large as the capacities, at these prices, are worth. The prices are brought
  /// to it. Otherwise t, which wants to be at a corner at any other scale, would jump from round to round.
  bool answer() {
    if (!settled_.hold(prices())) unsettle();
    if (!t_moves_) {
      evaluate(true);
    } else {
      make_hulls();
      if (!(program().lower_t <= highest_t_) || highest_t_ == infinity) return false;
      double best = best_t();
      if (best < settled_.t_from || best > settled_.t_to) {
        unsettle();
        make_hulls();
        best = best_t();
      }
      moved = math::abs(best - now_t);
      now_t = best;
      evaluate(false);
    }
    if (!costless_) even_from = even_to = now_t;
    bound = value;
    for (int l = 0; l < prices().size(); ++l) bound -= prices()[l] * program().capacity[l] * share_;
    // Prices that have not got their best scale are worth that of none: t is as large as it can be.
    if (costless_) bound = cost_t_ * now_t;
    return true;
  }
  /// The same at a t of the caller's, over all blocks.
  void answer_at(double t) {
    unsettle();
    make_hulls();
    now_t = t;
    evaluate(false);
  }

  /// Use of the links, and cost without prices, of what the blocks do now; and how both grow with t, which they do
  /// evenly between `even_from` and `even_to`.
  double uses() {
    used = settled_.use;
    used_by_t = settled_.use_by_t;
    for (int l = 0; l < used.size(); ++l) used[l] += used_by_t[l] * now_t;
    cost_by_t = cost_t_ + settled_.cost_by_t;
    cost_of = settled_.cost_of;
    if (groups == 1) cost_of[0] += cost_by_t * now_t;
    int group = 0;
    const auto take = [&](int at, double share, double share_by_t) {
      if (at < 0 || share == 0) return;
      const double cost = program().members[at].cost;
      cost_of[group] += cost * share;
      cost_by_t += cost * share_by_t;
      const int first = group * prices().size();
      program().for_each_use(at, [&](int link, double use) {
        used[first + link] += use * share;
        used_by_t[first + link] += use * share_by_t;
      });
    };
    for (const int b : active_) {
      const block_program::block& one = program().blocks[b];
      group = group_of(b);
      const block_hulls::corner* const hull = hulls.of(one);
      const double demand = one.demand >= 0 ? one.b + one.g * now_t : -1;
      const int s = one.segment;
      if (demand <= hull[s].a || s + 1 >= one.hull_count) {
        take(hull[s].at, 1, 0);
        continue;
      }
      const double width = 1 / (hull[s + 1].a - hull[s].a), share = (demand - hull[s].a) * width,
                   share_by_t = one.g * width;
      take(hull[s].at, 1 - share, -share_by_t);
      take(hull[s + 1].at, share, share_by_t);
    }
    double cost = 0;
    for (const double one : cost_of) cost += one;
    return cost;
  }

  /// Settles what blocks do the same for all prices within `by` of those at hand and all t within `t_by`: they are not
  /// looked at again until a price or t leaves. Needs: hulls and t of the prices at hand.
  void settle(const table<double>& by, double t_by) {
    settled_.narrow(prices(), by, now_t, t_by);
    int kept = 0;
    for (const int b : active_)
      if (!settled_.take(hulls, program().blocks[b], by, group_of(b))) active_[kept++] = b;
    active_.resize(kept);
  }
  /// All blocks are looked at in every round, until `settle`.
  void unsettle() {
    active_.clear();
    for (int b = 0; b < program().blocks.size(); b += stride) active_.push_back(b);
    settled_.clear(prices().size(), groups);
  }

  /// Whether some blocks are not looked at, because of `settle`.
  [[nodiscard]] bool is_settled() const { return settled_.any; }
  [[nodiscard]] int looked_at() const { return active_.size(); }
  [[nodiscard]] int evaluations() const { return evaluations_; }

 private:
  static constexpr int most_groups = 8, least_in_group = 32;

  [[nodiscard]] int group_of(int b) const { return (b >> shift_) & (groups - 1); }
  void make_hulls() {
    monitor* const asked = if_many(limits_, steps_of_all());
    for (const int b : active_) {
      spend(asked, steps_of(b));
      hulls.make(hulls.program.blocks[b]);
    }
  }
  /// Of a round over the members of a block, and over all.
  [[nodiscard]] int steps_of(int b) const { return 8 * (program().blocks[b].end - program().blocks[b].begin); }
  [[nodiscard]] std::int64_t steps_of_all() const { return 8 * std::int64_t{program().members.size()}; }

  /// Cost over all blocks; remembers where each is on its hull, which is made on the way if asked to. Needs: a t for
  /// which the settled ones are.
  void evaluate(bool with_hulls) {
    const double t = now_t;
    ++evaluations_;
    value = settled_.cost + (cost_t_ + settled_.cost_by_t) * t;
    for (int e = 0, l = 0; e < settled_.use.size(); ++e) {
      value += prices()[l] * (settled_.use[e] + settled_.use_by_t[e] * t);
      l = l + 1 < prices().size() ? l + 1 : 0;
    }
    monitor* const asked = if_many(limits_, steps_of_all());
    for (const int b : active_) {
      spend(asked, steps_of(b));
      block_program::block& one = hulls.program.blocks[b];
      const double demand = one.b + one.g * t;
      value += with_hulls ? hulls.make_and_meet(one, demand) : hulls.cost_at(one, demand);
    }
  }

  /// The largest t that all blocks can meet. False where one can meet none.
  bool find_highest_t() {
    highest_t_ = program().upper_t;
    limiting_ = -1;
    for (int b = 0; b < program().blocks.size(); ++b) {
      const block_program::block& one = program().blocks[b];
      if (one.demand < 0) continue;
      const double largest = program().members[one.end - 1].a;
      if (one.g > 0) {
        const double here = (largest - one.b) / one.g;
        if (here >= highest_t_) continue;
        highest_t_ = here;
        limiting_ = b;
      } else if (one.b > largest) {
        return false;
      }
    }
    return true;
  }

  double best_t() {
    if (!costless_) return where_slope_turns();
    double limit = 0, any = 0;
    for (int l = 0; l < prices().size(); ++l) {
      limit += prices()[l] * program().capacity[l] * share_;
      any += prices()[l];
    }
    if (any == 0) return even_from = even_to = highest_t_;
    const broken_line::place found = where_cost_meets(limit);
    if (found.slope > 0) hulls.scale(active_, -cost_t_ / found.slope);
    even_from = math::larger(found.even_from, settled_.t_from);
    even_to = math::smaller(found.even_to, settled_.t_to);
    return found.t;
  }

  /// The t at which the blocks cost as much as `limit`.
  broken_line::place where_cost_meets(double limit) {
    double slope = settled_.cost_by_t, cost = settled_.cost;
    for (int l = 0; l < prices().size(); ++l) {
      slope += prices()[l] * settled_.use_by_t[l];
      cost += prices()[l] * settled_.use[l];
    }
    const double low = program().lower_t;
    cost += slope * low;
    line_.clear();
    for (const int b : active_) {
      const block_program::block& one = program().blocks[b];
      const block_hulls::corner* const hull = hulls.of(one);
      cost += hull[0].price;
      if (one.demand < 0) continue;
      double before = 0;
      for (int s = 0; s + 1 < one.hull_count; ++s) {
        const double more = hull[s].rate - before;
        before = hull[s].rate;
        const double beyond = one.b + one.g * low - hull[s].a;
        if (beyond >= 0) {
          cost += more * beyond;
          slope += more * one.g;
        } else if (const double t = low - beyond / one.g; t < highest_t_) {  // endless where g is zero
          line_.add(t, more * one.g);
        }
      }
    }
    return line_.where_meets(limit, low, highest_t_, cost, slope);
  }

  /// The best t: where the slope of all costs becomes positive, which is where a block's demand passes a corner.
  double where_slope_turns() {
    double slope = cost_t_ + settled_.cost_by_t;
    const double low = program().lower_t;
    for (int l = 0; l < prices().size(); ++l) slope += prices()[l] * settled_.use_by_t[l];
    line_.clear();
    for (const int b : active_) {
      const block_program::block& one = program().blocks[b];
      if (one.demand < 0 || one.g <= 0) continue;
      const block_hulls::corner* const hull = hulls.of(one);
      double before = 0;
      for (int s = 0; s + 1 < one.hull_count; ++s) {
        const double t = (hull[s].a - one.b) / one.g, more = (hull[s].rate - before) * one.g;
        before = hull[s].rate;
        if (t <= low) {
          slope += more;
        } else if (t < highest_t_) {
          line_.add(t, more);
        }
      }
    }
    return line_.where_slope_turns(low, highest_t_, slope);
  }

  monitor* limits_ = nullptr;
  table<int> active_;  // blocks that are not settled
  settled_blocks settled_;
  broken_line line_;
  first_prices first_;
  double highest_t_ = 0;
  double cost_t_ = 0;  // for the blocks that are looked at
  double share_ = 1;   // of the blocks, that is looked at
  int shift_ = 0;      // stride is two to that
  int evaluations_ = 0, limiting_ = -1;
  bool t_moves_ = false, costless_ = false;
};

}  // namespace plait::detail
