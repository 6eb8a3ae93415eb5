// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include <plait/solve/basis.hpp>
#include <plait/solve/detail/block_program.hpp>
#include <plait/solve/detail/dense_master.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// A starting basis for a `block_program`.
///
/// Given prices of the links, a block's cheapest way to meet a demand is a point on the lower hull of its columns, so
/// all blocks are solved by walking their hulls, and the best t is where tangents of a convex sum meet. The prices come
/// from a master program of as many rows as there are links. At the best prices the basis is read off: two points of
/// each hull, t, the links without a price, and the columns whose reduced costs tie. The simplex method starts there;
/// nothing found here is trusted. Cost: O(entries) for each of some tens of prices.
class price_crash {
 public:
  /// Statuses of all variables, rows behind columns. False where the program is of another kind.
  bool find(const lp& model, table<basis_status>& status, monitor* limits = nullptr) {
    limits_ = limits;
    if (!program_.recognise(model)) return false;
    corners_.resize(program_.members.size() + program_.blocks.size());
    if (!find_prices()) return false;
    read_basis(model, status);
    return true;
  }

  /// How many columns join two blocks; the prices do not know of them.
  [[nodiscard]] int left_out() const { return program_.left_out; }
  [[nodiscard]] int evaluations() const { return evaluations_; }

 private:
  struct corner {
    double a, price, rate;  // rate: of the price, to the next corner
    int at;                 // place in program_.members, or -1: nothing of the block
  };

  /// What all of a block's budget costs in one member, its use of the links included.
  [[nodiscard]] double price_of(int k) const {
    double price = program_.members[k].cost;
    for (int e = program_.use_begin[k]; e < program_.use_begin[k + 1]; ++e)
      price += price_[program_.use_link[e]] * program_.use[e];
    return price;
  }

  /// The magnitudes of the terms of that sum.
  [[nodiscard]] double size_of(int k) const {
    if (k < 0) return 0;
    double size = std::fabs(program_.members[k].cost);
    for (int e = program_.use_begin[k]; e < program_.use_begin[k + 1]; ++e)
      size += price_[program_.use_link[e]] * program_.use[e];
    return size;
  }

