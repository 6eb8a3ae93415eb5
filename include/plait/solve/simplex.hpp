// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include <plait/core/require.hpp>
#include <plait/solve/answer.hpp>
#include <plait/solve/check.hpp>
#include <plait/solve/detail/crossover.hpp>
#include <plait/solve/detail/engine.hpp>
#include <plait/solve/detail/folding.hpp>
#include <plait/solve/detail/price_crash.hpp>
#include <plait/solve/detail/read_back.hpp>
#include <plait/solve/detail/sifting.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/options.hpp>
#include <plait/solve/presolve.hpp>

namespace plait {

/// Solves linear programs by the dual and the primal simplex method; keeps its memory from one solve to the next.
///
/// Each solve works on the scaled program first and ends on the program as it was given: values, duals and rays are
/// computed there, refined with residuals in 32 digits, and put before `check`. A certificate that does not pass leads
/// to tighter tolerances, then to the other method, then to the program without scaling; only then to `imprecise`.
class simplex {
 public:
  /// Solves the relaxation: marks of whole columns are not looked at.
  ///
  /// `start`: a basis to go on from, such as the one an earlier answer holds; statuses of rows and columns that the
  /// model has gained since may be missing. Throws: usage where it has more of them than the model.
  answer solve(const lp& model, const solve_options& options = {}, const basis& start = {}) {
    answer found;
    solve(model, options, start, found);
    return found;
  }
  /// The same into an answer whose memory is used again: a solve that is repeated on a model of the same shape then
  /// allocates nothing. `start` may be the basis of `found`.
  void solve(const lp& model, const solve_options& options, const basis& start, answer& found) {
    const double began = detail::seconds_now();
    detail::monitor limits;
    limits.deadline = options.time_limit < infinity ? began + options.time_limit : 1e300;
    limits.iteration_limit = options.iteration_limit;
    limits.interrupted = options.interrupt;
    limits.context = options.context;
    limits.small = model.rows() < 500;
    require(start.columns.size() <= model.columns() && start.rows.size() <= model.rows(), "simplex::solve",
            "the starting basis has more columns or rows than the model; remove theirs as well");
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
    found.iterations = limits.iterations;
    found.seconds = detail::seconds_now() - began;
  }

 private:
  /// Lets the parts that take long ask whether to stop.
  void ask(detail::monitor* limits) {
    engine_.state.factors.limits = refine_.limits = scaled_.limits = original_.limits = limits;
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
    for (table<double>* const one :
         {&found.x, &found.activity, &found.dual, &found.reduced_cost, &found.farkas, &found.ray})
      one->clear();
    found.basis.columns.clear();
    found.basis.rows.clear();
  }

