// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>

#include <plait/core/math.hpp>

#include <doctest/doctest.h>

namespace {

namespace math = plait::math;

constexpr double none = std::numeric_limits<double>::quiet_NaN();
constexpr double values[] = {0.0,  -0.0, 0.25, -0.5,   0.5,     1.5,      -1.5,
                             -2.5, 3,    1e-3, 1e300,  -1e300,  4.9e-324, std::numeric_limits<double>::infinity(),
                             none, -7.1, 2.49, 1 / 3., 1e15 + 1};

bool same(double a, double b) {
  std::uint64_t bits[2];
  std::memcpy(&bits[0], &a, sizeof a);
  std::memcpy(&bits[1], &b, sizeof b);
  return bits[0] == bits[1] || (a != a && b != b);
}

}  // namespace

TEST_CASE("elementary functions have the bits of those of the standard library") {
  for (const double x : values) {
    CAPTURE(x);
    CHECK(same(math::abs(x), std::fabs(x)));
    CHECK(same(math::sqrt(x), std::sqrt(x)));
    CHECK(same(math::floor(x), std::floor(x)));
    CHECK(same(math::ceil(x), std::ceil(x)));
    CHECK(same(math::round(x), std::round(x)));
    for (const double y : values) CHECK(same(math::fma(x, y, 0.1), std::fma(x, y, 0.1)));
    for (const int exponent : {-1080, -3, 0, 5, 1030}) CHECK(same(math::ldexp(x, exponent), std::ldexp(x, exponent)));
    if (!std::isfinite(x)) continue;
    int ours = 0, theirs = 0;
    CHECK(same(math::frexp(x, &ours), std::frexp(x, &theirs)));
    CHECK(ours == theirs);
  }
}

TEST_CASE("the larger and the smaller of two numbers; what is not a number is never chosen over the first") {
  for (const double x : values)
    for (const double y : values) {
      if (x != x || y != y) continue;
      CAPTURE(x);
      CAPTURE(y);
      CHECK(math::larger(x, y) == std::fmax(x, y));
      CHECK(math::smaller(x, y) == std::fmin(x, y));
    }
  CHECK(math::larger(1, none) == 1);
  CHECK(math::smaller(1, none) == 1);
}
