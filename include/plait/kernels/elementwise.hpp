// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>

#include <plait/core/host_device.hpp>
#include <plait/tensor/dtype.hpp>

namespace plait {

/// Function objects for `for_each_element`: one source for every space.
namespace elementwise {

/// y[i] = F::value(x[i])
template <class F, real T>
struct apply {
  const T* x;
  T* y;
  PLAIT_HD void operator()(std::int64_t i) const { y[i] = F::value(x[i]); }
};

/// dx[i] = dy[i] * F::slope(x[i])
template <class F, real T>
struct apply_slope {
  const T* x;
  const T* dy;
  T* dx;
  PLAIT_HD void operator()(std::int64_t i) const { dx[i] = dy[i] * F::slope(x[i]); }
};

/// y[i] = a[i] + b[i]
template <real T>
struct sum {
  const T* a;
  const T* b;
  T* y;
  PLAIT_HD void operator()(std::int64_t i) const { y[i] = a[i] + b[i]; }
};

/// y[i] += x[i]
template <real T>
struct add {
  const T* x;
  T* y;
  PLAIT_HD void operator()(std::int64_t i) const { y[i] += x[i]; }
};

}  // namespace elementwise

/// Functions with a slope, for activation layers: `value(x)` and `slope(x)`, PLAIT_HD. Bring your own in the same form.
namespace functions {

struct relu {
  static constexpr const char* name = "relu";
  template <real T>
  PLAIT_HD static T value(T x) {
    return x < T{0} ? T{0} : x;  // not x > 0 ? x : 0, which would hide what is not a number
  }
  template <real T>
  PLAIT_HD static T slope(T x) {
    return x > T{0} ? T{1} : T{0};
  }
};

/// x times the normal distribution function, not its tanh approximation. Source: Hendrycks, Gimpel, 1606.08415,
/// section 2.
struct gelu {
  static constexpr const char* name = "gelu";
  template <real T>
  PLAIT_HD static T value(T x) {
    return x * normal(x);
  }
  template <real T>
  PLAIT_HD static T slope(T x) {
    constexpr T density_at_0 = static_cast<T>(0.398942280401432677939946);  // 1 / sqrt(2 pi)
    return normal(x) + x * density_at_0 * std::exp(T{-0.5} * x * x);
  }

 private:
  template <real T>
  PLAIT_HD static T normal(T x) {
    constexpr T half_root = static_cast<T>(0.707106781186547524400844);  // 1 / sqrt(2)
    return T{0.5} * (T{1} + std::erf(x * half_root));
  }
};

}  // namespace functions

}  // namespace plait
