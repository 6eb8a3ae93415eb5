// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/answer.hpp>
#include <plait/solve/check.hpp>
#include <plait/solve/detail/dual_bound.hpp>
#include <plait/solve/detail/engine.hpp>
#include <plait/solve/detail/form.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/read_back.hpp>
#include <plait/solve/detail/tableau.hpp>
#include <plait/solve/detail/unfinished.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/options.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// Makes answers of what the methods end with: on the program as it was given,
/// refined, and put before `check`. False where the certificate does not pass.
class proof : protected unfinished {
 protected:
  static bool bounds_cross(const lp& model, answer& found) {
    if (!any_above(model.column_lowers(), model.column_uppers()) && !any_above(model.row_lowers(), model.row_uppers()))
      return false;
    bool crossed = false;
    for (int j = 0; j < model.columns() && !crossed; ++j) {
      crossed = model.column_lower(j) > model.column_upper(j);
      if (crossed) found.explanation = "the bounds of column " + model.column_name(j) + " exclude each other";
    }
    for (int i = 0; i < model.rows() && !crossed; ++i) {
      crossed = model.row_lower(i) > model.row_upper(i);
      if (crossed) found.explanation = "the bounds of row " + model.row_name(i) + " exclude each other";
    }
    found.status = termination::infeasible;
    found.certificate = certificate_kind::farkas;
    found.farkas.assign(model.rows(), 0.0);
    found.verified = check(model, found).verified;
    return true;
  }
  /// Whether the multipliers that a basis brings along from an infeasible end show the program infeasible as it is now;
  /// rows that it has gained since count nothing.
  bool still_infeasible(const lp& model, const basis& start, answer& found) {
    if (start.farkas.empty() || start.farkas.size() != start.rows.size()) return false;
    found.status = termination::infeasible;
    found.certificate = certificate_kind::farkas;
    found.farkas = start.farkas;
    found.farkas.resize(model.rows(), 0.0);
    if (!passes(model, found)) return false;
    start_basis(model, start);
    found.basis.columns.copy(status_, 0, model.columns());
    found.basis.rows.copy(status_, model.columns(), model.rows());
    return true;
  }
  /// Whether the ray that a basis brings along from an unbounded end leads from its point to ever better ones of the
  /// program as it is now, along which columns that it has gained stay. Needs: the program as it was given, and values
  /// that follow from the basis.
  bool still_unbounded(const lp& model, const basis& start, answer& found) {
    if (start.ray.empty() || start.ray.size() != start.columns.size()) return false;
    found.ray = start.ray;
    found.ray.resize(model.columns(), 0.0);
    return shows_unbounded(model, found);
  }
  /// Whether the basis at hand, refined, is optimal, within `tolerance` in absolute terms and before `check`; then the
  /// answer says so. Needs: the program as it was given, and values that follow from the basis.
  bool proves_optimal(const lp& model, answer& found, double tolerance) {
    const tableau& t = engine_.state;
    status_ = t.status;
    found.status = termination::optimal;
    found.certificate = certificate_kind::optimal;
    read_point(model, engine_.state, refine_, found);
    if (!passes(model, found) || !within(model, t, check_memory_, found, tolerance)) return false;
    read_rest(model, check_memory_, found);
    found.primal = found.dual_point = point_status::feasible;
    return true;
  }

