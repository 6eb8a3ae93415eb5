// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/core/math.hpp>
#include <plait/solve/detail/dual_pricing.hpp>
#include <plait/solve/detail/dual_ratio_test.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/tableau.hpp>

namespace plait::detail {

enum class outcome : signed char {
  optimal,           ///< for the costs and bounds that the tableau holds
  infeasible,        ///< `ray` of the method says why
  unbounded,         ///< likewise
  lost_feasibility,  ///< of the kind that the method keeps; the other method can go on
  stopped,           ///< a limit or a caller; see the monitor
  failed             ///< numerically; another way must be tried
};

/// The bounded dual simplex method, with dual steepest edge pricing and bound flipping.
///
/// Each iteration costs three solves with the factors (one more for flips), and the product of a row of B^-1 with A.
/// Source: Forrest, Goldfarb, "Steepest-edge simplex algorithms for linear programming", Math. Programming 57, 1992;
/// Koberstein, "The dual simplex method, techniques for a fast and stable implementation", dissertation, 2005.
class dual_simplex : dual_pricing {
 public:
  using dual_pricing::tolerance;
  double objective_limit =
      infinity;                ///< of the form and of costs as they are at work: the caller must look for a proof
  bool costs_changed = false;  ///< whether costs were perturbed or shifted since they were restored
  std::uint64_t seed = 0;
  double least_pivot = 1e-9;  ///< what is smaller, in the row or column at hand, is taken for rounding
  int trusted_updates = 0;    ///< an optimum after so many updates needs no factors made anew: the caller makes them
  int cheap_pivots = 0;       ///< so many pivots of each run have weights that cost no solve: for few to come
  table<double> ray;          ///< after `infeasible`: multipliers of the rows, as scaled

  void attach(tableau& t) {
    t_ = &t;
    spend(t.program->limits, 4 * t.variables());
    // Who fills one of these makes it clean first.
    for (work_vector* const one : {&rho_, &column_, &edge_, &flip_, &spike_, &behind_})
      if (one->size() != t.rows()) one->resize(t.rows());
    if (row_.size() != t.columns()) row_.resize(t.columns());
    infeasible_.resize_unset(t.rows());
    costs_changed = false;
  }

  /// Costs a little away from the given ones, so that steps are rarely of length zero.
  void perturb_costs() {
    tableau& t = *t_;
    const int all = t.variables(), n = t.columns();
    double largest = 0;
    int boxed = 0;
    for (const auto [first, last] : parts(t.program->limits, n)) {
      for (int j = first; j < last; ++j) {
        largest = math::larger(largest, math::abs(t.cost[j]));
        if (t.is_boxed(j)) ++boxed;
      }
    }
    if (largest > 100) largest = math::sqrt(math::sqrt(largest));
    if (boxed * 100 < all) largest = math::smaller(largest, 1.0);
    const double base = 5e-7 * math::larger(largest, 1e-3);
    costs_changed = t.costs_apart = true;
    for (const auto [first, last] : parts(t.program->limits, all, 8)) {
      for (int j = first; j < last; ++j) {
        if (t.is_fixed(j) || t.is_free(j)) continue;
        const double random = random_unit(seed, static_cast<std::uint64_t>(j));
        const double by = j < n ? (math::abs(t.cost[j]) + 1) * base * (1 + random) : 1e-12 * (1 + random);
        if (t.upper[j] == infinity) {
          t.cost[j] += by;
        } else if (t.lower[j] == -infinity) {
          t.cost[j] -= by;
        } else {
          t.cost[j] += t.cost[j] >= 0 ? by : -by;
        }
      }
    }
  }

  /// From a basis that is dual feasible, or becomes so by flips; else `lost_feasibility` at once.
  outcome run(monitor& limits, bool exact_costs) { return iterate(limits, exact_costs, false); }

  /// A dual feasible basis, by the same method on a program of the same matrix and costs whose bounds are [0, 1] where
  /// there is only a lower one, [-1, 0] where there is only an upper one, [-1000, 1000] where there is none and [0, 0]
  /// where there are two: its optimum is zero just where the basis is dual feasible. Bounds are restored.
  /// Source: Koberstein, Suhl, "Progress in the dual simplex method for large scale LP problems: practical dual phase 1
  /// algorithms", Comput. Optim. Appl. 37, 2007 (the subproblem approach).
  outcome find_dual_feasible(monitor& limits) {
    tableau& t = *t_;
    spend(t.program->limits, 4 * t.variables());
    for (int j = 0; j < t.variables(); ++j) {
      const bool has_lower = t.lower[j] > -infinity, has_upper = t.upper[j] < infinity;
      t.lower[j] = has_lower ? 0 : has_upper ? -1 : -1000;
      t.upper[j] = has_upper ? 0 : has_lower ? 1 : 1000;
      if (t.status[j] == basis_status::free) t.status[j] = basis_status::lower;
    }
    t.bounds_apart = true;
    t.settle_all();
    const outcome found = iterate(limits, false, true);
    t.restore_bounds();
    t.settle_all();
    if (found == outcome::infeasible) return outcome::failed;  // it is feasible at zero, so this is rounding
    return found;
  }

