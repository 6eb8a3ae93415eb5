// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/solve/detail/tableau.hpp>
#include <plait/solve/detail/work_vector.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// What may leave in a dual iteration, and what promises most: squared infeasibilities over the weights that the
/// tableau holds, kept up as values move.
///
/// Source: Forrest, Goldfarb, "Steepest-edge simplex algorithms for linear programming", Math. Programming 57, 1992.
class dual_pricing {
 public:
  double tolerance = 1e-7;  ///< of values, and of reduced costs

 protected:
  void note_infeasibility(int p) {
    const tableau& t = *t_;
    infeasible_[p] = squared_beyond(t.beyond_bounds(t.basic[p]), tolerance);
  }
  static double squared_beyond(double by, double tolerance) { return by > tolerance ? by * by : 0; }
  void note_infeasibilities() {
    const tableau& t = *t_;
    double* const to = infeasible_.data();
    const int* const basic = t.basic.data();
    const double *const x = t.x.data(), *const lower = t.lower.data(), *const upper = t.upper.data();
    const double least = tolerance;
    for (int p = 0, m = t.rows(); p < m; ++p) {
      const int j = basic[p];
      to[p] = squared_beyond(tableau::beyond(lower[j], x[j], upper[j]), least);
    }
  }

  /// The place whose squared infeasibility is largest beside its weight; -1 where all are feasible.
  int choose_row() const {
    const tableau& t = *t_;
    const double* const by = infeasible_.data();
    const double* const weight = t.weight.data();
    int best = -1;
    double merit = 0, over = 1;
    const auto see = [&](int p) {
      if (by[p] > 0 && by[p] * over > merit * weight[p]) {
        best = p;
        merit = by[p];
        over = weight[p];
      }
    };
    int p = 0;
    const int m = t.rows();
    for (; p + 4 <= m; p += 4) {  // hardly one in four is infeasible where few pivots are to come
      if ((by[p] + by[p + 1]) + (by[p + 2] + by[p + 3]) == 0) continue;
      for (int k = 0; k < 4; ++k) see(p + k);
    }
    for (; p < m; ++p) see(p);
    return best;
  }

  /// Basic variables follow the entering one; `weight_of`: what the weight of a place becomes, by its entry. Those of
  /// the pivot itself are left to the caller.
  template <class Weight>
  void move_basic(const work_vector& column, double length, Weight&& weight_of) {
    tableau& t = *t_;
    const int *const at = column.index.data(), *const basic = t.basic.data();
    const double* const value = column.value.data();
    double *const x = t.x.data(), *const weight = t.weight.data(), *const infeasible = infeasible_.data();
    const double *const lower = t.lower.data(), *const upper = t.upper.data();
    const double least = tolerance;
    for (int s = 0, all = column.count; s < all; ++s) {
      const int r = at[s], j = basic[r];
      const double a = value[r], to = x[j] - length * a, updated = weight_of(r, a);
      x[j] = to;
      weight[r] = updated > 1e-4 ? updated : 1e-4;
      infeasible[r] = squared_beyond(tableau::beyond(lower[j], to, upper[j]), least);
    }
  }

  tableau* t_ = nullptr;
  table<double> infeasible_;  // of each place, squared; zero within the tolerance
};

}  // namespace plait::detail
