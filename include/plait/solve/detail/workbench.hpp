// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include <plait/solve/answer.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/check.hpp>
#include <plait/solve/detail/engine.hpp>
#include <plait/solve/detail/form.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/read_back.hpp>
#include <plait/solve/detail/tableau.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/options.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// What a solve works on and with: the program scaled and as it was given, both
/// methods, and the basis that goes from one to the other.
class workbench {
 protected:
  /// Lets the parts that take long ask whether to stop.
  void ask(monitor* limits) {
    engine_.state.factors.limits = scaled_.limits = original_.limits = limits;
    refine_.memory.limits = check_memory_.limits = limits;
  }
  static void clear(answer& found) {
    found.status = termination::imprecise;
    found.primal = found.dual_point = point_status::none;
    found.objective = found.bound = 0;
    found.iterations = found.nodes = 0;
    found.max_primal_residual = found.max_dual_residual = found.relative_gap = 0;
    found.certificate = certificate_kind::none;
    found.verified = false;
    found.explanation.clear();
    for (table<double>* const one : {&found.x, &found.activity, &found.dual, &found.reduced_cost, &found.farkas,
                                     &found.ray, &found.basis.farkas, &found.basis.ray})
      one->clear();
    found.basis.columns.clear();
    found.basis.rows.clear();
  }
  void start_basis(const lp& model, const basis& start) {
    const int m = model.rows(), n = model.columns();
    status_ = start.columns;
    status_.resize(n, basis_status::lower);
    status_.resize(n + m, basis_status::basic);
    start.rows.copy_to(status_.data() + n);
  }
  void attach_original(const lp& model, std::uint64_t seed) {
    original_.load(model, false);
    engine_.attach(original_, seed);
    whole_ = &original_;
  }
  /// The program as it was given, with the basis at hand.
  void load_original(const lp& model, const solve_options& options) {
    attach_original(model, options.seed);
    engine_.state.set_basis(status_);
  }
  /// Factors of the basis in status_, and values that follow from it alone; or, where `pivoted`, those that a few
  /// pivots of this very solve have left, which refinement corrects as well.
  void follow_basis(bool pivoted = false) {
    tableau& t = engine_.state;
    const bool at_hand = pivoted && t.few_updates() && !t.bounds_apart;
    t.restore_bounds();
    t.restore_costs();
    t.threshold = 0.1;
    const int replaced = t.factorize(status_);
    if (!at_hand || replaced > 0) t.compute_values();
  }
  bool passes(const lp& model, answer& found) {
    refine_.poll();
    const verdict v = check(model, found, {}, check_memory_);
    found.verified = v.verified;
    found.max_primal_residual = v.max_primal_residual;
    found.max_dual_residual = v.max_dual_residual;
    found.relative_gap = v.relative_gap;
    found.explanation = v.reason;
    return v.verified;
  }
  void write_basis(const lp& model, answer& found) const {
    found.basis.columns.copy(engine_.state.status, 0, model.columns());
    found.basis.rows.copy(engine_.state.status, model.columns(), model.rows());
  }
  /// For a starting basis: the dual method, unless it is primal feasible and
  /// not dual feasible.
  bool dual_suits() {
    tableau& t = engine_.state;
    if (!t.fresh()) {
      t.settle_all();
      t.refactor();
      t.compute_values();
      t.compute_reduced_costs();
    }
    int wrong = 0;
    for (int j = 0; j < t.variables(); ++j)
      if (t.dual_infeasibility(j) > 1e-7 && !t.is_boxed(j)) ++wrong;
    return wrong == 0 || t.primal_infeasibilities(1e-7).count > 0;
  }
  static double objective_limit_of(const lp& model, const solve_options& options) {
    if (options.objective_limit == infinity || options.objective_limit == -infinity) return infinity;
    const double limit = options.objective_limit - model.offset();
    return model.sense() == objective_sense::maximize ? -limit : limit;
  }
  static void say(const solve_options& options, outcome ended, const monitor& limits) {
    static constexpr const char* words[] = {"simplex: optimal",          "simplex: infeasible", "simplex: unbounded",
                                            "simplex: lost feasibility", "simplex: stopped",    "simplex: failed"};
    say(options, words[static_cast<int>(ended)], limits);
  }
  static void say(const solve_options& options, const char* what, const monitor& limits) {
    if (options.log == nullptr) return;
    const std::string line =
        std::string{what}.append(" after ").append(std::to_string(limits.iterations)).append(" iterations");
    options.log(options.context, line.c_str());
  }

  form scaled_, original_;
  engine engine_;
  refinement refine_;
  check_memory check_memory_;
  table<basis_status> status_;
  const form* whole_ = nullptr;  // the form of the whole program that the
                                 // tableau works on, if it does
};

}  // namespace plait::detail
