// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/detail/bordered_prices.hpp>
#include <plait/solve/detail/form.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/tableau.hpp>
#include <plait/solve/detail/work_vector.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// The primal simplex method for programs with a cost on one column alone, which stands in many rows, as t does in
/// max-min fairness.
///
/// There each pivot changes t, and t all values and all reduced costs, though little else happens. So t is kept out of
/// the factors. In its place B holds a variable that rests at a bound, the held one, and beside B stand
///
///     follow = B^-1 a_t         what basic variables do when t moves, but for a sign
///     row    = e_held B^-1      and  entry_j = row . a_j  of all variables
///
/// With s = B^-1 a_q the held variable stays where it is if t falls by s_held / follow_held for each unit of q. So
/// reduced costs are -cost_t entry_j / follow_held, and a basic variable changes by -(s - s_held / follow_held follow).
/// s, and rows of B^-1 other than that of the held variable, have few nonzeros, and the updates of all the above are
/// multiples of these. Where a leaving variable hardly moves by s but with t, it becomes the held one, and q takes the
/// place of the one held so far. Devex weights measure all that moves; without t they take twice the pivots.
/// Cost of a pivot: two sparse solves with the factors, a row of B^-1 A, and plain passes over values and weights.
/// Needs: a basis that is primal feasible, with t in it.
/// Source: derived; a bordered basis as in Bisschop, Meeraus, "Matrix augmentation and partitioning in the updating of
/// the basis inverse", Math. Programming 13, 1977, whose border is one column here.
class bordered_simplex : bordered_prices {
 public:
  /// The column that alone has a cost, where it stands in a fourth of the rows or more; else -1.
  static int column_of(const form& program) {
    int only = -1;
    for (int j = 0; j < program.variables(); ++j) {
      if (program.cost[j] == 0) continue;
      if (only >= 0 || j >= program.columns()) return -1;
      only = j;
    }
    if (only < 0) return -1;
    return 4 * (program.a.begin[only + 1] - program.a.begin[only]) >= program.rows() ? only : -1;
  }

  /// From the basis in `t` to an optimal one. False where it gave up or was stopped, which leaves a basis as well.
  /// `again`: whether the basis is that of the last run, in a program that may have gained and lost columns since.
  bool run(tableau& t, int column, monitor& limits, double tolerance, bool again = false) {
    t_ = &t;
    column_ = column;
    tolerance_ = tolerance;
    for (work_vector* const one : {&entering_, &spike_, &behind_, &rho_, &unit_}) one->resize(t.rows());
    row_.resize(t.columns());
    reference_.assign(t.variables(), 1.0);
    moves_.resize(t.variables());
    offers_.resize(t.variables() + 1);  // what is no offer is written behind the last one
    if (!(again && start_again()) && !start()) return false;
    const bool optimal = iterate(limits);
    if (optimal) find_row_of_held();
    finish();
    return optimal;
  }

  /// Multipliers of the rows, as of the end of `run`.
  void multipliers(table<double>& y) const {
    const double scale = t_->program->cost[column_] / follow_[held_place_];
    y.resize(t_->rows());
    for (int i = 0; i < y.size(); ++i) y[i] = scale * row_of_held_[i];
  }

 private:
  enum class step { taken, none_helps, rebuild, give_up };

