// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Elementary functions and values of doubles, for headers that need no others: to include <cmath> costs g++ 12 a tenth
/// of a second, <limits> a fiftieth, and where signalling of NaN counts, as it does by default, its fmax and fmin are
/// calls of the mathematical library.
namespace plait::math {

inline constexpr double infinity = __builtin_inf();
inline constexpr double not_a_number = __builtin_nan("");

constexpr double abs(double x) {
  return __builtin_fabs(x);
}
constexpr double larger(double a, double b) {
  return a < b ? b : a;
}  ///< a, where b is NaN
constexpr double smaller(double a, double b) {
  return b < a ? b : a;
}  ///< a, where b is NaN
inline double sqrt(double x) {
  return __builtin_sqrt(x);
}
inline double floor(double x) {
  return __builtin_floor(x);
}
inline double ceil(double x) {
  return __builtin_ceil(x);
}
inline double round(double x) {
  return __builtin_round(x);
}  ///< halves away from 0
inline double fma(double a, double b, double c) {
  return __builtin_fma(a, b, c);
}
/// x = mantissa 2^exponent, with a mantissa of 0.5 or more and less than 1.
inline double frexp(double x, int* exponent) {
  return __builtin_frexp(x, exponent);
}
inline double ldexp(double x, int exponent) {
  return __builtin_ldexp(x, exponent);
}

}  // namespace plait::math
