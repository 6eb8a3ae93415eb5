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
  table<double> prices;               ///< of the links
  int stride = 1;                     ///< every so many blocks are looked at, from `start` on
  double now_t = 0, moved = 0;        ///< the t of the last answer, and how far from the one before it is
  double value = 0;                   ///< cost of the last answer, use of the links included
  double bound = 0;                   ///< what no solution of the blocks that are looked at costs less than
  table<double> used, used_by_t;      ///< of the links, after `uses`
  double cost_by_t = 0;               ///< likewise
  double even_from = 0, even_to = 0;  ///< of t; both `now_t` where nothing is known

  bool recognise(const lp& model) {
    if (!program.recognise(model)) return false;
    corners_.resize(program.members.size() + program.blocks.size());
    prices.assign(program.link_row.size(), 0.0);
    now_t = program.linking < 0 ? 0 : -1;
    t_moves_ = program.linking >= 0;
    costless_ = t_moves_;
    for (const block_program::member& one : program.members) costless_ = costless_ && one.cost == 0;
    evaluations_ = 0;
    return find_highest_t();
  }
  /// To be called when `stride` has changed. Returns the share of the blocks that are looked at.
  double start() {
    unsettle();
    moved = 0;
    share_ = static_cast<double>(active_.size()) / program.blocks.size();
    cost_t_ = t_moves_ ? program.cost_t * share_ : 0;
    return share_;
  }
  /// From here on t is the largest that all blocks can meet, and what is sought among all ways to meet it is the one
  /// that uses least of the links. For programs whose columns cost nothing. `highest`: prices that are hardly exceeded.
  void fix_highest_t(table<double>& highest) {
    t_moves_ = costless_ = false;
    now_t = highest_t_;
    double largest = 0, smallest_use = 1e300;
    for (int k = 0; k < program.members.size(); ++k) {
      double& cost = program.members[k].cost;
      for (int e = program.use_begin[k]; e < program.use_begin[k + 1]; ++e) {
        const double capacity = program.capacity[program.use_link[e]];
        cost += capacity > 0 ? program.use[e] / capacity : program.use[e];
        if (program.use[e] > 0) smallest_use = std::fmin(smallest_use, program.use[e]);
      }
      largest = std::fmax(largest, cost);
    }
    program.penalty = 1e6 * largest / (smallest_use < 1e300 ? smallest_use : 1);
    for (int l = 0; l < prices.size(); ++l) {
      prices[l] = 0;
      highest[l] = std::fmin(program.penalty, program.capacity[l] > 0 ? 4 / program.capacity[l] : 4);
    }
  }
  /// Whether a solution of this cost has the largest t that all blocks can meet, and nothing else counts.
  [[nodiscard]] bool at_highest_t(double cost) const {
    const double least = cost_t_ * highest_t_;
    return costless_ && std::fabs(cost - least) <= 1e-11 * std::fabs(least);
  }
  /// Whether t is to be found; else it is fixed, or there is none.
  [[nodiscard]] bool t_moves() const { return t_moves_; }
  /// The block that can meet no larger t, or -1 where it is t's own bound that ends it.
  [[nodiscard]] int limiting_block() const { return limiting_; }

  /// Prices to begin with, and prices that are hardly exceeded, from what each link would cost if the others cost
  /// nothing like it. Needs: `start`.
  void guess(table<double>& highest) {
    const int links = prices.size();
    if (t_moves_) {
      // In proportion to how scarce the links are, so high that the first step of t would cost what it brings.
      for (int l = 0; l < links; ++l) prices[l] = program.capacity[l] > 0 ? 1 / program.capacity[l] : 1;
      make_hulls();
      double rate = 0;
      for (const int b : active_) {
        const block_program::block& one = program.blocks[b];
        if (one.demand >= 0 && one.hull_count > 1) rate += one.g * corners_[one.hull_begin].rate;
      }
      const double scale = rate > 0 ? -cost_t_ / rate : 0;
      for (int l = 0; l < links; ++l) {
        if (scale > 0) highest[l] = std::fmin(highest[l], 4 * scale * prices[l]);
        prices[l] *= 0.5 * scale;
      }
      return;
    }
    for (int l = 0; l < links; ++l) {
      // The price at which those who want the link most fill it.
      bends_.clear();
      for (const int b : active_) {
        for (int k = program.blocks[b].begin; k < program.blocks[b].end; ++k) {
          for (int e = program.use_begin[k]; e < program.use_begin[k + 1]; ++e)
            if (program.use_link[e] == l && program.members[k].cost < 0 && program.use[e] > 0)
              bends_.push_back({program.members[k].cost / program.use[e], program.use[e]});
        }
      }
      sort(bends_.data(), bends_.size(), [](const bend& p, const bend& q) { return p.t < q.t; });
      double left = program.capacity[l] * share_;
      prices[l] = 0;
      if (bends_.empty()) continue;
      highest[l] = std::fmin(highest[l], -bends_[0].t);
      for (const bend& one : bends_) {
        left -= one.more;
        if (left > 0) continue;
        highest[l] = std::fmin(highest[l], -one.t);
        prices[l] = -0.5 * one.t;
        break;
      }
    }
  }

  /// What `from` is multiplied with to say the same as `to` does, as far as the scale of prices says nothing.
  [[nodiscard]] double scale_to(const table<double>& from, const table<double>& to) const {
    if (!costless_) return 1;
    double of_from = 0, of_to = 0;
    for (int l = 0; l < prices.size(); ++l) {
      of_from += from[l] * program.capacity[l];
      of_to += to[l] * program.capacity[l];
    }
    return of_from > 0 && of_to > 0 ? of_to / of_from : 1;
  }

  /// What the blocks do at the prices at hand, at the best t. False where no t is feasible.
  ///
  /// Where the columns cost nothing, only the proportions of prices matter to what blocks do, and there is a best scale
  /// of the prices: that at which t is as large as the capacities, at these prices, are worth. The prices are brought
  /// to it. Otherwise t, which wants to be at a corner at any other scale, would jump from round to round.
  bool answer() {
    if (!prices_are_settled()) unsettle();
    make_hulls();
    if (t_moves_) {
      if (!(program.lower_t <= highest_t_) || highest_t_ == infinity) return false;
      double best = best_t();
      if (best < t_from_ || best > t_to_) {
        unsettle();
        make_hulls();
        best = best_t();
      }
      moved = std::fabs(best - now_t);
      now_t = best;
    }
    if (!costless_) even_from = even_to = now_t;
    evaluate();
    bound = value;
    for (int l = 0; l < prices.size(); ++l) bound -= prices[l] * program.capacity[l] * share_;
    // Prices that have not got their best scale are worth that of none: t is as large as it can be.
    if (costless_) bound = cost_t_ * now_t;
    return true;
  }
  /// The same at a t of the caller's, over all blocks.
  void answer_at(double t) {
    unsettle();
    make_hulls();
    now_t = t;
    evaluate();
  }

  /// Use of the links, and cost without prices, of what the blocks do now; and how both grow with t, which they do
  /// evenly between `even_from` and `even_to`.
  double uses() {
    used = settled_use_;
    used_by_t = settled_use_by_t_;
    for (int l = 0; l < prices.size(); ++l) used[l] += used_by_t[l] * now_t;
    cost_by_t = cost_t_ + settled_.cost_by_t;
    double cost = settled_.cost + cost_by_t * now_t;
    const auto take = [&](int at, double share, double share_by_t) {
      if (at < 0 || share == 0) return;
      const block_program::member& one = program.members[at];
      cost += one.cost * share;
      cost_by_t += one.cost * share_by_t;
      if (program.each_one_link) {
        used[one.link] += one.use * share;
        used_by_t[one.link] += one.use * share_by_t;
        return;
      }
      for (int e = program.use_begin[at]; e < program.use_begin[at + 1]; ++e) {
        used[program.use_link[e]] += program.use[e] * share;
        used_by_t[program.use_link[e]] += program.use[e] * share_by_t;
      }
    };
    for (const int b : active_) {
      const block_program::block& one = program.blocks[b];
      const corner* const hull = corners_.data() + one.hull_begin;
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
      if (program.each_one_link) return by[program.members[k].link] * program.members[k].use;
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
    const block_program::member& one = program.members[k];
    if (program.each_one_link) return one.cost + prices[one.link] * one.use;
    double price = one.cost;
    for (int e = program.use_begin[k]; e < program.use_begin[k + 1]; ++e)
      price += prices[program.use_link[e]] * program.use[e];
    return price;
  }

  /// The magnitudes of the terms of that sum.
  [[nodiscard]] double size_of(int k) const {
    if (k < 0) return 0;
    const block_program::member& one = program.members[k];
    double size = std::fabs(one.cost);
    if (program.each_one_link) return size + prices[one.link] * one.use;
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
        double least = 0;
        int best = -1;
        for (int k = one.begin; k < one.end; ++k) {
          const double price = price_of(k);
          if (price >= least) continue;
          least = price;
          best = k;
        }
        hull[0] = {best < 0 ? 0 : program.members[best].a, least, 0, best};
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
      for (int k = one.begin; k < one.end; ++k) push({program.members[k].a, price_of(k), 0, k});
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
      if (one.demand < 0) {
        one.segment = 0;
        value += hull[0].price;
        continue;
      }
      const double demand = one.b + one.g * t;
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
    limiting_ = -1;
    for (int b = 0; b < program.blocks.size(); ++b) {
      const block_program::block& one = program.blocks[b];
      if (one.demand < 0) continue;
      const double largest = program.members[one.end - 1].a;
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
    double limit = 0, slope = 0, any = 0;
    for (int l = 0; l < prices.size(); ++l) {
      limit += prices[l] * program.capacity[l] * share_;
      any += prices[l];
    }
    if (any == 0) return even_from = even_to = highest_t_;
    const double t = where_cost_meets(limit, slope);
    if (slope > 0) scale_prices(-cost_t_ / slope);
    even_from = std::fmax(even_from, t_from_);
    even_to = std::fmin(even_to, t_to_);
    return t;
  }
  void scale_prices(double by) {
    for (double& one : prices) one *= by;
    for (const int b : active_) {
      const block_program::block& one = program.blocks[b];
      for (int s = 0; s < one.hull_count; ++s) {
        corners_[one.hull_begin + s].price *= by;
        corners_[one.hull_begin + s].rate *= by;
      }
    }
  }

  /// The t at which the blocks cost as much as `limit`, and how fast the cost grows there; zero where they cost less at
  /// the highest t. Found as in `where_slope_turns`.
  double where_cost_meets(double limit, double& slope_there) {
    double low = program.lower_t, high = highest_t_, slope = settled_.cost_by_t, cost = settled_.cost;
    for (int l = 0; l < prices.size(); ++l) {
      slope += prices[l] * settled_use_by_t_[l];
      cost += prices[l] * settled_use_[l];
    }
    cost += slope * low;
    bends_.clear();
    for (const int b : active_) {
      const block_program::block& one = program.blocks[b];
      const corner* const hull = corners_.data() + one.hull_begin;
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
        } else if (const double t = low - beyond / one.g; t < high) {  // endless where g is zero
          bends_.push_back({t, more * one.g});
        }
      }
    }
    slope_there = slope;
    even_from = even_to = low;
    if (cost >= limit) return low;
    constexpr int buckets = 32;
    double more_in[buckets], weighted_in[buckets];
    int count = bends_.size();
    for (int pass = 0; pass < 20 && count > 24; ++pass) {
      const double width = (high - low) / buckets, scale = 1 / width;
      if (!(low + 1e-3 * width < high)) break;
      const auto bucket_of = [&](double t) {
        const int k = static_cast<int>((t - low) * scale);
        return k < buckets ? k : buckets - 1;
      };
      for (int k = 0; k < buckets; ++k) more_in[k] = weighted_in[k] = 0;
      for (int k = 0; k < count; ++k) {
        const int at = bucket_of(bends_[k].t);
        more_in[at] += bends_[k].more;
        weighted_in[at] += bends_[k].more * bends_[k].t;
      }
      int meets = 0;
      for (; meets < buckets; ++meets) {
        const double end = low + (meets + 1) * width, from = low + meets * width;
        const double then = cost + slope * (end - from) + more_in[meets] * end - weighted_in[meets];
        if (then >= limit) break;
        cost = then;
        slope += more_in[meets];
      }
      if (meets == buckets) {
        slope_there = 0;
        return even_from = even_to = highest_t_;
      }
      int kept = 0;
      for (int k = 0; k < count; ++k)
        if (bucket_of(bends_[k].t) == meets) bends_[kept++] = bends_[k];
      low += meets * width;
      high = low + width;
      if (kept == count) break;
      count = kept;
    }
    sort(bends_.data(), count, [](const bend& p, const bend& q) { return p.t < q.t; });
    double at = low;
    for (int k = 0; k <= count; ++k) {
      const double next = k < count ? bends_[k].t : high, then = cost + slope * (next - at);
      if (then >= limit && slope > 0) {
        slope_there = slope;
        even_from = at;
        even_to = next;
        return std::fmin(std::fmax(at + (limit - cost) / slope, at), next);
      }
      cost = then;
      at = next;
      if (k < count) slope += bends_[k].more;
    }
    slope_there = high < highest_t_ ? slope : 0;
    return even_from = even_to = high < highest_t_ ? high : highest_t_;
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
  int evaluations_ = 0, limiting_ = -1;
  double share_ = 1;  // of the blocks, that is looked at
  bool is_settled_ = false, t_moves_ = false, costless_ = false;
};

}  // namespace plait::detail
