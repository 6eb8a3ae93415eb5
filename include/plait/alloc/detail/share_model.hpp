// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <plait/alloc/detail/equal_types.hpp>
#include <plait/alloc/detail/share_columns.hpp>
#include <plait/alloc/detail/waiting_pairs.hpp>
#include <plait/alloc/grouping.hpp>
#include <plait/alloc/instance.hpp>
#include <plait/alloc/policy.hpp>
#include <plait/solve/answer.hpp>
#include <plait/solve/lp.hpp>

namespace plait::detail {

/// A row for a group: unit * throughput - slope * level >= least. None where unit is 0.
struct share_demand {
  double unit = 0, least = 0, slope = 0;
};

/// Whether columns of pairs may wait outside of a program until they help. For programs whose columns cost nothing.
enum waiting_rule { pairs_are_listed, pairs_wait };

/// The columns of a program of shares, and the program in rows and columns; `share_program` says which it is.
class share_model {
 public:
  share_model(const instance& given, grouping groups, const share_settings& how, waiting_rule rule = pairs_are_listed)
      : given_{&given}, groups_{std::move(groups)}, how_{how} {
    share_columns made = columns_of(given, groups_, how.space_sharing);
    rates_are_equal_ = types_are_equal(given, groups_, made.columns);
    if (rule == pairs_wait) waiting_ = {made, groups_.size(), given.cluster.size(), how.listed_pairs};
    columns_ = std::move(made.columns);
    has_pairs_ = !columns_.empty() && columns_.back().other >= 0;
    proportional_ = std::move(made.proportional);
    has_columns_ = std::move(made.has_columns);
    used_ = std::move(made.used);
    tell_choices_apart();
  }

  [[nodiscard]] const instance& given() const { return *given_; }
  [[nodiscard]] const grouping& groups() const { return groups_; }
  [[nodiscard]] const job& member(int group) const { return given_->jobs[groups_.first[group]]; }
  [[nodiscard]] const table<share_column>& columns() const { return columns_; }
  [[nodiscard]] bool can_run(int group) const { return has_columns_[group] != 0; }
  /// Steps/s of a group's jobs in the mix of the cluster.
  [[nodiscard]] double proportional(int group) const { return proportional_[group]; }

