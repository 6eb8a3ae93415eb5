// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/answer.hpp>
#include <plait/solve/detail/feasible_point.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/double_double.hpp>
#include <plait/solve/lp.hpp>

namespace plait {

/// What `check` found.
struct verdict {
  certificate_kind kind = certificate_kind::none;  ///< what the answer claims
  bool verified = false;
  double max_primal_residual = 0, max_dual_residual = 0, relative_gap = 0;
  const char* reason = "";  ///< what is wrong, where something is
};

/// How far a certificate may be off.
struct check_tolerances {
  double primal = 1e-9;  ///< of a bound, relative to 1, the bound and the terms of the row
  double dual = 1e-9;    ///< of a sign, relative to 1, the cost and the terms of the column
  double gap = 1e-9;     ///< of the objectives, relative to 1 and the objective
  double ray = 1e-12;  ///< of entries of rays that should be zero, relative to the terms they are sums of; of gains too
};

namespace detail {

/// Whether duals whose sign names no bound are nothing but rounding: without them no column's cost, within the terms of
/// its reduced cost, is another by more than `tolerance`. Small they are beside large coefficients too where they stand
/// for a whole cost.
inline bool may_be_left_out(const lp& model, const table<double>& dual, double sign, double tolerance,
                            monitor* limits) {
  const auto names_no_bound = [&](int i) {
    return sign * dual[i] > 0 ? model.row_lower(i) == -infinity : dual[i] != 0 && model.row_upper(i) == infinity;
  };
  bool all_do = true;
  for (int i = 0; i < model.rows() && all_do; ++i) all_do = !names_no_bound(i);
  if (all_do) return true;
  const sparse_matrix& a = model.matrix();
  for (int j = 0; j < a.columns; ++j) {
    double left_out = 0, size = 1 + math::abs(model.cost(j));
    spend(limits, 2 * (a.begin[j + 1] - a.begin[j]));
    for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
      const double term = math::abs(a.value[k] * dual[a.index[k]]);
      size += term;
      if (term != 0 && names_no_bound(a.index[k])) left_out += term;
    }
    if (!(left_out <= tolerance * size)) return false;
  }
  return true;
}

/// What bounds far away make of reduced costs that are but the rounding of the duals: their products with the ways from
/// x to the bounds that their signs name. Costs that differ in a last digit do not have it.
inline double_double gap_of_rounding(const lp& model, const answer& claim, double sign, const check_memory& known) {
  const sparse_matrix& a = model.matrix();
  double_double sum;
  for (int j = 0; j < a.columns; ++j) {
    const double d = known.reduced_cost[j], bound = sign * d > 0 ? model.column_lower(j) : model.column_upper(j);
    if (d == 0 || !(math::abs(bound) < infinity)) continue;
    spend(known.limits, a.begin[j + 1] - a.begin[j]);
    double size = math::abs(model.cost(j));
    for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) size += math::abs(a.value[k] * claim.dual[a.index[k]]);
    if (math::abs(d) <= 4e-16 * size) sum.add_product(double_double{d, known.rounded_off[j]}, bound - claim.x[j]);
  }
  return sum;
}

}  // namespace detail

