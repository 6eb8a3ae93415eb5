// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <plait/solve/basis.hpp>
#include <plait/solve/table.hpp>

namespace plait {

/// Why a solve ended.
enum class termination {
  optimal,
  infeasible,
  unbounded,
  infeasible_or_unbounded,  ///< branch and bound alone: the relaxation is unbounded, and no whole point is known
  time_limit,
  iteration_limit,
  objective_limit,  ///< the optimum is past the limit that was given
  node_limit,       ///< branch and bound alone
  interrupted,      ///< the caller's callback asked for it
  imprecise         ///< an end was found whose certificate does not pass `check`; `explanation` says what is wrong
};

constexpr std::string_view name_of(termination t) {
  switch (t) {
    case termination::optimal:
      return "optimal";
    case termination::infeasible:
      return "infeasible";
    case termination::unbounded:
      return "unbounded";
    case termination::infeasible_or_unbounded:
      return "infeasible_or_unbounded";
    case termination::time_limit:
      return "time_limit";
    case termination::iteration_limit:
      return "iteration_limit";
    case termination::objective_limit:
      return "objective_limit";
    case termination::node_limit:
      return "node_limit";
    case termination::interrupted:
      return "interrupted";
    case termination::imprecise:
      return "imprecise";
  }
  return "imprecise";
}

/// What `x` of an answer is.
enum class point_status { none, feasible, infeasible };

/// What an answer proves itself with.
enum class certificate_kind { none, optimal, farkas, primal_ray };

constexpr std::string_view name_of(certificate_kind kind) {
  switch (kind) {
    case certificate_kind::none:
      return "none";
    case certificate_kind::optimal:
      return "optimal";
    case certificate_kind::farkas:
      return "farkas";
    case certificate_kind::primal_ray:
      return "primal_ray";
  }
  return "none";
}

/// What a solve found, in the terms of the model as it was given.
///
/// The one rule of signs: `dual[i]` and `reduced_cost[j]` are the derivative of the objective value, as the model
/// states it, with respect to the bound that row i or column j stands at. Hence, to minimize, a row at its lower bound
/// has a dual >= 0 and one at its upper bound <= 0, to maximize the other way round; and in both senses
///
///     cost_j = sum_i a_ij dual_i + reduced_cost_j
struct answer {
  termination status = termination::imprecise;
  point_status primal = point_status::none;      ///< of x
  point_status dual_point = point_status::none;  ///< of dual and reduced_cost
  double objective = 0;                          ///< of x, offset included
  table<double> x;                               ///< one for each column
  table<double> activity;                        ///< A x, one for each row; none where a solve was stopped with values
                                                 ///< of more than 524,288 terms, which nobody then has looked at
  table<double> dual;                            ///< one for each row
  table<double> reduced_cost;                    ///< one for each column
  table<double> farkas;  ///< where infeasible: multipliers of the rows that prove it, see `check`
  table<double> ray;     ///< where unbounded: a direction of the columns without end
  plait::basis basis;
  std::int64_t iterations = 0;
  std::int64_t nodes = 0;  ///< branch and bound alone
  double bound = 0;        ///< of branch and bound, and past an objective limit: no solution is better than this
  double seconds = 0;
  double max_primal_residual = 0;  ///< of bounds of rows and columns, absolute, on the model as given
  double max_dual_residual = 0;    ///< of signs of duals and reduced costs, absolute
  double relative_gap = 0;         ///< between primal and dual objective, relative to the larger of 1 and the objective
  certificate_kind certificate = certificate_kind::none;
  bool verified = false;    ///< whether `check` accepted the certificate
  std::string explanation;  ///< one sentence where the status needs one
};

}  // namespace plait
