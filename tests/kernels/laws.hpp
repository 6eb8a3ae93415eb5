// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the laws of kernels have in common. Every law is one template that is run in host memory by laws.cpp and on a
// device by laws.cu.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include <plait/core/random.hpp>
#include <plait/tensor/buffer.hpp>
#include <plait/tensor/dtype.hpp>
#include <plait/tensor/placement.hpp>
#include <plait/tensor/view.hpp>

#include <doctest/doctest.h>

namespace plait::laws {

/// What a law is run with.
template <class Space, real T>
struct kind {
  using space = Space;
  using element = T;
};

/// A stream of a space, and the way of values into its memory and back.
template <class Space>
class desk {
 public:
  [[nodiscard]] typename Space::stream order() const { return stream_; }

  template <class T>
  [[nodiscard]] buffer<T, Space> put(const std::vector<T>& values) const {
    buffer<T, Space> memory{static_cast<std::int64_t>(values.size())};
    Space::upload(memory.data(), values.data(), values.size() * sizeof(T), stream_);
    return memory;
  }
  template <class T>
  [[nodiscard]] std::vector<T> get(const buffer<T, Space>& memory) const {
    std::vector<T> values(static_cast<std::size_t>(memory.size()));
    Space::download(values.data(), memory.data(), values.size() * sizeof(T), stream_);
    return values;
  }

 private:
  typename Space::owned_stream stream_;
};

/// Placement plays no part in what a kernel computes.
using anywhere = placement<replicated, replicated>;

constexpr std::size_t size_of_values(std::int64_t count) {
  return static_cast<std::size_t>(count);
}

/// Numbers from [-most, most).
template <real T>
std::vector<T> reals(std::int64_t count, std::string_view name, double most = 1) {
  const random_stream draw{1, name, 0};
  std::vector<T> values(size_of_values(count));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<T>(most * (2 * draw.uniform(i) - 1));
  return values;
}

/// Whole numbers from -most to most, whose sums are exact in any order.
template <real T>
std::vector<T> wholes(std::int64_t count, std::string_view name, std::uint32_t most = 8) {
  const random_stream draw{2, name, 0};
  std::vector<T> values(size_of_values(count));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<T>(draw.below(i, 2 * most + 1)) - static_cast<T>(most);
  return values;
}

template <real T>
inline constexpr T not_a_number = std::numeric_limits<T>::quiet_NaN();

/// Half the distance from 1 to the next number: the relative error of one rounding.
template <real T>
inline constexpr long double rounding = std::numeric_limits<T>::epsilon() / 2;

/// |found[i] - wanted[i]| <= bound[i] for every i; a number that is not finite is near nothing.
template <real T>
void check_near(const std::vector<T>& found, const std::vector<long double>& wanted,
                const std::vector<long double>& bound) {
  REQUIRE(found.size() == wanted.size());
  REQUIRE(found.size() == bound.size());
  std::size_t far = 0, first = 0;
  for (std::size_t i = found.size(); i-- > 0;)
    if (!(std::abs(static_cast<long double>(found[i]) - wanted[i]) <= bound[i])) ++far, first = i;
  if (far == 0) {
    CHECK(far == 0);
    return;
  }
  CAPTURE(first);
  CAPTURE(static_cast<double>(found[first]));
  CAPTURE(static_cast<double>(wanted[first]));
  CAPTURE(static_cast<double>(bound[first]));
  CHECK(far == 0);
}

}  // namespace plait::laws