 private:
  outcome iterate(monitor& limits, bool exact_costs, bool boxes) {
    tableau& t = *t_;
    bool first = true;
    int troubles = 0;
    cheap_until_ = limits.iterations + cheap_pivots;
    while (true) {
      // Rebuild.
      if (!t.fresh_to_begin()) {
        if (t.refactor() > 0 && !first && ++troubles > 20) return outcome::failed;
      }
      if (!t.ready) {
        t.compute_values();
        t.compute_reduced_costs();
      }
      const bool signs_right = t.ready && t.signs_right;
      t.ready = false;
      if (!signs_right && !make_dual_feasible(exact_costs || first)) {
        if (first || exact_costs) return outcome::lost_feasibility;
      }
      first = false;
      note_infeasibilities();
      banned_.clear();
      if (objective_limit < infinity && !boxes && t.objective() > objective_limit) {
        limits.reason = stop_reason::objective;
        return outcome::stopped;
      }
      bool progressed = false;
      while (true) {
        if (limits.stop()) return outcome::stopped;
        const step done = one_iteration(limits, exact_costs);
        if (done == step::taken) {
          progressed = true;
          if (must_rebuild()) break;
          continue;
        }
        if (done == step::primal_feasible) {
          if (t.factors.updates() <= trusted_updates) {
            for (const int p : banned_) note_infeasibility(p);
            bool left = false;
            for (const int p : banned_) left = left || infeasible_[p] > 0;
            return left ? outcome::failed : outcome::optimal;
          }
          break;
        }
        if (done == step::no_limit) {
          if (t.factors.updates() == 0) return outcome::infeasible;
          break;
        }
        // trouble
        if (++troubles > 200) return outcome::failed;
        if (t.factors.updates() == 0) continue;  // the row was banned
        if (!progressed || t.factors.updates() < 10) t.threshold = math::smaller(0.5, t.threshold * 2);
        break;
      }
    }
  }

  enum class step { taken, primal_feasible, no_limit, trouble };

  bool must_rebuild() const {
    const tableau& t = *t_;
    return t.factors.worth_rebuilding();
  }

  /// Flips boxed variables whose reduced cost has the wrong sign; shifts the costs of the others, unless they must
  /// stay. False when some remain.
  bool make_dual_feasible(bool keep_costs) {
    tableau& t = *t_;
    bool flipped = false, good = true;
    spend(t.program->limits, 4 * t.variables());
    for (int j = 0, all = t.variables(); j < all; ++j) {
      if (!t.may_be_dual_infeasible(j, tolerance) || t.dual_infeasibility(j) <= tolerance) continue;
      if (t.is_boxed(j)) {
        t.status[j] = t.status[j] == basis_status::lower ? basis_status::upper : basis_status::lower;
        t.settle(j);
        flipped = true;
      } else if (keep_costs) {
        good = false;
      } else {
        shift_cost(j);
      }
    }
    if (flipped) t.compute_values();
    return good;
  }

  /// Changes a cost so that its reduced cost is just feasible.
  void shift_cost(int j) {
    tableau& t = *t_;
    double to = 0;
    if (t.status[j] != basis_status::free) {
      to = (1 + random_unit(seed, static_cast<std::uint64_t>(j) + 77)) * tolerance * 0.1;
      if (t.status[j] == basis_status::upper) to = -to;
    }
    t.cost[j] += to - t.d[j];
    t.d[j] = to;
    costs_changed = t.costs_apart = true;
  }

