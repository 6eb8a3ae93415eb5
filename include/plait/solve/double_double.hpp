// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

#include <plait/core/math.hpp>

namespace plait {

/// A number with its upper and lower half, for exact products: whoever multiplies with it often makes it once.
///
/// Finite up to 1e300; beyond that the halves are no numbers, and neither is what is made of them.
/// Source: Dekker, as below, section 5 (after Veltkamp).
struct halved {
  double whole, upper, lower;

  explicit halved(double value) : whole{value}, upper{upper_half(value)}, lower{value - upper} {}

 private:
  static double upper_half(double value) {
    const double large = 134217729.0 * value;  // 2^27 + 1
    return large - (large - value);
  }
};

/// Whether multiplying with it rounds nothing: of a power of two, zero or infinity no digit but the first is set.
inline bool rounds_nothing(double a) {
  return std::bit_cast<std::uint64_t>(a) << 12 == 0;
}

/// What rounding took off the product a * b. Without an instruction for it fma is a call, which costs a loop more than
/// the arithmetic here does; the bits are the same.
inline double product_error(double a, const halved& b, double product) {
  if (rounds_nothing(a)) return 0;
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return math::fma(a, b.whole, -product);
#else
  const halved c{a};
  return ((c.upper * b.upper - product) + c.upper * b.lower + c.lower * b.upper) + c.lower * b.lower;
#endif
}

/// A sum of two doubles, about 32 decimal digits: what residuals and certificates are computed in.
///
/// Cost: a product and its addition take some ten operations. Products of two doubles are exact where they neither
/// overflow nor fall near the smallest normal number. Sums of products keep what rounding took off in `low`, which is
/// itself a plain sum: the error is that of 32 digits relative to the sum of magnitudes.
/// Source: Dekker, "A floating-point technique for extending the available precision", Numer. Math. 18, 1971; Knuth,
/// The Art of Computer Programming 2, 4.2.2, theorem B (the sum of two doubles with its exact error); Ogita, Rump,
/// Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput. 26, 2005 (sums of products).
struct double_double {
  double high = 0;
  double low = 0;

  constexpr double_double() = default;
  constexpr double_double(double value) : high{value} {}
  constexpr double_double(double h, double l) : high{h}, low{l} {}

  [[nodiscard]] constexpr double value() const { return high + low; }

  constexpr double_double& operator+=(double b) {
    const double s = high + b, t = s - high;
    const double e = (high - (s - t)) + (b - t) + low;
    high = s + e;
    low = e - (high - s);
    return *this;
  }
  constexpr double_double& operator+=(double_double b) {
    *this += b.high;
    return *this += b.low;
  }
  constexpr double_double& operator-=(double b) { return *this += -b; }
  constexpr double_double& operator-=(double_double b) { return *this += double_double{-b.high, -b.low}; }

  /// Adds a * b without rounding the product.
  double_double& add_product(double a, double b) { return add_product(a, halved{b}); }
  double_double& add_product(double a, const halved& b) {
    const double product = a * b.whole;
    const double error = product_error(a, b, product);
    const double sum = high + product, part = sum - high;
    low += ((high - (sum - part)) + (product - part)) + error;
    high = sum;
    return *this;
  }
  /// Adds a * b, where a has 32 digits.
  double_double& add_product(double_double a, double b) {
    add_product(a.high, b);
    return add_product(a.low, b);
  }

  friend constexpr double_double operator+(double_double a, double_double b) { return a += b; }
  friend constexpr double_double operator-(double_double a, double_double b) { return a -= b; }
  friend constexpr double_double operator-(double_double a) { return {-a.high, -a.low}; }
  friend constexpr bool operator<(double_double a, double_double b) { return (a - b).value() < 0; }
};

}  // namespace plait