  /// The hulls at given prices: cheapest ways to meet each demand, from the cheapest of all on.
  void make_hulls() {
    for (block_program::block& one : program_.blocks) {
      corner* const hull = corners_.data() + one.hull_begin;
      if (one.demand < 0) {  // nothing to meet: the cheapest point is all there is
        hull[0] = {0, 0, 0, -1};
        for (int k = one.begin; k < one.end; ++k) {
          const double price = price_of(k);
          if (price < hull[0].price) hull[0] = {program_.members[k].a, price, 0, k};
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
        push({program_.members[k].a, price_of(k), 0, k});
      }
      one.hull_count = count;
      for (int s = 0; s + 1 < count; ++s)
        hull[s].rate = (hull[s + 1].price - hull[s].price) / (hull[s + 1].a - hull[s].a);
    }
  }

  /// Cost and its slope at t over all blocks; remembers where each block is on its hull.
  void evaluate(double t, double& value, double& slope) {
    ++evaluations_;
    value = program_.cost_t * t;
    slope = program_.cost_t;
    for (block_program::block& one : program_.blocks) {
      const corner* const hull = corners_.data() + one.hull_begin;
      const double demand = one.demand >= 0 ? one.b + one.g * t : -1;
      int s = one.segment < one.hull_count ? one.segment : 0;
      while (s > 0 && hull[s].a > demand) --s;
      while (s + 1 < one.hull_count && hull[s + 1].a <= demand) ++s;
      one.segment = s;
      value += hull[s].price;
      if (demand >= hull[s].a && s + 1 < one.hull_count) {
        value += hull[s].rate * (demand - hull[s].a);
        slope += hull[s].rate * one.g;
      }
    }
  }

  /// The best t at the prices at hand; false where no t is feasible.
  bool best_t() {
    double value, slope;
    if (program_.linking < 0) {
      for (const block_program::block& one : program_.blocks)
        if (one.demand >= 0 && one.b > program_.members[one.end - 1].a) return false;
      evaluate(0, value, slope);
      value_ = value;
      return true;
    }
    double high = program_.upper_t;
    for (const block_program::block& one : program_.blocks) {
      if (one.demand < 0) continue;
      const double largest = program_.members[one.end - 1].a;
      if (one.g > 0) {
        high = std::fmin(high, (largest - one.b) / one.g);
      } else if (one.b > largest) {
        return false;
      }
    }
    double low = program_.lower_t;
    if (!(low <= high) || high == infinity) return false;
    // From the last t towards the side that the slope names, in growing steps, until the least value is enclosed.
    double t = t_ >= low && t_ <= high ? t_ : 0.5 * (low + high);
    double low_value = 0, low_slope = 0, high_value = 0, high_slope = 0, reach = 0.01 * (high - low);
    if (moved_ > 0) reach = std::fmin(reach, 4 * moved_);
    const double first_low = low, first_high = high;
    bool has_low = false, has_high = false;
    while (!has_low || !has_high) {
      evaluate(t, value, slope);
      if (slope < 0) {
        const double before_low = low, before_value = low_value, before_slope = low_slope;
        low = t;
        low_value = value;
        low_slope = slope;
        has_low = true;
        if (t >= first_high) {
          // Here some block ends its hull, and the slope to the left counts.
          evaluate(first_high - 1e-9 * (first_high - first_low), high_value, high_slope);
          if (high_slope > 0) {
            high = first_high - 1e-9 * (first_high - first_low);
            low = before_low;
            low_value = before_value;
            low_slope = before_slope;
            if (before_slope >= 0) evaluate(low, low_value, low_slope);
            if (low >= high || low_slope >= 0)
              return settle(low < high ? low : high, low < high ? low_value : high_value);
            break;
          }
          evaluate(t, value, slope);
          return settle(t, value);
        }
        if (!has_high) t = t + reach < first_high ? t + reach : first_high;
      } else {
        high = t;
        high_value = value;
        high_slope = slope;
        has_high = true;
        if (t <= first_low) return settle(t, value);
        if (!has_low) t = t - reach > first_low ? t - reach : first_low;
      }
      reach *= 8;
    }
    // Tangents from both ends; at their meeting point the sum is either on both, and least, or gives a new tangent.
    t = (high_value - low_value + low_slope * low - high_slope * high) / (low_slope - high_slope);
    if (!(t > low && t < high)) t = low_value < high_value ? low : high;
    for (int round = 0; round < 100; ++round) {
      evaluate(t, value, slope);
      const double line = std::fmax(low_value + low_slope * (t - low), high_value + high_slope * (t - high));
      if (!(t > low && t < high) || value <= line + 1e-15 * std::fabs(value)) break;
      if (slope < 0) {
        low = t;
        low_value = value;
        low_slope = slope;
      } else {
        high = t;
        high_value = value;
        high_slope = slope;
      }
      const double next = (high_value - low_value + low_slope * low - high_slope * high) / (low_slope - high_slope);
      if (!(next > low && next < high)) break;
      t = next;
    }
    evaluate(t, value, slope);
    return settle(t, value);
  }
  bool settle(double t, double value) {
    moved_ = std::fabs(t - t_);
    t_ = t;
    value_ = value;
    return true;
  }

  /// Use of the links, and cost without prices, of what the blocks do now.
  double uses() {
    total_.assign(program_.link_row.size(), 0.0);
    double cost = program_.cost_t * t_;
    const auto take = [&](int at, double share) {
      if (at < 0 || share == 0) return;
      cost += program_.members[at].cost * share;
      for (int e = program_.use_begin[at]; e < program_.use_begin[at + 1]; ++e)
        total_[program_.use_link[e]] += program_.use[e] * share;
    };
    for (const block_program::block& one : program_.blocks) {
      const corner* const hull = corners_.data() + one.hull_begin;
      const double demand = one.demand >= 0 ? one.b + one.g * t_ : -1;
      const int s = one.segment;
      double share = 0;
      if (demand > hull[s].a && s + 1 < one.hull_count) share = (demand - hull[s].a) / (hull[s + 1].a - hull[s].a);
      take(hull[s].at, 1 - share);
      if (s + 1 < one.hull_count) take(hull[s + 1].at, share);
    }
    return cost;
  }

  bool find_prices() {
    const int links = program_.link_row.size();
    evaluations_ = 0;
    t_ = -1;
    price_.assign(links, 0.0);
    master_.reset(program_.capacity, program_.penalty);
    double best_bound = -infinity;
    master_value_ = 0;
    unchanged_ = 0;
    moved_ = 0;
    proposed_t_.clear();
    bool stays = false;
    for (int round = 0; round < 200; ++round) {
      if (limits_ != nullptr) limits_->poll();
      make_hulls();
      if (!best_t()) return false;
      double bound = value_;
      for (int l = 0; l < links; ++l) bound -= price_[l] * program_.capacity[l];
      if (bound > best_bound) {
        best_bound = bound;
        best_price_ = price_;
      }
      const double cost = uses();
      if (round > 0 && best_bound >= master_value_ - 1e-11 * std::fabs(master_value_)) break;
      proposed_t_.push_back(t_);
      master_.add(total_.data(), cost);
      const double before = master_value_;
      if (!master_.solve(master_price_, master_value_)) return false;
      // Prices most of the way from the best so far to the master's, which takes fewer rounds; all of the way where
      // that brought nothing. Source: Wentges, "Weighted Dantzig-Wolfe decomposition for linear mixed-integer
      // programming", Int. Trans. Oper. Res. 4, 1997.
      const bool same = round > 2 && master_value_ == before;
      unchanged_ = same && stays ? unchanged_ + 1 : 0;
      if (unchanged_ > 2) break;
      stays = same || round < 1;
      for (int l = 0; l < links; ++l)
        price_[l] = stays ? master_price_[l] : best_price_[l] + 0.65 * (master_price_[l] - best_price_[l]);
    }
    price_ = master_price_;
    if (master_.exceeds()) return false;
    // At these prices many t may be best; the mixture's is the one that keeps to the capacities.
    make_hulls();
    if (program_.linking >= 0)
      t_ = std::fmin(std::fmax(master_.mixed(proposed_t_), program_.lower_t), program_.upper_t);
    double value, slope;
    evaluate(t_, value, slope);
    return true;
  }

  void read_basis(const lp& model, table<basis_status>& status) {
    const int n = model.columns(), rows = model.rows();
    status.assign(n + rows, basis_status::lower);
    for (int i = 0; i < rows; ++i)
      status[n + i] = model.row_lower(i) > -infinity ? basis_status::lower : basis_status::upper;
    int extra = program_.link_row.size();
    if (program_.linking >= 0) {
      status[program_.linking] = basis_status::basic;
      --extra;
    }
    for (int l = 0; l < program_.link_row.size(); ++l) {
      if (price_[l] > 0) continue;
      status[n + program_.link_row[l]] = basis_status::basic;
      --extra;
    }
    // Two of each hull, and how near the other columns are.
    ties_.clear();
    for (const block_program::block& one : program_.blocks) {
      const corner* const hull = corners_.data() + one.hull_begin;
      const double demand = one.demand >= 0 ? one.b + one.g * t_ : -1;
      int s = one.segment;
      double rate = 0;
      const bool pressed = demand > hull[0].a && one.hull_count > 1;
      if (pressed && s + 1 >= one.hull_count) --s;
      const auto enter = [&](int at) {
        status[at < 0 ? n + one.budget : program_.members[at].column] = basis_status::basic;
      };
      enter(hull[s].at);
      if (pressed) {
        rate = (hull[s + 1].price - hull[s].price) / (hull[s + 1].a - hull[s].a);
        enter(hull[s + 1].at);
      } else if (one.demand >= 0) {
        status[n + one.demand] = basis_status::basic;
      }
      if (extra <= 0) continue;
      const double level = hull[s].price - rate * hull[s].a;
      const auto consider = [&](int variable, double off, double size) {
        const double relative = size > 0 ? off / size : 0;
        if (ties_.size() == extra && relative >= ties_.back().off) return;
        if (ties_.size() == extra) ties_.pop_back();
        ties_.push_back({relative, variable});
        for (int k = ties_.size() - 1; k > 0 && ties_[k].off < ties_[k - 1].off; --k) {
          const tie nearer = ties_[k];
          ties_[k] = ties_[k - 1];
          ties_[k - 1] = nearer;
        }
      };
      const auto consider_point = [&](int at, double a, double price) {
        if (at == hull[s].at || (pressed && at == hull[s + 1].at)) return;
        consider(at < 0 ? n + one.budget : program_.members[at].column, price - rate * a - level,
                 size_of(at) + size_of(hull[s].at));
      };
      consider_point(-1, 0, 0);
      for (int k = one.begin; k < one.end; ++k) consider_point(k, program_.members[k].a, price_of(k));
      // A demand that costs nothing to exceed.
      if (pressed) consider(n + one.demand, rate * demand, size_of(hull[s].at) + size_of(hull[s + 1].at));
    }
    for (const tie& one : ties_) status[one.variable] = basis_status::basic;
  }

  struct tie {
    double off;
    int variable;
  };

  block_program program_;
  table<double> price_, best_price_, master_price_, total_, proposed_t_;
  table<corner> corners_;
  table<tie> ties_;
  dense_master master_;
  monitor* limits_ = nullptr;
  int evaluations_ = 0, unchanged_ = 0;
  double t_ = 0, value_ = 0, moved_ = 0, master_value_ = 0;
};

}  // namespace plait::detail