  /// `at_hand`: whether the tableau holds what follows from the basis already,
  /// and it is optimal.
  bool finish_optimal(const lp& model, const solve_options& options, monitor& limits, answer& found,
                      bool at_hand = false) {
    tableau& t = engine_.state;
    const bool worked_here = t.program == &original_ && whole_ == &original_;
    if (worked_here) {
      t.forget();
    } else {
      attach_original(model, options.seed);
    }
    // Looked at first, for it mostly is an optimum: the check computes what
    // tells so in any case.
    double tolerance = options.tolerance;
    bool ended_here = at_hand;
    if (!at_hand && options.keep_factors && worked_here && t.few_updates() && !t.costs_apart && !t.bounds_apart &&
        proves_optimal(model, found, tolerance)) {
      return true;
    }
    if (!at_hand) follow_basis(worked_here);
    for (int attempt = 0; attempt < 4; ++attempt) {
      limits.poll();
      if (proves_optimal(model, found, ended_here ? infinity : tolerance)) return true;
      limits.poll();
      t.compute_reduced_costs();
      const tableau::infeasibility values = t.primal_infeasibilities(tolerance),
                                   costs = t.dual_infeasibilities(tolerance);
      // What is small in absolute terms may be large for the check, beside large coefficients or small costs.
      if (ended_here) tolerance = 0.5 * math::smaller(tolerance, math::larger(values.largest, costs.largest));
      const bool primal = values.largest <= tolerance, dual = costs.largest <= tolerance;
      ended_here = true;
      if (primal && dual) continue;
      t.ready = true;
      t.signs_right = dual;
      limits.poll();
      const outcome ended = engine_.run(limits, dual, false, tolerance, infinity);
      status_ = t.status;
      if (ended == outcome::unbounded && limits.reason == stop_reason::none) {
        return finish_unbounded(model, options, limits, found, tolerance);
      }
      if (ended != outcome::optimal) {
        found.explanation = "on the unscaled program the basis did not stay optimal";
        return false;
      }
      follow_basis();
    }
    return false;
  }
  bool finish_infeasible(const lp& model, const solve_options& options, monitor& limits, answer& found) {
    found.status = termination::infeasible;
    found.certificate = certificate_kind::farkas;
    const auto take = [&](const table<double>& ray, const form& program) {
      if (ray.size() != model.rows()) return false;
      found.farkas.resize(model.rows());
      double largest = 0;
      for (int i = 0; i < model.rows(); ++i) {
        found.farkas[i] = ray[i] * program.row_scale[i];
        largest = math::larger(largest, math::abs(found.farkas[i]));
      }
      for (const double sign : {1.0, -1.0}) {
        for (int i = 0; i < model.rows(); ++i) found.farkas[i] *= sign / (largest > 0 && sign > 0 ? largest : 1);
        if (passes(model, found)) return true;
      }
      return false;
    };
    bool proved = take(engine_.ray, scaled_);
    // Once more on the program as it was given. Without costs every basis is
    // dual feasible.
    if (!proved) {
      load_original(model, options);
      for (double& c : original_.cost) c = 0;
      engine_.state.costs_apart = true;
      const outcome ended = engine_.run(limits, true, false, options.tolerance, infinity);
      if (ended == outcome::infeasible) {
        proved = take(engine_.ray, original_);
        if (!proved) {
          refine_.farkas(engine_.state, engine_.ray);
          proved = take(engine_.ray, original_);
        }
      } else {
        found.explanation = "on the unscaled program the basis does not show infeasibility";
      }
    }
    if (proved) write_basis(model, found);
    return proved;
  }
  /// Whether a basis near the one at hand proves that every feasible point is past the limit on the objective; then the
  /// answer says so. Else `status_` is as it was.
  bool finish_past_limit(const lp& model, const solve_options& options, monitor& limits, answer& found) {
    load_original(model, options);
    engine_.find_dual_feasible(limits, options.tolerance);
    tableau& t = engine_.state;
    refine_.multipliers(t, found.dual);
    const double sign = model.sense() == objective_sense::maximize ? -1 : 1;
    for (double& y : found.dual) y *= sign;
    const double bound = bound_by_duals(model, found.dual, &limits), limit = options.objective_limit;
    if (!(sign * (bound - limit) > 1e-9 * math::larger(1, math::abs(limit)))) return false;
    status_ = t.status;
    read(model, found);
    found.status = termination::objective_limit;
    found.bound = bound;
    found.dual_point = point_status::feasible;
    found.explanation = "no feasible point keeps the limit on the objective";
    return true;
  }
  /// `tolerance`: of reduced costs and values, in absolute terms.
  bool finish_unbounded(const lp& model, const solve_options& options, monitor& limits, answer& found,
                        double tolerance) {
    load_original(model, options);
    const outcome ended = engine_.run(limits, false, false, tolerance, infinity);
    if (ended != outcome::unbounded) {
      found.explanation = "on the unscaled program the ray ends";
      return false;
    }
    tableau& t = engine_.state;
    status_ = t.status;
    refine_.basic_ones(t, engine_.ray);  // the methods forget what is small beside the largest entry, and rows may not
    found.ray.resize(model.columns());
    for (int j = 0; j < model.columns(); ++j) found.ray[j] = engine_.ray[j];
    return shows_unbounded(model, found);
  }

 private:
  /// Whether the ray of the answer does from the point of the basis at hand; then the answer says so.
  bool shows_unbounded(const lp& model, answer& found) {
    found.status = termination::unbounded;
    found.certificate = certificate_kind::primal_ray;
    read_back(model, engine_.state, refine_, found);
    if (!passes(model, found)) return false;
    found.primal = point_status::feasible;
    return true;
  }
  static bool any_above(const table<double>& lower, const table<double>& upper) {
    const double *const low = lower.data(), *const high = upper.data();
    for (int k = 0, all = lower.size(); k < all; ++k)
      if (low[k] > high[k]) return true;
    return false;
  }
};

}  // namespace plait::detail
