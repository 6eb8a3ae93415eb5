// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include <plait/core/require.hpp>
#include <plait/solve/answer.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/check.hpp>
#include <plait/solve/detail/crossover.hpp>
#include <plait/solve/detail/engine.hpp>
#include <plait/solve/detail/folding.hpp>
#include <plait/solve/detail/form.hpp>
#include <plait/solve/detail/joined_crash.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/on_demand.hpp>
#include <plait/solve/detail/price_crash.hpp>
#include <plait/solve/detail/reduced_solve.hpp>
#include <plait/solve/detail/sifting.hpp>
#include <plait/solve/detail/tableau.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/options.hpp>

namespace plait {

/// Solves linear programs by the dual and the primal simplex method; keeps its
/// memory from one solve to the next.
///
/// Each solve works on the scaled program first and ends on the program as it
/// was given: values, duals and rays are computed there, refined with residuals
/// in 32 digits, and put before `check`. A certificate that does not pass leads
/// to tighter tolerances, then to the other method, then to the program without
/// scaling; only then to `imprecise`.
class simplex : private detail::reduced_solve {
 public:
  /// Solves the relaxation: marks of whole columns are not looked at.
  ///
  /// `start`: a basis to go on from, such as the one an earlier answer holds;
  /// statuses of rows and columns that the model has gained since may be
  /// missing. Throws: usage where it has more of them than the model.
  ///
  /// A limit on the objective ends the dual method, where it makes factors anew, once duals without any perturbation
  /// prove that no feasible point keeps it: `bound` of the answer is what they prove, in 32 digits, to the tolerance of
  /// `check_optimal`. An optimum that is found before, as by the primal method, by folding or by the price crash, is
  /// said even where it is past the limit; an optimum that keeps the limit is always found.
  answer solve(const lp& model, const solve_options& options = {}, const basis& start = {}) {
    answer found;
    solve(model, options, start, found);
    return found;
  }
  /// The same into an answer whose memory is used again: a solve that is
  /// repeated on a model of the same shape then allocates nothing. `start` may
  /// be the basis of `found`.
  void solve(const lp& model, const solve_options& options, const basis& start, answer& found) {
    const double began = detail::seconds_now();
    detail::monitor limits;
    limits.deadline = options.time_limit < infinity ? began + options.time_limit : 1e300;
    limits.iteration_limit = options.iteration_limit;
    limits.interrupted = options.interrupt;
    limits.context = options.context;
    require(start.columns.size() <= model.columns() && start.rows.size() <= model.rows(), "simplex::solve",
            "the starting basis has more columns or rows than the model; "
            "remove theirs as well");
    start_ = start;
    clear(found);
    ask(&limits);
    whole_ = nullptr;
    try {
      solve_within(model, options, start_, limits, found);
    } catch (const detail::stop_request&) {
      stopped_inside(model, limits, found);
    }
    ask(nullptr);
    if (found.status != termination::infeasible) found.farkas.clear();  // what was tried and did not pass
    if (found.status != termination::unbounded) found.ray.clear();
    found.basis.farkas = found.farkas;
    found.basis.ray = found.ray;
    found.iterations = limits.iterations;
    found.seconds = detail::seconds_now() - began;
  }

 private:
  /// One go at a program whose certificate has not passed so far.
  struct turn {
    bool other_method, scaled, from_start;
    double tolerance, least_pivot;
  };
  static constexpr turn turns[] = {
      {false, true, false, 1e-7, 1e-9}, {true, true, false, 1e-7, 1e-9},  {false, false, true, 1e-9, 1e-9},
      {true, true, false, 1e-9, 1e-9},  {true, true, true, 1e-7, 1e-9},   {false, true, false, 1e-9, 1e-9},
      {true, false, true, 1e-9, 1e-9},  {false, true, true, 1e-9, 1e-14}, {true, true, false, 1e-9, 1e-14}};

