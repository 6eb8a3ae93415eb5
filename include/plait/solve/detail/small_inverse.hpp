// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/math.hpp>

namespace plait::detail {

/// The inverse of a small matrix, by Gauss and Jordan, with the largest pivot of each column. Of `work` nothing is
/// left. False where a pivot is less than `least`.
template <int Most>
bool invert_small(double (&work)[Most][Most], double (&inverse)[Most][Most], int rows, double least) {
  for (int i = 0; i < rows; ++i)
    for (int k = 0; k < rows; ++k) inverse[i][k] = i == k ? 1 : 0;
  for (int c = 0; c < rows; ++c) {
    int p = c;
    for (int i = c + 1; i < rows; ++i)
      if (math::abs(work[i][c]) > math::abs(work[p][c])) p = i;
    const double pivot = work[p][c];
    if (math::abs(pivot) < least) return false;
    const double by = 1 / pivot;
    for (int k = 0; k < rows; ++k) {
      const double a = work[p][k], b = inverse[p][k];
      work[p][k] = work[c][k];
      inverse[p][k] = inverse[c][k];
      work[c][k] = a * by;
      inverse[c][k] = b * by;
    }
    for (int i = 0; i < rows; ++i) {
      const double factor = work[i][c];
      if (i == c || factor == 0) continue;
      for (int k = c; k < rows; ++k) work[i][k] -= factor * work[c][k];
      for (int k = 0; k < rows; ++k) inverse[i][k] -= factor * inverse[c][k];
    }
  }
  return true;
}

}  // namespace plait::detail
