// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/core/math.hpp>
#include <plait/solve/detail/form.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/sparse_matrix.hpp>

namespace plait::detail {

/// Gives the columns of a form bounds that its rows imply, for the dual method. A column whose reduced cost has the
/// wrong sign goes to its other bound, where without one a whole first phase is needed; and what is out of bounds in
/// the beginning is less far out. Returns how many bounds were set.
///
/// A bound is set a little beyond what is implied. So no feasible point reaches it, a basis that is optimal in the end
/// has no column there, and it is optimal without these bounds as well. One beyond 1e6 of the scaled program is left
/// out, because values computed from it would have lost their digits, and so is one that gains little. That finite
/// bounds are made tighter too is what matters in some programs: 450 pivots instead of 1280, and 2100 without any
/// (`docs/design/solve.md`). Cost: O(entries), five times at most; asks the form's monitor whether to stop.
/// Source: Brearley, Mitra, Williams, "Analysis of mathematical programming problems prior to applying the simplex
/// algorithm", Math. Programming 8, 1975.
inline int add_implied_boxes(form& program) {
  const sparse_matrix& r = program.by_rows();
  table<double>& lower = program.lower;
  table<double>& upper = program.upper;
  const int n = program.columns();
  const auto open = [](double bound) { return bound - bound != 0; };
  int set = 0;
  const auto offer = [&](int j, bool of_upper, double at) {
    if (!(math::abs(at) < 1e6)) return;
    const double beyond = 1e-3 * (1 + math::abs(at));
    double& bound = of_upper ? upper[j] : lower[j];
    const double better = of_upper ? at + beyond : at - beyond;
    const double gain = of_upper ? bound - better : better - bound;
    if (!open(bound) && gain <= 0.1 * (1 + math::abs(bound))) return;
    if (of_upper ? better <= lower[j] : better >= upper[j]) return;  // no feasible point: the methods will say so
    bound = better;
    ++set;
  };
  for (int pass = 0; pass < 5; ++pass) {
    const int before = set;
    for (int i = 0; i < program.rows(); ++i) {
      spend(program.limits, 4 + 4 * std::int64_t{r.begin[i + 1] - r.begin[i]});
      // The least and largest activity by the bounds of the columns that have them.
      double least = 0, largest = 0;
      int open_low = 0, open_high = 0;
      for (int k = r.begin[i]; k < r.begin[i + 1]; ++k) {
        const double v = r.value[k], l = lower[r.index[k]], u = upper[r.index[k]];
        const double low = v * (v > 0 ? l : u), high = v * (v > 0 ? u : l);
        if (open(low)) {
          ++open_low;
        } else {
          least += low;
        }
        if (open(high)) {
          ++open_high;
        } else {
          largest += high;
        }
      }
      const bool from_above = program.upper[n + i] < infinity && open_low <= 1;
      const bool from_below = program.lower[n + i] > -infinity && open_high <= 1;
      if (!from_above && !from_below) continue;
      for (int k = r.begin[i]; k < r.begin[i + 1]; ++k) {
        const int j = r.index[k];
        const double v = r.value[k], l = lower[j], u = upper[j];
        if (l == u) continue;
        // v x_j = activity - others: at most its upper bound less the least of the others, and the like.
        const double low = v * (v > 0 ? l : u), high = v * (v > 0 ? u : l);
        if (from_above && open_low == (open(low) ? 1 : 0)) {
          offer(j, v > 0, (program.upper[n + i] - (least - (open(low) ? 0 : low))) / v);
        }
        if (from_below && open_high == (open(high) ? 1 : 0)) {
          offer(j, v < 0, (program.lower[n + i] - (largest - (open(high) ? 0 : high))) / v);
        }
      }
    }
    if (set == before) break;
  }
  return set;
}

}  // namespace plait::detail