  void solve_within(const lp& model, const solve_options& options, const basis& start, detail::monitor& limits,
                    answer& found) {
    limits.poll();
    engine_.set_least_pivot(turns[0].least_pivot);
    const int entries = model.matrix(&limits).entries();  // which sorts in rows that were added
    limits.small = model.rows() < 500 && entries < 30000;
    if (bounds_cross(model, found)) return;
    if (still_infeasible(model, start, found)) return;
    if (!start.empty() && go_on(model, options, start, limits, found)) return;
    bool dual_first = options.algorithm != lp_algorithm::primal;
    crashed_ = false;
    if (options.fold && start.empty() && fold(model, options, limits, found)) {
      if (limits.reason != detail::stop_reason::none) {
        stopped(model, limits, found);
        return;
      }
      if (finish_optimal(model, options, limits, found)) return;
      crashed_ = true;
    } else if (options.crash && start.empty() && crash_.find(model, status_, &limits)) {
      if (crash_.left_out() > 0 && !sift(model, options, limits)) {
        stopped(model, limits, found);
        return;
      }
      if (finish_optimal(model, options, limits, found)) return;
      crashed_ = true;
    } else if (options.presolve && start.empty() && model.rows() > 0) {
      const detail::outcome reduced = start_from_reduced(model, options, limits, dual_first);
      if (reduced == detail::outcome::infeasible && shows_infeasible(model, found)) return;
      if (limits.reason == detail::stop_reason::objective) {
        if (finish_past_limit(model, options, limits, found)) return;
        limits.reason = detail::stop_reason::none;
      }
      if (limits.reason != detail::stop_reason::none) {
        stopped(model, limits, found);
        return;
      }
      if (reduced == detail::outcome::optimal && finish_optimal(model, options, limits, found)) return;
    }
    if (!start.empty() && options.presolve && model.rows() > 0 &&
        ends_shortly_reduced(model, options, limits, dual_first, found)) {
      return;
    }
    // Where a certificate does not pass, the methods take turns, each from where the other ended and from the start.
    bool first_is_dual = dual_first;
    for (int attempt = 0; attempt < static_cast<int>(std::size(turns)); ++attempt) {
      const auto [other_method, scaled, from_start, tolerance, least_pivot] = turns[attempt];
      if (from_start || (attempt == 0 && !crashed_ && start.empty())) start_basis(model, start);
      dual_first = first_is_dual != other_method;
      scaled_.load(model, scaled);
      if (attempt == 0 && !dual_first && options.crash && !crashed_ && start.empty()) triangle_.run(scaled_, status_);
      engine_.attach(scaled_, options.seed + static_cast<std::uint64_t>(attempt));
      whole_ = &scaled_;
      engine_.set_least_pivot(least_pivot);
      engine_.state.threshold = attempt == 0 ? 0.1 : 0.5;
      engine_.state.set_basis(status_);
      if (attempt == 0 && options.algorithm == lp_algorithm::automatic && (!start.empty() || crashed_)) {
        dual_first = first_is_dual = dual_suits();
      }
      const bool perturb = (start.empty() && !crashed_) || attempt > 0;
      const double limit = objective_limit_of(model, options);
      detail::outcome outcome = engine_.run(limits, dual_first, perturb, tolerance, limit);
      status_ = engine_.state.status;
      while (limits.reason == detail::stop_reason::objective) {
        // Costs at work may be perturbed ones. Where they alone are past the limit, the method goes on twice as far.
        const double reached = engine_.state.objective() - limit;
        const double beyond = limit + 2 * math::larger(reached, 1e-6 * math::larger(1, math::abs(limit)));
        if (finish_past_limit(model, options, limits, found)) return;
        limits.reason = detail::stop_reason::none;
        scaled_.load(model, scaled);
        engine_.attach(scaled_, options.seed + static_cast<std::uint64_t>(attempt));
        whole_ = &scaled_;
        engine_.state.set_basis(status_);
        outcome = engine_.run(limits, true, perturb, tolerance, beyond);
        status_ = engine_.state.status;
      }
      say(options, outcome, limits);
      if (outcome == detail::outcome::stopped) {
        stopped(model, limits, found);
        return;
      }
      if (outcome == detail::outcome::optimal && finish_optimal(model, options, limits, found)) return;
      if (outcome == detail::outcome::infeasible && finish_infeasible(model, options, limits, found)) return;
      if (outcome == detail::outcome::unbounded && finish_unbounded(model, options, limits, found, options.tolerance))
        return;
      if (limits.reason != detail::stop_reason::none) {
        stopped(model, limits, found);
        return;
      }
    }
    const std::string what = found.explanation.empty() ? "no basis was found that ends the solve" : found.explanation;
    read(model, found);
    found.status = termination::imprecise;
    found.explanation = "the certificate did not pass the check: " + what;
  }