  /// Sets up the program. `cost`: of each column.
  void pose(const table<share_demand>& demand, double level_cost, const table<double>& cost, double least_level = 0) {
    const int count = groups_.size(), n = columns_.size();
    demand_ = demand;
    mark_.resize(count);
    for (int g = 0; g < count; ++g) {
      mark_[g] = 2.2361 * demand[g].slope + 1.618 * demand[g].least;
      if (can_run(g)) mark_[g] += 1.4142 * demand[g].unit * proportional_[g];
    }
    demand_row_.assign(count, -1);
    budget_row_.assign(count, -1);
    capacity_row_.assign(given_->cluster.size(), -1);
    row_lower_.clear();
    row_upper_.clear();
    const auto row = [&](double lower, double upper) {
      row_lower_.push_back(lower);
      row_upper_.push_back(upper);
      return row_lower_.size() - 1;
    };
    for (int g = 0; g < count; ++g)
      if (has_demand(g)) demand_row_[g] = row(demand[g].least, infinity);
    for (int g = 0; g < count; ++g)
      if (can_run(g)) budget_row_[g] = row(-infinity, 1);
    for (int j = 0; j < given_->cluster.size(); ++j)
      if (used_[j] != 0) capacity_row_[j] = row(-infinity, given_->cluster.types[j].num_workers);
    sparse_matrix a;
    a.rows = row_lower_.size();
    a.columns = n + 1;
    a.begin.resize(n + 2);
    const auto entry = [&](int at, double value) {
      if (at < 0 || value == 0) return;
      a.index.push_back(at);
      a.value.push_back(value);
    };
    for (int c = 0; c < n; ++c) {
      a.begin[c] = a.index.size();
      each_entry(columns_[c], entry);
    }
    a.begin[n] = a.index.size();
    for (int g = 0; g < count; ++g)
      if (demand_row_[g] >= 0) entry(demand_row_[g], -demand[g].slope);
    a.begin[n + 1] = a.index.size();
    const bool has_level = a.begin[n + 1] > a.begin[n];
    cost_.assign(n + 1, 0.0);
    largest_cost_ = 1e-300;
    for (int c = 0; c < n; ++c) {
      cost_[c] = cost[c];
      largest_cost_ = std::fmax(largest_cost_, std::fabs(cost[c]));
    }
    // Types that do the same for all jobs may still differ in what they cost.
    types_are_equal_ = rates_are_equal_;
    for (int c = 1; types_are_equal_ && c < n; ++c)
      types_are_equal_ = columns_[c].group != columns_[c - 1].group || cost[c] == cost[c - 1];
    cost_[n] = has_level ? level_cost : 0;
    lower_.assign(n + 1, 0.0);
    upper_.assign(n + 1, infinity);
    lower_[n] = least_level;
    if (!has_level) upper_[n] = least_level;
    // Without a level the program has one column less, so that it is one of blocks and capacities alone.
    if (!has_level) {
      a.columns = n;
      a.begin.pop_back();
      for (table<double>* of : {&cost_, &lower_, &upper_}) of->pop_back();
    }
    const auto span_of = [](const table<double>& t) {
      return std::span<const double>{t.data(), static_cast<std::size_t>(t.size())};
    };
    const int rows = a.rows, all = a.columns;
    model_ = lp::from_columns(std::move(a), span_of(cost_), span_of(lower_), span_of(upper_), span_of(row_lower_),
                              span_of(row_upper_), objective_sense::maximize);
    most_rows_ = rows > most_rows_ ? rows : most_rows_;
    most_columns_ = all > most_columns_ ? all : most_columns_;
    basis& start = found_.basis;
    if (rows == start.rows.size() && all == start.columns.size() + 1 && has_level)
      start.columns.push_back(basis_status::lower);
    if (rows != start.rows.size() || all != start.columns.size()) start = {};
  }

 protected:
  [[nodiscard]] bool has_demand(int group) const { return demand_[group].unit != 0 && can_run(group); }
  [[nodiscard]] bool has_level() const { return model_.columns() > columns_.size(); }

  /// The rows of a column, with its entries.
  template <class Put>
  void each_entry(const share_column& c, Put&& put) const {
    put(demand_row_[c.group], demand_[c.group].unit * c.rate);
    put(budget_row_[c.group], c.time);
    if (c.other >= 0) {
      put(demand_row_[c.other], demand_[c.other].unit * c.other_rate);
      put(budget_row_[c.other], c.other_time);
    }
    put(capacity_row_[c.type], c.workers);
  }

  /// New columns in the program as it is, with its bounds, behind the others and before that of the level. The basis
  /// stays, with these nonbasic.
  template <class Cost>
  void insert(const table<share_column>& more, Cost&& cost) {
    const int n = columns_.size(), added = more.size();
    const bool level_behind = has_level();
    const sparse_matrix& old = model_.matrix();
    sparse_matrix a;
    a.rows = model_.rows();
    a.begin.assign(1, 0);
    std::vector<double> costs, lower, upper;
    table<basis_status> status;
    const auto copy = [&](int j) {
      for (int k = old.begin[j]; k < old.begin[j + 1]; ++k) {
        a.index.push_back(old.index[k]);
        a.value.push_back(old.value[k]);
      }
      a.begin.push_back(a.index.size());
      costs.push_back(model_.cost(j));
      lower.push_back(model_.column_lower(j));
      upper.push_back(model_.column_upper(j));
      status.push_back(found_.basis.columns[j]);
    };
    for (int j = 0; j < n; ++j) copy(j);
    for (const share_column& c : more) {
      each_entry(c, [&](int row, double value) {
        if (row < 0 || value == 0) return;
        a.index.push_back(row);
        a.value.push_back(value);
      });
      a.begin.push_back(a.index.size());
      costs.push_back(cost(c, 0));
      lower.push_back(0);
      upper.push_back(infinity);
      status.push_back(basis_status::lower);
    }
    if (level_behind) copy(n);
    a.columns = static_cast<int>(costs.size());
    const auto span_of = [](const table<double>& t) {
      return std::span<const double>{t.data(), static_cast<std::size_t>(t.size())};
    };
    const table<double> row_lower = model_.row_lowers(), row_upper = model_.row_uppers();
    model_ = lp::from_columns(std::move(a), costs, lower, upper, span_of(row_lower), span_of(row_upper),
                              objective_sense::maximize);
    found_.basis.columns = std::move(status);
    const double level_cost = cost_[cost_.size() - 1];
    if (level_behind) cost_.pop_back();
    for (int k = 0; k < added; ++k) {
      columns_.push_back(more[k]);
      cost_.push_back(0);
    }
    if (level_behind) cost_.push_back(level_cost);
    most_columns_ = std::max(most_columns_, model_.columns());
  }