  step one_iteration(monitor& limits, bool exact_costs) {
    tableau& t = *t_;
    const int m = t.rows();
    // The leaving variable; its weight is known exactly once its row is there.
    int p = -1;
    for (int tries = 0;; ++tries) {
      const int looked_at = p;
      p = choose_row();
      if (p < 0) return step::primal_feasible;
      if (p == looked_at) break;  // still the best, and its row is there
      rho_.clear();
      rho_.set(p, 1);
      t.factors.btran(rho_, t.row_density, &behind_);
      const double exact = rho_.squared_length();
      const double kept = t.weight[p];
      t.weight[p] = exact;
      if (kept >= 0.25 * exact || tries > 10) break;
    }
    const int leaving = t.basic[p];
    const bool up = t.x[leaving] < t.lower[leaving];
    const double bound = up ? t.lower[leaving] : t.upper[leaving];
    const double infeasibility = math::abs(t.x[leaving] - bound);
    t.price(rho_, row_);
    const int updates = t.factors.updates();
    const double smallest = updates < 10 ? least_pivot : updates < 20 ? 3e-8 : 1e-6;
    const int q = ratio_.choose(t, row_, rho_, up, infeasibility, tolerance, smallest);
    if (q < 0) {
      if (updates == 0) {
        ray.assign(m, 0.0);
        for (int s = 0; s < rho_.count; ++s) ray[rho_.index[s]] = rho_.value[rho_.index[s]];
      }
      return step::no_limit;
    }
    const double alpha_row = q < t.columns() ? row_.value[q] : -rho_.value[q - t.columns()];
    t.load_column(q, column_);
    t.factors.ftran(column_, t.column_density, &spike_);
    const double alpha = column_.value[p];
    const double difference = math::abs(alpha - alpha_row);
    if (difference > 1e-7 * math::smaller(math::abs(alpha), math::abs(alpha_row)) || math::abs(alpha) < least_pivot) {
      const bool bad = difference > 1e-3 * math::abs(alpha_row) || math::abs(alpha) < least_pivot;
      if (updates > 0) return step::trouble;
      if (bad) {
        infeasible_[p] = 0;
        banned_.push_back(p);
        return step::trouble;
      }
    }
    // Steepest edge needs B^-1 of the row; Devex does not.
    const bool steepest = limits.iterations >= cheap_until_;
    if (steepest) {
      edge_.copy(rho_);
      t.factors.ftran(edge_, t.edge_density);
    }

    // The dual step.
    if (exact_costs ? false : wrong_sign(q)) shift_cost_to_zero(q);
    const double theta = t.d[q] / alpha_row;
    crossed_.clear();
    if (theta != 0) {
      const auto move = [&](const work_vector& along, int first, double length, auto&& rests) {
        double* const d = t.d.data() + first;
        const basis_status* const status = t.status.data() + first;
        const int* const at = along.index.data();
        const double* const value = along.value.data();
        const double least = -tolerance;
        for (int s = 0, all = along.count; s < all; ++s) {
          const int j = at[s];
          const double to = d[j] - length * value[j] * rests(status[j]);
          d[j] = to;
          if (!(to * tableau::wanted_sign(status[j]) >= least)) crossed_.push_back(first + j);
        }
      };
      // Rows leave basic columns out; what is basic among activities keeps its zero.
      move(row_, 0, theta, [](basis_status) { return 1.0; });
      move(rho_, t.columns(), -theta, [](basis_status at) {
        static constexpr double times[] = {1, 0, 1, 1};
        return times[static_cast<int>(at)];
      });
    }
    // Flips.
    if (!ratio_.flips.empty()) {
      flip_.clear();
      for (const int j : ratio_.flips) {
        limits.spend(j < t.columns() ? t.program->a.begin[j + 1] - t.program->a.begin[j] : 1);
        const double before = t.x[j];
        t.status[j] = t.status[j] == basis_status::lower ? basis_status::upper : basis_status::lower;
        t.settle(j);
        t.add_column(j, t.x[j] - before, flip_);
      }
      t.factors.ftran(flip_, t.column_density);
      for (int s = 0; s < flip_.count; ++s) {
        const int r = flip_.index[s];
        t.x[t.basic[r]] -= flip_.value[r];
        note_infeasibility(r);
      }
    }
    if (!exact_costs) {
      for (const int j : crossed_)
        if (j != q && t.dual_infeasibility(j) > tolerance) shift_cost(j);
    }
    // The primal step.
    const double length = (t.x[leaving] - bound) / alpha;
    const double pivot_weight = t.weight[p], over_alpha = 1 / alpha;
    if (steepest) {
      move_basic(column_, length, [&](int r, double a) {
        const double ratio = a * over_alpha;
        return t.weight[r] - 2 * ratio * edge_.value[r] + ratio * ratio * pivot_weight;
      });
    } else {
      move_basic(column_, length, [weight = t.weight.data(), over_alpha, pivot_weight](int r, double a) {
        const double ratio = a * over_alpha;
        return math::larger(weight[r], ratio * ratio * pivot_weight);
      });
    }
    t.x[leaving] = bound;
    t.x[q] += length;
    t.weight[p] = math::larger(1e-4, pivot_weight / (alpha * alpha));
    t.exchange(p, q, up || t.is_fixed(leaving) ? basis_status::lower : basis_status::upper);
    t.d[leaving] = -theta;
    note_infeasibility(p);
    t.update_factors(p, spike_, behind_, alpha);
    ++limits.iterations;
    return step::taken;
  }

  [[nodiscard]] bool wrong_sign(int q) const {
    const tableau& t = *t_;
    if (t.status[q] == basis_status::free) return true;
    return t.status[q] == basis_status::lower ? t.d[q] < 0 : t.d[q] > 0;
  }
  void shift_cost_to_zero(int q) {
    tableau& t = *t_;
    if (t.d[q] == 0) return;
    t.cost[q] -= t.d[q];
    t.d[q] = 0;
    costs_changed = t.costs_apart = true;
  }

  work_vector rho_, column_, edge_, flip_, spike_, behind_, row_;
  table<int> banned_, crossed_;
  dual_ratio_test ratio_;
  long cheap_until_ = 0;
};

}  // namespace plait::detail
