// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <plait/core/math.hpp>
#include <plait/solve/answer.hpp>
#include <plait/solve/check.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/options.hpp>
#include <plait/solve/simplex.hpp>

namespace plait::detail {

/// The tree of branch and bound. A node leaves it only when its relaxation is proved infeasible, when its bound is
/// within the gaps of the best whole solution or past the objective limit, when that solution is all it has, or when
/// its children take its place. What leaves by its bound is kept as `left_bound_`, so that the bound of the answer
/// holds for all of the tree.
class whole_search {
 public:
  whole_search(const lp& model, const solve_options& options, const branching_options& how)
      : model_{model}, options_{options}, how_{how}, costs_(model.columns()) {
    sign_ = model.sense() == objective_sense::maximize ? -1 : 1;
    const double limit = sign_ * options.objective_limit;
    if (limit < infinity && limit > -infinity) limit_ = limit + 1e-9 * math::larger(1, math::abs(limit));
  }

  answer run() {
    open_.push_back({{}, {}, -infinity});
    monitor limits;
    limits.deadline = options_.time_limit < infinity ? began_ + options_.time_limit : 1e300;
    limits.interrupted = options_.interrupt;
    limits.context = options_.context;
    try {
      work_.copy_unnamed(model_, &limits);
    } catch (const stop_request&) {
      return finish(limits.reason == stop_reason::time ? termination::time_limit : termination::interrupted);
    }
    // Bounds of whole columns become whole.
    for (int j = 0; j < model_.columns(); ++j) {
      if (!model_.is_integer(j)) continue;
      work_.set_column_bounds(j, math::ceil(model_.column_lower(j) - how_.whole),
                              math::floor(model_.column_upper(j) + how_.whole));
    }
    while (!open_.empty()) {
      if (how_.node_limit >= 0 && nodes_ >= how_.node_limit) return finish(termination::node_limit);
      if (seconds_now() - began_ >= options_.time_limit) return finish(termination::time_limit);
      if (options_.interrupt != nullptr && options_.interrupt(options_.context)) {
        return finish(termination::interrupted);
      }
      if (options_.iteration_limit >= 0 && iterations_ >= options_.iteration_limit) {
        return finish(termination::iteration_limit);
      }
      node now = take_next();
      if (leave_out(now.bound)) continue;
      answer relaxed = relax(now);
      ++nodes_;
      if (relaxed.status == termination::infeasible) continue;
      if (relaxed.status == termination::unbounded) return without_bound(std::move(relaxed));
      if (relaxed.status != termination::optimal) return put_back(std::move(now), relaxed, relaxed.status);
      const double value = math::larger(now.bound, sign_ * relaxed.objective);
      learn(now, value);
      now.bound = value;
      if (leave_out(value)) continue;
      place at = most_promising(relaxed.x);
      if (at.column < 0) {
        // Whole: round exactly, solve for the rest with the whole columns fixed, and let the check decide.
        answer exact = solve_rounded(relaxed);
        const bool found = exact.status == termination::optimal;
        if (!found && exact.status != termination::infeasible) {
          now.start = relaxed.basis;
          return put_back(std::move(now), exact,
                          exact.status == termination::unbounded ? termination::imprecise : exact.status);
        }
        if (found) {
          offer(std::move(exact));
          if (leave_out(value)) continue;
        }
        // Whole only within the tolerance, and rounding made it worse: there may be other whole points in here.
        at = furthest_from_whole(now, relaxed.x);
        if (at.column < 0 && found) {
          left_bound_ = math::smaller(left_bound_, value);
          continue;
        }
        if (at.column < 0) at = any_choice(now, relaxed.x);
        if (at.column < 0) continue;  // the node has no other point than the one that was proved infeasible
      }
      branch(now, relaxed.basis, at);
    }
    if (past_limit_ && best_value_ > limit_) return finish(termination::objective_limit);
    if (best_value_ < infinity) return finish(termination::optimal);
    best_.verified = true;  // every leaf was proved infeasible by a checked certificate
    return finish(termination::infeasible);
  }

 private:
  struct change {
    int column;
    double lower, upper;
  };
  struct node {
    table<change> changes;
    basis start;
    double bound;  // of the relaxation, to be minimized
  };
  struct pseudo_cost {
    double sum[2] = {0, 0};
    int count[2] = {0, 0};
  };
  /// A column, and the greatest value that its lower side keeps.
  struct place {
    int column = -1;
    double below = 0;
    bool up_first = false;
  };

