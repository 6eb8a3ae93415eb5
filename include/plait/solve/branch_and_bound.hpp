// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/solve/answer.hpp>
#include <plait/solve/detail/whole_search.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/options.hpp>

namespace plait {

/// Solves an integer program: columns marked by `set_integer` take whole values.
///
/// The best whole solution is in `x`, with whole columns exactly whole and the objective that follows; `bound` is what
/// no whole solution can beat, and `relative_gap` how far both are apart, infinite while there is no solution.
/// `optimal` says that both agree to the gaps. The proof is the tree, so `certificate` is none; `verified` says that
/// `x` satisfies all bounds and rows in 32-digit arithmetic or, of `infeasible`, that every leaf was proved so by a
/// checked certificate. A search that a limit, the caller or an imprecise node ends says that word, never another one,
/// and its bound counts the node that was left. Where the relaxation is unbounded, `unbounded` is said with a whole
/// point and the checked ray, and else `infeasible_or_unbounded`. Past `objective_limit` nodes are left out; the status
/// is that word where nothing else was left.
///
/// Nodes are taken deepest first until a solution is there, then by their bound; each is re-solved from its parent's
/// basis by the dual simplex method, and branches by pseudo-costs, most fractional while there are none. Memory: one
/// basis and the changed bounds for each open node. Source: Land, Doig, "An automatic method of solving discrete
/// programming problems", Econometrica 28, 1960; Benichou et al., "Experiments in mixed-integer linear programming",
/// Math. Programming 1, 1971 (pseudo-costs).
inline answer branch_and_bound(const lp& model, const solve_options& options = {}, const branching_options& how = {}) {
  return detail::whole_search{model, options, how}.run();
}

}  // namespace plait
