// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

#include <plait/alloc/detail/share_model.hpp>
#include <plait/alloc/share_memory.hpp>
#include <plait/core/require.hpp>
#include <plait/solve/check.hpp>
#include <plait/solve/simplex.hpp>

namespace plait::detail {

/// Solves a program of shares: from where the last allocation ended, from shares that are near, or from nothing; with
/// the columns that wait, as the duals ask for them.
class share_solver : public share_model {
 public:
  share_solver(const instance& given, grouping groups, const share_settings& how, waiting_rule rule)
      : share_model{given, std::move(groups), how, rule},
        solver_{how.memory != nullptr ? &how.memory->solver_ : &own_solver_} {}
  share_solver(const share_solver&) = delete;
  share_solver& operator=(const share_solver&) = delete;

  /// Solves it; false where the demands cannot be met. Throws: numerics, where no end is found.
  bool solve() {
    const bool is_first = found_.basis.empty();
    if (is_first) go_on_from(level_end);
    if (model_.rows() == 0) {  // nobody can run
      found_ = {};
      found_.status = termination::optimal;
      found_.x.assign(model_.columns(), 0.0);
      proved_ = proved_ && check(model_, found_).verified;
    } else {
      answer next = solver_->solve(model_, {}, found_.basis);
      proved_ = proved_ && next.verified;
      if (next.status == termination::infeasible) {  // the next program goes on from the last answer
        ++programs_;
        return false;
      }
      found_ = std::move(next);
    }
    ++programs_;
    pivots_ += found_.iterations;
    const auto costs_nothing = [](const share_column& /*of*/, double /*cost*/) { return 0.0; };
    while (found_.status == termination::optimal && bring_in(costs_nothing)) {
      found_ = solver_->solve(model_, {}, found_.basis);
      proved_ = proved_ && found_.verified;
      ++programs_;
    }
    if (found_.status != termination::optimal) {
      throw error{error_kind::numerics, "plait::share_program",
                  std::string{"the program of shares was not solved to its end: "}.append(found_.explanation)};
    }
    if (is_first) keep(level_end);
    prices_.assign(given_->cluster.size(), 0.0);
    for (int j = 0; j < prices_.size(); ++j)
      if (capacity_row_[j] >= 0) prices_[j] = std::fmax(0, found_.dual[capacity_row_[j]]);
    return true;
  }

  /// Shares that keep demands without a level, from nothing, best for both objectives of `break_ties` at once or nearly
  /// so. False, and everything stays, where some pivots do not lead to them; that proves nothing.
  bool try_demands(const table<share_demand>& demand) {
    const lp model = model_;
    const answer kept = found_;
    const table<share_demand> asked = demand_;
    const table<double> marks = mark_, prices = prices_;
    double most = 0, most_held = 0;
    for (int c = 0; c < columns_.size(); ++c) {
      most = std::fmax(most, normalised(columns_[c]));
      most_held = std::fmax(most_held, holding(columns_[c], cost_[c]));
    }
    table<double> cost(columns_.size());
    for (int c = 0; c < columns_.size(); ++c)
      cost[c] = normalised(columns_[c]) / most - 1e-5 * holding(columns_[c], cost_[c]) / most_held;
    pose(demand, 0, cost);
    mark_ = marks;
    answer next = solver_->solve(model_, {.iteration_limit = 64 + groups_.size() / 16}, {});
    ++programs_;
    if (next.status == termination::optimal && next.verified) {
      found_ = std::move(next);
      return true;
    }
    model_ = model;
    found_ = kept;
    demand_ = asked;
    prices_ = prices;
    return false;
  }

 protected:
  enum : int { level_end, throughput_end, holding_end };
  /// Whether ends are kept from one allocation to the next. Where ties are not broken the way would show.
  [[nodiscard]] bool remembers() const {
    return how_.memory != nullptr && how_.break_ties && groups_.key.size() == groups_.size() &&
           groups_.size() < many_groups && waiting_.empty() && !has_pairs_;
  }

  /// Makes the basis at hand that in which such a program ended in the last allocation, as far as its groups are there.
  void go_on_from(int end) {
    if (!remembers()) return;
    kept_basis& kept = how_.memory->ends_[end];
    if (kept.empty()) return;
    basis& start = found_.basis;
    start.columns.resize(model_.columns());
    start.rows.resize(model_.rows());
    for (int c = 0; c < columns_.size();) {
      const int g = columns_[c].group, place = kept.find(groups_.key[g]);
      if (demand_row_[g] >= 0) start.rows[demand_row_[g]] = place < 0 ? basis_status::basic : kept.demand(place);
      if (budget_row_[g] >= 0) start.rows[budget_row_[g]] = place < 0 ? basis_status::basic : kept.budget(place);
      for (int k = 0; c < columns_.size() && columns_[c].group == g; ++c, ++k)
        start.columns[c] = place < 0 ? basis_status::lower : kept.column(place, k);
    }
    for (int j = 0; j < capacity_row_.size(); ++j)
      if (capacity_row_[j] >= 0) start.rows[capacity_row_[j]] = kept.capacity(j);
    if (has_level()) start.columns[columns_.size()] = kept.level();
  }

  void keep(int end) {
    if (!remembers()) return;
    const basis& ended = found_.basis;
    table<basis_status> capacities(capacity_row_.size(), basis_status::basic);
    for (int j = 0; j < capacity_row_.size(); ++j)
      if (capacity_row_[j] >= 0) capacities[j] = ended.rows[capacity_row_[j]];
    kept_basis& kept = how_.memory->ends_[end];
    kept.begin(capacities, has_level() ? ended.columns[columns_.size()] : basis_status::basic);
    for (int c = 0; c < columns_.size();) {
      const int g = columns_[c].group;
      kept.add_group(groups_.key[g], demand_row_[g] >= 0 ? ended.rows[demand_row_[g]] : basis_status::basic,
                     budget_row_[g] >= 0 ? ended.rows[budget_row_[g]] : basis_status::basic);
      for (; c < columns_.size() && columns_[c].group == g; ++c) kept.add_column(ended.columns[c]);
    }
  }

  /// Lets columns in that the last solve's duals ask for; false where none does, and then the optimum is that of the
  /// program with all of them.
  template <class Cost>
  bool bring_in(Cost&& cost) {
    if (waiting_.empty()) return false;
    const double size = std::fabs(found_.objective);
    const table<share_column> more = waiting_.take_best(
        [&](const share_column& c, double& terms) { return worth_of(c, cost(c, 0), terms); }, 1e-12 * size);
    if (more.empty()) {
      proved_ = proved_ && waiting_.excess() <= 1e-9 * size;
      return false;
    }
    insert(more, cost);
    return true;
  }

  /// What a column that costs so much, and is not there, would add to the objective for each unit by the last duals;
  /// above 0: it would help. `terms`: the sum of the sizes of what that is the sum of.
  [[nodiscard]] double worth_of(const share_column& c, double cost, double& terms) const {
    double worth = cost;
    terms = std::fabs(cost);
    const auto add = [&](int row, double value) {
      if (row < 0 || value == 0) return;
      const double term = found_.dual[row] * value;
      worth -= term;
      terms += std::fabs(term);
    };
    each_entry(c, add);
    return worth;
  }

  table<double> prices_;
  simplex own_solver_;
  simplex* solver_;
  bool proved_ = true;
  std::int64_t pivots_ = 0;
  int programs_ = 0;
};

}  // namespace plait::detail
