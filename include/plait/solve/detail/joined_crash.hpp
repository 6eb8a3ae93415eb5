// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/core/math.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/detail/block_program.hpp>
#include <plait/solve/detail/bordered_simplex.hpp>
#include <plait/solve/detail/columns_at_work.hpp>
#include <plait/solve/detail/dense_master.hpp>
#include <plait/solve/detail/engine.hpp>
#include <plait/solve/detail/form.hpp>
#include <plait/solve/detail/local_simplex.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/priced_program.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// A starting basis for a `block_program` with t whose blocks many columns join, such as jobs of which two may share a
/// processor.
///
/// With prices on the links and a given t what is left, a `priced_program`, has no row that joins many columns, so a
/// `local_simplex` solves it with pivots that touch little. What is used at several prices is told to a master program,
/// which mixes it and gives the next prices; they move half of the way, and not far while columns still come to work.
/// In the end t is lowered to where the links suffice and one of them is full: a vertex of the whole program, a few
/// pivots from the best one. The master takes what is used to be in proportion to t, which budgets that are full only
/// nearly allow, so nothing but its prices is believed.
/// Cost: about as many pivots as the whole program would take, at a tenth of the price; in each of some tens of rounds
/// O(entries) and new factors.
/// Source: Dantzig, Wolfe, "Decomposition principle for linear programs", Operations Research 8, 1960.
class joined_crash {
 public:
  /// Whether t is all that counts and everything is in proportion to it, and there are so many blocks, and so few
  /// columns for each, that it pays.
  static bool suits(const form& whole, const block_program& blocks) {
    if (blocks.blocks.size() < fewest_blocks || whole.columns() >= 16 * whole.rows() || blocks.linking < 0)
      return false;
    for (const block_program::block& one : blocks.blocks)
      if (one.b != 0) return false;
    return bordered_simplex::column_of(whole) == blocks.linking;
  }

  /// `whole`: the program, scaled or not; `blocks`: the same without the columns that join them, with their best prices
  /// and their t. The basis goes into `status` (rows behind columns), multipliers of all rows into `near`. False where
  /// nothing was found, and both are as they were.
  bool find(const form& whole, const block_program& blocks, const table<double>& prices, double t, engine& with,
            monitor& limits, double tolerance, std::uint64_t seed, table<basis_status>& status, table<double>& near) {
    blocks_ = &blocks;
    with_ = &with;
    limits_ = &limits;
    tolerance_ = tolerance;
    seed_ = seed;
    rounds_ = 0;
    if (!priced_.load(whole, blocks, prices, t)) return false;
    limits.poll();
    priced_.start_basis(status_);
    work_.start(priced_.program, status_);
    start_master();
    if (!search() || !solve()) return false;
    const int full = lower_t();
    if (full < 0) return false;
    status = status_;
    status[blocks.linking] = basis_status::basic;
    for (int l = 0; l < blocks.link_row.size(); ++l)
      status[whole.columns() + blocks.link_row[l]] = l == full ? basis_status::upper : basis_status::basic;
    priced_.multipliers_of_all(multiplier_, near);
    return true;
  }

  /// How often prices have moved, the last time.
  [[nodiscard]] int rounds() const { return rounds_; }

 private:
  /// To prices at which about the same share of all links is used, with all columns at work that this needs.
  bool search() {
    const int few = priced_.program.rows() / 20;
    // Where blocks are few, rounds soon cost more than the pivots that they save.
    const int most_rounds = blocks_->blocks.size() < 400 ? 5 : 40;
    for (; rounds_ < most_rounds; ++rounds_) {
      priced_.charge();
      if (!solve()) return false;
      // What is used, at the prices, tells how far t is off. It need not be near before prices are.
      const double reach = priced_.t / priced_.cost(), gap = (reach + worth_) / reach;
      if (math::abs(reach - priced_.t) > (gap < 0.003 ? 0.002 : 0.05) * priced_.t && !move_t(reach)) return false;
      limits_->poll();
      const int newcomers =
          work_.renew(priced_.program, status_, multiplier_, true, tolerance_, rounds_ < rounds_of_leaving, -1);
      if (priced_.share_of(priced_.fullest()) < even_enough * priced_.cost() && newcomers < few) break;
      propose();
      if (!ask_master(reach, newcomers > few ? early_way : longest_way)) return false;
      if (next_prices() < 1e-4 && newcomers == 0) break;
    }
    return true;
  }

