// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/solve/table.hpp>

namespace plait {

/// Where a variable (a column, or the activity of a row) stands in a basic solution.
enum class basis_status : signed char {
  lower,  ///< at its lower bound; a fixed variable as well
  basic,  ///< its value follows from the others
  upper,  ///< at its upper bound
  free,   ///< a variable without bounds that is not basic, at zero
};

/// A basis: as many basic variables as there are rows, among columns and row activities together.
///
/// A solve takes any: where there are too many basic variables, too few, or dependent ones, it repairs the basis.
struct basis {
  table<basis_status> columns;
  table<basis_status> rows;
  /// After an infeasible end the multipliers of the rows that showed it, after an unbounded one the ray. A solve that
  /// starts here looks first whether they still do; left out where there are not as many as rows here, or columns.
  table<double> farkas, ray;

  [[nodiscard]] bool empty() const { return columns.empty() && rows.empty(); }
  friend bool operator==(const basis&, const basis&) = default;
};

}  // namespace plait
