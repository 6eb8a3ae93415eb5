// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/detail/block_program.hpp>
#include <plait/solve/detail/dense_master.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/price_walk.hpp>
#include <plait/solve/detail/priced_blocks.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// A starting basis for a `block_program`.
///
/// Where there is no t, a `price_walk` finds it. Else the prices of the links come from a master program of as many
/// rows as there are links, whose proposals are what the blocks do at given prices. A part of the blocks is asked
/// first, with as much less of each capacity, which gives near prices at little cost; then larger parts, then all. At
/// the best prices the basis is read off: two points of each hull, t, the links without a price, and the columns whose
/// reduced costs tie. The simplex method starts there; nothing found here is trusted. Cost: O(entries) for each of some
/// tens of prices, less as blocks are settled.
class price_crash {
 public:
  /// Statuses of all variables, rows behind columns. False where the program is of another kind.
  bool find(const lp& model, table<basis_status>& status, monitor* limits = nullptr) {
    limits_ = limits;
    if (!blocks_.recognise(model, limits)) return false;
    const price_walk::result walked = walk_.find(blocks_.program(), limits);
    if (walked == price_walk::result::infeasible) return false;
    if (walked == price_walk::result::found && walk_.read_basis(model, status)) return true;
    if (!find_prices()) return false;
    read_basis(model, status);
    return true;
  }

  /// How many columns join two blocks; the prices do not know of them.
  [[nodiscard]] int left_out() const { return blocks_.program().left_out; }
  /// Whether it is the links that end t, and not a block that can give no more, or its own bound.
  [[nodiscard]] bool links_end_t() const { return blocks_.t_moves(); }
  /// The blocks, their best prices and their t.
  [[nodiscard]] const block_program& program() const { return blocks_.program(); }
  [[nodiscard]] const table<double>& prices() const { return blocks_.prices(); }
  [[nodiscard]] double t() const { return blocks_.now_t; }
  [[nodiscard]] int evaluations() const { return blocks_.evaluations(); }
  [[nodiscard]] const price_walk& walk() const { return walk_; }

 private:
  /// Prices of a part of the blocks first, which cost little to find and are near; then of all.
  bool find_prices() {
    const int links = blocks_.program().link_row.size(), blocks = blocks_.program().blocks.size();
    lowest_.assign(links, 0.0);
    highest_.assign(links, blocks_.program().penalty);
    blocks_.stride = 1;
    while (blocks >= next_part * blocks_.stride * smallest_part) blocks_.stride *= next_part;
    blocks_.start();
    blocks_.guess(highest_);
    while (!search() || blocks_.stride > 1) {
      if (blocks_.stride == 1) return false;
      // The prices of all blocks are off from those of a part by about what a part of that size is.
      blocks_.stride /= next_part;
      blocks_.prices() = best_price_;
      double largest = 0;
      for (int l = 0; l < links; ++l) largest = math::larger(largest, blocks_.prices()[l]);
      for (int l = 0; l < links; ++l) {
        const double off = (blocks_.t_moves() ? 2 : 2.5) * off_ * (blocks_.prices()[l] + 0.1 * largest);
        lowest_[l] = math::larger(0, blocks_.prices()[l] - off);
        highest_[l] = math::smaller(blocks_.program().penalty, blocks_.prices()[l] + off);
      }
    }
    if (master_.exceeds()) return false;
    if (blocks_.at_highest_t(master_value_)) {
      // The capacities suffice for the highest t, in a mixture. A basis needs more: of all ways to meet that t one.
      lowest_.assign(links, 0.0);
      blocks_.fix_highest_t(highest_);
      if (!search() || master_.exceeds()) return false;
    }
    blocks_.prices() = master_price_;
    // At these prices many t may be best; the mixture's is the one that keeps to the capacities.
    double t = 0;
    if (!blocks_.t_moves()) {
      t = blocks_.now_t;
    } else {
      t = math::smaller(math::larger(master_.mixed(proposed_t_), blocks_.program().lower_t), blocks_.program().upper_t);
    }
    blocks_.answer_at(t);
    return true;
  }

