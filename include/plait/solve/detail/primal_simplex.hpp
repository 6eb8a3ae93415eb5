// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/core/math.hpp>
#include <plait/solve/detail/dual_simplex.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/primal_pricing.hpp>
#include <plait/solve/detail/primal_ratio_test.hpp>
#include <plait/solve/detail/tableau.hpp>

namespace plait::detail {

/// The bounded primal simplex method; infeasible bases are led to feasible ones by the sum of
/// infeasibilities.
///
/// Each iteration costs two solves with the factors and the product of a row of B^-1 with A, and the same once more
/// where a basic variable becomes feasible.
/// Source: Harris, "Pivot selection methods of the Devex LP code", 1973; Maros, Computational Techniques of the Simplex
/// Method, 2003, chapter 9.
class primal_simplex : primal_pricing {
 public:
  using primal_pricing::dual_tolerance;
  double tolerance = 1e-7;      ///< of values
  double least_pivot = 1e-9;    ///< what is smaller, in the row or column at hand, is taken for rounding
  bool bounds_changed = false;  ///< whether bounds were perturbed or shifted since they were restored
  std::uint64_t seed = 0;
  int trusted_updates = 0;  ///< an optimum after so many updates needs no factors made anew: the caller makes them
  table<double>
      ray;  ///< after `unbounded`: direction of all variables; after `infeasible`: multipliers of rows; scaled

  void attach(tableau& t) {
    t_ = &t;
    spend(t.program->limits, 8 * t.rows());
    for (work_vector* const one : {&column_, &spike_, &behind_, &rho_, &change_}) one->prepare(t.rows());
    spend(t.program->limits, 4 * t.variables());
    row_.prepare(t.columns());
    reference_.assign(t.variables(), 1.0);
    bounds_changed = false;
  }

  /// Bounds a little outside the given ones, so that few basic variables meet one at once.
  void perturb_bounds() {
    tableau& t = *t_;
    bounds_changed = t.bounds_apart = true;
    for (const auto [first, last] : parts(t.program->limits, t.variables(), 8)) {
      for (int j = first; j < last; ++j) {
        if (t.status[j] != basis_status::basic && t.is_fixed(j)) continue;
        const double by = (1 + random_unit(seed, static_cast<std::uint64_t>(j) + 991)) * 5e-7;
        if (t.lower[j] > -infinity) t.lower[j] -= by * (math::abs(t.lower[j]) + 1);
        if (t.upper[j] < infinity) t.upper[j] += by * (math::abs(t.upper[j]) + 1);
      }
    }
    t.settle_all();
  }

  /// From any basis, with the costs of the program.
  outcome run(monitor& limits) {
    tableau& t = *t_;
    t.restore_costs();
    bool first = true;
    int troubles = 0, stalled = 0;
    spend(t.program->limits, t.variables());
    reset_reference();
    double best = infinity;
    bool best_phase_one = true;
    while (true) {
      if (!t.fresh_to_begin()) {
        if (t.refactor() > 0) {
          reset_reference();
          if (!first && ++troubles > 20) return outcome::failed;
        }
      }
      first = false;
      const bool ready = t.ready;
      t.ready = false;
      if (!ready) t.compute_values();
      spend(t.program->limits, 4 * t.variables());
      const auto worst = t.primal_infeasibilities(tolerance);
      infeasible_ = worst.count > 0;
      if (infeasible_) {
        set_infeasibility_costs();
      } else {
        t.restore_costs();
      }
      if (!ready || infeasible_) t.compute_reduced_costs();
      offer_all();
      banned_.assign(t.variables(), 0);
      any_banned_ = false;
      // Progress is judged between rebuilds; without any, bounds are perturbed.
      const double merit = infeasible_ ? worst.sum : t.objective();
      if (best_phase_one == infeasible_ && merit >= best - 1e-9 * (1 + math::abs(best))) {
        if (++stalled == 2 && !bounds_changed) {
          perturb_bounds();
          continue;
        }
        if (stalled > 400) return outcome::failed;
      } else {
        stalled = 0;
        best = merit;
        best_phase_one = infeasible_;
      }
      bool progressed = false;
      while (true) {
        if (limits.stop()) return outcome::stopped;
        const step done = one_iteration(limits);
        if (done == step::taken) {
          progressed = true;
          if (t.factors.worth_rebuilding()) break;
          if (infeasible_ && infeasible_count_ == 0) break;
          continue;
        }
        if (done == step::no_candidate) {
          if (t.factors.updates() > (infeasible_ ? 0 : trusted_updates)) break;
          if (any_banned_) return outcome::failed;
          if (!infeasible_) return outcome::optimal;
          if (bounds_changed) {
            bounds_changed = false;
            t.restore_bounds();
            t.settle_all();
            stalled = -1000;  // the last word is with the true bounds
            break;
          }
          t.compute_multipliers();
          ray = t.buffer.value;
          t.buffer.clear();
          return outcome::infeasible;
        }
        if (done == step::no_limit) {
          if (t.factors.updates() > 0) break;
          return infeasible_ ? outcome::failed : outcome::unbounded;
        }
        if (++troubles > 200) return outcome::failed;
        if (t.factors.updates() == 0) continue;
        if (!progressed || t.factors.updates() < 10) t.threshold = math::smaller(0.5, t.threshold * 2);
        break;
      }
    }
  }

