// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/solve/basis.hpp>
#include <plait/solve/detail/bordered_simplex.hpp>
#include <plait/solve/detail/engine.hpp>
#include <plait/solve/detail/form.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// Solves a program of many columns by programs of few of them.
///
/// A small program holds all rows and the columns that are at work; the others rest at a bound. The primal method
/// solves it, its multipliers price all columns, and of those that would help the best few of each row are put to work,
/// until none would. What rests and has become worse by more than newcomers are better leaves, as each pivot prices all
/// that is at work. What comes out is a basis of the whole program; nothing found here is trusted.
/// Cost: a pivot costs what the small program does, a round O(entries) beside.
/// Source: Bixby, Gregory, Lustig, Marsten, Shanno, "Very large-scale linear programming: a case study in combining
/// interior point and simplex methods", Operations Research 40, 1992 (sifting).
class sifting {
 public:
  /// From the basis in `status` (rows behind columns), which it leaves in the same way. `whole` is the program, scaled
  /// or not. False where it did not come to an end.
  bool run(const form& whole, engine& with, monitor& limits, double tolerance, std::uint64_t seed,
           table<basis_status>& status) {
    const int n = whole.columns(), m = whole.rows();
    at_work_.assign(n, 0);
    working_.clear();
    for (int j = 0; j < n; ++j)
      if (status[j] == basis_status::basic || status[j] == basis_status::free) put_to_work(j);
    const int shared = bordered_simplex::column_of(whole);
    if (shared >= 0) put_to_work(shared);
    // The columns with the fewest entries, which say most of each row, as many as there are rows.
    if (working_.empty()) start_with_short(whole);
    bool bordered = false;
    for (rounds_ = 0; rounds_ < most_rounds; ++rounds_) {
      limits.poll();
      load(whole, status);
      with.attach(small_, seed);
      with.state.set_basis(small_status_);

      outcome found = outcome::optimal;
      bordered = shared >= 0 && bordered_.run(with.state, at_work_[shared] - 1, limits, tolerance, bordered);
      if (!bordered) found = with.run(limits, false, false, tolerance, infinity);
      for (int k = 0; k < working_.size(); ++k) status[working_[k]] = with.state.status[k];
      for (int i = 0; i < m; ++i) status[n + i] = with.state.status[working_.size() + i];
      if (found != outcome::optimal && found != outcome::infeasible) return false;
      prices_.resize(m);
      if (bordered) {
        bordered_.multipliers(prices_);
      } else if (found == outcome::optimal) {
        with.state.compute_multipliers();
        for (int i = 0; i < m; ++i) prices_[i] = with.state.buffer.value[i];
        with.state.buffer.clear();
      } else {
        for (int i = 0; i < m; ++i) prices_[i] = with.ray[i];
      }
      limits.poll();
      offers_of_rows(whole, status, found == outcome::optimal, tolerance);
      if (found == outcome::optimal && rounds_ < rounds_of_leaving) send_away(whole, status, shared);
      const int before = working_.size();
      for (const offer& one : best_)
        if (one.column >= 0) put_to_work(one.column);
      if (working_.size() == before) return found == outcome::optimal;
    }
    return false;
  }

  /// How many columns came to work, and in how many rounds, the last time.
  [[nodiscard]] int at_work() const { return working_.size(); }
  [[nodiscard]] int rounds() const { return rounds_ + 1; }

 private:
  static constexpr int most_rounds = 60, rounds_of_leaving = 20;  // who leaves may have to come back: not for ever

  void put_to_work(int j) {
    if (at_work_[j] != 0) return;
    working_.push_back(j);
    at_work_[j] = working_.size();
  }

  void start_with_short(const form& whole) {
    int shortest = 1 << 30;
    for (int j = 0; j < whole.columns(); ++j) {
      const int count = whole.a.begin[j + 1] - whole.a.begin[j];
      if (count < shortest) shortest = count;
    }
    for (int j = 0; j < whole.columns() && working_.size() < 2 * whole.rows(); ++j)
      if (whole.a.begin[j + 1] - whole.a.begin[j] == shortest) put_to_work(j);
  }

