// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <plait/alloc/allocation.hpp>
#include <plait/alloc/detail/equal_types.hpp>
#include <plait/alloc/detail/face.hpp>
#include <plait/alloc/detail/share_columns.hpp>
#include <plait/alloc/detail/waiting_pairs.hpp>
#include <plait/alloc/grouping.hpp>
#include <plait/alloc/instance.hpp>
#include <plait/alloc/policy.hpp>
#include <plait/alloc/share_memory.hpp>
#include <plait/solve/simplex.hpp>

namespace plait::detail {

/// A row for a group: unit * throughput - slope * level >= least. None where unit is 0.
struct share_demand {
  double unit = 0, least = 0, slope = 0;
};

/// Whether columns of pairs may wait outside of a program until they help. For programs whose columns cost nothing.
enum waiting_rule { pairs_are_listed, pairs_wait };

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
class share_program {
 public:
  share_program(const instance& given, grouping groups, const share_settings& how, waiting_rule rule = pairs_are_listed)
      : given_{&given},
        groups_{std::move(groups)},
        how_{how},
        solver_{how.memory != nullptr ? &how.memory->solver_ : &own_solver_} {
    share_columns made = columns_of(given, groups_, how.space_sharing);
    rates_are_equal_ = types_are_equal(given, groups_, made.columns);
    if (rule == pairs_wait) waiting_ = {made, groups_.size(), given.cluster.size(), how.listed_pairs};
    columns_ = std::move(made.columns);
    has_pairs_ = !columns_.empty() && columns_.back().other >= 0;
    proportional_ = std::move(made.proportional);
    has_columns_ = std::move(made.has_columns);
    used_ = std::move(made.used);
    for (int g = 0; g < groups_.size(); ++g)
      if (has_columns_[g] == 0) left_out_ += groups_.count[g];
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
    level_cost_ = level_cost;
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

  /// Solves it; false where the demands cannot be met. Throws: numerics, where no end is found.
  bool solve() {
    const bool is_first = found_.basis.empty();
    if (is_first) go_on_from(level_end);
    if (has_level() && level_cost_ > 0 && groups_.size() >= many_groups && found_.basis.empty()) start_at_cap();
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

  /// Shares that keep demands without a level, from nothing, best for both objectives of `break_ties` at once or nearly
  /// so. False, and everything stays, where some pivots do not lead to them; that proves nothing.
  bool try_demands(const table<share_demand>& demand) {
    const lp model = model_;
    const answer kept = found_;
    const table<share_demand> asked = demand_;
    const table<double> marks = mark_, prices = prices_;
    const double level_cost = level_cost_;
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
    level_cost_ = level_cost;
    return false;
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
    made.rows = most_rows_;
    made.columns = most_columns_;
    if (left_out_ > 0) made.note = std::to_string(left_out_).append(" jobs can run on no type and have no share");
    return made;
  }

 private:
  [[nodiscard]] bool has_demand(int group) const { return demand_[group].unit != 0 && can_run(group); }

  /// The best by another objective, from the basis at hand. False, and the answer stays, where that is not proved.
  template <class Cost>
  bool take_best(Cost&& cost, int end) {
    for (int c = 0; c < model_.columns(); ++c)
      model_.set_cost(c, c < columns_.size() ? cost(columns_[c], cost_[c]) : 0);
    go_on_from(end);
    do {
      answer next = solver_->solve(model_, {}, found_.basis);
      ++programs_;
      proved_ = proved_ && next.status == termination::optimal && next.verified;
      if (!proved_) return false;
      found_ = std::move(next);
    } while (bring_in(cost));
    keep(end);
    return true;
  }

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

  /// Narrows the program, and the columns that wait, to the optima of the last solve. Whether there may be several.
  template <class Cost>
  bool narrow(Cost&& cost) {
    waiting_.keep_ties([&](const share_column& c, double& terms) { return worth_of(c, cost(c, 0), terms); });
    const bool choice = restrict_to_optima(model_, found_);
    return choice || !waiting_.empty();
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

  [[nodiscard]] bool has_level() const { return model_.columns() > columns_.size(); }

  /// A start for programs whose level ends at what one group can have at most, so that nothing need be scarce: then
  /// prices, from which the solver's own start comes, say nothing. Where there are shares of that level, the basis at
  /// hand becomes theirs.
  void start_at_cap() {
    table<double> most(groups_.size(), 0.0);
    table<double> least_workers(groups_.size(), infinity);  // for one step/s of every member
    for (const share_column& c : columns_) {
      const auto see = [&](int g, double rate, double time, double workers) {
        if (rate <= 0) return;
        most[g] = std::fmax(most[g], rate / time);
        least_workers[g] = std::fmin(least_workers[g], workers / rate);
      };
      see(c.group, c.rate, c.time, c.other >= 0 ? 0 : c.workers);
      if (c.other >= 0) see(c.other, c.other_rate, c.other_time, 0);
    }
    double cap = infinity;
    for (int g = 0; g < groups_.size(); ++g)
      if (has_demand(g) && demand_[g].slope > 0)
        cap = std::fmin(cap, (demand_[g].unit * most[g] - demand_[g].least) / demand_[g].slope);
    if (cap == infinity || cap <= 0) return;
    cap *= 1 - 1e-10;
    table<share_demand> demand = at_level(demand_, cap);
    double workers = 0, all = 0;
    for (int g = 0; g < groups_.size(); ++g)
      if (has_demand(g)) workers += demand[g].least / demand[g].unit * least_workers[g];
    for (int j = 0; j < given_->cluster.size(); ++j)
      if (used_[j] != 0) all += given_->cluster.types[j].num_workers;
    if (workers > all) return;
    const table<share_demand> asked = demand_;
    const double level_cost = level_cost_;
    if (!try_demands(demand)) return;
    pose(asked, level_cost, table<double>(columns_.size(), 0.0), cap);
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
    const double mark =
        std::sin(12.9898 * one.rate / proportional_[one.group] + 7.823 * other + 3.7719 * type +
                 0.5772 * member(one.group).scale_factor + mark_[one.group] + 0.2718 * cost / largest_cost_);
    return one.workers * (1.5 + 0.5 * mark);
  }

  const instance* given_;
  grouping groups_;
  share_settings how_;
  table<double> proportional_, mark_;
  table<share_column> columns_;
  waiting_pairs waiting_;
  bool has_pairs_ = false;
  table<char> has_columns_, used_;
  table<share_demand> demand_;
  table<int> demand_row_, budget_row_, capacity_row_;
  table<double> row_lower_, row_upper_, cost_, lower_, upper_, prices_;
  lp model_;
  simplex own_solver_;
  simplex* solver_;
  answer found_;
  double largest_cost_ = 0, level_cost_ = 0;
  bool proved_ = true;
  bool rates_are_equal_ = false;           ///< of each job on all types that it fits
  bool types_are_equal_ = false;           ///< and their costs, so that it does not matter where it runs
  static constexpr int many_groups = 128;  ///< from here on to solve from nothing is faster than many pivots
  int programs_ = 0, left_out_ = 0, most_rows_ = 0, most_columns_ = 0;
};

}  // namespace plait::detail