/// Whether duals prove that x is optimal: x within bounds, signs of duals and reduced costs right, and equal
/// objectives. Reduced costs are computed anew from the duals of the rows; what is below 4e-16 of the terms of one is
/// taken for their rounding.
inline verdict check_optimal(const lp& model, const answer& claim, const check_tolerances& within,
                             detail::check_memory& memory) {
  verdict found{.kind = certificate_kind::optimal};
  if (claim.x.size() != model.columns() || claim.dual.size() != model.rows()) {
    found.reason = "it has no value for each column and dual for each row";
    return found;
  }
  bool good = detail::point_is_feasible(model, claim.x, within.primal, found.max_primal_residual, memory);
  if (!good) found.reason = "x is outside of its bounds";
  const sparse_matrix& a = model.matrix();
  const double sign = model.sense() == objective_sense::maximize ? -1 : 1;
  double_double primal, dual;
  double worst = 0;
  bool signs = true;
  // A multiplier d on something within [l, u]: it counts d times the bound that its sign names. Which bound that is, is
  // as good as a coin where d is what rounding left, so nothing branches on it. `scale` is asked where d is not small.
  const auto price = [&](auto d, double given, double l, double u, auto&& scale) {
    const double value = sign * given, bound = value > 0 ? l : u;
    const double by = math::abs(bound) < infinity ? 0 : math::abs(value);
    const double counts = math::abs(bound) < infinity ? bound : 0;
    worst = by > worst ? by : worst;
    if (!(by <= within.dual) && !(by <= within.dual * scale())) signs = false;
    if (counts != 0) dual.add_product(d, counts);
  };
  memory.reduced_cost.resize_unset(a.columns);
  memory.rounded_off.resize_unset(a.columns);
  const int *const begin = a.begin.data(), *const index = a.index.data();
  const double *const entry = a.value.data(), *const multiplier = claim.dual.data();
  double *const value = memory.reduced_cost.data(), *const rest = memory.rounded_off.data();
  const double* const costs = model.costs().data();
  for (const auto [from, to] : detail::parts(memory.limits, begin, a.columns)) {
    for (int j = from; j < to; ++j) {  // alone, for each sum takes long and does not wait for the one before
      double_double d{-costs[j]};
      for (int k = begin[j], end = begin[j + 1]; k < end; ++k) d.add_product(entry[k], multiplier[index[k]]);
      value[j] = -d.value();
      rest[j] = -d.low - (value[j] + d.high);
    }
  }
  for (const auto [from, to] : detail::parts(memory.limits, begin, a.columns, 4)) {  // it may look at entries once more
    for (int j = from; j < to; ++j) {
      const double cost = costs[j], x = claim.x[j], d = value[j];
      if (!(d == d)) signs = false;
      price(double_double{d, rest[j]}, d, model.column_lower(j), model.column_upper(j), [=] {
        double size = 1 + math::abs(cost);
        for (int k = begin[j], end = begin[j + 1]; k < end; ++k) size += math::abs(entry[k] * multiplier[index[k]]);
        return size;
      });
      if (cost != 0 && x != 0) primal.add_product(cost, x);
    }
  }
  detail::spend(memory.limits, 4 * a.rows);
  for (int i = 0; i < a.rows; ++i) {
    const double d = claim.dual[i];
    price(d, d, model.row_lower(i), model.row_upper(i), [=] { return 1 + math::abs(d); });
  }
  found.max_dual_residual = worst;
  signs = signs && detail::may_be_left_out(model, claim.dual, sign, within.dual, memory.limits);
  if (!signs && good) found.reason = "a dual or a reduced cost has the wrong sign";
  const double objective = primal.value();
  const auto relative = [&](double_double gap) {
    return math::abs(gap.value()) / math::larger(1, math::abs(objective));
  };
  found.relative_gap = relative(primal - dual);
  if (good && signs && !(found.relative_gap <= within.gap)) {
    found.relative_gap = relative(primal - dual + detail::gap_of_rounding(model, claim, sign, memory));
  }
  const bool closed = found.relative_gap <= within.gap;
  if (good && signs && !closed) found.reason = "the primal and the dual objective differ";
  found.verified = good && signs && closed;
  return found;
}

inline verdict check_optimal(const lp& model, const answer& claim, const check_tolerances& within = {}) {
  detail::check_memory memory;
  return check_optimal(model, claim, within, memory);
}

/// Whether multipliers y of the rows prove that there is no feasible point: for every x and r = A x the sum of
/// (y A)_j x_j - y_i r_i is zero, and within all bounds it is at least some positive number. Crossed bounds prove it
/// too.
inline verdict check_farkas(const lp& model, const answer& claim, const check_tolerances& within,
                            detail::check_memory& memory) {
  verdict found{.kind = certificate_kind::farkas};
  for (int j = 0; j < model.columns(); ++j) found.verified |= model.column_lower(j) > model.column_upper(j);
  for (int i = 0; i < model.rows(); ++i) found.verified |= model.row_lower(i) > model.row_upper(i);
  if (found.verified) return found;
  if (claim.farkas.size() != model.rows()) {
    found.reason = "there is no multiplier for each row";
    return found;
  }
  const sparse_matrix& a = model.matrix();
  double_double least;
  double size = 0;
  bool bounded = true;
  const auto add = [&](double_double z, double l, double u, double terms) {
    const double value = z.value();
    if (value == 0) return;
    const double bound = value > 0 ? l : u;
    if (bound == infinity || bound == -infinity) {
      if (!(math::abs(value) <= within.ray * terms)) bounded = false;
      return;
    }
    least.add_product(z, bound);
    size += math::abs(value * bound);
  };
  for (int j = 0; j < a.columns; ++j) {
    double_double z;
    double terms = 0;
    detail::spend(memory.limits, 4 + a.begin[j + 1] - a.begin[j]);
    for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
      z.add_product(a.value[k], claim.farkas[a.index[k]]);
      terms += math::abs(a.value[k] * claim.farkas[a.index[k]]);
    }
    add(z, model.column_lower(j), model.column_upper(j), terms);
  }
  for (int i = 0; i < a.rows; ++i) add(-double_double{claim.farkas[i]}, model.row_lower(i), model.row_upper(i), 0);
  if (!bounded) {
    found.reason = "the multipliers leave a term without bound";
  } else if (!(least.value() > within.ray * size) || !(least.value() > 0)) {
    found.reason = "the multipliers do not exclude every point";
  } else {
    found.verified = true;
  }
  return found;
}