  /// Takes t out of the basis, for the activity whose row says most about t.
  bool start() {
    tableau& t = *t_;
    t.settle_all();
    t.restore_costs();
    t.restore_bounds();
    if (t.place[column_] < 0 || t.refactor() > 0 || t.place[column_] < 0) return false;
    t.compute_values();
    const int p = t.place[column_];
    rho_.clear();
    rho_.set(p, 1);
    t.factors.btran(rho_, 1, &behind_);
    int best = -1;
    for (int i = 0; i < t.rows(); ++i) {
      if (t.status[t.columns() + i] == basis_status::basic) continue;
      if (best < 0 || math::abs(rho_.value[i]) > math::abs(rho_.value[best])) best = i;
    }
    if (best < 0 || math::abs(rho_.value[best]) < 1e-7) return false;
    hold(t.columns() + best);
    held_place_ = p;
    const double at = t.x[column_];
    t.exchange(p, held_, basis_status::lower);
    t.x[column_] = at;
    return true;
  }
  /// The same with the activity that was held last, if it was one: columns may have other places now.
  bool start_again() {
    tableau& t = *t_;
    if (held_row_ < 0) return false;
    const int variable = t.columns() + held_row_;
    t.settle_all();
    t.restore_costs();
    t.restore_bounds();
    if (t.place[column_] < 0 || t.place[variable] >= 0) return false;
    hold(variable);
    held_place_ = t.place[column_];
    t.exchange(held_place_, held_, basis_status::lower);
    t.settle(column_);
    return true;
  }
  /// Back to a basis that has t in it.
  void finish() {
    tableau& t = *t_;
    t.exchange(held_place_, column_, held_status_);
    held_row_ = held_ < t.columns() ? -1 : held_ - t.columns();
  }
  /// Remembers a variable that rests at a bound as the held one.
  void hold(int variable) {
    held_ = variable;
    held_status_ = t_->status[variable];
    held_bound_ = t_->x[variable];
  }

  bool iterate(monitor& limits) {
    tableau& t = *t_;
    bool fresh = false;  // whether all follows from factors just made
    double best = infinity;
    int stalled = 0;
    while (true) {
      if (!fresh) {
        if (!rebuild()) return false;
        fresh = true;
      }
      if (limits.stop()) return false;
      const step done = one_iteration(limits);
      switch (done) {
        case step::none_helps:
          return true;
        case step::give_up:
          return false;
        case step::rebuild:
          if (t.factors.updates() == 0) return false;
          fresh = false;
          break;
        case step::taken:
          if (t.factors.worth_rebuilding()) fresh = false;
          break;
      }
      const double now = t.program->cost[column_] * t.x[column_];
      stalled = now < best ? 0 : stalled + 1;
      best = now < best ? now : best;
      if (stalled > 500) return false;  // the other method perturbs bounds
    }
  }

