// SPDX-License-Identifier: Apache-2.0
#pragma once
// The laws of matmul: the textbook triple loop in long double says what is right.

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/kernels/matmul.hpp>

#include "kernels/laws.hpp"

namespace plait::laws {

/// The operands of one product, its result before, and what it must be after.
template <real T>
struct product {
  product_shape shape;
  flip flip_a, flip_b;
  T keep;
  std::vector<T> a, b, out;
  std::vector<long double> wanted;
  std::vector<long double> magnitude;  ///< the same sum of absolute values, to which rounding errors are relative

  product(product_shape extents, flip turn_a, flip turn_b, T kept, bool whole)
      : shape{extents}, flip_a{turn_a}, flip_b{turn_b}, keep{kept} {
    const auto values = [whole](std::int64_t count, const char* name) {
      return whole ? wholes<T>(count, name) : reals<T>(count, name);
    };
    a = values(shape.rows * shape.inner, "a");
    b = values(shape.inner * shape.columns, "b");
    out = values(shape.rows * shape.columns, "out");
    // What is not kept must not be read.
    if (keep == T{0}) out.assign(out.size(), not_a_number<T>);
    for (std::int64_t i = 0; i < shape.rows; ++i)
      for (std::int64_t j = 0; j < shape.columns; ++j) {
        const long double before =
            keep == T{0} ? 0 : static_cast<long double>(keep) * out[size_of_values(i * shape.columns + j)];
        long double sum = before, absolute = std::abs(before);
        for (std::int64_t k = 0; k < shape.inner; ++k) {
          const long double term =
              static_cast<long double>(
                  a[flip_a == flip::no ? size_of_values(i * shape.inner + k) : size_of_values(k * shape.rows + i)]) *
              b[flip_b == flip::no ? size_of_values(k * shape.columns + j) : size_of_values(j * shape.inner + k)];
          sum += term;
          absolute += std::abs(term);
        }
        wanted.push_back(sum);
        magnitude.push_back(absolute);
      }
  }

  [[nodiscard]] std::array<std::int64_t, 2> extents_a() const {
    return flip_a == flip::no ? std::array{shape.rows, shape.inner} : std::array{shape.inner, shape.rows};
  }
  [[nodiscard]] std::array<std::int64_t, 2> extents_b() const {
    return flip_b == flip::no ? std::array{shape.inner, shape.columns} : std::array{shape.columns, shape.inner};
  }
  /// inner products and sums of inner + 1 terms, in any order
  [[nodiscard]] std::vector<long double> bound() const {
    std::vector<long double> bounds = magnitude;
    for (long double& one : bounds) one *= static_cast<long double>(shape.inner + 3) * rounding<T>;
    return bounds;
  }
};

/// Runs `multiply(a, flip_a, b, flip_b, out, keep, order)` on views that begin `offset` elements into memory, so that
/// they are aligned to no more than an element; checks that what lies around the result stays. Returns the result.
template <class Space, real T, class Multiply>
std::vector<T> result_of(const product<T>& given, std::int64_t offset, const desk<Space>& at,
                         const Multiply& multiply) {
  const T mark = T{77};
  const auto framed = [&](const std::vector<T>& values) {
    std::vector<T> all(size_of_values(offset), mark);
    all.insert(all.end(), values.begin(), values.end());
    all.push_back(mark);
    return at.put(all);
  };
  const auto a = framed(given.a), b = framed(given.b), out = framed(given.out);
  const auto [a0, a1] = given.extents_a();
  const auto [b0, b1] = given.extents_b();
  multiply(matrix<const T, Space, anywhere>{a.data() + offset, {a0, a1}}, given.flip_a,
           matrix<const T, Space, anywhere>{b.data() + offset, {b0, b1}}, given.flip_b,
           matrix<T, Space, anywhere>{out.data() + offset, {given.shape.rows, given.shape.columns}}, given.keep,
           at.order());
  std::vector<T> all = at.get(out);
  for (std::int64_t i = 0; i < offset; ++i) CHECK(all[size_of_values(i)] == mark);
  CHECK(all.back() == mark);
  return {all.begin() + offset, all.end() - 1};
}

/// Puts one way to multiply through all flips, kept shares of the result, alignments and odd sizes.
template <class Space, real T, class Multiply>
void multiplies(const Multiply& multiply) {
  const desk<Space> at;
  for (product_shape shape : {product_shape{1, 1, 1},
                              {3, 5, 7},
                              {17, 33, 9},
                              {64, 32, 16},
                              {65, 1, 63},
                              {1, 130, 2},
                              {0, 3, 4},
                              {3, 0, 4},
                              {3, 4, 0},
                              {0, 0, 0}})
    for (flip flip_a : {flip::no, flip::yes})
      for (flip flip_b : {flip::no, flip::yes})
        for (T keep : {T{0}, T{1}, T{0.5}}) {
          CAPTURE(shape.rows);
          CAPTURE(shape.columns);
          CAPTURE(shape.inner);
          CAPTURE(static_cast<int>(flip_a));
          CAPTURE(static_cast<int>(flip_b));
          CAPTURE(keep);
          const product<T> whole{shape, flip_a, flip_b, keep, true}, real{shape, flip_a, flip_b, keep, false};
          for (std::int64_t offset : {0, 1}) {
            CAPTURE(offset);
            check_near(result_of(whole, offset, at, multiply), whole.wanted,
                       std::vector<long double>(whole.wanted.size()));  // exactly
            check_near(result_of(real, offset, at, multiply), real.wanted, real.bound());
          }
        }
}

constexpr auto any_matmul = [](const auto&... given) { matmul(given...); };

TEST_CASE_TEMPLATE_DEFINE("a product is what the triple loop gives, for all flips, kept shares, alignments and sizes",
                          Kind, matmul_gives_the_product) {
  multiplies<typename Kind::space, typename Kind::element>(any_matmul);
}

TEST_CASE_TEMPLATE_DEFINE("a product done twice is equal to the bit", Kind, matmul_repeats) {
  using T = typename Kind::element;
  const desk<typename Kind::space> at;
  const product<T> given{{96, 80, 500}, flip::yes, flip::no, T{1}, false};
  CHECK(result_of(given, 0, at, any_matmul) == result_of(given, 0, at, any_matmul));
}

TEST_CASE_TEMPLATE_DEFINE("a product of extents that do not fit is refused, and the message names them", Kind,
                          matmul_refuses) {
  using T = typename Kind::element;
  using space = typename Kind::space;
  const desk<space> at;
  const auto multiply = [&](std::int64_t inner_b, std::int64_t rows, std::int64_t columns) {
    matmul(matrix<const T, space, anywhere>{nullptr, {3, 4}}, flip::no,
           matrix<const T, space, anywhere>{nullptr, {inner_b, 6}}, flip::no,
           matrix<T, space, anywhere>{nullptr, {rows, columns}}, 0, at.order());
  };
  CHECK_THROWS_WITH_AS(multiply(5, 3, 6), doctest::Contains("a is [3, 4] and b is [5, 6]"), error);
  CHECK_THROWS_WITH_AS(multiply(4, 2, 6), doctest::Contains("does not fit out, which is [2, 6]"), error);
  CHECK_THROWS_WITH_AS(multiply(4, 3, 7), doctest::Contains("does not fit out, which is [3, 7]"), error);
}

}  // namespace plait::laws
