// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/sort.hpp>
#include <plait/solve/detail/tableau.hpp>
#include <plait/solve/detail/work_vector.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// From an optimal point that is no vertex to a basis of one.
///
/// Variables that may be between their bounds want to be basic: row activities on their own rows, columns on rows that
/// are matched to them one after the other, and what rows are left get their own activities. Of the columns that found
/// no row or depend on others, each is pushed to a bound, the basic ones following; where one of these meets a bound
/// first, the two change places. A row activity that the duals hold at its bound is taken as fixed, so it leaves the
/// basis at the first push that would move it. What dual infeasibility is left then is for the simplex methods.
/// Cost: one solve with the factors for each push, two for an exchange.
/// Source: Bixby, Saltzman, "Recovering an optimal LP basis from an interior point solution", Oper. Res. Letters 15,
/// 1994.
class crossover {
 public:
  /// On a tableau that is attached to a form. `x`: of the columns, `dual`: of the rows, both of the form; `status`: of
  /// all variables, rows behind columns, `basic` for those that may be between their bounds; becomes the basis.
  void run(tableau& t, const table<double>& x, const table<double>& dual, monitor& limits,
           table<basis_status>& status) {
    t_ = &t;
    wanted_status_ = &status;
    column_.resize(t.rows());
    spike_.resize(t.rows());
    behind_.resize(t.rows());
    rho_.resize(t.rows());
    const int m = t.rows(), n = t.columns();
    match(status);
    t.set_basis(chosen_);
    left_.clear();
    t.settle_all();
    for (int j = 0; j < n; ++j) t.x[j] = status[j] == basis_status::basic ? x[j] : t.x[j];
    double largest = 0;
    for (int i = 0; i < m; ++i) largest = math::larger(largest, math::abs(dual[i]));
    for (int i = 0; i < m; ++i) {
      if (status[n + i] == basis_status::basic || math::abs(dual[i]) <= 1e-9 * largest) continue;
      // Held at its bound by its dual.
      const double at = status[n + i] == basis_status::upper ? t.upper[n + i] : t.lower[n + i];
      if (at - at == 0) t.lower[n + i] = t.upper[n + i] = at;
    }
    t.bounds_apart = true;
    for (int j = 0; j < n; ++j)
      if (status[j] == basis_status::basic && chosen_[j] != basis_status::basic) left_.push_back(j);
    build();
    pushes_ = exchanges_ = 0;
    for (int s = 0; s < left_.size(); ++s) {
      limits.poll();
      if (t.status[left_[s]] != basis_status::basic) push(left_[s]);
      if (t.factors.worth_rebuilding()) build();
    }
    status = t.status;
    t.restore_bounds();
  }

  /// How many columns were pushed, and how many of these came into the basis, the last time.
  [[nodiscard]] int pushes() const { return pushes_; }
  [[nodiscard]] int exchanges() const { return exchanges_; }

