// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/solve/basis.hpp>
#include <plait/solve/detail/bordered_simplex.hpp>
#include <plait/solve/detail/columns_at_work.hpp>
#include <plait/solve/detail/engine.hpp>
#include <plait/solve/detail/form.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// Solves a program of many columns by programs of few of them.
///
/// A small program holds all rows and the columns that are at work. The primal method solves it, its multipliers say
/// who comes to work, until nobody would help. What comes out is a basis of the whole program; nothing found here is
/// trusted.
/// Cost: a pivot costs what the small program does, a round O(entries) beside.
/// Source: Bixby, Gregory, Lustig, Marsten, Shanno, "Very large-scale linear programming: a case study in combining
/// interior point and simplex methods", Operations Research 40, 1992 (sifting).
class sifting {
 public:
  /// From the basis in `status` (rows behind columns), which it leaves in the same way. `whole` is the program, scaled
  /// or not. `near`: multipliers of the rows that are near the best ones, or empty. False where it did not come to an
  /// end.
  bool run(const form& whole, engine& with, monitor& limits, double tolerance, std::uint64_t seed,
           const table<double>& near, table<basis_status>& status) {
    const int m = whole.rows();
    work_.start(whole, status);
    const int shared = bordered_simplex::column_of(whole);
    if (shared >= 0) work_.put_to_work(shared);
    if (work_.count() == 0) work_.put_short_to_work(whole);
    if (!near.empty()) work_.put_near_to_work(whole, status, near, 1);
    bool bordered = false;
    for (rounds_ = 0; rounds_ < most_rounds; ++rounds_) {
      limits.poll();
      work_.load(whole, status);
      with.attach(work_.small, seed);
      with.state.set_basis(work_.small_status);

      outcome found = outcome::optimal;
      bordered = shared >= 0 && bordered_.run(with.state, work_.place_of(shared), limits, tolerance, bordered);
      if (!bordered) found = with.run(limits, false, false, tolerance, infinity);
      work_.give_back(with.state.status, status);
      if (found != outcome::optimal && found != outcome::infeasible) return false;
      prices_.resize(m);
      if (bordered) {
        bordered_.multipliers(prices_);
      } else if (found == outcome::optimal) {
        with.state.compute_multipliers();
        for (int i = 0; i < m; ++i) prices_[i] = with.state.buffer.value[i];
        with.state.buffer.clear();
      } else {
        for (int i = 0; i < m; ++i) prices_[i] = with.ray[i];
      }
      limits.poll();
      const bool optimal = found == outcome::optimal;
      if (work_.renew(whole, status, prices_, optimal, tolerance, rounds_ < rounds_of_leaving, shared) == 0)
        return optimal;
    }
    return false;
  }

  /// How many columns came to work, and in how many rounds, the last time.
  [[nodiscard]] int at_work() const { return work_.count(); }
  [[nodiscard]] int rounds() const { return rounds_ + 1; }

 private:
  static constexpr int most_rounds = 60, rounds_of_leaving = 20;  // who leaves may have to come back: not for ever

  int rounds_ = 0;
  bordered_simplex bordered_;
  columns_at_work work_;
  table<double> prices_;
};

}  // namespace plait::detail