  /// Solves a program of one column and row for each class of alike ones, and
  /// brings a basis back. False where too few are alike, or where that has no
  /// optimum.
  bool fold(const lp& model, const solve_options& options, detail::monitor& limits, answer& found) {
    if (!folding_.fold(model, &limits)) return false;
    solve_options small = options;
    small.fold = false;
    small.objective_limit = infinity;
    if (options.time_limit < infinity) small.time_limit = limits.deadline - detail::seconds_now();
    if (options.iteration_limit >= 0) small.iteration_limit = options.iteration_limit - limits.iterations;
    inner_.get().solve(folding_.folded(), small, {}, folded_);
    limits.iterations += folded_.iterations;
    switch (folded_.status) {
      case termination::optimal:
        break;
      case termination::iteration_limit:
        limits.reason = detail::stop_reason::iterations;
        start_basis(model, {});
        return true;
      case termination::time_limit:
        limits.reason = detail::stop_reason::time;
        throw detail::stop_request{};
      case termination::interrupted:
        limits.reason = detail::stop_reason::interrupt;
        throw detail::stop_request{};
      default:
        return false;
    }
    limits.spend(4 * std::int64_t{model.columns() + model.rows()});
    folding_.unfold(folded_, found.x, found.dual);
    if (!check_optimal(model, found, {}, check_memory_).verified) return false;
    say(options, "folding", limits);
    const detail::form& program = load_for_few_pivots(model);
    engine_.attach(program, options.seed);
    whole_ = nullptr;
    detail::tableau& t = engine_.state;
    t.threshold = 0.1;
    const int m = model.rows(), n = model.columns();
    const double sign = model.sense() == objective_sense::maximize ? -1 : 1;
    status_.resize(n + m);
    for (int j = 0; j < n; ++j) {
      status_[j] = folded_.basis.columns[folding_.classes().column_class[j]];
      found.x[j] /= program.column_scale[j];
    }
    for (int i = 0; i < m; ++i) {
      status_[n + i] = folded_.basis.rows[folding_.classes().row_class[i]];
      found.dual[i] *= sign / program.row_scale[i];
    }
    crossover_.run(t, found.x, found.dual, limits, status_);
    say(options, "crossover", limits);
    return true;
  }

  /// Scaled, unless there are so many columns that scaling them costs as much
  /// as the pivots that it saves.
  detail::form& load_for_few_pivots(const lp& model) {
    const bool scaled = model.columns() < 16 * model.rows();
    detail::form& program = scaled ? scaled_ : original_;
    program.load(model, scaled);
    return program;
  }

  /// Takes the basis of few columns on to one of all. False where a limit ended
  /// it.
  bool sift(const lp& model, const solve_options& options, detail::monitor& limits) {
    engine_.state.threshold = 0.1;
    const detail::form& program = load_for_few_pivots(model);
    near_.clear();
    if (crash_.links_end_t() && detail::joined_crash::suits(program, crash_.program())) {
      joined_.find(program, crash_.program(), crash_.prices(), crash_.t(), engine_, limits, 1e-7, options.seed, status_,
                   near_);
      say(options, "joined blocks", limits);
    }
    sifting_.run(program, engine_, limits, 1e-7, options.seed, near_, status_);
    say(options, "sifting", limits);
    return limits.reason == detail::stop_reason::none;
  }