 private:
  /// Chooses as many variables as there are rows, those that want to be basic first.
  void match(const table<basis_status>& status) {
    const tableau& t = *t_;
    const int m = t.rows(), n = t.columns();
    const sparse_matrix& a = t.program->a;
    chosen_ = status;
    wanted_.assign(m, 0);
    taken_.assign(m, 0);
    by_length_.clear();
    for (int j = 0; j < n; ++j) {
      if (status[j] != basis_status::basic) continue;
      chosen_[j] = basis_status::lower;
      by_length_.push_back(j);
      for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) ++wanted_[a.index[k]];
    }
    for (int i = 0; i < m; ++i) taken_[i] = status[n + i] == basis_status::basic ? 1 : 0;
    sort(by_length_.data(), by_length_.size(), [&](int p, int q) {
      const int of_p = a.begin[p + 1] - a.begin[p], of_q = a.begin[q + 1] - a.begin[q];
      return of_p < of_q || (of_p == of_q && p < q);
    });
    for (const int j : by_length_) {
      int best = -1;
      for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
        const int i = a.index[k];
        --wanted_[i];
        if (taken_[i] == 0 && (best < 0 || wanted_[i] < wanted_[best])) best = i;
      }
      if (best < 0) continue;
      taken_[best] = 1;
      chosen_[j] = basis_status::basic;
    }
    for (int i = 0; i < m; ++i)
      if (taken_[i] == 0) chosen_[n + i] = basis_status::basic;
  }

  /// Factors and values; columns that depend on others are to be pushed as well.
  void build() {
    tableau& t = *t_;
    kept_ = t.x;
    if (t.refactor() > 0) {
      for (const int j : t.factors.replaced_variables()) {
        if (t.place[j] >= 0) continue;
        t.x[j] = kept_[j];
        left_.push_back(j);
      }
    }
    t.compute_values();
  }

  void push(int q) {
    tableau& t = *t_;
    const double x = t.x[q], l = t.lower[q], u = t.upper[q];
    const bool up = l == -infinity ? u < infinity || x < 0 : u - x < x - l;
    ++pushes_;
    if (x == l || x == u) {
      t.status[q] = x == l ? basis_status::lower : basis_status::upper;
      t.settle(q);
      return;
    }
    t.load_column(q, column_);
    t.factors.ftran(column_, t.column_density, &spike_);
    if (!move(q, up)) move(q, !up);
  }

  /// One way, to a bound or until a basic variable meets one. False where neither is found.
  bool move(int q, bool up) {
    tableau& t = *t_;
    const double end = up ? t.upper[q] : t.lower[q];
    const bool open = end - end != 0, free = open && t.is_free(q);
    const double room = free ? math::abs(t.x[q]) : open ? infinity : math::abs(end - t.x[q]);
    double longest = infinity;
    for (int s = 0; s < column_.count; ++s) {
      const int p = column_.index[s];
      const double rate = up ? -column_.value[p] : column_.value[p], size = math::abs(rate);
      if (size < smallest_pivot) continue;
      longest = math::smaller(longest, (room_of(t.basic[p], rate > 0) + slack) / size);
    }
    int place = -1;
    double largest = 0, step = 0;
    if (longest < room + slack) {
      for (int s = 0; s < column_.count; ++s) {
        const int p = column_.index[s];
        const double rate = up ? -column_.value[p] : column_.value[p], size = math::abs(rate);
        if (size < smallest_pivot || size <= largest) continue;
        const double here = room_of(t.basic[p], rate > 0) / size;
        if (here > longest) continue;
        place = p;
        largest = size;
        step = here;
      }
    }
    if (place < 0 && room == infinity) return false;
    if (place < 0 || step >= room) {
      const double to = free ? 0 : end, by = to - t.x[q];
      for (int s = 0; s < column_.count; ++s) t.x[t.basic[column_.index[s]]] -= by * column_.value[column_.index[s]];
      t.status[q] = up && !free ? basis_status::upper : basis_status::lower;
      t.settle(q);
      return true;
    }
    const double by = up ? step : -step, alpha = column_.value[place];
    for (int s = 0; s < column_.count; ++s) t.x[t.basic[column_.index[s]]] -= by * column_.value[column_.index[s]];
    t.x[q] += by;
    const int leaving = t.basic[place];
    const bool to_upper = (up ? -alpha : alpha) > 0;
    rho_.clear();
    rho_.set(place, 1);
    t.factors.btran(rho_, t.row_density, &behind_);
    // One that is held returns to the bound that holds it.
    const basis_status held = (*wanted_status_)[leaving];
    t.exchange(place, q, held != basis_status::basic ? held : to_upper ? basis_status::upper : basis_status::lower);
    t.settle(leaving);
    t.factors.update(place, spike_, behind_, alpha);
    ++exchanges_;
    return true;
  }

  [[nodiscard]] double room_of(int j, bool up) const {
    const tableau& t = *t_;
    const double room = up ? t.upper[j] - t.x[j] : t.x[j] - t.lower[j];
    return room > 0 ? room : 0;
  }

  static constexpr double smallest_pivot = 1e-7, slack = 1e-9;

  tableau* t_ = nullptr;
  const table<basis_status>* wanted_status_ = nullptr;
  work_vector column_, spike_, behind_, rho_;
  table<basis_status> chosen_;
  table<char> taken_;
  table<int> wanted_, by_length_, left_;
  table<double> kept_;
  int pushes_ = 0, exchanges_ = 0;
};

}  // namespace plait::detail