  void solve_within(const lp& model, const solve_options& options, const basis& start, detail::monitor& limits,
                    answer& found) {
    limits.poll();
    if (bounds_cross(model, found)) return;
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
      const bool known = start_from_reduced(model, options, limits, dual_first);
      if (limits.reason != detail::stop_reason::none) {
        stopped(model, limits, found);
        return;
      }
      if (known && finish_optimal(model, options, limits, found)) return;
      crashed_ = known;
    }
    for (int attempt = 0; attempt < 4; ++attempt) {
      const bool scaled = attempt != 2;
      if (attempt == 2 || (attempt == 0 && !crashed_ && start.empty())) start_basis(model, start);
      if (attempt > 0) dual_first = !dual_first;
      const double tolerance = attempt < 2 ? 1e-7 : 1e-9;
      scaled_.load(model, scaled);
      engine_.attach(scaled_, options.seed + static_cast<std::uint64_t>(attempt));
      whole_ = &scaled_;
      engine_.state.threshold = attempt == 0 ? 0.1 : 0.5;
      engine_.state.set_basis(status_);
      if (attempt == 0 && options.algorithm == lp_algorithm::automatic && (!start.empty() || crashed_)) {
        dual_first = dual_suits();
      }
      const bool perturb = (start.empty() && !crashed_) || attempt > 0;
      const double limit = objective_limit_of(model, options);
      const detail::outcome outcome = engine_.run(limits, dual_first, perturb, tolerance, limit);
      status_ = engine_.state.status;
      say(options, outcome, limits);
      if (outcome == detail::outcome::stopped) {
        stopped(model, limits, found);
        return;
      }
      if (outcome == detail::outcome::optimal && finish_optimal(model, options, limits, found)) return;
      if (outcome == detail::outcome::infeasible && finish_infeasible(model, options, limits, found)) return;
      if (outcome == detail::outcome::unbounded && finish_unbounded(model, options, limits, found)) return;
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

  /// Solves a program of one column and row for each class of alike ones, and brings a basis back. False where too few
  /// are alike, or where that has no optimum.
  bool fold(const lp& model, const solve_options& options, detail::monitor& limits, answer& found) {
    if (!folding_.fold(model, &limits)) return false;
    solve_options small = options;
    small.fold = false;
    small.objective_limit = infinity;
    if (options.time_limit < infinity) small.time_limit = limits.deadline - detail::seconds_now();
    if (options.iteration_limit >= 0) small.iteration_limit = options.iteration_limit - limits.iterations;
    if (inner_.empty()) inner_.resize(1);
    inner_[0].solve(folding_.folded(), small, {}, folded_);
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

  /// Scaled, unless there are so many columns that scaling them costs as much as the pivots that it saves.
  detail::form& load_for_few_pivots(const lp& model) {
    const bool scaled = model.columns() < 16 * model.rows();
    detail::form& program = scaled ? scaled_ : original_;
    program.load(model, scaled);
    return program;
  }

  /// Takes the basis of few columns on to one of all. False where a limit ended it.
  bool sift(const lp& model, const solve_options& options, detail::monitor& limits) {
    engine_.state.threshold = 0.1;
    sifting_.run(load_for_few_pivots(model), engine_, limits, 1e-7, options.seed, status_);
    say(options, "sifting", limits);
    return limits.reason == detail::stop_reason::none;
  }

  /// Solves what presolve leaves, and brings its basis back. False where that has no optimum; the whole program then
  /// says which certificate there is.
  bool start_from_reduced(const lp& model, const solve_options& options, detail::monitor& limits, bool dual_first) {
    if (presolve_.reduce(model, &limits) != presolve::result::reduced) return false;
    if (presolve_.steps() == 0) return false;
    const lp& small = presolve_.reduced();
    status_.assign(small.rows() + small.columns(), basis_status::lower);
    for (int i = 0; i < small.rows(); ++i) status_[small.columns() + i] = basis_status::basic;
    scaled_.load(small, true);
    engine_.attach(scaled_, options.seed);
    whole_ = nullptr;
    engine_.state.threshold = 0.1;
    engine_.state.set_basis(status_);
    const detail::outcome outcome = engine_.run(limits, dual_first, true, 1e-7, infinity);
    say(options, outcome, limits);
    if (outcome != detail::outcome::optimal) return false;
    presolve_.postsolve(engine_.state.status, status_);
    return true;
  }

  static bool bounds_cross(const lp& model, answer& found) {
    bool crossed = false;
    for (int j = 0; j < model.columns() && !crossed; ++j) {
      crossed = model.column_lower(j) > model.column_upper(j);
      if (crossed) found.explanation = "the bounds of column " + model.column_name(j) + " exclude each other";
    }
    for (int i = 0; i < model.rows() && !crossed; ++i) {
      crossed = model.row_lower(i) > model.row_upper(i);
      if (crossed) found.explanation = "the bounds of row " + model.row_name(i) + " exclude each other";
    }
    if (!crossed) return false;
    found.status = termination::infeasible;
    found.certificate = certificate_kind::farkas;
    found.farkas.assign(model.rows(), 0.0);
    found.verified = check(model, found).verified;
    return true;
  }

  void start_basis(const lp& model, const basis& start) {
    const int m = model.rows(), n = model.columns();
    status_.assign(n + m, basis_status::lower);
    for (int i = 0; i < m; ++i) status_[n + i] = basis_status::basic;
    if (start.empty()) return;
    for (int j = 0; j < start.columns.size(); ++j) status_[j] = start.columns[j];
    for (int i = 0; i < start.rows.size(); ++i) status_[n + i] = start.rows[i];
  }

  /// From a starting basis on the program as it was given: most edits leave few pivots to do. False where that did not
  /// end with a proof; `status_` then holds how far it came.
  bool go_on(const lp& model, const solve_options& options, const basis& start, detail::monitor& limits,
             answer& found) {
    start_basis(model, start);
    attach_original(model, options.seed);
    detail::tableau& t = engine_.state;
    t.threshold = 0.1;
    t.factorize(status_);
    t.settle_all();
    t.compute_values();
    t.compute_reduced_costs();
    const bool primal = t.primal_infeasibilities(options.tolerance).count == 0;
    const bool dual = t.dual_infeasibilities(options.tolerance).count == 0;
    if (primal && dual) {
      status_ = t.status;
    } else {
      const std::int64_t given = limits.iteration_limit, allowed = limits.iterations + 50 + model.rows() / 20;
      if (given < 0 || given > allowed) limits.iteration_limit = allowed;
      const bool dual_first =
          options.algorithm == lp_algorithm::automatic ? dual_suits() : options.algorithm == lp_algorithm::dual;
      t.ready = true;
      engine_.trust_updates(20);
      const detail::outcome outcome =
          engine_.run(limits, dual_first, false, options.tolerance, objective_limit_of(model, options));
      engine_.trust_updates(0);
      limits.iteration_limit = given;
      status_ = t.status;
      if (limits.reason == detail::stop_reason::iterations && (given < 0 || limits.iterations < given)) {
        limits.reason = detail::stop_reason::none;
      }
      if (limits.reason != detail::stop_reason::none) {
        stopped(model, limits, found);
        return true;
      }
      if (outcome != detail::outcome::optimal) return false;
    }
    return finish_optimal(model, options, limits, found, primal && dual);
  }

  /// For a starting basis: the dual method, unless it is primal feasible and not dual feasible.
  bool dual_suits() {
    detail::tableau& t = engine_.state;
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

  /// `at_hand`: whether the tableau holds what follows from the basis already, and it is optimal.
  bool finish_optimal(const lp& model, const solve_options& options, detail::monitor& limits, answer& found,
                      bool at_hand = false) {
    detail::tableau& t = engine_.state;
    if (t.program == &original_ && whole_ == &original_) {
      t.forget();  // it is the program that the tableau has worked on
    } else {
      attach_original(model, options.seed);
    }
    // Looked at first, for it mostly is an optimum: the check computes what tells so in any case.
    double tolerance = options.tolerance;
    bool ended_here = at_hand;
    if (!at_hand) follow_basis();
    for (int attempt = 0; attempt < 4; ++attempt) {
      status_ = t.status;
      found.status = termination::optimal;
      found.certificate = certificate_kind::optimal;
      detail::read_point(model, t, refine_, found);
      if (passes(model, found) && (ended_here || detail::within(model, t, check_memory_, found, tolerance))) {
        detail::read_rest(model, check_memory_, found);
        found.primal = found.dual_point = point_status::feasible;
        return true;
      }
      if (ended_here) tolerance *= 0.1;
      t.compute_reduced_costs();
      const bool primal = t.primal_infeasibilities(tolerance).count == 0;
      const bool dual = t.dual_infeasibilities(tolerance).count == 0;
      ended_here = true;
      if (primal && dual) continue;
      t.ready = true;
      const detail::outcome outcome = engine_.run(limits, dual, false, tolerance, infinity);
      status_ = t.status;
      if (outcome != detail::outcome::optimal) {
        found.explanation = "on the unscaled program the basis did not stay optimal";
        return false;
      }
      follow_basis();
    }
    return false;
  }
  /// Factors of the basis in status_, and values that follow from it alone.
  void follow_basis() {
    detail::tableau& t = engine_.state;
    t.restore_bounds();
    t.restore_costs();
    t.threshold = 0.1;
    t.factorize(status_);
    t.settle_all();
    t.compute_values();
  }

  bool finish_infeasible(const lp& model, const solve_options& options, detail::monitor& limits, answer& found) {
    found.status = termination::infeasible;
    found.certificate = certificate_kind::farkas;
    const auto take = [&](const table<double>& ray, const detail::form& program) {
      if (ray.size() != model.rows()) return false;
      found.farkas.resize(model.rows());
      double largest = 0;
      for (int i = 0; i < model.rows(); ++i) {
        found.farkas[i] = ray[i] * program.row_scale[i];
        largest = std::fmax(largest, std::fabs(found.farkas[i]));
      }
      for (const double sign : {1.0, -1.0}) {
        for (int i = 0; i < model.rows(); ++i) found.farkas[i] *= sign / (largest > 0 && sign > 0 ? largest : 1);
        if (passes(model, found)) return true;
      }
      return false;
    };
    bool proved = take(engine_.ray, scaled_);
    // Once more on the program as it was given. Without costs every basis is dual feasible.
    if (!proved) {
      load_original(model, options);
      for (double& c : original_.cost) c = 0;
      const detail::outcome outcome = engine_.run(limits, true, false, options.tolerance, infinity);
      if (outcome == detail::outcome::infeasible) {
        proved = take(engine_.ray, original_);
      } else {
        found.explanation = "on the unscaled program the basis does not show infeasibility";
      }
    }
    if (proved) write_basis(model, found);
    return proved;
  }

  bool finish_unbounded(const lp& model, const solve_options& options, detail::monitor& limits, answer& found) {
    load_original(model, options);
    const detail::outcome outcome = engine_.run(limits, false, false, options.tolerance, infinity);
    found.status = termination::unbounded;
    found.certificate = certificate_kind::primal_ray;
    if (outcome != detail::outcome::unbounded) {
      found.explanation = "on the unscaled program the ray ends";
      return false;
    }
    detail::tableau& t = engine_.state;
    status_ = t.status;
    found.ray.resize(model.columns());
    for (int j = 0; j < model.columns(); ++j) found.ray[j] = engine_.ray[j];
    detail::read_back(model, t, refine_, found);
    if (!passes(model, found)) return false;
    found.primal = point_status::feasible;
    return true;
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

  /// Values of the current basis, for answers that prove nothing.
  void read(const lp& model, answer& found) {
    attach_original(model, 0);
    detail::tableau& t = engine_.state;
    t.set_basis(status_);
    t.settle_all();
    t.refactor();
    t.compute_values();
    detail::read_back(model, t, refine_, found);
    double worst = 0;
    found.primal = detail::point_is_feasible(model, found.x, 1e-9, worst, check_memory_) ? point_status::feasible
                                                                                         : point_status::infeasible;
    found.max_primal_residual = worst;
    found.certificate = certificate_kind::none;
    found.verified = false;
  }

  void write_basis(const lp& model, answer& found) const {
    found.basis.columns.resize(model.columns());
    found.basis.rows.resize(model.rows());
    for (int j = 0; j < model.columns(); ++j) found.basis.columns[j] = engine_.state.status[j];
    for (int i = 0; i < model.rows(); ++i) found.basis.rows[i] = engine_.state.status[model.columns() + i];
  }

  void stopped(const lp& model, const detail::monitor& limits, answer& found) {
    if (limits.reason == detail::stop_reason::time || limits.reason == detail::stop_reason::interrupt) {
      stopped_inside(model, limits, found);
      return;
    }
    read(model, found);
    switch (limits.reason) {
      case detail::stop_reason::objective:
        found.status = termination::objective_limit;
        break;
      default:
        found.status = termination::iteration_limit;
        break;
    }
    found.explanation = "the solve was stopped before its end";
  }

  /// After a request to stop that came while values were not at hand: those of the last pivots, or those of bounds.
  void stopped_inside(const lp& model, const detail::monitor& limits, answer& found) {
    const int n = model.columns(), m = model.rows();
    clear(found);
    found.x.resize(n);
    found.basis.columns.resize(n);
    found.basis.rows.assign(m, basis_status::basic);
    const detail::tableau& t = engine_.state;
    const bool known = whole_ != nullptr && t.program == whole_ && t.status.size() == n + m && t.x.size() == n + m;
    for (int j = 0; j < n; ++j) {
      const double l = model.column_lower(j), u = model.column_upper(j);
      found.x[j] = known ? t.x[j] * whole_->column_scale[j] : l > -infinity ? l : u < infinity ? u : 0;
      found.basis.columns[j] = known           ? t.status[j]
                               : l > -infinity ? basis_status::lower
                               : u < infinity  ? basis_status::upper
                                               : basis_status::free;
    }
    for (int i = 0; i < m && known; ++i) found.basis.rows[i] = t.status[n + i];
    double worst = 0;
    found.primal = detail::point_is_feasible(model, found.x, 1e-9, worst, check_memory_) ? point_status::feasible
                                                                                         : point_status::infeasible;
    found.max_primal_residual = worst;
    found.activity.resize(m);
    for (int i = 0; i < m; ++i) found.activity[i] = check_memory_.sum[i].value();
    double_double objective{model.offset()};
    for (int j = 0; j < n; ++j) objective.add_product(model.cost(j), found.x[j]);
    found.objective = objective.value();
    found.status = limits.reason == detail::stop_reason::time ? termination::time_limit : termination::interrupted;
    found.explanation = "the solve was stopped before its end";
  }

  static void say(const solve_options& options, detail::outcome outcome, const detail::monitor& limits) {
    static constexpr const char* words[] = {"simplex: optimal",          "simplex: infeasible", "simplex: unbounded",
                                            "simplex: lost feasibility", "simplex: stopped",    "simplex: failed"};
    say(options, words[static_cast<int>(outcome)], limits);
  }
  static void say(const solve_options& options, const char* what, const detail::monitor& limits) {
    if (options.log == nullptr) return;
    const std::string line =
        std::string{what}.append(" after ").append(std::to_string(limits.iterations)).append(" iterations");
    options.log(options.context, line.c_str());
  }

  detail::form scaled_, original_;
  detail::engine engine_;
  detail::refinement refine_;
  presolve presolve_;
  detail::price_crash crash_;
  detail::sifting sifting_;
  detail::folding folding_;
  detail::crossover crossover_;
  std::vector<simplex> inner_;  // at most one, for folded programs
  answer folded_;
  detail::check_memory check_memory_;
  basis start_;
  table<basis_status> status_;
  const detail::form* whole_ = nullptr;  // the form of the whole program that the tableau works on, if it does
  bool crashed_ = false;                 // whether status_ holds a basis to start from
};

/// Solves a linear program once. See `simplex::solve`.
inline answer solve(const lp& model, const solve_options& options = {}, const basis& start = {}) {
  simplex solver;
  return solver.solve(model, options, start);
}

}  // namespace plait