  /// From a starting basis on the program as it was given: most edits leave few
  /// pivots to do. False where that did not end with a proof; `status_` then
  /// holds how far it came.
  bool go_on(const lp& model, const solve_options& options, const basis& start, detail::monitor& limits,
             answer& found) {
    start_basis(model, start);
    attach_original(model, options.seed);
    detail::tableau& t = engine_.state;
    t.threshold = 0.1;
    t.factorize(status_, options.keep_factors);
    t.compute_values();
    t.compute_reduced_costs();
    const detail::tableau::infeasibility of_values = t.primal_infeasibilities(options.tolerance),
                                         of_costs = t.dual_infeasibilities(options.tolerance);
    const bool primal = of_values.count == 0, dual = of_costs.count == 0;
    if (still_unbounded(model, start, found)) return true;
    if (primal && dual) {
      status_ = t.status;
    } else {
      // So little may be rounding alone, of a basis that is optimal once it is refined.
      if (of_values.largest < 1e-6 && of_costs.largest < 1e-6 && proves_optimal(model, found, options.tolerance)) {
        return true;
      }
      const bool dual_first =
          options.algorithm == lp_algorithm::automatic ? dual || dual_suits() : options.algorithm == lp_algorithm::dual;
      t.ready = true;
      t.signs_right = dual;
      const detail::outcome outcome = run_few_pivots(model, options, dual_first, limits);
      status_ = t.status;
      if (limits.reason == detail::stop_reason::objective) {
        if (finish_past_limit(model, options, limits, found)) return true;
        limits.reason = detail::stop_reason::none;
        return false;
      }
      if (limits.reason != detail::stop_reason::none) {
        stopped(model, limits, found);
        return true;
      }
      if (outcome != detail::outcome::optimal) return false;
    }
    return finish_optimal(model, options, limits, found, primal && dual);
  }

  detail::outcome run_few_pivots(const lp& model, const solve_options& options, bool dual_first,
                                 detail::monitor& limits) {
    const detail::few_pivots allowed{limits, model.rows()};
    engine_.expect_few_pivots(true);
    const detail::outcome outcome =
        engine_.run(limits, dual_first, false, options.tolerance, objective_limit_of(model, options));
    engine_.expect_few_pivots(false);
    return outcome;
  }
  /// Whether what presolve leaves comes to an end that holds for the whole within few pivots, where those from the
  /// starting basis did not; else the basis at hand is as it was.
  bool ends_shortly_reduced(const lp& model, const solve_options& options, detail::monitor& limits, bool dual_first,
                            answer& found) {
    reached_ = status_;
    const detail::outcome reduced = [&] {
      const detail::few_pivots allowed{limits, model.rows()};
      return start_from_reduced(model, options, limits, dual_first);
    }();
    if (limits.reason == detail::stop_reason::none) {
      if (reduced == detail::outcome::infeasible && shows_infeasible(model, found)) return true;
      if (reduced == detail::outcome::optimal && finish_optimal(model, options, limits, found)) return true;
    }
    status_ = reached_;
    crashed_ = false;
    if (limits.reason == detail::stop_reason::objective) limits.reason = detail::stop_reason::none;
    return false;
  }

  detail::price_crash crash_;
  detail::joined_crash joined_;
  detail::sifting sifting_;
  table<double> near_;  // multipliers of the rows that `joined_` found
  detail::folding folding_;
  detail::crossover crossover_;
  detail::on_demand<simplex> inner_;  // for folded programs
  answer folded_;
  basis start_;
  table<basis_status> reached_;  // from the starting basis
};

/// Solves a linear program once. See `simplex::solve`.
inline answer solve(const lp& model, const solve_options& options = {}, const basis& start = {}) {
  simplex solver;
  return solver.solve(model, options, start);
}

}  // namespace plait