  /// Everything from the basis, t and the bound of the held variable.
  bool rebuild() {
    tableau& t = *t_;
    const int m = t.rows();
    if (t.refactor() > 0) {
      held_place_ = t.place[held_] >= 0 ? t.place[held_] : 0;
      return false;
    }
    held_place_ = t.place[held_];
    t.compute_values();
    t.load_column(column_, entering_);
    t.factors.ftran(entering_, 1);
    follow_ = entering_.value;
    entering_.clear();
    const double off = (t.x[held_] - held_bound_) / follow_[held_place_];
    t.x[column_] += off;
    value_.resize(m);
    lower_.resize(m);
    upper_.resize(m);
    rate_.resize(m);
    for (int p = 0; p < m; ++p) {
      place_bounds(p);
      value_[p] = t.x[t.basic[p]] - off * follow_[p];
      if (value_[p] < lower_[p] - 1e-6 || value_[p] > upper_[p] + 1e-6) return false;
    }
    value_[held_place_] = held_bound_;
    price_held();
    return true;
  }
  step one_iteration(monitor& limits) {
    tableau& t = *t_;
    int q = choose();
    if (q < 0) {
      offer_all();  // reduced costs may have grown with their scale
      q = choose();
      if (q < 0) return step::none_helps;
    }
    entering_.clear();
    if (q == held_) {
      entering_.set(held_place_, 1);
    } else {
      t.load_column(q, entering_);
      t.factors.ftran(entering_, t.column_density, &spike_);
    }
    const double at_held = entering_.value[held_place_];
    if (math::abs(at_held - entry_[q]) > 1e-6 * math::abs(at_held)) {
      if (t.factors.updates() > 0) return step::rebuild;
      entry_[q] = at_held;
      if (helps(q) == 0) return step::taken;
    }
    const double direction = price_ * at_held < 0 ? 1 : -1, tau = at_held / follow_[held_place_];
    choose_leaving(direction, tau);
    const double range = t.upper[q] - t.lower[q], of_t = -direction * tau,
                 room_of_t = of_t > 0 ? t.upper[column_] - t.x[column_] : t.x[column_] - t.lower[column_];
    // Bounds of t, and programs without an optimum, are for the other methods.
    if (room_of_t <= step_ * math::abs(of_t) || (leaving_ < 0 && range == infinity)) return step::give_up;
    if (leaving_ < 0 || range <= step_) {
      if (q == held_) return step::give_up;
      t.status[q] = t.status[q] == basis_status::lower ? basis_status::upper : basis_status::lower;
      t.settle(q);
      note_moves(q);
      move(direction * range, tau);
      ++limits.iterations;
      return step::taken;
    }
    const int p = leaving_, out = t.basic[p];
    const double alpha = rate_[p], by_itself = entering_.value[p];
    if (math::abs(alpha) < 1e-7) return step::rebuild;
    rho_.clear();
    rho_.set(p, 1);
    t.factors.btran(rho_, t.row_density, &behind_, t.row_density.second.share < 0.4);
    if (q != held_ && t.factors.updates() > 0 && math::abs(entry_of(q) - by_itself) > 1e-7 * math::abs(alpha))
      return step::rebuild;
    const double entered = (q == held_ ? held_bound_ : t.x[q]) + direction * step_,
                 bound = (to_upper_ ? upper_ : lower_)[p], along = follow_[p] / follow_[held_place_];
    const basis_status to = to_upper_ && !t.is_fixed(out) ? basis_status::upper : basis_status::lower;
    move(direction * step_, tau);
    ++limits.iterations;
    const double weight = math::larger(reference_[q], 1.0) / (alpha * alpha);
    double of_out = 1;
    if (q != held_ && math::abs(by_itself) >= 0.05 * math::abs(alpha)) {
      of_out = -at_held / by_itself;
      exchange(p, q, by_itself, to);
      t.factors.update(p, spike_, behind_, by_itself);
      t.x[out] = bound;
      value_[p] = entered;
      note_moves(q);
      note_moves(out);
      renew(of_out, 1, along, weight);
      entry_[q] = 0;
    } else {
      const int held_before = held_;
      const double factor = q == held_ ? 0 : by_itself / at_held;
      if (q != held_) {
        unit_.clear();
        unit_.set(held_place_, 1);
        t.factors.btran(unit_, 1, &behind_);
        exchange(held_place_, q, at_held, held_status_);
        t.factors.update(held_place_, spike_, behind_, at_held);
        t.x[held_] = held_bound_;
      }
      value_[held_place_] = entered;
      held_ = out;
      held_status_ = to;
      held_bound_ = value_[p] = bound;
      held_place_ = p;
      note_moves(q);
      note_moves(held_before);
      note_moves(out);
      renew(1, -factor, along, weight);
      if (q != held_before) entry_[q] = 0;
      entry_[held_before] = q == held_before ? 0 : -factor;
      offer(held_before);
    }
    entry_[out] = of_out;
    offer(out);
    offer(held_);
    reference_[out] = math::larger(1.0, weight);
    return step::taken;
  }

  /// q takes the place p in B.
  void exchange(int p, int q, double pivot, basis_status to) {
    tableau& t = *t_;
    const double by = follow_[p] / pivot;
    for (int s = 0; s < entering_.count; ++s) {
      const int i = entering_.index[s];
      follow_[i] -= by * entering_.value[i];
    }
    follow_[p] = by;
    t.exchange(p, q, to);
    place_bounds(p);
  }

  int held_row_ = -1;  // of the activity that was held last; -1 where it was a column
  work_vector spike_, behind_, unit_;
};

}  // namespace plait::detail
