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
    lower_[p] = t.lower[t.basic[p]];
    upper_[p] = t.upper[t.basic[p]];
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
    const double* __restrict const s = entering_.value.data();
    const double* __restrict const follow = follow_.data();
    const double* __restrict const value = value_.data();
    const double* __restrict const lower = lower_.data();
    const double* __restrict const upper = upper_.data();
    double* __restrict const rate = rate_.data();
    met_.clear();
    double longest = 1e300;
    // In blocks, of which compilers make vector instructions; few hold any that could be the first.
    int p = 0;
    for (; p + block <= m; p += block) {
      double r[block], room[block], hits[block];
      for (int k = 0; k < block; ++k) r[k] = s[p + k] - tau * follow[p + k];
      for (int k = 0; k < block; ++k) rate[p + k] = r[k];
      for (int k = 0; k < block; ++k) {
        const double by = direction * r[k], down = (value[p + k] - lower[p + k]) * by,
                     up = (value[p + k] - upper[p + k]) * by;
        room[k] = down > up ? down : up;
      }
      for (int k = 0; k < block; ++k) hits[k] = room[k] <= longest * (r[k] * r[k]) ? 1.0 : 0.0;
      if (hits[0] + hits[1] + hits[2] + hits[3] == 0) continue;
      for (int k = 0; k < block; ++k) longest = meet(p + k, direction, longest);
    }
    for (; p < m; ++p) {
      rate[p] = s[p] - tau * follow[p];
      longest = meet(p, direction, longest);
    }
    rate_[held_place_] = 0;
    leaving_ = -1;
    step_ = infinity;
    double best = 0;
    for (const int at : met_) {
      const double by = direction * rate[at], size = math::abs(by), space = room_of(at, by);
      if (size <= best || space > longest * size * size) continue;
      best = size;
      leaving_ = at;
      step_ = space > 0 ? space / (size * size) : 0;
      to_upper_ = by < 0;
    }
  }

 private:
  static constexpr int block = 4;

  /// How far a place is from the bound that it moves to, times its rate.
  [[nodiscard]] double room_of(int p, double by) const { return (value_[p] - (by < 0 ? upper_ : lower_)[p]) * by; }
  /// Notes a place that may be the first to meet a bound; the longest step that all allow, with the slack.
  double meet(int p, double direction, double longest) {
    const double by = direction * rate_[p], square = by * by, room = room_of(p, by);
    // Both sides times the rate, so that there is no division for most.
    if (!(room <= longest * square) || square <= smallest * smallest || p == held_place_) return longest;
    met_.push_back(p);
    const double reach = (room > 0 ? room : 0) / square + slack / math::abs(by);
    return reach < longest ? reach : longest;
  }

 protected:
  static constexpr double smallest = 1e-9, slack = 1e-9;

  tableau* t_ = nullptr;
  int column_ = -1, held_ = -1, held_place_ = 0;  // t; the held variable and where it stands in B
  basis_status held_status_ = basis_status::lower;
  double held_bound_ = 0;
  work_vector entering_;                        // s
  table<double> follow_;                        // B^-1 a_t
  table<double> value_, rate_, lower_, upper_;  // of each place
  table<int> met_;
  int leaving_ = -1;  // a place
  double step_ = 0;   // of the entering variable
  bool to_upper_ = false;
};

}  // namespace plait::detail
