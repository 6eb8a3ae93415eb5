// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include <plait/solve/answer.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/lp.hpp>

namespace plait::detail {

/// Narrows a program to its optima: what has a reduced cost stays at its bound, and a row with a dual stays tight.
///
/// By complementary slackness every optimum satisfies this for any optimal duals, and every feasible point that does is
/// an optimum. So another objective may follow without a row for the value of the first. The basis of `found` stays
/// feasible. Returns whether there may be more than one optimum: false where everything nonbasic has a reduced cost.
///
/// What is below 1e-11 of the terms that it is the sum of counts as zero; then the first objective may lose as much. So
/// does what has the wrong sign, within the tolerance of the solver: to go that way loses nothing.
inline bool restrict_to_optima(lp& model, const answer& found) {
  const sparse_matrix& a = model.matrix();
  bool choice = false;
  constexpr double none = 1e-11;
  const double worse = model.sense() == objective_sense::maximize ? 1 : -1;  // sign of what an upper bound is worth
  table<double> row_size(model.rows(), 0.0);
  double largest = 0;
  for (int j = 0; j < model.columns(); ++j) {
    double terms = std::fabs(model.cost(j));
    for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
      const double term = std::fabs(a.value[k] * found.dual[a.index[k]]);
      terms += term;
      row_size[a.index[k]] = std::fmax(row_size[a.index[k]], term);
      largest = std::fmax(largest, term);
    }
    if (found.basis.columns[j] == basis_status::basic || model.column_lower(j) == model.column_upper(j)) continue;
    const bool upper = found.basis.columns[j] == basis_status::upper;
    if ((upper ? worse : -worse) * found.reduced_cost[j] > none * terms) {
      const double at = upper ? model.column_upper(j) : model.column_lower(j);
      model.set_column_bounds(j, at, at);
    } else {
      choice = true;
    }
  }
  for (int i = 0; i < model.rows(); ++i) {
    if (found.basis.rows[i] == basis_status::basic || model.row_lower(i) == model.row_upper(i)) continue;
    const bool upper = found.basis.rows[i] == basis_status::upper;
    if (row_size[i] > none * largest && (upper ? worse : -worse) * found.dual[i] > 0) {
      const double at = upper ? model.row_upper(i) : model.row_lower(i);
      model.set_row_bounds(i, at, at);
    } else {
      choice = true;
    }
  }
  return choice;
}

}  // namespace plait::detail
