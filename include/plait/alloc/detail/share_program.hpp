// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <string>
#include <utility>

#include <plait/alloc/allocation.hpp>
#include <plait/alloc/detail/equal_types.hpp>
#include <plait/alloc/detail/face.hpp>
#include <plait/alloc/detail/share_columns.hpp>
#include <plait/alloc/detail/share_solver.hpp>

namespace plait::detail {

/// The linear program that all policies are about:
///
///     maximize  level_cost * level + sum_c cost_c x_c
///     demand    for groups that have one:  unit_g thr_g(x) - slope_g level >= least_g
///     budget    for each group:            the time of a member <= 1
///     capacity  for each type:             workers in use <= num_workers
///
/// over x >= 0, level >= least_level. A single column counts the share of each member of its group. Groups that can
/// run nowhere, and types that nobody can use, have no rows. Keeps its basis from one solve to the next, as long as
/// the same groups have demands.
class share_program : public share_solver {
 public:
  share_program(const instance& given, grouping groups, const share_settings& how, waiting_rule rule = pairs_are_listed)
      : share_solver{given, std::move(groups), how, rule} {}

  /// Numbers to tell groups apart by in `break_ties`, in place of those of the demands.
  void set_marks(const table<double>& marks) { mark_ = marks; }

  /// Among all optima of the last solve, takes the one of greatest total normalised throughput, sum thr_i / Tp_i; if
  /// that leaves a choice, the one that holds fewest workers, each column's weighed by a fixed function of its own
  /// numbers. So no answer depends on the order of jobs or on the way of the solver. Where types are equal that
  /// decides how long each job runs, and `read` where.
  /// `feasible_will_do`: among all that is feasible instead, for programs without an objective.
  void break_ties(bool feasible_will_do = false) {
    if (!how_.break_ties || model_.rows() == 0) return;
    const auto costs_nothing = [](const share_column& /*of*/, double /*cost*/) { return 0.0; };
    if (!feasible_will_do && !narrow(costs_nothing)) return;
    const auto throughput = [&](const share_column& c, double /*cost*/) { return normalised(c); };
    const auto hold = [&](const share_column& c, double cost) { return -holding(c, cost); };
    const table<double> prices = prices_;
    if (has_level() && groups_.size() >= many_groups) try_demands(at_level(demand_, level()));
    if (take_best(throughput, throughput_end) && narrow(throughput)) take_best(hold, holding_end);
    prices_ = prices;
  }

  /// For programs that have more rows and columns behind these: the program as posed, where its rows are, and the
  /// answer of the larger one.
  [[nodiscard]] const lp& model() const { return model_; }
  [[nodiscard]] int demand_row(int group) const { return demand_row_[group]; }
  void adopt(const answer& larger, bool proved) {
    found_ = larger;
    found_.x.resize(columns_.size());
    proved_ = proved;
    prices_.assign(given_->cluster.size(), 0.0);
    for (int j = 0; j < prices_.size(); ++j)
      if (capacity_row_[j] >= 0) prices_[j] = std::fmax(0, larger.dual[capacity_row_[j]]);
  }