  /// Whether a node of that bound need not be looked at.
  bool leave_out(double bound) {
    const double gap = math::larger(how_.absolute_gap, how_.relative_gap * math::abs(best_value_));
    const bool close = best_value_ < infinity && bound >= best_value_ - gap;
    if (!close && !(bound > limit_)) return false;
    past_limit_ = past_limit_ || !close;
    left_bound_ = math::smaller(left_bound_, bound);
    return true;
  }
  /// The deepest node until there is a solution, then the one of the least bound.
  node take_next() {
    std::size_t pick = open_.size() - 1;
    if (best_value_ < infinity) {
      for (std::size_t k = 0; k < open_.size(); ++k)
        if (open_[k].bound < open_[pick].bound) pick = k;
    }
    node now = std::move(open_[pick]);
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(pick));
    return now;
  }
  /// With what is left of the limits. The limit on the objective is the tree's: a bad node says nothing of the others.
  answer solve_work(const basis& start) {
    solve_options inner = options_;
    inner.presolve = false;
    inner.objective_limit = infinity;
    inner.time_limit = options_.time_limit - (seconds_now() - began_);
    if (options_.iteration_limit >= 0) {
      inner.iteration_limit = options_.iteration_limit > iterations_ ? options_.iteration_limit - iterations_ : 0;
    }
    answer found = solver_.solve(work_, inner, start);
    iterations_ += found.iterations;
    return found;
  }
  void set_bounds(int column, double lower, double upper) {
    saved_.push_back({column, work_.column_lower(column), work_.column_upper(column)});
    work_.set_column_bounds(column, lower, upper);
  }
  void restore_bounds() {
    for (int k = saved_.size(); k-- > 0;) {
      work_.set_column_bounds(saved_[k].column, saved_[k].lower, saved_[k].upper);
    }
    saved_.clear();
  }
  answer relax(const node& now) {
    for (const change& c : now.changes) set_bounds(c.column, c.lower, c.upper);
    answer found = solve_work(now.start);
    restore_bounds();
    return found;
  }
  answer solve_rounded(const answer& relaxed) {
    for (int j = 0; j < model_.columns(); ++j) {
      if (model_.is_integer(j)) set_bounds(j, math::round(relaxed.x[j]), math::round(relaxed.x[j]));
    }
    answer found = solve_work(relaxed.basis);
    restore_bounds();
    return found;
  }
  /// What the last branching cost.
  void learn(const node& now, double value) {
    if (now.changes.empty()) return;
    const change& last = now.changes.back();
    pseudo_cost& p = costs_[last.column];
    const int side = last.lower > work_.column_lower(last.column) ? 1 : 0;
    p.sum[side] += math::larger(0, value - now.bound);
    ++p.count[side];
  }
  /// The column of a fraction whose sides promise most.
  [[nodiscard]] place most_promising(const table<double>& x) const {
    place found;
    double merit = -1;
    for (int j = 0; j < model_.columns(); ++j) {
      if (!model_.is_integer(j)) continue;
      const double f = x[j] - math::floor(x[j]);
      if (f <= how_.whole || f >= 1 - how_.whole) continue;
      const pseudo_cost& p = costs_[j];
      const double down = f * (p.count[0] > 0 ? p.sum[0] / p.count[0] : 1);
      const double up = (1 - f) * (p.count[1] > 0 ? p.sum[1] / p.count[1] : 1);
      const double score = math::larger(down, 1e-6) * math::larger(up, 1e-6);
      if (score <= merit) continue;
      merit = score;
      found = {j, math::floor(x[j]), f > 0.5};
    }
    return found;
  }
  [[nodiscard]] place furthest_from_whole(const node& now, const table<double>& x) const {
    place found;
    double furthest = 0;
    for (int j = 0; j < model_.columns(); ++j) {
      if (!model_.is_integer(j)) continue;
      const auto [lower, upper] = bounds_of(now, j);
      if (!(x[j] > lower && x[j] < upper)) continue;
      const double off = math::abs(x[j] - math::round(x[j]));
      if (off <= furthest) continue;
      furthest = off;
      found = {j, math::floor(x[j]), x[j] - math::floor(x[j]) > 0.5};
    }
    return found;
  }
  /// Any column that has more than one value, halved beside the one that it has.
  [[nodiscard]] place any_choice(const node& now, const table<double>& x) const {
    for (int j = 0; j < model_.columns(); ++j) {
      if (!model_.is_integer(j)) continue;
      const auto [lower, upper] = bounds_of(now, j);
      const double whole = math::round(x[j]);
      if (lower < upper) return {j, whole < upper ? math::larger(whole, lower) : upper - 1, whole >= upper};
    }
    return {};
  }
  [[nodiscard]] std::pair<double, double> bounds_of(const node& now, int column) const {
    std::pair<double, double> found{work_.column_lower(column), work_.column_upper(column)};
    for (const change& c : now.changes)
      if (c.column == column) found = {c.lower, c.upper};
    return found;
  }
  /// The side that is searched first comes last.
  void branch(const node& now, const basis& start, place at) {
    const auto [lower, upper] = bounds_of(now, at.column);
    node down{now.changes, start, now.bound};
    node up = down;
    down.changes.push_back({at.column, lower, at.below});
    up.changes.push_back({at.column, at.below + 1, upper});
    open_.push_back(std::move(at.up_first ? down : up));
    open_.push_back(std::move(at.up_first ? up : down));
  }
  /// A whole solution.
  void offer(answer exact) {
    const double value = sign_ * exact.objective;
    if (value >= best_value_) return;
    double worst = 0;
    exact.verified = point_is_feasible(model_, exact.x, 1e-9, worst);
    exact.max_primal_residual = worst;
    exact.primal = point_status::feasible;
    exact.dual_point = point_status::none;
    best_ = std::move(exact);
    best_value_ = value;
    if (how_.incumbent != nullptr) how_.incumbent(how_.context, best_);
  }
  /// A solve of the node came to no end, so the search ends with the node in the tree.
  answer put_back(node now, const answer& stopped, termination status) {
    if (now.start.empty()) now.start = stopped.basis;
    open_.push_back(std::move(now));
    best_.explanation = stopped.explanation;
    return finish(status);
  }
  /// A ray of the relaxation is one of the integer program where that has a point at all: its numbers are fractions, so
  /// some multiple of the ray is whole. Source: Meyer, "On the existence of optimal solutions to integer and
  /// mixed-integer programming problems", Math. Programming 7, 1974.
  answer without_bound(answer relaxed) {
    bool whole = true;
    for (int j = 0; j < model_.columns(); ++j) {
      whole = whole && (!model_.is_integer(j) || relaxed.x[j] == math::round(relaxed.x[j]));
    }
    const bool proved = whole && check_primal_ray(model_, relaxed).verified;
    best_ = std::move(relaxed);
    left_bound_ = -infinity;
    if (!proved) {
      best_.explanation = "the relaxation is unbounded, so the integer program is unbounded or infeasible";
      best_.primal = point_status::none;
      best_.x.clear();
      best_.activity.clear();
      best_.objective = 0;
    }
    best_.verified = proved;
    best_ = finish(proved ? termination::unbounded : termination::infeasible_or_unbounded);
    if (proved) best_.certificate = certificate_kind::primal_ray;
    return best_;
  }
  answer finish(termination status) {
    double bound = math::smaller(best_value_, left_bound_);
    for (const node& one : open_) bound = math::smaller(bound, one.bound);
    best_.status = status;
    best_.bound = sign_ * bound;
    best_.iterations = iterations_;
    best_.nodes = nodes_;
    best_.seconds = seconds_now() - began_;
    best_.certificate = certificate_kind::none;
    best_.relative_gap =
        best_value_ < infinity ? math::abs(best_value_ - bound) / math::larger(1, math::abs(best_value_)) : infinity;
    return std::move(best_);
  }

  const double began_ = seconds_now();
  const lp& model_;
  const solve_options& options_;
  const branching_options& how_;
  lp work_;
  simplex solver_;
  answer best_;
  double sign_ = 1, limit_ = infinity;                    // both to be minimized,
  double best_value_ = infinity, left_bound_ = infinity;  // as these are
  bool past_limit_ = false;                               // whether a node was left out for its bound alone
  std::int64_t iterations_ = 0, nodes_ = 0;
  std::vector<node> open_;
  table<pseudo_cost> costs_;
  table<change> saved_;
};

}  // namespace plait::detail