  void load(const form& whole, const table<basis_status>& status) {
    const int n = whole.columns(), m = whole.rows(), count = working_.size();
    sparse_matrix& a = small_.a;
    a.rows = m;
    a.columns = count;
    a.begin.resize_unset(count + 1);
    int entries = 0;
    for (const int j : working_) entries += whole.a.begin[j + 1] - whole.a.begin[j];
    a.index.resize_unset(entries);
    a.value.resize_unset(entries);
    small_.cost.resize(count + m);
    small_.lower.resize(count + m);
    small_.upper.resize(count + m);
    small_status_.resize(count + m);
    int at = 0;
    for (int k = 0; k < count; ++k) {
      const int j = working_[k];
      a.begin[k] = at;
      for (int e = whole.a.begin[j]; e < whole.a.begin[j + 1]; ++e, ++at) {
        a.index[at] = whole.a.index[e];
        a.value[at] = whole.a.value[e];
      }
      small_.cost[k] = whole.cost[j];
      small_.lower[k] = whole.lower[j];
      small_.upper[k] = whole.upper[j];
      small_status_[k] = status[j];
    }
    a.begin[count] = at;
    for (int i = 0; i < m; ++i) {
      small_.cost[count + i] = whole.cost[n + i];
      small_.lower[count + i] = whole.lower[n + i];
      small_.upper[count + i] = whole.upper[n + i];
      small_status_[count + i] = status[n + i];
    }
    // What columns at rest use up.
    for (int j = 0; j < n; ++j) {
      if (at_work_[j] != 0) continue;
      const double x =
          status[j] == basis_status::upper || whole.lower[j] == -infinity ? whole.upper[j] : whole.lower[j];
      if (x == 0 || x - x != 0) continue;
      for (int e = whole.a.begin[j]; e < whole.a.begin[j + 1]; ++e) {
        small_.lower[count + whole.a.index[e]] -= whole.a.value[e] * x;
        small_.upper[count + whole.a.index[e]] -= whole.a.value[e] * x;
      }
    }
    small_.forget_rows();
    ++small_.version;
  }

  struct offer {
    double merit = 0;
    int column = -1;
  };

  /// The best few columns at rest of each row, by what they promise, into best_.
  void offers_of_rows(const form& whole, const table<basis_status>& status, bool with_costs, double tolerance) {
    const int n = whole.columns(), m = whole.rows();
    const int each_row = m < many_rows ? most_each_row : 1;
    best_.assign(each_row * m, offer{});
    for (int j = 0; j < n; ++j) {
      if (at_work_[j] != 0 || whole.lower[j] == whole.upper[j]) continue;
      const double d = gain(whole, j, status[j], with_costs);
      if (d <= tolerance) continue;
      const double merit = d * d / (1 + size_of(whole, j));
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
  }
  /// Columns at rest whose reduced costs are farther on the wrong side than a part of what newcomers promise on
  /// average.
  void send_away(const form& whole, const table<basis_status>& status, int shared) {
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
      const double d = rests && j != shared ? gain(whole, j, status[j], true) : 0;
      const bool leaves = d < 0 && d * d > most * (1 + size_of(whole, j));
      if (!leaves) working_[kept++] = j;
      at_work_[j] = leaves ? 0 : kept;
    }
    working_.resize(kept);
  }
  /// What the objective would gain for each unit that a column at rest moves away from its bound.
  [[nodiscard]] double gain(const form& whole, int j, basis_status at, bool with_costs) const {
    double d = with_costs ? whole.cost[j] : 0;
    for (int e = whole.a.begin[j]; e < whole.a.begin[j + 1]; ++e) d -= prices_[whole.a.index[e]] * whole.a.value[e];
    return at == basis_status::upper ? d : -d;
  }
  [[nodiscard]] static double size_of(const form& whole, int j) {
    double size = 0;
    for (int e = whole.a.begin[j]; e < whole.a.begin[j + 1]; ++e) size += whole.a.value[e] * whole.a.value[e];
    return size;
  }

  static constexpr int most_each_row = 2,
                       many_rows = 1500;  // where rows are many, columns at work cost more than rounds

  int rounds_ = 0;
  bordered_simplex bordered_;
  form small_;
  table<int> working_;
  table<int> at_work_;  // of each column: its place in working_, counted from 1; 0 where it rests
  table<basis_status> small_status_;
  table<double> prices_;
  table<offer> best_;
};

}  // namespace plait::detail
