// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include <plait/solve/answer.hpp>
#include <plait/solve/check.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/tableau.hpp>
#include <plait/solve/double_double.hpp>
#include <plait/solve/lp.hpp>

namespace plait::detail {

/// Makes the values of basic variables, and the multipliers, as exact as doubles can be: residuals in 32 digits, solved
/// with the factors at hand. Source: Wilkinson, Rounding Errors in Algebraic Processes, 1963 (iterative refinement).
class refinement {
 public:
  monitor* limits = nullptr;  ///< asked between passes
  check_memory memory;

  void values(tableau& t) {
    const int m = t.rows(), n = t.columns();
    const sparse_matrix& a = t.program->a;
    for (int round = 0; round < 2; ++round) {
      poll();
      memory.sum.assign(m, double_double{});
      for (int j = 0; j < n; ++j) {
        if (t.x[j] == 0) continue;
        for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) memory.sum[a.index[k]].add_product(a.value[k], t.x[j]);
      }
      t.buffer.clear();
      bool any = false;
      for (int i = 0; i < m; ++i) {
        memory.sum[i] -= t.x[n + i];
        const double off = memory.sum[i].value();
        if (off == 0) continue;
        any = true;
        t.buffer.set(i, off);
      }
      if (!any) return;
      // Residuals are small beside what solves forget, so they are solved for at size one.
      const double size = largest(t.buffer);
      for (int s = 0; s < t.buffer.count; ++s) t.buffer.value[t.buffer.index[s]] /= size;
      t.factors.ftran(t.buffer, 1);
      bool close = true;
      for (int p = 0; p < m; ++p) {
        const double by = t.buffer.value[p] * size;
        if (by == 0) continue;
        double& x = t.x[t.basic[p]];
        close = close && std::fabs(by) <= small_correction * (1 + std::fabs(x));
        x -= by;
      }
      t.buffer.clear();
      if (close) return;
    }
  }

  /// Leaves the multipliers in `y` and all reduced costs in the tableau.
  void multipliers(tableau& t, table<double>& y) {
    const int m = t.rows(), n = t.columns();
    const sparse_matrix& a = t.program->a;
    t.compute_multipliers();
    y = t.buffer.value;
    t.buffer.clear();
    for (int round = 0; round < 2; ++round) {
      poll();
      bool any = false;
      for (int p = 0; p < m; ++p) {
        const int j = t.basic[p];
        double_double off{t.cost[j]};
        if (j < n) {
          for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) off.add_product(-a.value[k], y[a.index[k]]);
        } else {
          off += y[j - n];
        }
        const double value = off.value();
        if (value == 0) continue;
        any = true;
        t.buffer.set(p, value);
      }
      if (!any) break;
      const double size = largest(t.buffer);
      for (int s = 0; s < t.buffer.count; ++s) t.buffer.value[t.buffer.index[s]] /= size;
      t.factors.btran(t.buffer, 1);
      bool close = true;
      for (int i = 0; i < m; ++i) {
        const double by = t.buffer.value[i] * size;
        if (by == 0) continue;
        close = close && std::fabs(by) <= small_correction * (1 + std::fabs(y[i]));
        y[i] += by;
      }
      t.buffer.clear();
      if (close) break;
    }
    poll();
    for (int j = 0; j < n; ++j) {
      t.d[j] = 0;
      if (t.status[j] == basis_status::basic) continue;
      double_double d{t.cost[j]};
      for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) d.add_product(-a.value[k], y[a.index[k]]);
      t.d[j] = d.value();
    }
    for (int i = 0; i < m; ++i) t.d[n + i] = t.status[n + i] == basis_status::basic ? 0 : t.cost[n + i] + y[i];
  }

  void poll() const {
    if (limits != nullptr) limits->poll();
  }

 private:
  /// After a correction of this size, relative, the next one is far below the last digit.
  static constexpr double small_correction = 1e-12;
  static double largest(const work_vector& v) {
    double found = 0;
    for (int s = 0; s < v.count; ++s) found = std::fmax(found, std::fabs(v.value[v.index[s]]));
    return found;
  }
};

/// Puts the tableau of an unscaled form into an answer: values, activities, duals, reduced costs, basis, objective.
inline void read_back(const lp& model, tableau& t, refinement& refine, answer& into) {
  const int m = t.rows(), n = t.columns();
  const double sign = model.sense() == objective_sense::maximize ? -1 : 1;
  refine.values(t);
  into.x.resize(n);
  for (int j = 0; j < n; ++j) into.x[j] = t.x[j];
  // Rounding of the refined values may leave a bound by less than the tolerance; a value on a bound is the bound.
  for (const int j : t.basic) {
    if (j >= n) continue;
    const double l = model.column_lower(j), u = model.column_upper(j);
    if (into.x[j] < l && into.x[j] >= l - 1e-12 * (1 + std::fabs(l))) into.x[j] = l;
    if (into.x[j] > u && into.x[j] <= u + 1e-12 * (1 + std::fabs(u))) into.x[j] = u;
  }
  refine.multipliers(t, into.dual);
  for (int i = 0; i < m; ++i) into.dual[i] = t.status[n + i] == basis_status::basic ? 0.0 : sign * into.dual[i] + 0.0;
  into.reduced_cost.resize(n);
  for (int j = 0; j < n; ++j) into.reduced_cost[j] = sign * t.d[j] + 0.0;  // no negative zero
  into.activity.assign(m, 0.0);
  refine.poll();
  activities_of(model, into.x, refine.memory.sum, refine.memory.size);
  for (int i = 0; i < m; ++i) into.activity[i] = refine.memory.sum[i].value();
  double_double objective{model.offset()};
  for (int j = 0; j < n; ++j) objective.add_product(model.cost(j), into.x[j]);
  into.objective = objective.value();
  into.basis.columns.resize(n);
  into.basis.rows.resize(m);
  for (int j = 0; j < n; ++j) into.basis.columns[j] = t.status[j];
  for (int i = 0; i < m; ++i) into.basis.rows[i] = t.status[n + i];
}

}  // namespace plait::detail