 private:
  enum class step { taken, no_candidate, no_limit, trouble };

  double infeasibility_cost(int j) const {
    const tableau& t = *t_;
    return t.x[j] < t.lower[j] - tolerance ? -1 : t.x[j] > t.upper[j] + tolerance ? 1 : 0;
  }
  void set_infeasibility_costs() {
    tableau& t = *t_;
    infeasible_count_ = 0;
    t.costs_apart = true;
    for (int j = 0; j < t.variables(); ++j) {
      t.cost[j] = t.status[j] == basis_status::basic ? infeasibility_cost(j) : 0;
      if (t.cost[j] != 0) ++infeasible_count_;
    }
  }

  step one_iteration(monitor& limits) {
    tableau& t = *t_;
    const int q = choose_column();
    if (q < 0) return step::no_candidate;
    t.load_column(q, column_);
    t.factors.ftran(column_, t.column_density, &spike_);
    // The reduced cost from the column; if the kept one was wrong, rebuild or choose anew.
    double exact = t.cost[q];
    for (int s = 0; s < column_.count; ++s) {
      const int p = column_.index[s];
      exact -= t.cost[t.basic[p]] * column_.value[p];
    }
    const double kept = t.d[q];
    t.d[q] = exact;
    if (t.dual_infeasibility(q) <= dual_tolerance || math::abs(exact - kept) > 1e-6 * (1 + math::abs(exact))) {
      if (t.factors.updates() > 0 && math::abs(exact - kept) > 1e-3 * math::abs(kept)) return step::trouble;
      if (t.dual_infeasibility(q) <= dual_tolerance) return step::taken;
    }
    const double direction = t.d[q] < 0 ? 1 : -1;
    const int updates = t.factors.updates();
    const double smallest = updates < 10 ? least_pivot : updates < 20 ? 1e-8 : 1e-7;
    if (infeasible_) {
      ratio_.choose_infeasible(t, column_, direction, -math::abs(t.d[q]), tolerance, smallest);
    } else {
      ratio_.choose_feasible(t, column_, direction, tolerance, smallest);
    }
    const double range = t.upper[q] - t.lower[q];
    if (ratio_.place < 0 && range == infinity) {
      if (updates == 0 && !infeasible_) keep_ray(q, direction);
      if (infeasible_ && updates == 0) {
        banned_[q] = 1;
        any_banned_ = true;
        return step::trouble;
      }
      return step::no_limit;
    }
    if (ratio_.place < 0 || range <= ratio_.step) {
      // From one bound to the other.
      t.status[q] = t.status[q] == basis_status::lower ? basis_status::upper : basis_status::lower;
      const double before = t.x[q];
      t.settle(q);
      note_moves(q);
      move_basics(t.x[q] - before, -1);
      if (infeasible_) change_infeasibility_costs(-1);
      ++limits.iterations;
      return step::taken;
    }
    const int p = ratio_.place, leaving = t.basic[p];
    const double alpha = column_.value[p];
    if (math::abs(alpha) < 100 * least_pivot) {
      if (updates > 0) return step::trouble;
      if (math::abs(alpha) < least_pivot || !infeasible_) {
        banned_[q] = 1;
        any_banned_ = true;
        return step::trouble;
      }
    }
    rho_.clear();
    rho_.set(p, 1);
    t.factors.btran(rho_, t.row_density, &behind_);
    const double alpha_row = entry(q, rho_);
    if (math::abs(alpha - alpha_row) > 1e-7 * math::smaller(math::abs(alpha), math::abs(alpha_row))) {
      if (updates > 0) return step::trouble;
      if (math::abs(alpha - alpha_row) > 1e-3 * math::abs(alpha)) {
        banned_[q] = 1;
        any_banned_ = true;
        return step::trouble;
      }
    }
    const double length = direction * ratio_.step;
    const double bound = ratio_.to_upper ? t.upper[leaving] : t.lower[leaving];
    move_basics(length, p);
    t.x[leaving] -= length * alpha;
    if (infeasible_) change_infeasibility_costs(p);
    // Where the leaving variable is beyond its bound, the bound follows: values stay consistent.
    if (t.x[leaving] != bound) {
      const double beyond = ratio_.to_upper ? t.x[leaving] - bound : bound - t.x[leaving];
      if (beyond > 1e-12 && !t.is_fixed(leaving) && beyond <= 2 * tolerance && !infeasible_) {
        (ratio_.to_upper ? t.upper[leaving] : t.lower[leaving]) = t.x[leaving];
        bounds_changed = t.bounds_apart = true;
      } else {
        t.x[leaving] = bound;
      }
    }
    t.x[q] += length;
    // Reduced costs and reference weights.
    const double theta = t.d[q] / alpha;
    const double pivot_weight = math::larger(reference_[q], 1.0);
    const double largest = renew(rho_, row_, theta, pivot_weight / (alpha * alpha));
    t.exchange(p, q, t.is_fixed(leaving) || !ratio_.to_upper ? basis_status::lower : basis_status::upper);
    t.d[leaving] = -theta;
    note_moves(q);
    note_moves(leaving);
    offer(leaving);
    reference_[leaving] = math::larger(1.0, pivot_weight / (alpha * alpha));
    t.weight[p] = 1;
    if (largest > 1e9) reset_reference();
    t.update_factors(p, spike_, behind_, alpha);
    ++limits.iterations;
    return step::taken;
  }

