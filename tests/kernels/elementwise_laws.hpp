// SPDX-License-Identifier: Apache-2.0
#pragma once
// The laws of activation functions: values that a reader can check, and slopes that are those of the values.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <plait/kernels/elementwise.hpp>
#include <plait/kernels/for_each.hpp>

#include "kernels/laws.hpp"

namespace plait::laws {

template <class F, class Space, real T>
std::vector<T> values_of(const std::vector<T>& x, const desk<Space>& at) {
  const auto given = at.put(x);
  const auto y = at.put(std::vector<T>(x.size(), not_a_number<T>));
  for_each_element(static_cast<std::int64_t>(x.size()), elementwise::apply<F, T>{given.data(), y.data()}, at.order());
  return at.get(y);
}

/// dy * slope(x)
template <class F, class Space, real T>
std::vector<T> slopes_of(const std::vector<T>& x, T dy, const desk<Space>& at) {
  const auto given = at.put(x), above = at.put(std::vector<T>(x.size(), dy));
  const auto dx = at.put(std::vector<T>(x.size(), not_a_number<T>));
  for_each_element(static_cast<std::int64_t>(x.size()),
                   elementwise::apply_slope<F, T>{given.data(), above.data(), dx.data()}, at.order());
  return at.get(dx);
}

TEST_CASE_TEMPLATE_DEFINE("relu cuts off what is not above 0, and has slope 0 there", Kind, relu_cuts) {
  using T = typename Kind::element;
  const desk<typename Kind::space> at;
  const std::vector<T> x{T{-3}, T{-0.5}, T{0}, T{0.25}, T{7}};
  CHECK(values_of<functions::relu>(x, at) == std::vector<T>{0, 0, 0, T{0.25}, 7});
  CHECK(slopes_of<functions::relu>(x, T{3}, at) == std::vector<T>{0, 0, 0, 3, 3});
}

TEST_CASE_TEMPLATE_DEFINE("gelu is x times the normal distribution function", Kind, gelu_is_exact) {
  using T = typename Kind::element;
  const desk<typename Kind::space> at;
  // The distribution function at 1 is 0.8413447460685429486, at 2 it is 0.9772498680518207928; at -x it is 1 less that.
  const std::vector<T> x{0, 1, -1, 2, -2, 40, -40};
  const std::vector<long double> wanted{
      0, 0.8413447460685429486L, -0.1586552539314570514L, 1.9544997361036415856L, -0.0455002638963584144L, 40, 0};
  const std::vector<long double> bound(x.size(), 8 * rounding<T>);
  check_near(values_of<functions::gelu>(x, at), wanted, bound);
  check_near(slopes_of<functions::gelu>(std::vector<T>{0, 40, -40}, T{1}, at), {0.5L, 1, 0}, {0, 0, 0});
}

TEST_CASE_TEMPLATE_DEFINE("slopes are the limits of differences", Kind, slopes_are_limits) {
  using T = typename Kind::element;
  const desk<typename Kind::space> at;
  std::vector<T> x;
  for (int i = -60; i < 60; ++i) x.push_back(static_cast<T>(i) / T{10} + T{0.03125});  // no closer to 0 than 0.03
  const auto check = [&]<class F>(F) {
    CAPTURE(F::name);
    std::vector<long double> wanted;
    for (T one : x) {
      // In double, whatever T is: the error is step^2 and 1e-16 / step, both below 1e-9.
      const double middle = static_cast<double>(one), step = 1e-5;
      wanted.push_back((F::value(middle + step) - F::value(middle - step)) / (2 * step));
    }
    check_near(slopes_of<F>(x, T{1}, at), wanted, std::vector<long double>(x.size(), 1e-9L + 16 * rounding<T>));
  };
  check(functions::relu{});
  check(functions::gelu{});
}

}  // namespace plait::laws
