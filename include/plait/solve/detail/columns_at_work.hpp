// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/detail/form.hpp>
#include <plait/solve/detail/tableau.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// A small program of all rows and the columns that are at work; the others rest at a bound. Who comes to work and who
/// leaves follows from multipliers of the rows: of the columns that would help the best few of each row come, and what
/// rests and has become worse by more than newcomers are better leaves, as each pivot prices all that is at work.
class columns_at_work {
 public:
  /// Nobody but what is basic or free in `status` (rows behind columns).
  void start(const form& whole, const table<basis_status>& status) {
    at_work_.assign(whole.columns(), 0);
    working_.clear();
    for (int j = 0; j < whole.columns(); ++j)
      if (status[j] == basis_status::basic || status[j] == basis_status::free) put_to_work(j);
  }
  void put_to_work(int j) {
    if (at_work_[j] != 0) return;
    working_.push_back(j);
    at_work_[j] = working_.size();
  }
  /// The columns with the fewest entries, which say most of each row, as many as there are rows.
  void put_short_to_work(const form& whole) {
    int shortest = 1 << 30;
    for (int j = 0; j < whole.columns(); ++j) {
      const int count = whole.a.begin[j + 1] - whole.a.begin[j];
      if (count < shortest) shortest = count;
    }
    for (int j = 0; j < whole.columns() && working_.size() < 2 * whole.rows(); ++j)
      if (whole.a.begin[j + 1] - whole.a.begin[j] == shortest) put_to_work(j);
  }
  [[nodiscard]] int count() const { return working_.size(); }
  [[nodiscard]] const table<int>& list() const { return working_; }  ///< in the order of the small program's columns
  /// Where a column stands in the small program; -1 where it rests.
  [[nodiscard]] int place_of(int j) const { return at_work_[j] - 1; }

  form small;                        ///< after `load`
  table<basis_status> small_status;  ///< likewise

  /// The small program and its basis.
  void load(const form& whole, const table<basis_status>& status) {
    const int n = whole.columns(), m = whole.rows(), columns = working_.size();
    small.limits = whole.limits;
    sparse_matrix& a = small.a;
    a.rows = m;
    a.columns = columns;
    a.begin.resize_unset(columns + 1);
    int entries = 0;
    for (const int j : working_) entries += whole.a.begin[j + 1] - whole.a.begin[j];
    a.index.resize_unset(entries);
    a.value.resize_unset(entries);
    small.cost.resize(columns + m);
    small.lower.resize(columns + m);
    small.upper.resize(columns + m);
    small_status.resize(columns + m);
    int at = 0;
    for (int k = 0; k < columns; ++k) {
      const int j = working_[k];
      spend(whole.limits, 8 + 2 * (whole.a.begin[j + 1] - whole.a.begin[j]));
      a.begin[k] = at;
      for (int e = whole.a.begin[j]; e < whole.a.begin[j + 1]; ++e, ++at) {
        a.index[at] = whole.a.index[e];
        a.value[at] = whole.a.value[e];
      }
      small.cost[k] = whole.cost[j];
      small.lower[k] = whole.lower[j];
      small.upper[k] = whole.upper[j];
      small_status[k] = status[j];
    }
    a.begin[columns] = at;
    for (int i = 0; i < m; ++i) {
      small.cost[columns + i] = whole.cost[n + i];
      small.lower[columns + i] = whole.lower[n + i];
      small.upper[columns + i] = whole.upper[n + i];
      small_status[columns + i] = status[n + i];
    }
    // What columns at rest use up.
    for (int j = 0; j < n; ++j) {
      if (at_work_[j] != 0) continue;
      const double x =
          status[j] == basis_status::upper || whole.lower[j] == -infinity ? whole.upper[j] : whole.lower[j];
      if (x == 0 || x - x != 0) continue;
      spend(whole.limits, 2 * (whole.a.begin[j + 1] - whole.a.begin[j]));
      for (int e = whole.a.begin[j]; e < whole.a.begin[j + 1]; ++e) {
        small.lower[columns + whole.a.index[e]] -= whole.a.value[e] * x;
        small.upper[columns + whole.a.index[e]] -= whole.a.value[e] * x;
      }
    }
    small.forget_rows();
    ++small.version;
  }
  /// What a basis of the small program is to the whole one.
  void give_back(const table<basis_status>& of_small, table<basis_status>& status) const {
    const int n = at_work_.size();
    for (int k = 0; k < working_.size(); ++k) status[working_[k]] = of_small[k];
    for (int i = 0; i < status.size() - n; ++i) status[n + i] = of_small[working_.size() + i];
  }