  /// From the prices at hand, within lowest_ and highest_, which are moved where they turn out to be in the way, to
  /// the best prices; for every blocks_.stride-th block, with as much less of all capacities, to those that are near
  /// enough.
  bool search() {
    const int links = blocks_.program().link_row.size();
    const double share = blocks_.start();
    off_ = 1 / math::sqrt(static_cast<double>(blocks_.looked_at()));
    best_price_ = blocks_.prices();
    capacity_.resize(links);
    for (int l = 0; l < links; ++l) capacity_[l] = blocks_.program().capacity[l] * share;
    master_.reset(capacity_, lowest_, highest_, blocks_.groups);
    double best_bound = -infinity;
    master_value_ = 0;
    unchanged_ = 0;
    t_reach_ = 0;
    double reached = infinity;  // how far prices may go before settled blocks are looked at again
    next_price_.resize(links);
    step_.resize(links);
    proposed_t_.clear();
    bool stays = false, near_end = false;
    for (int round = 0; round < 200; ++round) {
      if (limits_ != nullptr) limits_->poll();
      if (!blocks_.answer()) return false;
      const double bound = blocks_.bound;
      if (bound > best_bound) {
        best_bound = bound;
        best_price_ = blocks_.prices();
      }
      t_reach_ = math::larger(blocks_.moved, 0.7 * t_reach_);
      // At the end the prices must be the master's own, a vertex: only there do ties show.
      const double near = master_value_ - 1e-11 * math::abs(master_value_);
      bool widened = false;
      if (round > 0 && bound >= near) {
        if (!stays) {
          // What the blocks do here is nearly a proposal that the master has, and would make it singular.
          stays = true;
          const double scale = blocks_.scale_to(master_price_, best_price_);
          for (int l = 0; l < links; ++l) blocks_.prices()[l] = scale * master_price_[l];
          continue;
        }
        widened = widen();
        if (!widened) break;
      }
      blocks_.uses();
      // Between two values of t all is even, so what blocks do at both of them says what they do between.
      propose(blocks_.even_from);
      if (blocks_.even_to > blocks_.even_from) propose(blocks_.even_to);
      const double before = master_value_;
      if (!master_.solve(master_price_, master_value_)) return false;
      // Prices half of the way from the best so far to the master's, which takes fewer rounds, and less than that while
      // the master knows of one proposal alone; all of the way where that brought nothing. Source: Wentges, "Weighted
      // Dantzig-Wolfe decomposition for linear mixed-integer programming", Int. Trans. Oper. Res. 4, 1997. Near the end
      // all is linear, and the master knows best. Of the shares tried these took among the fewest rounds, over max-min,
      // makespan and cost programs of 128 to 2048 jobs, eight seeds of each.
      const bool same = round > 2 && master_value_ == before;
      unchanged_ = same && stays && !widened ? unchanged_ + 1 : 0;
      if (unchanged_ > 2) {
        if (!widen()) break;
        unchanged_ = 0;
      }
      stays = same || best_bound >= near;
      const double part = near_end ? 1 : round < 1 ? 0.3 : 0.5;
      double largest = 0, reach = 0, scale = blocks_.scale_to(master_price_, best_price_);
      for (int l = 0; l < links; ++l) largest = math::larger(largest, best_price_[l]);
      for (int l = 0; l < links; ++l) {
        const double way = scale * master_price_[l] - best_price_[l];
        next_price_[l] = stays ? scale * master_price_[l] : best_price_[l] + part * way;
        reach = math::larger(reach, math::abs(way) / (best_price_[l] + 0.1 * largest));
      }
      if (blocks_.stride > 1 && round > 3 && reach < 1.5 * off_) break;
      // As steps get shorter, more blocks are settled; the shares that took least, where t is sought and where not.
      const double shorter = blocks_.t_moves() ? 0.5 : 0.8, far = blocks_.t_moves() ? 2 : 1;
      if ((reach < shorter * reached || !blocks_.is_settled()) && reach < 0.5) {
        for (int l = 0; l < links; ++l) step_[l] = far * reach * (best_price_[l] + 0.1 * largest);
        blocks_.settle(step_, blocks_.t_moves() ? 4 * t_reach_ : 0);
        reached = reach;
      }
      blocks_.prices() = next_price_;
      near_end = reach < 0.02;
    }
    return true;
  }