inline verdict check_farkas(const lp& model, const answer& claim, const check_tolerances& within = {}) {
  detail::check_memory memory;
  return check_farkas(model, claim, within, memory);
}

/// Whether x is feasible and the ray leads from it to ever better points: no bound in its way, and the cost falls.
inline verdict check_primal_ray(const lp& model, const answer& claim, const check_tolerances& within,
                                detail::check_memory& memory) {
  verdict found{.kind = certificate_kind::primal_ray};
  if (claim.x.size() != model.columns() || claim.ray.size() != model.columns()) {
    found.reason = "there is no value and no direction for each column";
    return found;
  }
  if (!detail::point_is_feasible(model, claim.x, within.primal, found.max_primal_residual, memory)) {
    found.reason = "x is outside of its bounds";
    return found;
  }
  double largest = 0;
  for (const double v : claim.ray) largest = math::larger(largest, math::abs(v));
  bool free = largest > 0;
  const auto see = [&](double v, double l, double u, double terms) {
    if (math::abs(v) <= within.ray * terms) return;
    if ((v > 0 && u < infinity) || (v < 0 && l > -infinity)) free = false;
  };
  const table<double_double>& sum = memory.sum;
  const table<double>& size = memory.size;
  detail::activities_of(model, claim.ray, memory);
  detail::magnitudes_of(model.matrix(), claim.ray, memory);
  double_double gain;
  double gain_size = 0;
  for (int j = 0; j < model.columns(); ++j) {
    see(claim.ray[j], model.column_lower(j), model.column_upper(j), 0);
    gain.add_product(model.cost(j), claim.ray[j]);
    gain_size += math::abs(model.cost(j) * claim.ray[j]);
  }
  for (int i = 0; i < model.rows(); ++i) see(sum[i].value(), model.row_lower(i), model.row_upper(i), size[i]);
  const double falls = model.sense() == objective_sense::maximize ? gain.value() : -gain.value();
  if (!free) {
    found.reason = "a bound ends the ray";
  } else if (!(falls > within.ray * gain_size) || !(falls > 0)) {
    found.reason = "the objective does not get better along the ray";
  } else {
    found.verified = true;
  }
  return found;
}

inline verdict check_primal_ray(const lp& model, const answer& claim, const check_tolerances& within = {}) {
  detail::check_memory memory;
  return check_primal_ray(model, claim, within, memory);
}

/// Checks what an answer says against the model as it was given, in 32-digit arithmetic. Uses nothing of the solver.
///
/// optimal: `check_optimal`; infeasible: `check_farkas`; unbounded: `check_primal_ray`; any other status proves
/// nothing. Cost: O(entries), about 20 operations each.
inline verdict check(const lp& model, const answer& claim, const check_tolerances& within,
                     detail::check_memory& memory) {
  switch (claim.status) {
    case termination::optimal:
      return check_optimal(model, claim, within, memory);
    case termination::infeasible:
      return check_farkas(model, claim, within, memory);
    case termination::unbounded:
      return check_primal_ray(model, claim, within, memory);
    default:
      return {};
  }
}

inline verdict check(const lp& model, const answer& claim, const check_tolerances& within = {}) {
  detail::check_memory memory;
  return check(model, claim, within, memory);
}

}  // namespace plait