  /// The demands with their level as a number, less 1e-10 of each.
  static table<share_demand> at_level(table<share_demand> demand, double level) {
    for (share_demand& one : demand) {
      one.least += one.slope * level;
      one.least -= 1e-10 * std::fabs(one.least);
      one.slope = 0;
    }
    return demand;
  }

  /// What one unit of a column adds to the total normalised throughput.
  [[nodiscard]] double normalised(const share_column& one) const {
    double rate = groups_.count[one.group] * one.rate / proportional_[one.group];
    if (one.other >= 0 && one.other != one.group)
      rate += groups_.count[one.other] * one.other_rate / proportional_[one.other];
    return rate;
  }
  /// Workers that a unit of a column holds, times something between 1 and 2 that no two columns have in common but by
  /// chance. It is made of what the program knows of the column, so it depends on no order and no unit, and it is
  /// smooth, so that data that differ in their last digits do not differ here.
  [[nodiscard]] double holding(const share_column& one, double cost) const {
    const double other = one.other < 0 ? 0 : one.other_rate / proportional_[one.other];
    const double type = types_are_equal_ ? 0 : one.type;
    const double mark = std::sin(12.9898 * one.rate / proportional_[one.group] + 7.823 * other + 3.7719 * type +
                                 0.5772 * member(one.group).scale_factor + mark_[one.group] + choice_mark_[one.group] +
                                 0.2718 * cost / largest_cost_);
    return one.workers * (1.5 + 0.5 * mark);
  }

  /// Jobs with several options on a type often have the same rate in one of them, so there all of a group's columns
  /// are part of what `holding` goes by.
  void tell_choices_apart() {
    choice_mark_.assign(groups_.size(), 0.0);
    table<int> last_of_type(given_->cluster.size(), -1);
    table<char> chooses(groups_.size(), 0);
    for (const share_column& one : columns_) {
      if (one.other >= 0) break;
      if (last_of_type[one.type] == one.group) chooses[one.group] = 1;
      last_of_type[one.type] = one.group;
      choice_mark_[one.group] += 0.6931 * one.rate / proportional_[one.group];
    }
    for (int g = 0; g < groups_.size(); ++g)
      if (chooses[g] == 0) choice_mark_[g] = 0;
  }

  const instance* given_;
  grouping groups_;
  share_settings how_;
  table<double> proportional_, mark_, choice_mark_;
  table<share_column> columns_;
  waiting_pairs waiting_;
  bool has_pairs_ = false;
  table<char> has_columns_, used_;
  table<share_demand> demand_;
  table<int> demand_row_, budget_row_, capacity_row_;
  table<double> row_lower_, row_upper_, cost_, lower_, upper_;
  lp model_;
  answer found_;  ///< the last one
  double largest_cost_ = 0;
  bool rates_are_equal_ = false;           ///< of each job on all types that it fits
  bool types_are_equal_ = false;           ///< and their costs, so that it does not matter where it runs
  static constexpr int many_groups = 128;  ///< from here on to solve from nothing is faster than many pivots
  int most_rows_ = 0, most_columns_ = 0;
};

}  // namespace plait::detail
