// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

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
  check_memory memory;  ///< its monitor is asked between passes too

  /// Of the tableau.
  void values(tableau& t) { basic_ones(t, t.x); }

  /// Of any vector of all variables with A x - r = 0, such as a direction: what is not basic stays.
  void basic_ones(tableau& t, table<double>& of) {
    const int m = t.rows(), n = t.columns();
    for (int round = 0; round < 2; ++round) {
      poll();
      memory.sum.resize_unset(m);
      double_double* const sum = memory.sum.data();
      const double* const activity = of.data() + n;
      for (int i = 0; i < m; ++i) sum[i] = double_double{-activity[i]};
      add_activities(t.program->a, of, memory);
      double* const off = t.buffer.value.data();
      double largest = 0;
      for (int i = 0; i < m; ++i) {
        off[i] = sum[i].value();
        largest = math::larger(largest, math::abs(off[i]));
      }
      const double size = to_size_one(t.buffer, largest);
      if (size == 0) return;
      t.factors.ftran_whole(t.buffer);
      int far = 0;
      double* const x = of.data();
      const int* const basic = t.basic.data();
      for (int p = 0; p < m; ++p) {
        const double by = meaning(off[p]) * size;
        const int j = basic[p];
        far += static_cast<int>(!(math::abs(by) <= small_correction * (1 + math::abs(x[j]))));
        x[j] -= by;
      }
      if (far == 0) return;
    }
  }

  /// Leaves the multipliers in `y`.
  void multipliers(tableau& t, table<double>& y) {
    t.compute_multipliers();
    y = t.buffer.value;
    const double* const cost = t.cost.data();
    solve_rows(t, y, [cost](int, int j) { return cost[j]; });
  }

  /// Multipliers that show infeasibility: of each basic variable they leave one, up or down, or nothing.
  void farkas(tableau& t, table<double>& y) {
    const sparse_matrix& a = t.program->a;
    table<signed char>& leaves = leaves_;
    leaves.resize_unset(t.rows());
    for (int p = 0; p < t.rows(); ++p) {
      double sum = 0;
      const int j = t.basic[p];
      if (j >= a.columns) {
        sum = -y[j - a.columns];
      } else {
        spend(memory.limits, a.begin[j + 1] - a.begin[j]);
        for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) sum += a.value[k] * y[a.index[k]];
      }
      leaves[p] = static_cast<signed char>(sum > 0.5 ? 1 : sum < -0.5 ? -1 : 0);
    }
    solve_rows(t, y, [&leaves](int p, int) { return static_cast<double>(leaves[p]); });
  }

  void poll() const {
    if (memory.limits != nullptr) memory.limits->poll();
  }

 private:
  /// Multipliers y with y B = wanted(place, variable), from such nearly.
  template <class Wanted>
  void solve_rows(tableau& t, table<double>& y, Wanted wanted) {
    const int m = t.rows(), n = t.columns();
    const sparse_matrix& a = t.program->a;
    const int *const begin = a.begin.data(), *const index = a.index.data();
    const double* const value = a.value.data();
    for (int round = 0; round < 2; ++round) {
      poll();
      double *const left = t.buffer.value.data(), *const to = y.data(), largest = 0;
      // Activities first, and which the columns are: they come in no order.
      const int* const basic = t.basic.data();
      memory.columns.resize_unset(m + 1);
      int *const columns = memory.columns.data(), found = 0;
      for (int p = 0; p < m; ++p) {
        const int j = basic[p], i = j - n;
        left[p] = wanted(p, j) + to[i < 0 ? 0 : i];
        columns[found] = p;
        found += static_cast<int>(i < 0);
      }
      list_in_parts(
          memory.limits, found, a.entries(),
          [=](int s) { return begin[basic[columns[s]] + 1] - begin[basic[columns[s]]]; },
          [=](int from, int until) {
            for (int s = from; s < until; ++s) {
              const int p = columns[s], j = basic[p];
              double_double off{-wanted(p, j)};
              for (int k = begin[j], end = begin[j + 1]; k < end; ++k) off.add_product(value[k], to[index[k]]);
              left[p] = -off.value();
            }
          });
      for (int p = 0; p < m; ++p) largest = math::larger(largest, math::abs(left[p]));
      const double size = to_size_one(t.buffer, largest);
      if (size == 0) break;
      t.factors.btran_whole(t.buffer);
      int far = 0;
      for (int i = 0; i < m; ++i) {
        const double by = meaning(left[i]) * size;
        far += static_cast<int>(!(math::abs(by) <= small_correction * (1 + math::abs(to[i]))));
        to[i] += by;
      }
      if (far == 0) break;
    }
  }

  /// After a correction of this size, relative, the next one is about its square, far below the last digit.
  static constexpr double small_correction = 1e-10;
  /// Residuals are small beside what solves forget, so they are solved for at a size between one and two, by a power of
  /// two that rounds nothing. `largest`: of their magnitudes. Returns that power for what comes out; zero where there
  /// is nothing to solve for.
  static double to_size_one(work_vector& residual, double largest) {
    residual.listed = false;
    const double size = std::bit_cast<double>(std::bit_cast<std::uint64_t>(largest) & (std::uint64_t{0x7ff} << 52));
    if (size < 1e-300) return 0;
    const double over = 1 / size;
    for (double& v : residual.value) v *= over;
    return size;
  }

  table<signed char> leaves_;
};

