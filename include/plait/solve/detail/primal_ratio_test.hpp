// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/detail/sort.hpp>
#include <plait/solve/detail/tableau.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// Which basic variable leaves in a primal iteration, and how far the entering one goes.
struct primal_ratio_test {
  int place = -1;         ///< of the leaving variable; -1: nothing limits the step
  double step = 0;        ///< of the entering variable, not negative
  bool to_upper = false;  ///< the bound that the leaving variable reaches

  /// With all basic variables within `tolerance` of their bounds: two passes. The first finds the longest step that
  /// keeps them within the tolerance, the second takes the largest pivot among those met by then (Harris).
  void choose_feasible(const tableau& t, const work_vector& column, double direction, double tolerance,
                       double smallest) {
    place = -1;
    double longest = infinity;
    for (int s = 0; s < column.count; ++s) {
      const int p = column.index[s];
      const double rate = -direction * column.value[p];
      const int j = t.basic[p];
      double room;
      if (rate < -smallest && t.lower[j] > -infinity) {
        room = (t.x[j] - t.lower[j] + tolerance) / -rate;
      } else if (rate > smallest && t.upper[j] < infinity) {
        room = (t.upper[j] - t.x[j] + tolerance) / rate;
      } else {
        continue;
      }
      if (room < longest) longest = room;
    }
    if (longest == infinity) return;
    double best = 0;
    for (int s = 0; s < column.count; ++s) {
      const int p = column.index[s];
      const double rate = -direction * column.value[p], size = math::abs(rate);
      if (size < best || size <= smallest) continue;
      const int j = t.basic[p];
      double room;
      if (rate < 0 && t.lower[j] > -infinity) {
        room = (t.x[j] - t.lower[j]) / size;
      } else if (rate > 0 && t.upper[j] < infinity) {
        room = (t.upper[j] - t.x[j]) / size;
      } else {
        continue;
      }
      if (room > longest) continue;
      if (size == best && place >= 0 && j > t.basic[place]) continue;
      best = size;
      place = p;
      step = room > 0 ? room : 0;
      to_upper = rate > 0;
    }
  }

  /// With infeasible basic variables: their sum is convex and piecewise linear in the step, with a break where a basic
  /// variable meets a bound. Goes on while the sum falls, then takes a break with a large pivot among those passed.
  void choose_infeasible(const tableau& t, const work_vector& column, double direction, double slope, double tolerance,
                         double smallest) {
    place = -1;
    breaks_.clear();
    for (int s = 0; s < column.count; ++s) {
      const int p = column.index[s];
      const double rate = -direction * column.value[p], size = math::abs(rate);
      if (size <= smallest) continue;
      const int j = t.basic[p];
      const double x = t.x[j], l = t.lower[j], u = t.upper[j];
      if (rate > 0) {
        if (x < l - tolerance) breaks_.push_back({(l - x) / size, size, p, false});
        if (x <= u + tolerance && u < infinity) breaks_.push_back({math::larger(u - x, 0.0) / size, size, p, true});
      } else {
        if (x > u + tolerance) breaks_.push_back({(x - u) / size, size, p, true});
        if (x >= l - tolerance && l > -infinity) breaks_.push_back({math::larger(x - l, 0.0) / size, size, p, false});
      }
    }
    if (breaks_.empty()) return;
    sort(breaks_.data(), breaks_.size(), [](const breakpoint& a, const breakpoint& b) {
      return a.step < b.step || (a.step == b.step && a.place < b.place);
    });
    int last = 0;
    double largest = 0;
    for (; last < breaks_.size(); ++last) {
      largest = math::larger(largest, breaks_[last].size);
      slope += breaks_[last].size;
      if (slope >= 0) break;
    }
    if (last == breaks_.size()) --last;
    // Breaks at the same step count as passed too.
    while (last + 1 < breaks_.size() && breaks_[last + 1].step <= breaks_[last].step + 1e-12) {
      ++last;
      largest = math::larger(largest, breaks_[last].size);
    }
    const double wanted = math::smaller(0.1 * largest, 1.0);
    for (int s = last; s >= 0; --s) {
      if (breaks_[s].size < wanted) continue;
      place = breaks_[s].place;
      step = breaks_[s].step;
      to_upper = breaks_[s].to_upper;
      return;
    }
  }

 private:
  struct breakpoint {
    double step, size;
    int place;
    bool to_upper;
  };
  table<breakpoint> breaks_;
};

}  // namespace plait::detail
