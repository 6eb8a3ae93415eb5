// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/detail/tableau.hpp>
#include <plait/solve/detail/work_vector.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// The values of basic variables where one column, t, is kept beside the basis: how they follow t and the entering
/// variable, and which of them meets a bound first. See `bordered_simplex` for the letters.
class bordered_values {
 protected:
  void place_bounds(int p) {
    const tableau& t = *t_;
    bounds_[2 * p] = t.lower[t.basic[p]];
    bounds_[2 * p + 1] = t.upper[t.basic[p]];
  }

  /// All values, for a step of the entering variable; rate_ is as `choose_leaving` left it.
  void move(double length, double tau) {
    t_->x[column_] -= length * tau;
    double* const value = value_.data();
    const double* const rate = rate_.data();
    for (int p = 0, m = value_.size(); p < m; ++p) value[p] -= length * rate[p];
    value_[held_place_] = held_bound_;
  }

  /// The rates of all basic variables, and which of them meets a bound first: of those within the slack of the first
  /// the one of largest rate (Harris).
  void choose_leaving(double direction, double tau) {
    const int m = value_.size();
    const double* const s = entering_.value.data();
    const double* const follow = follow_.data();
    double* const rate = rate_.data();
    const double* const value = value_.data();
    const double* const bounds = bounds_.data();
    met_.clear();
    double longest = 1e300;
    for (int p = 0; p < m; ++p) {
      const double r = s[p] - tau * follow[p], by = direction * r, square = by * by;
      rate[p] = r;
      // Both sides times the rate, so that there is no division for most.
      const double room = (value[p] - bounds[2 * p + static_cast<int>(by < 0)]) * by;
      if (!(room <= longest * square) || square <= smallest * smallest || p == held_place_) continue;
      met_.push_back(p);
      const double reach = (room > 0 ? room : 0) / square + slack / math::abs(by);
      if (reach < longest) longest = reach;
    }
    rate_[held_place_] = 0;
    leaving_ = -1;
    step_ = infinity;
    double best = 0;
    for (const int p : met_) {
      const double by = direction * rate[p], size = math::abs(by);
      const double room = (value[p] - bounds[2 * p + static_cast<int>(by < 0)]) * by;
      if (size <= best || room > longest * size * size) continue;
      best = size;
      leaving_ = p;
      step_ = room > 0 ? room / (size * size) : 0;
      to_upper_ = by < 0;
    }
  }

  static constexpr double smallest = 1e-9, slack = 1e-9;

  tableau* t_ = nullptr;
  int column_ = -1, held_ = -1, held_place_ = 0;  // t; the held variable and where it stands in B
  basis_status held_status_ = basis_status::lower;
  double held_bound_ = 0;
  work_vector entering_;                 // s
  table<double> follow_;                 // B^-1 a_t
  table<double> value_, rate_, bounds_;  // of each place; bounds_ holds the lower and the upper one in turn
  table<int> met_;
  int leaving_ = -1;  // a place
  double step_ = 0;   // of the entering variable
  bool to_upper_ = false;
};

}  // namespace plait::detail
