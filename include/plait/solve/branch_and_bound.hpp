// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <plait/core/math.hpp>
#include <plait/solve/answer.hpp>
#include <plait/solve/check.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/options.hpp>
#include <plait/solve/simplex.hpp>

namespace plait {

/// How to search.
struct branching_options {
  double absolute_gap = 1e-9;  ///< a node is left when its bound is within this of the best whole solution
  double relative_gap = 1e-9;  ///< ... or within this share of its objective
  double whole = 1e-6;         ///< how far a value may be from a whole number
  std::int64_t node_limit = -1;
  void (*incumbent)(void*, const answer&) = nullptr;  ///< gets every better whole solution
  void* context = nullptr;
};

/// Solves an integer program: columns marked by `set_integer` take whole values.
///
/// The best whole solution is in `x`, with whole columns exactly whole and the objective that follows; `bound` is what
/// no whole solution can beat. `optimal` says that both agree to the gaps. The proof is the tree, so `certificate` is
/// none; `verified` says that `x` satisfies all bounds and rows in 32-digit arithmetic. Nodes are taken deepest first
/// until a solution is there, then by their bound; each is re-solved from its parent's basis by the dual simplex
/// method, and branches by pseudo-costs, most fractional while there are none. Memory: one basis and the changed bounds
/// for each open node. Source: Land, Doig, "An automatic method of solving discrete programming problems", Econometrica
/// 28, 1960; Benichou et al., "Experiments in mixed-integer linear programming", Math. Programming 1, 1971
/// (pseudo-costs).
inline answer branch_and_bound(const lp& model, const solve_options& options = {}, const branching_options& how = {}) {
  struct change {
    int column;
    double lower, upper;
  };
  struct node {
    table<change> changes;
    basis start;
    double bound;  // of the relaxation, to be minimized
    int depth;
  };
  struct pseudo_cost {
    double sum[2] = {0, 0};
    int count[2] = {0, 0};
  };
  const double began = detail::seconds_now();
  const double sign = model.sense() == objective_sense::maximize ? -1 : 1;
  const int n = model.columns();
  lp work = model;
  simplex solver;
  answer best;
  best.status = termination::infeasible;
  double best_value = infinity;  // to be minimized
  std::int64_t iterations = 0, nodes = 0;
  std::vector<node> open;
  table<pseudo_cost> costs(n);

  // Bounds of whole columns become whole.
  for (int j = 0; j < n; ++j) {
    if (!model.is_integer(j)) continue;
    const double l = math::ceil(model.column_lower(j) - how.whole), u = math::floor(model.column_upper(j) + how.whole);
    work.set_column_bounds(j, l, u);
  }
  const auto close = [&](double bound) {
    return bound >= best_value - math::larger(how.absolute_gap, how.relative_gap * math::abs(best_value));
  };
  const auto finish = [&](termination status) {
    double bound = best_value;
    for (const node& one : open) bound = math::smaller(bound, one.bound);
    best.status = status;
    best.bound = sign * bound;
    best.iterations = iterations;
    best.nodes = nodes;
    best.seconds = detail::seconds_now() - began;
    best.certificate = certificate_kind::none;
    best.relative_gap =
        best_value < infinity ? math::abs(best_value - bound) / math::larger(1, math::abs(best_value)) : 0;
    return best;
  };

  solve_options inner = options;
  inner.presolve = false;
  open.push_back({{}, {}, -infinity, 0});
  while (!open.empty()) {
    if (how.node_limit >= 0 && nodes >= how.node_limit) return finish(termination::node_limit);
    const double spent = detail::seconds_now() - began;
    if (spent >= options.time_limit) return finish(termination::time_limit);
    if (options.interrupt != nullptr && options.interrupt(options.context)) return finish(termination::interrupted);
    if (options.iteration_limit >= 0 && iterations >= options.iteration_limit) {
      return finish(termination::iteration_limit);
    }
    // The deepest node until there is a solution, then the one of the least bound.
    std::size_t pick = open.size() - 1;
    if (best_value < infinity) {
      for (std::size_t k = 0; k < open.size(); ++k)
        if (open[k].bound < open[pick].bound) pick = k;
    }
    node now = std::move(open[pick]);
    open.erase(open.begin() + static_cast<std::ptrdiff_t>(pick));
    if (close(now.bound)) continue;

    table<change> saved;
    for (const change& c : now.changes) {
      saved.push_back({c.column, work.column_lower(c.column), work.column_upper(c.column)});
      work.set_column_bounds(c.column, c.lower, c.upper);
    }
    inner.time_limit = options.time_limit - spent;
    if (options.iteration_limit >= 0) inner.iteration_limit = options.iteration_limit - iterations;
    answer relaxed = solver.solve(work, inner, now.start);
    iterations += relaxed.iterations;
    ++nodes;
    for (int k = saved.size(); k-- > 0;) {
      work.set_column_bounds(saved[k].column, saved[k].lower, saved[k].upper);
    }
    if (relaxed.status == termination::infeasible) continue;
    if (relaxed.status != termination::optimal) {
      now.start = relaxed.basis;
      open.push_back(std::move(now));
      if (relaxed.status == termination::unbounded) {
        best.explanation = "the relaxation is unbounded, so the integer program is unbounded or infeasible";
        best.ray = relaxed.ray;
        best.x = relaxed.x;
      } else {
        best.explanation = relaxed.explanation;
      }
      return finish(relaxed.status);
    }
    const double value = sign * relaxed.objective;
    if (close(value)) continue;

    // What the last branching cost, and what to branch on next.
    const auto fraction = [&](int j) { return relaxed.x[j] - math::floor(relaxed.x[j]); };
    int branch = -1;
    double merit = -1;
    for (int j = 0; j < n; ++j) {
      if (!model.is_integer(j)) continue;
      const double f = fraction(j);
      if (f <= how.whole || f >= 1 - how.whole) continue;
      const pseudo_cost& p = costs[j];
      const double down = f * (p.count[0] > 0 ? p.sum[0] / p.count[0] : 1);
      const double up = (1 - f) * (p.count[1] > 0 ? p.sum[1] / p.count[1] : 1);
      const double score = math::larger(down, 1e-6) * math::larger(up, 1e-6);
      if (score > merit) {
        merit = score;
        branch = j;
      }
    }
    if (now.depth > 0 && !now.changes.empty()) {
      const change& last = now.changes.back();
      pseudo_cost& p = costs[last.column];
      const int side = last.lower > work.column_lower(last.column) ? 1 : 0;
      p.sum[side] += math::larger(0, value - now.bound);
      ++p.count[side];
    }
    if (branch < 0) {
      // Whole: round exactly, solve for the rest with the whole columns fixed, and let the check decide.
      for (int j = 0; j < n; ++j) {
        if (!model.is_integer(j)) continue;
        saved.push_back({j, work.column_lower(j), work.column_upper(j)});
        const double whole = math::round(relaxed.x[j]);
        work.set_column_bounds(j, whole, whole);
      }
      const int first = now.changes.size();
      answer exact = solver.solve(work, inner, relaxed.basis);
      iterations += exact.iterations;
      for (int k = saved.size(); k-- > first;) {
        work.set_column_bounds(saved[k].column, saved[k].lower, saved[k].upper);
      }
      if (exact.status != termination::optimal) {
        // Whole only within the tolerance: branch on the column that is furthest from whole.
        double furthest = 0;
        for (int j = 0; j < n; ++j) {
          if (!model.is_integer(j)) continue;
          const double off = math::abs(relaxed.x[j] - math::round(relaxed.x[j]));
          if (off > furthest) {
            furthest = off;
            branch = j;
          }
        }
        if (branch < 0) continue;
      } else {
        const double exact_value = sign * exact.objective;
        if (exact_value < best_value) {
          double worst = 0;
          exact.verified = detail::point_is_feasible(model, exact.x, 1e-9, worst);
          exact.max_primal_residual = worst;
          exact.primal = point_status::feasible;
          exact.dual_point = point_status::none;
          best = std::move(exact);
          best_value = exact_value;
          if (how.incumbent != nullptr) how.incumbent(how.context, best);
        }
        continue;
      }
    }
    const double at = relaxed.x[branch];
    double lower = work.column_lower(branch), upper = work.column_upper(branch);
    for (const change& c : now.changes) {
      if (c.column != branch) continue;
      lower = c.lower;
      upper = c.upper;
    }
    node down{now.changes, relaxed.basis, value, now.depth + 1};
    node up = down;
    down.changes.push_back({branch, lower, math::floor(at)});
    up.changes.push_back({branch, math::floor(at) + 1, upper});
    // The nearer side is searched first.
    const bool up_first = fraction(branch) > 0.5;
    open.push_back(std::move(up_first ? down : up));
    open.push_back(std::move(up_first ? up : down));
  }
  if (best_value == infinity) {
    best.verified = true;  // every leaf was proved infeasible by a checked certificate
    return finish(termination::infeasible);
  }
  return finish(termination::optimal);
}

}  // namespace plait