/// Puts the tableau of an unscaled form into an answer: values, duals, basis. What follows from these, activities,
/// reduced costs and the objective, is left to `read_rest` or to a check that computes it anyway.
inline void read_point(const lp& model, tableau& t, refinement& refine, answer& into) {
  const int m = t.rows(), n = t.columns();
  const double sign = model.sense() == objective_sense::maximize ? -1 : 1;
  refine.values(t);
  into.x.copy(t.x, 0, n);
  // Rounding of the refined values may leave a bound by less than the tolerance; a value on a bound is the bound.
  for (const int j : t.basic) {
    if (j >= n) continue;
    const double l = model.column_lower(j), u = model.column_upper(j);
    if (into.x[j] < l && into.x[j] >= l - 1e-12 * (1 + math::abs(l))) into.x[j] = l;
    if (into.x[j] > u && into.x[j] <= u + 1e-12 * (1 + math::abs(u))) into.x[j] = u;
  }
  refine.multipliers(t, into.dual);
  double* const dual = into.dual.data();
  const basis_status* const at = t.status.data() + n;
  for (int i = 0; i < m; ++i) dual[i] = only_if(at[i] != basis_status::basic, sign * dual[i] + 0.0);
  into.basis.columns.copy(t.status, 0, n);
  into.basis.rows.copy(t.status, n, m);
}

/// The rest of an answer, from the values and duals that it holds. Needs: `known`, as `check_optimal` of it left it.
inline void read_rest(const lp& model, const check_memory& known, answer& into) {
  const int m = model.rows(), n = model.columns();
  spend(known.limits, 4 * std::int64_t{m + n});
  into.activity.resize_unset(m);
  for (int i = 0; i < m; ++i) into.activity[i] = known.sum[i].value();
  into.reduced_cost.resize_unset(n);
  double_double objective{model.offset()};
  double* const d = into.reduced_cost.data();
  const double *const given = known.reduced_cost.data(), *const cost = model.costs().data(), *const x = into.x.data();
  const basis_status* const at = into.basis.columns.data();
  for (int j = 0; j < n; ++j) {
    // No negative zero; and what rounding leaves of a basic column's reduced cost is none.
    d[j] = only_if(at[j] != basis_status::basic, given[j] + 0.0);
    if (cost[j] != 0 && x[j] != 0) objective.add_product(cost[j], x[j]);
  }
  into.objective = objective.value();
}

/// Whether all is within `tolerance` of its bound and sign, in absolute terms. Needs: an answer that `read_point` made
/// of `t`, and `known`, as `check_optimal` of it left it.
[[nodiscard]] inline bool within(const lp& model, const tableau& t, const check_memory& known, const answer& made,
                                 double tolerance) {
  const int n = t.columns();
  spend(known.limits, 4 * t.variables());
  const double sign = model.sense() == objective_sense::maximize ? -1 : 1;
  for (const int j : t.basic)
    if (t.beyond_bounds(j) > tolerance) return false;
  const basis_status* const at = t.status.data();
  const auto wrong = [&t, at, tolerance](int j, double d) {
    if (d * tableau::wanted_sign(at[j]) >= -tolerance) return false;
    const bool below = d < -tolerance && t.status[j] != basis_status::upper,
               above = d > tolerance && t.status[j] != basis_status::lower;
    return (below || above) && t.status[j] != basis_status::basic && !t.is_fixed(j);
  };
  const double *const of_column = known.reduced_cost.data(), *const of_row = made.dual.data();
  for (int j = 0; j < n; ++j)
    if (wrong(j, sign * of_column[j])) return false;
  for (int i = 0, m = t.rows(); i < m; ++i)
    if (wrong(n + i, sign * of_row[i])) return false;
  return true;
}

/// All of it, for answers that no check of optimality looks at.
inline void read_back(const lp& model, tableau& t, refinement& refine, answer& into) {
  const sparse_matrix& a = model.matrix();
  read_point(model, t, refine, into);
  refine.memory.reduced_cost.resize(a.columns);
  for (const auto [from, to] : parts(refine.memory.limits, a.begin.data(), a.columns)) {
    for (int j = from; j < to; ++j) {
      double_double d{model.cost(j)};
      for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) d.add_product(-a.value[k], into.dual[a.index[k]]);
      refine.memory.reduced_cost[j] = d.value();
    }
  }
  activities_of(model, into.x, refine.memory);
  read_rest(model, refine.memory, into);
}

}  // namespace plait::detail
