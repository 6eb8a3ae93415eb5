// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include <plait/solve/basis.hpp>
#include <plait/solve/detail/block_program.hpp>
#include <plait/solve/detail/dense_master.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/sort.hpp>
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
    for (const int b : active_) {
      block_program::block& one = program_.blocks[b];
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

  /// Cost at t over all blocks; remembers where each block is on its hull. Needs: a t for which the settled ones are.
  void evaluate(double t, double& value) {
    ++evaluations_;
    value = settled_.cost + (cost_t_ + settled_.cost_by_t) * t;
    for (int l = 0; l < price_.size(); ++l) value += price_[l] * (settled_use_[l] + settled_use_by_t_[l] * t);
    for (const int b : active_) {
      block_program::block& one = program_.blocks[b];
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
    highest_t_ = program_.upper_t;
    for (const block_program::block& one : program_.blocks) {
      if (one.demand < 0) continue;
      const double largest = program_.members[one.end - 1].a;
      if (one.g > 0) {
        highest_t_ = std::fmin(highest_t_, (largest - one.b) / one.g);
      } else if (one.b > largest) {
        return false;
      }
    }
    return true;
  }

  /// The best t at the prices at hand; false where no t is feasible. The cost is convex and piecewise linear in t, with
  /// a break wherever a block's demand passes a corner of its hull; it is least at the break where the slope becomes
  /// positive, which is found by adding up slopes in buckets of t, then in buckets of the bucket that matters.
  bool best_t() {
    if (program_.linking >= 0) {
      if (!(program_.lower_t <= highest_t_) || highest_t_ == infinity) return false;
      double t = where_slope_turns();
      if (t < t_from_ || t > t_to_) {
        unsettle();
        make_hulls();
        t = where_slope_turns();
      }
      moved_ = std::fabs(t - t_);
      t_ = t;
    }
    evaluate(t_, value_);
    return true;
  }

  double where_slope_turns() {
    double low = program_.lower_t, high = highest_t_, slope = cost_t_ + settled_.cost_by_t;
    for (int l = 0; l < price_.size(); ++l) slope += price_[l] * settled_use_by_t_[l];
    bends_.clear();
    for (const int b : active_) {
      const block_program::block& one = program_.blocks[b];
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

  /// Use of the links, and cost without prices, of what the blocks do now.
  double uses() {
    total_.resize(price_.size());
    for (int l = 0; l < price_.size(); ++l) total_[l] = settled_use_[l] + settled_use_by_t_[l] * t_;
    double cost = settled_.cost + (cost_t_ + settled_.cost_by_t) * t_;
    const auto take = [&](int at, double share) {
      if (at < 0 || share == 0) return;
      cost += program_.members[at].cost * share;
      for (int e = program_.use_begin[at]; e < program_.use_begin[at + 1]; ++e)
        total_[program_.use_link[e]] += program_.use[e] * share;
    };
    for (const int b : active_) {
      const block_program::block& one = program_.blocks[b];
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

  /// All blocks are looked at in every round, until `settle_blocks`.
  void unsettle() {
    active_.clear();
    for (int b = 0; b < program_.blocks.size(); b += stride_) active_.push_back(b);
    settled_ = {};
    settled_use_.assign(price_.size(), 0.0);
    settled_use_by_t_.assign(price_.size(), 0.0);
    price_from_.assign(price_.size(), -infinity);
    price_to_.assign(price_.size(), infinity);
    t_from_ = -infinity;
    t_to_ = infinity;
    reach_ = infinity;
  }
  [[nodiscard]] bool prices_are_settled() const {
    for (int l = 0; l < price_.size(); ++l)
      if (price_[l] < price_from_[l] || price_[l] > price_to_[l]) return false;
    return true;
  }

  /// Blocks that do the same, by the same columns, for all prices within `by` of those at hand and all t within `t_by`:
  /// what they use and cost is linear in t, so they are added up once and not looked at again until a price or t
  /// leaves. Needs: hulls and t of the prices at hand.
  void settle_blocks(const table<double>& by, double t_by) {
    for (int l = 0; l < price_.size(); ++l) {
      price_from_[l] = std::fmax(price_from_[l], price_[l] - by[l]);
      price_to_[l] = std::fmin(price_to_[l], price_[l] + by[l]);
    }
    t_from_ = std::fmax(t_from_, t_ - t_by);
    t_to_ = std::fmin(t_to_, t_ + t_by);
    const auto sway = [&](int k) {  // how much the price of a member can change
      double sum = 0;
      if (k < 0) return sum;
      for (int e = program_.use_begin[k]; e < program_.use_begin[k + 1]; ++e)
        sum += by[program_.use_link[e]] * program_.use[e];
      return sum;
    };
    const auto add = [&](int at, double share, double share_by_t) {
      if (at < 0) return;
      settled_.cost += program_.members[at].cost * share;
      settled_.cost_by_t += program_.members[at].cost * share_by_t;
      for (int e = program_.use_begin[at]; e < program_.use_begin[at + 1]; ++e) {
        settled_use_[program_.use_link[e]] += program_.use[e] * share;
        settled_use_by_t_[program_.use_link[e]] += program_.use[e] * share_by_t;
      }
    };
    int kept = 0;
    for (const int b : active_) {
      const block_program::block& one = program_.blocks[b];
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
          settled = k == p.at || k == q.at || above(k, program_.members[k].a, price_of(k));
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

  /// Prices of a part of the blocks first, which cost little to find and are near; then of all.
  bool find_prices() {
    const int links = program_.link_row.size(), blocks = program_.blocks.size();
    if (!find_highest_t()) return false;
    evaluations_ = 0;
    t_ = program_.linking < 0 ? 0 : -1;
    price_.assign(links, 0.0);
    lowest_.assign(links, 0.0);
    highest_.assign(links, program_.penalty);
    stride_ = 1;
    const int smallest_part = program_.linking < 0 ? 32 : 64;
    while (blocks >= next_part * stride_ * smallest_part) stride_ *= next_part;
    while (!search() || stride_ > 1) {
      if (stride_ == 1) return false;
      // The prices of all blocks are off from those of a part by about what a part of that size is.
      stride_ /= next_part;
      price_ = best_price_;
      double largest = 0;
      for (int l = 0; l < links; ++l) largest = std::fmax(largest, price_[l]);
      for (int l = 0; l < links; ++l) {
        const double off = 2 * off_ * (price_[l] + 0.1 * largest);
        lowest_[l] = std::fmax(0, price_[l] - off);
        highest_[l] = std::fmin(program_.penalty, price_[l] + off);
      }
    }
    price_ = master_price_;
    if (master_.exceeds()) return false;
    // At these prices many t may be best; the mixture's is the one that keeps to the capacities.
    unsettle();
    make_hulls();
    if (program_.linking >= 0)
      t_ = std::fmin(std::fmax(master_.mixed(proposed_t_), program_.lower_t), program_.upper_t);
    evaluate(t_, value_);
    return true;
  }

  /// From the prices at hand, within lowest_ and highest_, which are moved where they turn out to be in the way, to
  /// the best prices; for every stride_-th block, with as much less of all capacities, to those that are near enough.
  bool search() {
    const int links = program_.link_row.size();
    unsettle();
    const double share = static_cast<double>(active_.size()) / program_.blocks.size();
    off_ = 1 / std::sqrt(static_cast<double>(active_.size()));
    cost_t_ = program_.cost_t * share;
    capacity_.resize(links);
    for (int l = 0; l < links; ++l) capacity_[l] = program_.capacity[l] * share;
    master_.reset(capacity_, lowest_, highest_);
    double best_bound = -infinity;
    master_value_ = 0;
    unchanged_ = 0;
    moved_ = t_reach_ = 0;
    next_price_.resize(links);
    step_.resize(links);
    proposed_t_.clear();
    bool stays = false;
    for (int round = 0; round < 200; ++round) {
      if (limits_ != nullptr) limits_->poll();
      if (!prices_are_settled()) unsettle();
      make_hulls();
      if (!best_t()) return false;
      double bound = value_;
      for (int l = 0; l < links; ++l) bound -= price_[l] * capacity_[l];
      if (bound > best_bound) {
        best_bound = bound;
        best_price_ = price_;
      }
      t_reach_ = std::fmax(moved_, 0.7 * t_reach_);
      const double cost = uses();
      // At the end the prices must be the master's own, a vertex: only there do ties show.
      const double near = master_value_ - 1e-11 * std::fabs(master_value_);
      bool widened = false;
      if (round > 0 && stays && bound >= near) {
        widened = widen();
        if (!widened) break;
      }
      proposed_t_.push_back(t_);
      master_.add(total_.data(), cost);
      const double before = master_value_;
      if (!master_.solve(master_price_, master_value_)) return false;
      // Prices most of the way from the best so far to the master's, which takes fewer rounds; all of the way where
      // that brought nothing. Source: Wentges, "Weighted Dantzig-Wolfe decomposition for linear mixed-integer
      // programming", Int. Trans. Oper. Res. 4, 1997.
      const bool same = round > 2 && master_value_ == before;
      unchanged_ = same && stays && !widened ? unchanged_ + 1 : 0;
      if (unchanged_ > 2) {
        if (!widen()) break;
        unchanged_ = 0;
      }
      stays = same || round < 1 || best_bound >= near;
      double largest = 0, reach = 0;
      for (int l = 0; l < links; ++l) largest = std::fmax(largest, best_price_[l]);
      for (int l = 0; l < links; ++l) {
        const double way = master_price_[l] - best_price_[l];
        next_price_[l] = stays ? master_price_[l] : best_price_[l] + 0.65 * way;
        reach = std::fmax(reach, std::fabs(way) / (best_price_[l] + 0.1 * largest));
      }
      if (stride_ > 1 && round > 3 && reach < 0.5 * off_) break;
      // As steps get shorter, more blocks are settled.
      if (reach < 0.5 * reach_ && reach < 0.2) {
        for (int l = 0; l < links; ++l) step_[l] = 2 * reach * (best_price_[l] + 0.1 * largest);
        settle_blocks(step_, program_.linking < 0 ? 0 : 4 * t_reach_);
        reach_ = reach;
      }
      price_ = next_price_;
    }
    return true;
  }

  /// Gives prices more room where they are at an end of it. False where none is.
  bool widen() {
    bool any = false;
    for (int l = 0; l < price_.size(); ++l) {
      const double width = highest_[l] - lowest_[l], p = master_price_[l];
      if (p >= highest_[l] - 1e-9 * width && highest_[l] < program_.penalty) {
        highest_[l] = std::fmin(program_.penalty, highest_[l] + 4 * width);
      } else if (p <= lowest_[l] + 1e-9 * width && lowest_[l] > 0) {
        lowest_[l] = std::fmax(0, lowest_[l] - 4 * width);
      } else {
        continue;
      }
      any = true;
      master_.limit(l, lowest_[l], highest_[l]);
    }
    return any;
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

  struct bend {
    double t, more;  // where a slope grows, and by how much
  };
  struct linear {
    double cost = 0, cost_by_t = 0;
  };

  block_program program_;
  table<int> active_;  // blocks that are not settled
  linear settled_;     // cost of the settled ones, and what they use of the links, at t = 0 and for each unit of t
  table<double> settled_use_, settled_use_by_t_, price_from_, price_to_, step_, next_price_;
  static constexpr int next_part = 4;
  double off_ = 0, t_reach_ = 0;
  int stride_ = 1;                             // every so many blocks are looked at
  double cost_t_ = 0;                          // for these
  table<double> capacity_, lowest_, highest_;  // likewise; and the room that prices have
  double t_from_ = 0, t_to_ = 0, reach_ = 0, highest_t_ = 0;
  table<double> price_, best_price_, master_price_, total_, proposed_t_;
  table<corner> corners_;
  table<bend> bends_;
  table<tie> ties_;
  dense_master master_;
  monitor* limits_ = nullptr;
  int evaluations_ = 0, unchanged_ = 0;
  double t_ = 0, value_ = 0, moved_ = 0, master_value_ = 0;
};

}  // namespace plait::detail
