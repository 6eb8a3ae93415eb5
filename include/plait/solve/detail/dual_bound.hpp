// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/check.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/double_double.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// What the objective of no feasible point is better than, by multipliers of the rows, in the sense and with the offset
/// of the model: each reduced cost and each multiplier counts times the bound that its sign names, in 32 digits.
/// Without end where one of them names no bound, other than by the tolerance that `check_optimal` grants. O(entries).
/// Source: Neumaier, Shcherbina, "Safe bounds in linear and mixed-integer linear programming", Math. Programming 99,
/// 2004 (with 32 digits in place of directed rounding).
inline double bound_by_duals(const lp& model, const table<double>& dual, monitor* limits = nullptr) {
  const check_tolerances within;
  const sparse_matrix& a = model.matrix();
  const double sign = model.sense() == objective_sense::maximize ? -1 : 1;
  double_double bound{model.offset()};
  bool ends = dual.size() == a.rows && may_be_left_out(model, dual, sign, within.dual, limits);
  const auto price = [&](double_double d, double l, double u, double scale) {
    const double value = sign * d.value();
    if (value == 0) return;
    const double at = value > 0 ? l : u;
    if (at < infinity && at > -infinity) {
      bound.add_product(d, at);
    } else if (!(math::abs(value) <= within.dual * scale)) {
      ends = false;
    }
  };
  for (int j = 0; j < a.columns && ends; ++j) {
    double_double d{model.cost(j)};
    spend(limits, 4 + a.begin[j + 1] - a.begin[j]);
    double scale = 1 + math::abs(model.cost(j));
    for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
      const double y = dual[a.index[k]];
      if (y == 0) continue;
      d.add_product(-a.value[k], y);
      scale += math::abs(a.value[k] * y);
    }
    price(d, model.column_lower(j), model.column_upper(j), scale);
  }
  for (int i = 0; i < a.rows && ends; ++i) {
    price(double_double{dual[i]}, model.row_lower(i), model.row_upper(i), 1 + math::abs(dual[i]));
  }
  return ends ? bound.value() : -sign * infinity;
}

}  // namespace plait::detail
