// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

#include <plait/core/math.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/double_double.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

inline double beyond(double_double v, double lower, double upper) {
  double by = 0;
  if (lower > -infinity) by = math::larger(by, (double_double{lower} - v).value());
  if (upper < infinity) by = math::larger(by, (v - double_double{upper}).value());
  return by;
}

inline double finite_bound(double lower, double upper) {
  return math::larger(lower > -infinity ? math::abs(lower) : 0, upper < infinity ? math::abs(upper) : 0);
}

/// Memory of a check, for those who check often.
struct check_memory {
  monitor* limits = nullptr;   ///< asked between parts, where there is one
  table<double_double> sum;    ///< of `check_optimal`: the activity of each row
  table<double> size;          ///< the sum of the magnitudes of its terms, where it was asked for
  table<double> reduced_cost;  ///< of `check_optimal`: of each column, from the duals of the rows alone
  table<double> rounded_off;   ///< what its digits beyond a double are
  table<int> columns;          ///< those with a value that is not zero
};

/// Which of the first `count` are not zero: without branches, for which ones these are is as good as a coin.
inline void list_nonzero(const table<double>& x, int count, table<int>& list) {
  list.resize_unset(count + 1);
  int* const at = list.data();
  int found = 0;
  for (int j = 0; j < count; ++j) {
    at[found] = j;
    found += static_cast<int>(std::bit_cast<std::uint64_t>(x[j]) << 1 != 0);
  }
  list.resize(found);
}

/// Adds A x to `memory.sum`, in 32 digits; of x the places behind the columns are not looked at.
inline void add_activities(const sparse_matrix& a, const table<double>& x, check_memory& memory) {
  const int *const begin = a.begin.data(), *const index = a.index.data();
  const double* const value = a.value.data();
  double_double* const sums = memory.sum.data();
  list_nonzero(x, a.columns, memory.columns);
  const int* const columns = memory.columns.data();
  const double* const values = x.data();
  list_in_parts(
      memory.limits, memory.columns.size(), a.entries(),
      [=](int s) { return begin[columns[s] + 1] - begin[columns[s]]; },
      [=](int from, int to) {
        for (int s = from; s < to; ++s) {
          const int j = columns[s];
          const halved xj{values[j]};
          for (int k = begin[j], end = begin[j + 1]; k < end; ++k) {
            double_double one = sums[index[k]];
            sums[index[k]] = one.add_product(value[k], xj);
          }
        }
      });
}

/// Activities of the rows at `x`.
inline void activities_of(const lp& model, const table<double>& x, check_memory& memory) {
  memory.sum.assign(model.rows(), double_double{});
  add_activities(model.matrix(), x, memory);
}

/// The sums of the magnitudes of the terms of these activities: only what is beyond a bound is held against them.
inline void magnitudes_of(const sparse_matrix& a, const table<double>& x, check_memory& memory) {
  memory.size.assign(a.rows, 0.0);
  double* const size = memory.size.data();
  for (const auto [from, to] : parts(memory.limits, a.begin.data(), a.columns)) {
    for (int j = from; j < to; ++j) {
      if (x[j] == 0) continue;
      for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) size[a.index[k]] += math::abs(a.value[k] * x[j]);
    }
  }
}

inline bool point_is_feasible(const lp& model, const table<double>& x, double tolerance, double& worst,
                              check_memory& memory) {
  const table<double_double>& sum = memory.sum;
  activities_of(model, x, memory);
  bool good = true, sized = false;
  worst = 0;
  spend(memory.limits, model.columns() + model.rows());
  const auto see = [&](double by, double scale) {
    if (by > worst) worst = by;
    if (!(by <= tolerance * scale)) good = false;
  };
  for (int j = 0; j < model.columns(); ++j) {
    const double l = model.column_lower(j), u = model.column_upper(j), v = x[j];
    if (v >= l && v <= u) continue;
    see(v == v ? beyond(v, l, u) : infinity, 1 + finite_bound(l, u));
  }
  for (int i = 0; i < model.rows(); ++i) {
    const double l = model.row_lower(i), u = model.row_upper(i), v = sum[i].value();
    if (v > l && v < u) continue;  // rounding keeps order, so this is exact
    const double by = beyond(sum[i], l, u);
    if (!(by <= tolerance) && !sized) {
      magnitudes_of(model.matrix(), x, memory);
      sized = true;
    }
    see(by, sized ? 1 + math::larger(finite_bound(l, u), memory.size[i]) : 1);
  }
  return good;
}

inline bool point_is_feasible(const lp& model, const table<double>& x, double tolerance, double& worst) {
  check_memory memory;
  return point_is_feasible(model, x, tolerance, worst, memory);
}

}  // namespace plait::detail
