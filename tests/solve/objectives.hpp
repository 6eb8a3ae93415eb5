// SPDX-License-Identifier: Apache-2.0
// Objectives held against each other.
#pragma once

#include <cmath>

#include <plait/solve/lp.hpp>

namespace objectives {

/// Whether two of them agree to nine digits.
inline bool near(double a, double b) {
  return std::fabs(a - b) <= 1e-9 * std::fmax(1, std::fabs(b));
}

/// The objective as one that is minimized.
inline double to_minimize(const plait::lp& model, double value) {
  return model.sense() == plait::objective_sense::maximize ? -value : value;
}

}  // namespace objectives
