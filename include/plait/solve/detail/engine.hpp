// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/solve/detail/dual_simplex.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/primal_simplex.hpp>
#include <plait/solve/detail/tableau.hpp>

namespace plait::detail {

/// Both methods on one tableau, each cleaning up after the other.
///
/// The dual method works with perturbed costs; when these are put back, the primal method goes on from a basis that is
/// primal feasible. The primal method works, when it stalls, with perturbed bounds; when these are put back, the dual
/// method goes on. The number of such turns is limited.
class engine {
 public:
  tableau state;
  dual_simplex dual;
  primal_simplex primal;

  void attach(const form& program, std::uint64_t seed) {
    state.attach(program);
    dual.seed = primal.seed = seed;
    dual_attached_ = primal_attached_ = false;
    expect_few_pivots(false);
  }

  /// For a caller who expects few pivots, factorizes anew at the end and looks at what comes out.
  void expect_few_pivots(bool few) {
    dual.trusted_updates = primal.trusted_updates = few ? 20 : 0;
    dual.cheap_pivots = few ? 20 : 0;
  }

  /// What is smaller, in a row or column of the tableau, is taken for rounding: no variable that it belongs to ends a
  /// step, or enters.
  void set_least_pivot(double size) { dual.least_pivot = primal.least_pivot = size; }

  /// From the basis that the tableau holds to an optimum of the form, or to a proof that there is none.
  ///
  /// `infeasible` leaves multipliers of the rows, `unbounded` a direction, both in `ray`.
  outcome run(monitor& limits, bool start_dual, bool perturb, double tolerance, double objective_limit) {
    tableau& t = state;
    dual.tolerance = primal.tolerance = primal.dual_tolerance = tolerance;
    bool with_dual = start_dual;
    int failures = 0;
    for (int turn = 0; turn < 30; ++turn) {
      if (!t.ready || perturb) {
        t.ready = false;
        t.restore_bounds();
        t.settle_all();
        t.restore_costs();
      }
      if (with_dual) {
        if (!dual_attached_) dual.attach(t);
        dual_attached_ = true;
        dual.costs_changed = false;
        dual.objective_limit = objective_limit;
        if (perturb) dual.perturb_costs();
        outcome found = dual.run(limits, false);
        if (found == outcome::lost_feasibility) {
          found = dual.find_dual_feasible(limits);
          if (found == outcome::optimal) found = dual.run(limits, false);
        }
        perturb = false;
        if (found == outcome::stopped) return found;
        if (found == outcome::infeasible) {
          ray = dual.ray;
          return found;
        }
        if (found == outcome::optimal) {
          if (!dual.costs_changed) return found;
          t.restore_costs();
          t.compute_reduced_costs();
          if (t.dual_infeasibilities(tolerance).count == 0) return found;
        }
        if (found == outcome::failed && ++failures > 4) return found;
        with_dual = false;
      } else {
        if (!primal_attached_) primal.attach(t);
        primal_attached_ = true;
        primal.bounds_changed = false;
        const outcome found = primal.run(limits);
        if (found == outcome::stopped) return found;
        if (found == outcome::infeasible || found == outcome::unbounded) {
          ray = primal.ray;
          if (primal.bounds_changed) {
            t.restore_bounds();
            t.settle_all();
            t.compute_values();
          }
          return found;
        }
        if (found == outcome::optimal) {
          if (!primal.bounds_changed) return found;
          t.restore_bounds();
          t.settle_all();
          t.compute_values();
          if (t.primal_infeasibilities(tolerance).count == 0) return found;
        }
        if (found == outcome::failed) {
          if (++failures > 4) return found;
          perturb = true;
        }
        with_dual = true;
      }
    }
    return outcome::failed;
  }

  /// From the basis that the tableau holds to one near it that is dual feasible for the costs of the form, if the dual
  /// method finds one; then the reduced costs are those of these costs.
  void find_dual_feasible(monitor& limits, double tolerance) {
    tableau& t = state;
    t.ready = false;
    t.restore_bounds();
    t.restore_costs();
    t.settle_all();
    t.refactor();
    t.compute_reduced_costs();
    if (t.dual_infeasibilities(tolerance).count == 0) return;
    dual.tolerance = tolerance;
    dual.attach(t);
    dual_attached_ = true;
    dual.find_dual_feasible(limits);
    t.restore_costs();
    t.refactor();
    t.compute_reduced_costs();
  }

  table<double> ray;

 private:
  bool dual_attached_ = false, primal_attached_ = false;  // many an end needs neither
};

}  // namespace plait::detail
