// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/primal_ratio_test.hpp>
#include <plait/solve/detail/tableau.hpp>
#include <plait/solve/detail/work_vector.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// The primal simplex method for programs where a pivot touches little: no row joins many columns, and rows of B^-1
/// have few nonzeros.
///
/// There pivots hardly know of each other, so which of all columns promises most need not be known. Rows wait in a
/// queue; the first one brings in its best column, if that promises enough, and rows with columns that a pivot made
/// attractive go to the end. Once nobody waits, what is enough becomes half of the most that was not, and all rows wait
/// again. So a pivot makes no pass over all rows or columns. Cost of a pivot: two sparse solves with the factors, a
/// sparse row of B^-1 A, and the columns of the rows it touches.
class local_simplex {
 public:
  /// From a tableau whose values and reduced costs belong to its basis, to an optimal basis. Its variables have one
  /// bound or none. False where it gave up or was stopped, which leaves a basis as well.
  bool run(tableau& t, monitor& limits, double tolerance, int most_pivots) {
    t_ = &t;
    tolerance_ = tolerance;
    for (work_vector* const one : {&entering_, &spike_, &behind_, &rho_}) one->prepare(t.rows());
    row_.prepare(t.columns());
    weight_.assign(t.variables(), 1.0);
    waits_.assign(t.rows(), 0);
    queue_.resize(t.rows());
    first_ = waiting_ = 0;
    enough_ = infinity;  // at first, to find out what there is
    ask_all();
    bool pivoted = false;
    for (int pivots = 0;;) {
      if (waiting_ == 0) {
        if (!pivoted && most_below_ == 0) return true;
        enough_ = 0.5 * most_below_;
        ask_all();
        pivoted = false;
      }
      const int row = next(), q = best_of(row);
      if (q < 0) continue;
      if (++pivots > most_pivots || limits.stop() || !pivot(q)) return false;
      ++limits.iterations;
      pivoted = true;
      wait(row);
      if (!t.factors.worth_rebuilding(most_updates)) continue;
      if (t.refactor() > 0) return false;
      t.compute_values();
      t.compute_reduced_costs();
    }
  }

 private:
  void ask_all() {
    most_below_ = 0;
    for (int i = 0; i < t_->rows(); ++i) wait(i);
  }
  void wait(int row) {
    if (waits_[row] != 0) return;
    waits_[row] = 1;
    int at = first_ + waiting_++;
    if (at >= queue_.size()) at -= queue_.size();
    queue_[at] = row;
  }
  int next() {
    const int row = queue_[first_];
    if (++first_ == queue_.size()) first_ = 0;
    --waiting_;
    waits_[row] = 0;
    return row;
  }
  /// What a variable promises that may enter: the square of its reduced cost over its weight; else 0.
  [[nodiscard]] double promise(int j) const {
    const tableau& t = *t_;
    if (!t.may_be_dual_infeasible(j, tolerance_)) return 0;
    const double off = t.dual_infeasibility(j);
    return off > tolerance_ ? off * off / weight_[j] : 0;
  }
  [[nodiscard]] bool helps(int j) const {
    const double promised = promise(j);
    return promised > 0 && promised >= enough_;
  }
  /// The variable of a row that promises most, or -1 where none promises enough.
  int best_of(int row) {
    const tableau& t = *t_;
    const sparse_matrix& r = t.program->by_rows();
    int best = -1;
    double most = 0;
    const auto see = [&](int j) {
      const double promised = promise(j);
      if (promised <= most) return;
      most = promised;
      best = j;
    };
    see(t.columns() + row);
    for (int k = r.begin[row]; k < r.begin[row + 1]; ++k) see(r.index[k]);
    if (most >= enough_) return best;
    most_below_ = math::larger(most_below_, most);
    return -1;
  }

  bool pivot(int q) {
    tableau& t = *t_;
    const int n = t.columns();
    t.load_column(q, entering_);
    t.factors.ftran(entering_, t.column_density, &spike_);
    const double direction = t.d[q] < 0 ? 1 : -1;
    ratio_.choose_feasible(t, entering_, direction, 1e-9, 1e-9);
    const int p = ratio_.place;
    if (p < 0) return false;
    const double alpha = entering_.value[p];
    if (math::abs(alpha) < 1e-7) return false;
    rho_.clear();
    rho_.set(p, 1);
    t.factors.btran(rho_, t.row_density, &behind_);
    t.price(rho_, row_);
    const double step = direction * ratio_.step;
    for (int s = 0; s < entering_.count; ++s) {
      const int i = entering_.index[s];
      t.x[t.basic[i]] -= step * entering_.value[i];
    }
    t.x[q] += step;
    const int out = t.basic[p];
    const double by = t.d[q] / alpha, weight = weight_[q] / (alpha * alpha);
    const auto renew = [&](int j, double entry) {
      t.d[j] -= by * entry;
      weight_[j] = math::larger(weight_[j], entry * entry * weight);
    };
    for (int s = 0; s < row_.count; ++s) renew(row_.index[s], row_.value[row_.index[s]]);
    for (int s = 0; s < rho_.count; ++s) {
      const int i = rho_.index[s];
      if (t.status[n + i] != basis_status::basic) renew(n + i, -rho_.value[i]);
    }
    t.exchange(p, q, ratio_.to_upper ? basis_status::upper : basis_status::lower);
    t.settle(out);
    t.d[out] = -by;
    weight_[out] = math::larger(1.0, weight);
    t.update_factors(p, spike_, behind_, alpha);
    const sparse_matrix& a = t.program->a;
    for (int s = 0; s < row_.count; ++s) {
      const int j = row_.index[s];
      if (helps(j)) wait(a.index[a.begin[j]]);
    }
    for (int s = 0; s < rho_.count; ++s)
      if (helps(n + rho_.index[s])) wait(rho_.index[s]);
    return true;
  }

  static constexpr int most_updates = 400;

  tableau* t_ = nullptr;
  double tolerance_ = 0, enough_ = 0, most_below_ = 0;  // what is enough, and the most that was not
  work_vector entering_, spike_, behind_, rho_, row_;
  primal_ratio_test ratio_;
  table<double> weight_;
  table<int> queue_;
  table<char> waits_;
  int first_ = 0, waiting_ = 0;
};

}  // namespace plait::detail