  [[nodiscard]] double level() const { return has_level() ? found_.x[columns_.size()] : 0; }
  [[nodiscard]] double objective() const { return found_.objective; }
  [[nodiscard]] bool proved() const { return proved_; }
  void disprove() { proved_ = false; }
  [[nodiscard]] int programs() const { return programs_; }
  [[nodiscard]] const table<double>& prices() const { return prices_; }
  /// Whether one more worker of any type would be worth something.
  [[nodiscard]] bool is_scarce() const {
    for (const double price : prices_)
      if (price > 0) return true;
    return false;
  }
  /// The next program starts from nothing, which is faster than from here where nothing is scarce.
  void forget_basis() {
    if (groups_.size() >= many_groups) found_.basis = {};
  }
  /// Value of a column's variable.
  [[nodiscard]] double value(int column) const { return std::fmax(0, found_.x[column]); }
  /// What the objective would lose for one more unit of a group's demand. Not negative.
  [[nodiscard]] double demand_price(int group) const {
    return demand_row_[group] < 0 ? 0 : std::fmax(0, -found_.dual[demand_row_[group]]);
  }
  /// Marks the groups that no column can serve without loss: each of its columns has a reduced cost. Then the group's
  /// demand could have a dual as well, so it is at its least in every optimum.
  void mark_without_slack(table<char>& marked) const {
    table<char> slack(groups_.size(), 0);
    const sparse_matrix& a = model_.matrix();
    for (int c = 0; c < columns_.size(); ++c) {
      double terms = std::fabs(model_.cost(c));
      for (int k = a.begin[c]; k < a.begin[c + 1]; ++k) terms += std::fabs(a.value[k] * found_.dual[a.index[k]]);
      if (found_.reduced_cost[c] < -1e-9 * terms) continue;
      slack[columns_[c].group] = 1;
      if (columns_[c].other >= 0) slack[columns_[c].other] = 1;
    }
    for (int g = 0; g < groups_.size(); ++g)
      if (slack[g] == 0) marked[g] = 1;
  }
  /// Objective of the duals, less what the right-hand sides of the demands contribute.
  [[nodiscard]] double worth_of_resources() const {
    double worth = 0;
    for (int g = 0; g < groups_.size(); ++g)
      if (budget_row_[g] >= 0) worth += std::fmax(0, found_.dual[budget_row_[g]]);
    for (int j = 0; j < prices_.size(); ++j) worth += prices_[j] * given_->cluster.types[j].num_workers;
    return worth;
  }
  /// Steps/s of each member of each group.
  [[nodiscard]] table<double> throughputs() const {
    table<double> rate(groups_.size(), 0.0);
    for (int c = 0; c < columns_.size(); ++c) {
      rate[columns_[c].group] += columns_[c].rate * value(c);
      if (columns_[c].other >= 0) rate[columns_[c].other] += columns_[c].other_rate * value(c);
    }
    return rate;
  }

  /// The shares of the last solve, for each job. Where types are equal, and ties are to be broken, each job has
  /// its time in the mix of the workers: that is as good, and no type can be told from another.
  [[nodiscard]] allocation read() const {
    table<double> values;
    for (int c = 0; c < columns_.size(); ++c) values.push_back(value(c));
    if (types_are_equal_ && how_.break_ties) spread_over_types(*given_, groups_, columns_, values);
    allocation made = shares_of(*given_, groups_, columns_, values);
    made.prices = prices_;
    made.certificate_verified = proved_;
    made.programs = programs_;
    made.pivots = pivots_;
    made.rows = most_rows_;
    made.columns = most_columns_;
    note_left_out(*given_, made);
    return made;
  }

 private:
  /// The best by another objective, from the basis at hand. False, and the answer stays, where that is not proved.
  template <class Cost>
  bool take_best(Cost&& cost, int end) {
    for (int c = 0; c < model_.columns(); ++c)
      model_.set_cost(c, c < columns_.size() ? cost(columns_[c], cost_[c]) : 0);
    go_on_from(end);
    do {
      answer next = solver_->solve(model_, {}, found_.basis);
      ++programs_;
      pivots_ += next.iterations;
      proved_ = proved_ && next.status == termination::optimal && next.verified;
      if (!proved_) return false;
      found_ = std::move(next);
    } while (bring_in(cost));
    keep(end);
    return true;
  }

  /// Narrows the program, and the columns that wait, to the optima of the last solve. Whether there may be several.
  template <class Cost>
  bool narrow(Cost&& cost) {
    waiting_.keep_ties([&](const share_column& c, double& terms) { return worth_of(c, cost(c, 0), terms); });
    const bool choice = restrict_to_optima(model_, found_);
    return choice || !waiting_.empty();
  }
};

}  // namespace plait::detail
