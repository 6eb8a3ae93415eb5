// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include <plait/solve/detail/block_program.hpp>
#include <plait/solve/detail/sort.hpp>
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
  struct corner {
    double a, price, rate;  // rate: of the price, to the next corner
    int at;                 // place in program.members, or -1: nothing of the block
  };

  block_program program;
  table<double> prices;         ///< of the links
  int stride = 1;               ///< every so many blocks are looked at, from `start` on
  double now_t = 0, moved = 0;  ///< the t of the last answer, and how far from the one before it is
  double value = 0;             ///< cost of the last answer, use of the links included
  table<double> used;           ///< of the links, after `uses`

  bool recognise(const lp& model) {
    if (!program.recognise(model)) return false;
    corners_.resize(program.members.size() + program.blocks.size());
    prices.assign(program.link_row.size(), 0.0);
    now_t = program.linking < 0 ? 0 : -1;
    evaluations_ = 0;
    return find_highest_t();
  }
  /// To be called when `stride` has changed. Returns the share of the blocks that are looked at.
  double start() {
    unsettle();
    moved = 0;
    const double share = static_cast<double>(active_.size()) / program.blocks.size();
    cost_t_ = program.cost_t * share;
    return share;
  }

  /// What the blocks do at the prices at hand, at the best t. False where no t is feasible.
  bool answer() {
    if (!prices_are_settled()) unsettle();
    make_hulls();
    if (program.linking >= 0) {
      if (!(program.lower_t <= highest_t_) || highest_t_ == infinity) return false;
      double best = where_slope_turns();
      if (best < t_from_ || best > t_to_) {
        unsettle();
        make_hulls();
        best = where_slope_turns();
      }
      moved = std::fabs(best - now_t);
      now_t = best;
    }
    evaluate();
    return true;
  }
  /// The same at a t of the caller's, over all blocks.
  void answer_at(double t) {
    unsettle();
    make_hulls();
    now_t = t;
    evaluate();
  }

  /// Use of the links, and cost without prices, of what the blocks do now.
  double uses() {
    used.resize(prices.size());
    for (int l = 0; l < prices.size(); ++l) used[l] = settled_use_[l] + settled_use_by_t_[l] * now_t;
    double cost = settled_.cost + (cost_t_ + settled_.cost_by_t) * now_t;
    const auto take = [&](int at, double share) {
      if (at < 0 || share == 0) return;
      cost += program.members[at].cost * share;
      for (int e = program.use_begin[at]; e < program.use_begin[at + 1]; ++e)
        used[program.use_link[e]] += program.use[e] * share;
    };
    for (const int b : active_) {
      const block_program::block& one = program.blocks[b];
      const corner* const hull = corners_.data() + one.hull_begin;
      const double demand = one.demand >= 0 ? one.b + one.g * now_t : -1;
      const int s = one.segment;
      double share = 0;
      if (demand > hull[s].a && s + 1 < one.hull_count) share = (demand - hull[s].a) / (hull[s + 1].a - hull[s].a);
      take(hull[s].at, 1 - share);
      if (s + 1 < one.hull_count) take(hull[s + 1].at, share);
    }
    return cost;
  }

  /// Blocks that do the same, by the same columns, for all prices within `by` of those at hand and all t within `t_by`:
  /// what they use and cost is linear in t, so they are added up once and not looked at again until a price or t
  /// leaves. Needs: hulls and t of the prices at hand.
  void settle(const table<double>& by, double t_by) {
    is_settled_ = true;
    for (int l = 0; l < prices.size(); ++l) {
      price_from_[l] = std::fmax(price_from_[l], prices[l] - by[l]);
      price_to_[l] = std::fmin(price_to_[l], prices[l] + by[l]);
    }
    t_from_ = std::fmax(t_from_, now_t - t_by);
    t_to_ = std::fmin(t_to_, now_t + t_by);
    const auto sway = [&](int k) {  // how much the price of a member can change
      double sum = 0;
      if (k < 0) return sum;
      for (int e = program.use_begin[k]; e < program.use_begin[k + 1]; ++e)
        sum += by[program.use_link[e]] * program.use[e];
      return sum;
    };
    const auto add = [&](int at, double share, double share_by_t) {
      if (at < 0) return;
      settled_.cost += program.members[at].cost * share;
      settled_.cost_by_t += program.members[at].cost * share_by_t;
      for (int e = program.use_begin[at]; e < program.use_begin[at + 1]; ++e) {
        settled_use_[program.use_link[e]] += program.use[e] * share;
        settled_use_by_t_[program.use_link[e]] += program.use[e] * share_by_t;
      }
    };
    int kept = 0;
    for (const int b : active_) {
      const block_program::block& one = program.blocks[b];
      const corner* const hull = corners_.data() + one.hull_begin;
      const int s = one.segment;
      const double low = one.b + one.g * t_from_, high = one.b + one.g * t_to_;
      const bool pressed = one.demand >= 0 && high > hull[0].a;
      bool settled = true;
      if (!pressed) {
        // The cheapest of all, by more than prices can change.
        const double most = hull[0].price + sway(hull[0].at);
        settled = s == 0 && (hull[0].at < 0 || most < 0);
        for (int k = one.begin; k < one.end && settled; ++k) settled = k == hull[0].at || price_of(k) - sway(k) > most;
        if (settled) add(hull[0].at, 1, 0);
      } else if (s + 1 >= one.hull_count || low < hull[s].a || high > hull[s + 1].a) {
        settled = false;
      } else {
        // Two corners of the hull, and all others above the line through them.
        const corner &p = hull[s], &q = hull[s + 1];
        const double width = q.a - p.a, sway_p = sway(p.at), sway_q = sway(q.at);
        const auto above = [&](int k, double a, double price) {
          const double part = (a - p.a) / width;
          return price - p.price - p.rate * (a - p.a) >
                 sway(k) + std::fabs(1 - part) * sway_p + std::fabs(part) * sway_q;
        };
        settled = q.price - p.price > sway_p + sway_q && (p.at < 0 || above(-1, 0, 0));
        for (int k = one.begin; k < one.end && settled; ++k)
          settled = k == p.at || k == q.at || above(k, program.members[k].a, price_of(k));
        if (settled) {
          const double share = (one.b - p.a) / width, share_by_t = one.g / width;
          add(p.at, 1 - share, -share_by_t);
          add(q.at, share, share_by_t);
        }
      }
      if (!settled) active_[kept++] = b;
    }
    active_.resize(kept);
  }

  /// All blocks are looked at in every round, until `settle`.
  void unsettle() {
    active_.clear();
    for (int b = 0; b < program.blocks.size(); b += stride) active_.push_back(b);
    is_settled_ = false;
    settled_ = {};
    settled_use_.assign(prices.size(), 0.0);
    settled_use_by_t_.assign(prices.size(), 0.0);
    price_from_.assign(prices.size(), -infinity);
    price_to_.assign(prices.size(), infinity);
    t_from_ = -infinity;
    t_to_ = infinity;
  }
  /// What all of a block's budget costs in one member, its use of the links included.
  [[nodiscard]] double price_of(int k) const {
    double price = program.members[k].cost;
    for (int e = program.use_begin[k]; e < program.use_begin[k + 1]; ++e)
      price += prices[program.use_link[e]] * program.use[e];
    return price;
  }

  /// The magnitudes of the terms of that sum.
  [[nodiscard]] double size_of(int k) const {
    if (k < 0) return 0;
    double size = std::fabs(program.members[k].cost);
    for (int e = program.use_begin[k]; e < program.use_begin[k + 1]; ++e)
      size += prices[program.use_link[e]] * program.use[e];
    return size;
  }

  [[nodiscard]] const corner* hull_of(const block_program::block& one) const {
    return corners_.data() + one.hull_begin;
  }
  /// Whether some blocks are not looked at, because of `settle`.
  [[nodiscard]] bool is_settled() const { return is_settled_; }
  [[nodiscard]] int looked_at() const { return active_.size(); }
  [[nodiscard]] int evaluations() const { return evaluations_; }

 private:
  struct bend {
    double t, more;  // where a slope grows, and by how much
  };
  struct linear {
    double cost = 0, cost_by_t = 0;
  };

  [[nodiscard]] bool prices_are_settled() const {
    for (int l = 0; l < prices.size(); ++l)
      if (prices[l] < price_from_[l] || prices[l] > price_to_[l]) return false;
    return true;
  }

  /// The hulls at given prices: cheapest ways to meet each demand, from the cheapest of all on.
  void make_hulls() {
    for (const int b : active_) {
      block_program::block& one = program.blocks[b];
      corner* const hull = corners_.data() + one.hull_begin;
      if (one.demand < 0) {  // nothing to meet: the cheapest point is all there is
        hull[0] = {0, 0, 0, -1};
        for (int k = one.begin; k < one.end; ++k) {
          const double price = price_of(k);
          if (price < hull[0].price) hull[0] = {program.members[k].a, price, 0, k};
        }
        one.hull_count = 1;
        continue;
      }
      int count = 0;
      const auto push = [&](const corner& c) {
        // A point that meets no more and costs no less is not on the hull; earlier points that it undercuts leave.
        if (count > 0 && c.a <= hull[count - 1].a && c.price >= hull[count - 1].price) return;
        while (count > 0 && hull[count - 1].price >= c.price) --count;
        while (count > 1) {
          const corner &p = hull[count - 2], &q = hull[count - 1];
          if ((q.price - p.price) * (c.a - p.a) < (c.price - p.price) * (q.a - p.a)) break;
          --count;
        }
        hull[count++] = c;
      };
      push({0, 0, 0, -1});
      for (int k = one.begin; k < one.end; ++k) {
        push({program.members[k].a, price_of(k), 0, k});
      }
      one.hull_count = count;
      for (int s = 0; s + 1 < count; ++s)
        hull[s].rate = (hull[s + 1].price - hull[s].price) / (hull[s + 1].a - hull[s].a);
    }
  }

  /// Cost over all blocks; remembers where each is on its hull. Needs: a t for which the settled ones are.
  void evaluate() {
    const double t = now_t;
    ++evaluations_;
    value = settled_.cost + (cost_t_ + settled_.cost_by_t) * t;
    for (int l = 0; l < prices.size(); ++l) value += prices[l] * (settled_use_[l] + settled_use_by_t_[l] * t);
    for (const int b : active_) {
      block_program::block& one = program.blocks[b];
      const corner* const hull = corners_.data() + one.hull_begin;
      const double demand = one.demand >= 0 ? one.b + one.g * t : -1;
      int s = one.segment < one.hull_count ? one.segment : 0;
      while (s > 0 && hull[s].a > demand) --s;
      while (s + 1 < one.hull_count && hull[s + 1].a <= demand) ++s;
      one.segment = s;
      value += hull[s].price;
      if (demand >= hull[s].a && s + 1 < one.hull_count) value += hull[s].rate * (demand - hull[s].a);
    }
  }

  /// The largest t that all blocks can meet. False where one can meet none.
  bool find_highest_t() {
    highest_t_ = program.upper_t;
    for (const block_program::block& one : program.blocks) {
      if (one.demand < 0) continue;
      const double largest = program.members[one.end - 1].a;
      if (one.g > 0) {
        highest_t_ = std::fmin(highest_t_, (largest - one.b) / one.g);
      } else if (one.b > largest) {
        return false;
      }
    }
    return true;
  }

  /// The best t. The cost is convex and piecewise linear in t, with a break wherever a block's demand passes a corner
  /// of its hull; it is least at the break where the slope becomes positive, which is found by adding up slopes in
  /// buckets of t, then in buckets of the bucket that matters.
  double where_slope_turns() {
    double low = program.lower_t, high = highest_t_, slope = cost_t_ + settled_.cost_by_t;
    for (int l = 0; l < prices.size(); ++l) slope += prices[l] * settled_use_by_t_[l];
    bends_.clear();
    for (const int b : active_) {
      const block_program::block& one = program.blocks[b];
      if (one.demand < 0 || one.g <= 0) continue;
      const corner* const hull = corners_.data() + one.hull_begin;
      double before = 0;
      for (int s = 0; s + 1 < one.hull_count; ++s) {
        const double t = (hull[s].a - one.b) / one.g, more = (hull[s].rate - before) * one.g;
        before = hull[s].rate;
        if (t <= low) {
          slope += more;
        } else if (t < high) {
          bends_.push_back({t, more});
        }
      }
    }
    if (slope >= 0) return low;
    constexpr int buckets = 32;
    double more_in[buckets];
    int count = bends_.size();
    for (int pass = 0; pass < 20 && count > 24; ++pass) {
      const double scale = buckets / (high - low);
      const auto bucket_of = [&](double t) {
        const int k = static_cast<int>((t - low) * scale);
        return k < buckets ? k : buckets - 1;
      };
      for (double& one : more_in) one = 0;
      for (int k = 0; k < count; ++k) more_in[bucket_of(bends_[k].t)] += bends_[k].more;
      int turns = 0;
      while (turns < buckets && slope + more_in[turns] < 0) slope += more_in[turns++];
      if (turns == buckets) return high;
      int kept = 0;
      for (int k = 0; k < count; ++k)
        if (bucket_of(bends_[k].t) == turns) bends_[kept++] = bends_[k];
      if (kept == count) break;
      count = kept;
      const double width = (high - low) / buckets;
      low += turns * width;
      high = low + width;
      if (!(low + 1e-3 * width < high)) break;
    }
    sort(bends_.data(), count, [](const bend& p, const bend& q) { return p.t < q.t; });
    for (int k = 0; k < count; ++k) {
      slope += bends_[k].more;
      if (slope >= 0) return bends_[k].t;
    }
    return count > 0 && high < highest_t_ ? bends_[count - 1].t : highest_t_;
  }

  table<int> active_;  // blocks that are not settled
  linear settled_;     // cost of the settled ones, and what they use of the links, at t = 0 and for each unit of t
  table<double> settled_use_, settled_use_by_t_;
  table<double> price_from_, price_to_;  // where the settled ones are
  double t_from_ = 0, t_to_ = 0, highest_t_ = 0;
  double cost_t_ = 0;  // for the blocks that are looked at
  table<corner> corners_;
  table<bend> bends_;
  int evaluations_ = 0;
  bool is_settled_ = false;
};

}  // namespace plait::detail
