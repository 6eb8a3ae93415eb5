// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/detail/tableau.hpp>
#include <plait/solve/detail/work_vector.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// Which variable enters in a dual iteration, and which flip from one bound to the other on the way.
///
/// The dual objective is concave and piecewise linear in the step; its slope starts at the infeasibility of the leaving
/// variable and falls at each variable that is passed by |alpha| times the distance of its bounds. The step goes on
/// while the slope is positive. Steps are taken in groups within the dual tolerance of each other (Harris), and the
/// entering variable is the one of largest |alpha| in the last group that has an acceptable one. Source: Maros,
/// Computational Techniques of the Simplex Method, 2003, sections 10.2.2.2 and 10.3; Harris, "Pivot selection methods
/// of the Devex LP code", Math. Programming 5, 1973; groups as in Koberstein, dissertation, Paderborn 2005,
/// section 6.2.2.
class dual_ratio_test {
 public:
  struct candidate {
    int variable;
    double alpha;  // positive: the step that makes its reduced cost zero is d / alpha
    double d;      // in the direction that it may move, so not negative but for the tolerance
    double range;  // distance of its bounds
  };

  /// Looks at row `row` (columns) and `-rho` (activities); `up`: the leaving variable goes up to its lower bound.
  /// Returns the entering variable, or -1 where none limits the step. Variables to flip are in `flips`.
  int choose(const tableau& t, const work_vector& row, const work_vector& rho, bool up, double infeasibility,
             double tolerance, double smallest_alpha) {
    candidates_.clear();
    flips.clear();
    const int n = t.columns();
    const double sign = up ? -1 : 1;
    // No step goes further than to where a variable without an opposite bound passes its tolerance.
    double furthest = infinity;
    const basis_status* const status = t.status.data();
    const double *const reduced_cost = t.d.data(), *const lower = t.lower.data(), *const upper = t.upper.data();
    const auto look = [&](int j, double size) {
      const bool free = status[j] == basis_status::free;
      if (free && size <= smallest_alpha) return;
      const double d = free ? 0 : reduced_cost[j] * tableau::wanted_sign(status[j]);
      if (d > furthest * size || lower[j] == upper[j]) return;
      const double range = upper[j] - lower[j];
      if (range == infinity && d + tolerance < furthest * size) furthest = (d + tolerance) / size;
      candidates_.push_back({j, size, d, range});
    };
    const auto look_at_all = [&](const work_vector& from, int first, double direction) {
      const int* const at = from.index.data();
      const double* const value = from.value.data();
      // Nearly half move the other way or are basic, in no order: they are sorted out without a branch. What is free
      // moves either way.
      const double towards[] = {direction, 0, -direction, math::not_a_number};
      const basis_status* const is = status + first;
      moving_.resize_unset(from.count + 1);
      int *const moving = moving_.data(), found = 0;
      // In two steps: where the next place of the list hangs on a long computation, a place takes 8.6 cycles instead of
      // 4.9 (Zen 3).
      constexpr int length = 64;
      bool moves[length];
      for (int begin = 0, all = from.count; begin < all; begin += length) {
        const int count = all - begin < length ? all - begin : length;
        for (int s = 0; s < count; ++s) {
          const int j = at[begin + s];
          moves[s] = !(value[j] * towards[static_cast<int>(is[j])] <= smallest_alpha);
        }
        for (int s = 0; s < count; ++s) {
          moving[found] = at[begin + s];
          found += static_cast<int>(moves[s]);
        }
      }
      for (int s = 0; s < found; ++s) look(first + moving[s], math::abs(value[moving[s]]));
    };
    look_at_all(row, 0, sign);
    look_at_all(rho, n, -sign);
    if (candidates_.empty()) return -1;
    int near = 0;
    for (const candidate& c : candidates_)
      if (c.d <= furthest * c.alpha) candidates_[near++] = c;
    candidates_.resize(near);

    // A prefix of all candidates whose steps, grown tenfold at a time, use the slope up.
    int chosen = 0;
    const int all = candidates_.size();
    double slope_used = 0, reach = 1e-7;
    for (int s = 0; s < all; ++s) {  // start near the least step
      const double step = (candidates_[s].d + tolerance) / candidates_[s].alpha;
      if (s == 0 || step < reach) reach = step;
    }
    reach = 10 * reach + 1e-7;
    while (true) {
      for (int s = chosen; s < all; ++s) {
        const candidate& c = candidates_[s];
        if (c.alpha * reach < c.d) continue;
        slope_used += c.range * c.alpha;
        const candidate moved = c;
        candidates_[s] = candidates_[chosen];
        candidates_[chosen++] = moved;
      }
      if (slope_used >= infeasibility || chosen == all || reach > 1e18) break;
      reach *= 10;
    }
    // Groups: each up to the step at which the first of the rest passes its tolerance.
    groups_.clear();
    groups_.push_back(0);
    int grouped = 0;
    double step = 1e300;
    for (int s = 0; s < chosen; ++s) {
      const double to = (candidates_[s].d + tolerance) / candidates_[s].alpha;
      if (to < step) step = to;
    }
    slope_used = 1e-12;
    while (grouped < chosen) {
      double next = 1e300;
      const int before = grouped;
      for (int s = grouped; s < chosen; ++s) {
        const candidate& c = candidates_[s];
        if (c.d <= step * c.alpha) {
          slope_used += c.range * c.alpha;
          const candidate moved = c;
          candidates_[s] = candidates_[grouped];
          candidates_[grouped++] = moved;
        } else {
          const double to = (c.d + tolerance) / c.alpha;
          if (to < next) next = to;
        }
      }
      if (grouped > before) groups_.push_back(grouped);
      if (slope_used >= infeasibility || next >= 1e300) break;
      if (grouped == before && next <= step) {  // rounding
        next = step * (1 + 1e-9) + 1e-14;
      }
      step = next;
    }
    if (grouped == 0) return -1;
    // The last group whose largest alpha is acceptable.
    double largest = 0;
    for (int s = 0; s < grouped; ++s)
      if (candidates_[s].alpha > largest) largest = candidates_[s].alpha;
    const double wanted = largest * 0.1 < 1 ? largest * 0.1 : 1;
    int best = -1, group = groups_.size() - 2;
    for (; group >= 0; --group) {
      best = -1;
      for (int s = groups_[group]; s < groups_[group + 1]; ++s) {
        if (best < 0 || candidates_[s].alpha > candidates_[best].alpha ||
            (candidates_[s].alpha == candidates_[best].alpha && candidates_[s].variable < candidates_[best].variable)) {
          best = s;
        }
      }
      if (candidates_[best].alpha >= wanted) break;
    }
    if (group < 0) return -1;
    for (int s = 0; s < groups_[group]; ++s) flips.push_back(candidates_[s].variable);
    return candidates_[best].variable;
  }

  table<int> flips;

 private:
  table<candidate> candidates_;
  table<int> groups_, moving_;
};

}  // namespace plait::detail
