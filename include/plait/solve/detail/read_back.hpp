// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/answer.hpp>
#include <plait/solve/check.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/tableau.hpp>
#include <plait/solve/detail/work_vector.hpp>
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
        const halved x{t.x[j]};
        for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
          double_double one = memory.sum[a.index[k]];
          memory.sum[a.index[k]] = one.add_product(a.value[k], x);
        }
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
      t.factors.ftran_whole(t.buffer);
      bool close = true;
      for (int p = 0; p < m; ++p) {
        if (means(t.buffer.value[p]) == 0) continue;
        const double by = t.buffer.value[p] * size;
        double& x = t.x[t.basic[p]];
        close = close && math::abs(by) <= small_correction * (1 + math::abs(x));
        x -= by;
      }
      t.buffer.clear();
      if (close) return;
    }
  }

  /// Leaves the multipliers in `y`.
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
      t.factors.btran_whole(t.buffer);
      bool close = true;
      for (int i = 0; i < m; ++i) {
        if (means(t.buffer.value[i]) == 0) continue;
        const double by = t.buffer.value[i] * size;
        close = close && math::abs(by) <= small_correction * (1 + math::abs(y[i]));
        y[i] += by;
      }
      t.buffer.clear();
      if (close) break;
    }
  }

  void poll() const {
    if (limits != nullptr) limits->poll();
  }

 private:
  /// After a correction of this size, relative, the next one is about its square, far below the last digit.
  static constexpr double small_correction = 1e-10;
  static double largest(const work_vector& v) {
    double found = 0;
    for (int s = 0; s < v.count; ++s) found = math::larger(found, math::abs(v.value[v.index[s]]));
    return found;
  }
};

/// Puts the tableau of an unscaled form into an answer: values, duals, basis. What follows from these, activities,
/// reduced costs and the objective, is left to `read_rest` or to a check that computes it anyway.
inline void read_point(const lp& model, tableau& t, refinement& refine, answer& into) {
  const int m = t.rows(), n = t.columns();
  const double sign = model.sense() == objective_sense::maximize ? -1 : 1;
  refine.values(t);
  into.x.resize(n);
  for (int j = 0; j < n; ++j) into.x[j] = t.x[j];
  // Rounding of the refined values may leave a bound by less than the tolerance; a value on a bound is the bound.
  for (const int j : t.basic) {
    if (j >= n) continue;
    const double l = model.column_lower(j), u = model.column_upper(j);
    if (into.x[j] < l && into.x[j] >= l - 1e-12 * (1 + math::abs(l))) into.x[j] = l;
    if (into.x[j] > u && into.x[j] <= u + 1e-12 * (1 + math::abs(u))) into.x[j] = u;
  }
  refine.multipliers(t, into.dual);
  for (int i = 0; i < m; ++i) into.dual[i] = t.status[n + i] == basis_status::basic ? 0.0 : sign * into.dual[i] + 0.0;
  into.basis.columns.resize(n);
  into.basis.rows.resize(m);
  for (int j = 0; j < n; ++j) into.basis.columns[j] = t.status[j];
  for (int i = 0; i < m; ++i) into.basis.rows[i] = t.status[n + i];
}

/// The rest of an answer, from the values and duals that it holds. Needs: `known`, as `check_optimal` of it left it.
inline void read_rest(const lp& model, const check_memory& known, answer& into) {
  const int m = model.rows(), n = model.columns();
  into.activity.resize(m);
  for (int i = 0; i < m; ++i) into.activity[i] = known.sum[i].value();
  into.reduced_cost.resize(n);
  double_double objective{model.offset()};
  for (int j = 0; j < n; ++j) {
    // No negative zero; and what rounding leaves of a basic column's reduced cost is none.
    into.reduced_cost[j] = only_if(into.basis.columns[j] != basis_status::basic, known.reduced_cost[j] + 0.0);
    if (model.cost(j) != 0 && into.x[j] != 0) objective.add_product(model.cost(j), into.x[j]);
  }
  into.objective = objective.value();
}

/// Whether all is within `tolerance` of its bound and sign, in absolute terms. Needs: an answer that `read_point` made
/// of `t`, and `known`, as `check_optimal` of it left it.
[[nodiscard]] inline bool within(const lp& model, const tableau& t, const check_memory& known, const answer& made,
                                 double tolerance) {
  const int n = t.columns();
  const double sign = model.sense() == objective_sense::maximize ? -1 : 1;
  for (const int j : t.basic)
    if (t.primal_infeasibility(j) > tolerance) return false;
  for (int j = 0; j < t.variables(); ++j) {
    const int at = static_cast<int>(t.status[j]);
    const double d = sign * (j < n ? known.reduced_cost[j] : made.dual[j - n]);
    const int below = static_cast<int>(d < -tolerance) & static_cast<int>(at != static_cast<int>(basis_status::upper)),
              above = static_cast<int>(d > tolerance) & static_cast<int>(at != static_cast<int>(basis_status::lower));
    if ((below | above) != 0 && t.status[j] != basis_status::basic && !t.is_fixed(j)) return false;
  }
  return true;
}

/// All of it, for answers that no check of optimality looks at.
inline void read_back(const lp& model, tableau& t, refinement& refine, answer& into) {
  const sparse_matrix& a = model.matrix();
  read_point(model, t, refine, into);
  refine.poll();
  refine.memory.reduced_cost.resize(a.columns);
  for (int j = 0; j < a.columns; ++j) {
    double_double d{model.cost(j)};
    for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) d.add_product(-a.value[k], into.dual[a.index[k]]);
    refine.memory.reduced_cost[j] = d.value();
  }
  activities_of(model, into.x, refine.memory.sum, refine.memory.size);
  read_rest(model, refine.memory, into);
}

}  // namespace plait::detail
