// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/core/math.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/detail/form.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/work_vector.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// The variables of a form as the simplex methods hold them: where each stands, its value and its reduced cost, and the
/// costs and bounds that these are held against, which may be perturbed or those of a first phase.
///
/// Signs: d_j = cost_j - y . a_j for a column and d = y_i for the activity of row i, so a variable at its lower bound
/// wants d >= 0, one at its upper bound d <= 0, a free one d = 0, and a fixed one anything.
class working_point {
 public:
  const form* program = nullptr;
  table<basis_status> status;  // of each variable
  table<double> x, d;          // of each variable; d of basic ones is zero
  table<double> cost, lower, upper;
  bool costs_apart = false, bounds_apart = false;  // to be set by whoever makes them other than the program's

  [[nodiscard]] int rows() const { return program->rows(); }
  [[nodiscard]] int columns() const { return program->columns(); }
  [[nodiscard]] int variables() const { return program->variables(); }

  void restore_costs() {
    if (costs_apart) {
      spend(program->limits, variables());
      resize_in_parts(program->limits, cost, variables());
      copy_changed(program->cost, cost, 0, [&](int, int) { ++costs_changed_; });
    }
    costs_apart = false;
  }
  /// What is at its bounds stays there.
  void restore_bounds() {
    if (bounds_apart) {
      spend(program->limits, 2 * variables());
      settled_ = settled_ && lower.size() == variables();
      for (table<double>* const one : {&lower, &upper}) resize_in_parts(program->limits, *one, variables());
      const auto follow = [&](int first, int last) {
        for (int j = first; j < last && settled_; ++j)
          if (status[j] != basis_status::basic) settle(j);
      };
      copy_changed(program->lower, lower, 0, follow);
      copy_changed(program->upper, upper, 0, follow);
    }
    bounds_apart = false;
  }
  [[nodiscard]] bool is_fixed(int j) const { return lower[j] == upper[j]; }
  [[nodiscard]] bool is_boxed(int j) const { return lower[j] > -infinity && upper[j] < infinity; }
  [[nodiscard]] bool is_free(int j) const { return lower[j] == -infinity && upper[j] == infinity; }

  /// Puts a variable that is not basic to the bound that its status names, or to one that it has.
  void settle(int j) {
    const double l = lower[j], u = upper[j];
    if (status[j] == basis_status::upper && u < infinity) {
      x[j] = u;
    } else if (l > -infinity) {
      status[j] = basis_status::lower;
      x[j] = l;
    } else if (u < infinity) {
      status[j] = basis_status::upper;
      x[j] = u;
    } else {
      status[j] = basis_status::free;
      x[j] = 0;
    }
  }
  void settle_all() {
    settled_ = false;
    spend(program->limits, variables());
    double *const v = x.data(), *const low = lower.data(), *const high = upper.data();
    const basis_status* const at = status.data();
    for (int j = 0, all = variables(); j < all; ++j) {
      const bool moves = at[j] != basis_status::basic;
      const double to = only_if(moves, choose(at[j] == basis_status::upper, high[j], low[j]));
      if (to - to == 0) {
        v[j] = choose(moves, to, v[j]);
      } else {
        settle(j);
      }
    }
    settled_ = true;
  }

  /// The objective of the form, with the costs it works with.
  [[nodiscard]] double objective() const {
    double sum = 0;
    for (int j = 0; j < variables(); ++j)
      if (cost[j] != 0) sum += cost[j] * x[j];
    return sum;
  }
  /// How far a value is beyond a bound; negative where it is within both.
  [[nodiscard]] double beyond_bounds(int j) const { return beyond(lower[j], x[j], upper[j]); }
  static double beyond(double low, double v, double high) { return math::larger(low - v, v - high); }
  [[nodiscard]] double dual_infeasibility(int j) const {
    if (status[j] == basis_status::basic || is_fixed(j)) return 0;
    if (status[j] == basis_status::free) return math::abs(d[j]);
    if (status[j] == basis_status::lower) return d[j] < 0 ? -d[j] : 0;
    return d[j] > 0 ? d[j] : 0;
  }
  /// The largest of each, and how many are above `tolerance`.
  struct infeasibility {
    double largest = 0, sum = 0;
    int count = 0;
  };
  [[nodiscard]] infeasibility dual_infeasibilities(double tolerance) const {
    infeasibility found;
    for (int j = 0, all = variables(); j < all; ++j)
      if (may_be_dual_infeasible(j, 0)) count_in(found, dual_infeasibility(j), tolerance);
    return found;
  }

  /// False for most of those whose infeasibility is at most `tolerance`, and asked quickly.
  [[nodiscard]] bool may_be_dual_infeasible(int j, double tolerance) const {
    return !(d[j] * wanted_sign(status[j]) >= -tolerance);
  }
  /// The sign that a reduced cost should have: what is basic has none, and to free variables every one but zero is
  /// wrong.
  static double wanted_sign(basis_status at) {
    static constexpr double signs[] = {1, 0, -1, math::not_a_number};
    return signs[static_cast<int>(at)];
  }

 protected:
  static void count_in(infeasibility& all, double one, double tolerance) {
    if (one > all.largest) all.largest = one;
    if (one <= tolerance) return;
    all.sum += one;
    ++all.count;
  }
  bool settled_ = false;        // whether what is not basic is known to be where `settle` puts it
  unsigned costs_changed_ = 0;  // grows when costs become other ones than they were while they were the program's
};

/// Random numbers that depend on a seed and a place alone.
inline double random_unit(std::uint64_t seed, std::uint64_t at) {
  std::uint64_t z = seed * 0x9E3779B97F4A7C15u + at * 0xD1342543DE82EF95u + 0x632BE59BD9B4E019u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1p-53;
}

}  // namespace plait::detail