  /// The columns at work, from the basis at hand, at the prices and t.
  bool solve() {
    tableau& t = load();
    t.settle_all();
    if (t.refactor() > 0) return false;
    t.compute_values();
    t.compute_reduced_costs();
    if (t.primal_infeasibilities(1e-7).count > 0) return false;
    if (!local_.run(t, *limits_, tolerance_, 20 * t.rows())) return false;
    look();
    return true;
  }
  /// Another t, from an optimal basis.
  bool move_t(double to) {
    priced_.set_t(to);
    for (int turn = 0; turn < 2; ++turn) {
      load();
      const outcome found = with_->run(*limits_, true, false, tolerance_, infinity);
      if (found == outcome::optimal) {
        look();
        return true;
      }
      if (found != outcome::infeasible) return false;
      // Some have only columns at work that are too slow for this t: the fastest of each come too.
      for (const block_program::block& one : blocks_->blocks)
        if (one.end > one.begin) work_.put_to_work(blocks_->members[one.end - 1].column);
    }
    return false;
  }
  tableau& load() {
    limits_->poll();
    work_.load(priced_.program, status_);
    with_->attach(work_.small, seed_);
    with_->state.set_basis(work_.small_status);
    return with_->state;
  }
  /// Basis, multipliers and uses of what was solved.
  void look() {
    const tableau& t = with_->state;
    work_.give_back(t.status, status_);
    multiplier_.resize(t.rows());
    for (int i = 0; i < t.rows(); ++i) {
      const int j = t.columns() + i;
      multiplier_[i] = t.status[j] == basis_status::basic ? 0 : t.d[j];
    }
    priced_.look(work_.list(), t.x.data());
  }

  /// Moves t to where the links suffice and one of them, which is returned, is full. -1 where that was not found.
  int lower_t() {
    // What is used of a link is linear in t piece by piece, so the secant soon ends on one piece.
    double before = 0, over_before = -1;  // nothing is used at t = 0
    double enough = 0, too_much = infinity;
    for (int turn = 0; turn < 20; ++turn) {
      const int full = priced_.fullest();
      const double over = priced_.share_of(full) - 1, at = priced_.t;
      if (math::abs(over) < 1e-9) return full;
      (over < 0 ? enough : too_much) = at;
      // A link may also be used less where t is larger, as others take its place; then in proportion.
      const double slope = math::larger((over - over_before) / (at - before), 0.5 / at);
      double to = at - over / slope;
      if (!(to > enough && to < too_much)) to = 0.5 * (enough + math::smaller(too_much, 2 * at));
      if (!move_t(to)) return -1;
      before = at;
      over_before = over;
    }
    return -1;
  }

  void start_master() {
    const int links = priced_.price.size();
    lowest_.assign(links, 0.0);
    highest_.assign(links, 1.0);
    master_.reset(priced_.capacity, lowest_, highest_);
    scaled_use_.assign(links, 0.0);
    master_.add(scaled_use_.data(), 0);
    worth_ = 0;
    way_ = longest_way;
  }
  /// Times a number so large that never all of a mixture is proposals.
  void propose() {
    constexpr double times = 8;
    for (int l = 0; l < scaled_use_.size(); ++l) scaled_use_[l] = times * priced_.use[l];
    master_.add(scaled_use_.data(), -times * priced_.t);
  }
  /// Its prices, not farther than the way that they have from those at hand. It gets longer where that turns out to be
  /// in the way, else shorter.
  bool ask_master(double reach, double longest) {
    way_ = math::smaller(way_, longest);
    for (int l = 0; l < lowest_.size(); ++l) {
      lowest_[l] = priced_.price[l] * reach * (1 - way_);
      highest_[l] = (priced_.price[l] + 0.02 / priced_.capacity[l]) * reach * (1 + way_);
      master_.limit(l, lowest_[l], highest_[l]);
    }
    if (!master_.solve(master_price_, worth_)) return false;
    bool limited = false;
    for (int l = 0; l < lowest_.size(); ++l) {
      const double room = 1e-6 * highest_[l];
      limited = limited || master_price_[l] <= lowest_[l] + room || master_price_[l] >= highest_[l] - room;
    }
    way_ = limited ? math::smaller(1.5 * way_, longest) : 0.7 * way_;
    return true;
  }
  /// Half of the way to those of the master. Returns how far they moved, relative.
  double next_prices() {
    table<double>& price = priced_.price;
    double worth = 0, moved = 0;
    for (int l = 0; l < price.size(); ++l) worth += master_price_[l] * priced_.capacity[l];
    if (!(worth > 0)) return 0;
    for (int l = 0; l < price.size(); ++l) {
      const double by = 0.5 * (master_price_[l] / worth - price[l]);
      moved = math::larger(moved, math::abs(by) / (price[l] + 0.1 / priced_.capacity[l]));
      price[l] += by;
    }
    return moved;
  }

  static constexpr int fewest_blocks = 200, rounds_of_leaving = 20;
  static constexpr double even_enough = 1.005;                   // the largest share used of a link over the mean one
  static constexpr double longest_way = 0.08, early_way = 0.03;  // of prices in a round, relative

  const block_program* blocks_ = nullptr;
  engine* with_ = nullptr;
  monitor* limits_ = nullptr;
  double tolerance_ = 0;
  std::uint64_t seed_ = 0;
  int rounds_ = 0;
  priced_program priced_;
  columns_at_work work_;
  local_simplex local_;
  dense_master master_;
  double worth_ = 0, way_ = 0;  // of the master's mixture, negative; of prices in a round, relative, at most
  table<basis_status> status_;
  table<double> multiplier_;  // of the rows
  table<double> master_price_, lowest_, highest_, scaled_use_;
};

}  // namespace plait::detail