  /// What the blocks do at the prices at hand and some t near the best one, as a column of the master for each group.
  void propose(double t) {
    const double by = t - blocks_.now_t;
    const int links = blocks_.program().link_row.size();
    for (int g = 0; g < blocks_.groups; ++g) {
      for (int l = 0; l < links; ++l) step_[l] = blocks_.used[g * links + l] + by * blocks_.used_by_t[g * links + l];
      proposed_t_.push_back(t);
      master_.add(step_.data(), blocks_.cost_of[g] + (blocks_.t_moves() ? by * blocks_.cost_by_t : 0), g);
    }
  }

  /// Gives prices more room where they are at an end of it. False where none is.
  bool widen() {
    bool any = false;
    for (int l = 0; l < blocks_.prices().size(); ++l) {
      const double width = highest_[l] - lowest_[l], p = master_price_[l];
      if (p >= highest_[l] - 1e-9 * width && highest_[l] < blocks_.program().penalty) {
        highest_[l] = math::smaller(blocks_.program().penalty, highest_[l] + 4 * width);
      } else if (p <= lowest_[l] + 1e-9 * width && lowest_[l] > 0) {
        lowest_[l] = math::larger(0, lowest_[l] - 4 * width);
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
    int extra = blocks_.program().link_row.size();
    // A t that is fixed is held by one block, which has one basic column less, or by its own bound.
    const int limiting = blocks_.t_moves() ? -1 : blocks_.limiting_block();
    if (blocks_.program().linking >= 0) {
      const bool bounded = !blocks_.t_moves() && limiting < 0;
      status[blocks_.program().linking] = bounded ? basis_status::upper : basis_status::basic;
      if (blocks_.t_moves()) --extra;
    }
    for (int l = 0; l < blocks_.program().link_row.size(); ++l) {
      if (blocks_.prices()[l] > 0) continue;
      status[n + blocks_.program().link_row[l]] = basis_status::basic;
      --extra;
    }
    // Two of each hull, and how near the other columns are.
    ties_.clear();
    for (const block_program::block& one : blocks_.program().blocks) {
      const block_hulls::corner* const hull = blocks_.hulls.of(one);
      const double demand = one.demand >= 0 ? one.b + one.g * blocks_.now_t : -1;
      int s = one.segment;
      double rate = 0;
      const bool pressed = demand > hull[0].a && one.hull_count > 1;
      if (pressed && s + 1 >= one.hull_count) --s;
      const auto enter = [&](int at) {
        status[at < 0 ? n + one.budget : blocks_.program().members[at].column] = basis_status::basic;
      };
      const bool limits = limiting >= 0 && &one == &blocks_.program().blocks[limiting];
      if (!limits) enter(hull[s].at);
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
        consider(at < 0 ? n + one.budget : blocks_.program().members[at].column, price - rate * a - level,
                 blocks_.hulls.size_of(at) + blocks_.hulls.size_of(hull[s].at));
      };
      consider_point(-1, 0, 0);
      for (int k = one.begin; k < one.end; ++k)
        consider_point(k, blocks_.program().members[k].a, blocks_.hulls.price_of(k));
      // A demand that costs nothing to exceed.
      if (pressed)
        consider(n + one.demand, rate * demand,
                 blocks_.hulls.size_of(hull[s].at) + blocks_.hulls.size_of(hull[s + 1].at));
    }
    for (const tie& one : ties_) status[one.variable] = basis_status::basic;
  }

  struct tie {
    double off;
    int variable;
  };
  static constexpr int next_part = 4;       // a part is so many times as large as the one before it
  static constexpr int smallest_part = 32;  // of blocks

  priced_blocks blocks_;
  price_walk walk_;
  dense_master master_;
  double off_ = 0;      // about how far the prices of the part at hand are from those of all, relative
  double t_reach_ = 0;  // how far t has moved lately
  table<double> capacity_, lowest_, highest_;  // of the part at hand; and the room that prices have
  table<double> best_price_, master_price_, next_price_, step_, proposed_t_;
  table<tie> ties_;
  monitor* limits_ = nullptr;
  int unchanged_ = 0;
  double master_value_ = 0;
};

}  // namespace plait::detail
