// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/answer.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/detail/implied_boxes.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/proof.hpp>
#include <plait/solve/detail/tableau.hpp>
#include <plait/solve/detail/triangular_crash.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/options.hpp>
#include <plait/solve/presolve.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// Solves what presolve leaves of a program, and brings back what comes of it: a basis, or multipliers that show
/// infeasibility.
class reduced_solve : protected proof {
 protected:
  /// Solves what presolve leaves, and brings its basis back: the whole program
  /// goes on from there, and says which certificate there is. `failed` where
  /// that is no start.
  outcome start_from_reduced(const lp& model, const solve_options& options, monitor& limits, bool dual_first) {
    const presolve::result ended = presolve_.reduce(model, &limits);
    if (ended == presolve::result::unbounded) return outcome::failed;
    boxes_.clear();
    pivoted_ = ended == presolve::result::reduced;
    if (!pivoted_) {
      scaled_.load(presolve_.reduced(), false);
      presolve_.excluding_rows(engine_.ray);
      start_basis(model, {});
      return outcome::infeasible;
    }
    if (presolve_.steps().size() == 0) return outcome::failed;
    const lp& small = presolve_.reduced();
    status_.assign(small.rows() + small.columns(), basis_status::lower);
    for (int i = 0; i < small.rows(); ++i) status_[small.columns() + i] = basis_status::basic;
    scaled_.load(small, true);
    if (dual_first) {
      boxes_.add(scaled_);
    } else if (options.crash) {
      triangle_.run(scaled_, status_);
    }
    engine_.attach(scaled_, options.seed);
    whole_ = nullptr;
    engine_.state.threshold = 0.1;
    engine_.state.set_basis(status_);
    const double limit = objective_limit_of(model, options) - small.offset();
    const outcome outcome = engine_.run(limits, dual_first, true, 1e-7, limit);
    say(options, outcome, limits);
    const tableau& t = engine_.state;
    reduced_cost_.clear();
    if (outcome == outcome::infeasible || outcome == outcome::unbounded) {
      presolve_.postsolve(t.status, reduced_cost_, status_);
      crashed_ = true;
      return outcome;
    }
    const bool past_limit = limits.reason == stop_reason::objective;
    if (outcome != outcome::optimal && !past_limit) return outcome::failed;
    reduced_cost_.resize(t.variables());
    for (int j = 0; j < t.variables(); ++j) reduced_cost_[j] = t.d[j] * scaled_.scale_of(j);
    presolve_.postsolve(t.status, reduced_cost_, status_);
    crashed_ = true;
    return past_limit ? outcome::stopped : outcome;
  }

  /// Whether multipliers that show the reduced program infeasible, which the engine or presolve has found, show the
  /// whole one so; then the answer says it. Nothing costs anything on their way back, as they are duals of a program
  /// without an objective.
  bool shows_infeasible(const lp& model, answer& found) {
    const lp& small = presolve_.reduced();
    if (engine_.ray.size() != small.rows()) return false;
    found.status = termination::infeasible;
    found.certificate = certificate_kind::farkas;
    for (const bool refined : {false, true}) {
      if (refined && !pivoted_) return false;
      if (refined) refine_.farkas(engine_.state, engine_.ray);
      for (const double sign : {1.0, -1.0}) {
        ray_ = engine_.ray;
        for (double& y : ray_) y *= sign;
        boxes_.leave_out(scaled_, ray_);
        price(small);
        presolve_.farkas(signs_, reduced_cost_, found.farkas);
        for (double& y : found.farkas) y = -y;  // as the check has it
        if (!passes(model, found) || !outlasts_tolerances(model, found.farkas, check_memory_.limits)) continue;
        found.basis.columns.copy(status_, 0, model.columns());
        found.basis.rows.copy(status_, model.columns(), model.rows());
        return true;
      }
    }
    return false;
  }

  presolve presolve_;
  triangular_crash triangle_;
  bool crashed_ = false;  // whether status_ holds a basis to start from

 private:
  /// Whether multipliers exclude also the points that the methods would take for feasible, a little out of bounds.
  static bool outlasts_tolerances(const lp& model, const table<double>& y, monitor* limits) {
    const sparse_matrix& a = model.matrix();
    double least = 0, out_of_bounds = 0;
    const auto add = [&](double z, double l, double u) {
      const double bound = z > 0 ? l : u;
      if (z == 0 || !(math::abs(bound) < infinity)) return;
      least += z * bound;
      out_of_bounds += 1e-9 * math::abs(z) * (1 + math::abs(bound));
    };
    for (int j = 0; j < a.columns; ++j) {
      spend(limits, 4 + a.begin[j + 1] - a.begin[j]);
      double z = 0;
      for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) z += a.value[k] * y[a.index[k]];
      add(z, model.column_lower(j), model.column_upper(j));
    }
    for (int i = 0; i < a.rows; ++i) add(-y[i], model.row_lower(i), model.row_upper(i));
    return least > out_of_bounds;
  }
  /// What the multipliers leave of all variables of the reduced program, and the bounds that count by it.
  void price(const lp& small) {
    const int m = small.rows(), n = small.columns();
    const sparse_matrix& a = small.matrix();
    const auto at = [](double d) {
      return d > 0 ? basis_status::lower : d < 0 ? basis_status::upper : basis_status::basic;
    };
    reduced_cost_.resize(n + m);
    signs_.resize(n + m);
    for (int i = 0; i < m; ++i) reduced_cost_[n + i] = ray_[i] * scaled_.row_scale[i];
    for (int j = 0; j < n; ++j) {
      spend(check_memory_.limits, 4 + a.begin[j + 1] - a.begin[j]);
      reduced_cost_[j] = left_of_column(a, j, reduced_cost_.data() + n);
    }
    for (int k = 0; k < n + m; ++k) signs_[k] = at(reduced_cost_[k]);
  }

  table<double> reduced_cost_;  // of what presolve left
  bool pivoted_ = false;        // whether the engine has found that the reduced program is infeasible, and not presolve
  implied_boxes boxes_;
  table<double> ray_;
  table<basis_status> signs_;
};

}  // namespace plait::detail