  /// Basic variables follow the entering one; the one in `except` stays.
  void move_basics(double length, int except) {
    if (length == 0) return;
    tableau& t = *t_;
    for (int s = 0; s < column_.count; ++s) {
      const int p = column_.index[s];
      if (p != except) t.x[t.basic[p]] -= length * column_.value[p];
    }
  }

  /// Costs of basic variables that became feasible or infeasible, and what follows for reduced costs. The variable in
  /// `leaving` ends feasible.
  void change_infeasibility_costs(int leaving) {
    tableau& t = *t_;
    change_.clear();
    t.costs_apart = true;
    for (int s = 0; s < column_.count; ++s) {
      const int p = column_.index[s], j = t.basic[p];
      const double now = p == leaving ? 0 : infeasibility_cost(j);
      if (now == t.cost[j]) continue;
      change_.set(p, now - t.cost[j]);
      if (t.cost[j] == 0) ++infeasible_count_;
      if (now == 0) --infeasible_count_;
      t.cost[j] = now;
    }
    if (change_.count == 0) return;
    // The entering variable's own reduced cost changes as well; it is still counted as not basic.
    t.factors.btran(change_, t.row_density);
    t.price(change_, row_change_or_row());
    work_vector& row = row_change_or_row();
    for (int s = 0; s < row.count; ++s) {
      const int j = row.index[s];
      t.d[j] -= row.value[j];
      offer(j);
    }
    for (int s = 0; s < change_.count; ++s) {
      const int j = t.columns() + change_.index[s];
      if (t.status[j] == basis_status::basic) continue;
      t.d[j] += change_.value[change_.index[s]];
      offer(j);
    }
  }
  work_vector& row_change_or_row() {
    if (row_change_.size() != t_->columns()) row_change_.resize(t_->columns());
    return row_change_;
  }

  void keep_ray(int q, double direction) {
    tableau& t = *t_;
    ray.assign(t.variables(), 0.0);
    ray[q] = direction;
    for (int s = 0; s < column_.count; ++s) {
      const int p = column_.index[s];
      ray[t.basic[p]] = -direction * column_.value[p];
    }
  }

  work_vector column_, spike_, behind_, rho_, change_, row_, row_change_;
  bool any_banned_ = false;
  bool infeasible_ = false;
  int infeasible_count_ = 0;
  primal_ratio_test ratio_;
};

}  // namespace plait::detail