  /// Who comes, and where `may_leave` who leaves, at these multipliers of the rows; without costs where those prove
  /// that nothing is feasible. `stays`: a column that does not leave, or -1. Returns how many come.
  int renew(const form& whole, const table<basis_status>& status, const table<double>& prices, bool with_costs,
            double tolerance, bool may_leave, int stays) {
    prices_ = &prices;
    find_offers(whole, status, with_costs, tolerance);
    if (may_leave && with_costs) send_away(whole, status, stays);
    const int before = working_.size();
    for (const offer& one : best_)
      if (one.column >= 0) put_to_work(one.column);
    return working_.size() - before;
  }
  /// Puts the columns at rest to work that are nearest to help, so many for each row.
  void put_near_to_work(const form& whole, const table<basis_status>& status, const table<double>& prices,
                        int each_row) {
    prices_ = &prices;
    best_.assign(each_row * whole.rows(), offer{});
    for (int j = 0; j < whole.columns(); ++j) {
      if (at_work_[j] != 0 || whole.lower[j] == whole.upper[j]) continue;
      const double d = -gain(whole, j, status[j], true);
      // The larger the nearer.
      enter(whole, j, each_row, 1 / (1e-12 + (d > 0 ? d * d : 0) / (1 + size_of(whole, j))));
    }
    for (const offer& one : best_)
      if (one.column >= 0) put_to_work(one.column);
  }

 private:
  struct offer {
    double merit = 0;
    int column = -1;
  };

  /// The best few columns at rest of each row, by what they promise, into best_.
  void find_offers(const form& whole, const table<basis_status>& status, bool with_costs, double tolerance) {
    const int each_row = whole.rows() < many_rows ? most_each_row : 1;
    best_.assign(each_row * whole.rows(), offer{});
    for (int j = 0; j < whole.columns(); ++j) {
      if (at_work_[j] != 0 || whole.lower[j] == whole.upper[j]) continue;
      const double d = gain(whole, j, status[j], with_costs);
      if (d > tolerance) enter(whole, j, each_row, d * d / (1 + size_of(whole, j)));
    }
  }
  /// Into the lists of its rows, if it is among their best.
  void enter(const form& whole, int j, int each_row, double merit) {
    for (int e = whole.a.begin[j]; e < whole.a.begin[j + 1]; ++e) {
      offer* const of_row = best_.data() + each_row * whole.a.index[e];
      for (int k = 0; k < each_row; ++k) {
        if (merit <= of_row[k].merit) continue;
        for (int s = each_row - 1; s > k; --s) of_row[s] = of_row[s - 1];
        of_row[k] = {merit, j};
        break;
      }
    }
  }
  /// Columns at rest whose reduced costs are farther on the wrong side than a part of what newcomers promise on
  /// average.
  void send_away(const form& whole, const table<basis_status>& status, int stays) {
    double promised = 0;
    int offers = 0;
    for (const offer& one : best_) {
      if (one.column < 0) continue;
      promised += one.merit;
      ++offers;
    }
    if (offers == 0) return;
    const double most = 0.3 * promised / offers;
    int kept = 0;
    for (const int j : working_) {
      const bool rests = status[j] == basis_status::lower || status[j] == basis_status::upper;
      const double d = rests && j != stays ? gain(whole, j, status[j], true) : 0;
      const bool leaves = d < 0 && d * d > most * (1 + size_of(whole, j));
      if (!leaves) working_[kept++] = j;
      at_work_[j] = leaves ? 0 : kept;
    }
    working_.resize(kept);
  }
  /// What the objective would gain for each unit that a column at rest moves away from its bound.
  [[nodiscard]] double gain(const form& whole, int j, basis_status at, bool with_costs) const {
    const table<double>& y = *prices_;
    double d = with_costs ? whole.cost[j] : 0;
    spend(whole.limits, 4 + 4 * (whole.a.begin[j + 1] - whole.a.begin[j]));  // with what callers do with it
    for (int e = whole.a.begin[j]; e < whole.a.begin[j + 1]; ++e) d -= y[whole.a.index[e]] * whole.a.value[e];
    return at == basis_status::upper ? d : -d;
  }
  [[nodiscard]] static double size_of(const form& whole, int j) {
    double size = 0;
    for (int e = whole.a.begin[j]; e < whole.a.begin[j + 1]; ++e) size += whole.a.value[e] * whole.a.value[e];
    return size;
  }

  static constexpr int most_each_row = 2,
                       many_rows = 1500;  // where rows are many, columns at work cost more than rounds

  table<int> working_;
  table<int> at_work_;  // of each column: its place in working_, counted from 1; 0 where it rests
  const table<double>* prices_ = nullptr;
  table<offer> best_;
};

}  // namespace plait::detail
