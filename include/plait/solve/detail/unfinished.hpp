// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/solve/answer.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/check.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/read_back.hpp>
#include <plait/solve/detail/tableau.hpp>
#include <plait/solve/detail/workbench.hpp>
#include <plait/solve/double_double.hpp>
#include <plait/solve/lp.hpp>

namespace plait::detail {

/// Answers of solves that were stopped, or that found no proof: the basis and
/// the point where they were.
class unfinished : protected workbench {
 protected:
  /// Values of the current basis, for answers that prove nothing.
  void read(const lp& model, answer& found) {
    attach_original(model, 0);
    tableau& t = engine_.state;
    t.set_basis(status_);
    t.settle_all();
    t.refactor();
    t.compute_values();
    read_back(model, t, refine_, found);
    double worst = 0;
    found.primal = point_is_feasible(model, found.x, 1e-9, worst, check_memory_) ? point_status::feasible
                                                                                 : point_status::infeasible;
    found.max_primal_residual = worst;
    found.certificate = certificate_kind::none;
    found.verified = false;
  }
  void stopped(const lp& model, const monitor& limits, answer& found) {
    if (limits.reason == stop_reason::time || limits.reason == stop_reason::interrupt) {
      stopped_inside(model, limits, found);
      return;
    }
    read(model, found);
    found.status = termination::iteration_limit;
    found.explanation = "the solve was stopped before its end";
  }
  /// After a request to stop that came while values were not at hand: those of
  /// the last pivots, or those of bounds. Whether they are feasible is looked at
  /// where that takes a few milliseconds.
  void stopped_inside(const lp& model, const monitor& limits, answer& found) {
    const int n = model.columns(), m = model.rows();
    ask(nullptr);
    clear(found);
    found.x.resize(n);
    found.basis.columns.resize(n);
    found.basis.rows.assign(m, basis_status::basic);
    const tableau& t = engine_.state;
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
    if (has_few_terms(model, found.x)) {
      double worst = 0;
      found.primal = point_is_feasible(model, found.x, 1e-9, worst, check_memory_) ? point_status::feasible
                                                                                   : point_status::infeasible;
      found.max_primal_residual = worst;
      found.activity.resize(m);
      for (int i = 0; i < m; ++i) found.activity[i] = check_memory_.sum[i].value();
    }
    double_double objective{model.offset()};
    for (int j = 0; j < n; ++j) objective.add_product(model.cost(j), found.x[j]);
    found.objective = objective.value();
    found.status = limits.reason == stop_reason::time ? termination::time_limit : termination::interrupted;
    found.explanation = "the solve was stopped before its end";
  }

 private:
  /// Whether activities at this point are sums of so few terms that they take no longer than four milliseconds.
  static bool has_few_terms(const lp& model, const table<double>& x) {
    if (!model.settled()) return false;
    const sparse_matrix& a = model.matrix();
    int terms = 0;
    for (int j = 0; j < a.columns && terms <= most_terms; ++j)
      if (x[j] != 0) terms += a.begin[j + 1] - a.begin[j];
    return terms <= most_terms;
  }
  static constexpr int most_terms = 1 << 19;
};

}  // namespace plait::detail
