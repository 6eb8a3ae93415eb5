// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>

#include <plait/core/require.hpp>
#include <plait/tensor/host.hpp>
#include <plait/tensor/view.hpp>

#include <climits>

#if defined(PLAIT_USE_CBLAS)
#include <cblas.h>
#endif

namespace plait {

/// Whether an operand of a product is taken as it is or transposed.
enum class flip : bool { no, yes };

/// The sizes of out[rows, columns] = a[rows, inner] * b[inner, columns], after any flips.
struct product_shape {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t inner = 0;
};

/// Checks that two operands and a result fit together. Throws: usage.
template <class A, class B, class Out>
product_shape product_shape_of(const A& a, flip flip_a, const B& b, flip flip_b, const Out& out) {
  const bool ta = flip_a == flip::yes, tb = flip_b == flip::yes;
  const product_shape shape{a.extent[ta], b.extent[!tb], a.extent[!ta]};
  require(b.extent[tb] == shape.inner && out.extent[0] == shape.rows && out.extent[1] == shape.columns, "plait::matmul",
          [&] {
            std::string text{"after the flips a is "};
            const auto say = [&text](std::int64_t rows, std::int64_t columns) {
              text.append("[").append(std::to_string(rows)).append(", ").append(std::to_string(columns)).append("]");
            };
            say(shape.rows, shape.inner);
            text.append(" and b is ");
            say(b.extent[tb], shape.columns);
            text.append(", whose product does not fit out, which is ");
            say(out.extent[0], out.extent[1]);
            return text;
          });
  return shape;
}

namespace detail {

/// The product by a plain loop, for who has no CBLAS: row by row, in the order of the inner index.
template <real T>
void plain_matmul(product_shape shape, const T* a, flip flip_a, const T* b, flip flip_b, T* out, T keep) {
  const bool ta = flip_a == flip::yes, tb = flip_b == flip::yes;
  const std::int64_t a_row = ta ? 1 : shape.inner, a_inner = ta ? shape.rows : 1;
  const std::int64_t b_inner = tb ? 1 : shape.columns, b_column = tb ? shape.inner : 1;
  for (std::int64_t i = 0; i < shape.rows; ++i) {
    T* const row = out + i * shape.columns;
    for (std::int64_t j = 0; j < shape.columns; ++j) row[j] = keep == T{0} ? T{0} : keep * row[j];
    for (std::int64_t k = 0; k < shape.inner; ++k) {
      const T factor = a[i * a_row + k * a_inner];
      const T* const from = b + k * b_inner;
      for (std::int64_t j = 0; j < shape.columns; ++j) row[j] += factor * from[j * b_column];
    }
  }
}

#if defined(PLAIT_USE_CBLAS)
/// The product by a CBLAS, whose sizes are `int`. Throws: usage, when one does not fit.
template <real T>
void cblas_matmul(product_shape shape, const T* a, flip flip_a, const T* b, flip flip_b, T* out, T keep) {
  const auto size = [](std::int64_t extent) {
    require(extent <= INT_MAX, "plait::matmul", "a CBLAS takes extents below 2^31; cut the product into parts");
    return static_cast<int>(extent);
  };
  const auto turn = [](flip how) { return how == flip::yes ? CblasTrans : CblasNoTrans; };
  const auto stride = [&](std::int64_t columns) { return size(columns > 0 ? columns : 1); };
  const auto product = [] {
    if constexpr (std::is_same_v<T, float>)
      return cblas_sgemm;
    else
      return cblas_dgemm;
  }();
  product(CblasRowMajor, turn(flip_a), turn(flip_b), size(shape.rows), size(shape.columns), size(shape.inner), T{1}, a,
          stride(flip_a == flip::yes ? shape.rows : shape.inner), b,
          stride(flip_b == flip::yes ? shape.inner : shape.columns), keep, out, stride(shape.columns));
}
#endif

}  // namespace detail

/// out = keep * out + a * b, for row-major matrices in host memory; `keep` 0 never reads out. With a CBLAS where
/// PLAIT_USE_CBLAS is defined, else with a plain loop.
///
/// a: [rows, inner] (or flipped), b: [inner, columns] (or flipped), out: [rows, columns].
/// Work: 2 * rows * columns * inner FLOP. Throws: usage, when extents do not fit together.
template <real T, class PlacedA, class PlacedB, class PlacedOut>
void matmul(matrix<const T, host, PlacedA> a, flip flip_a, matrix<const T, host, PlacedB> b, flip flip_b,
            matrix<T, host, PlacedOut> out, std::type_identity_t<T> keep, host_stream) {
  const product_shape shape = product_shape_of(a, flip_a, b, flip_b, out);
  if (shape.rows == 0 || shape.columns == 0) return;
#if defined(PLAIT_USE_CBLAS)
  detail::cblas_matmul(shape, a.data, flip_a, b.data, flip_b, out.data, keep);
#else
  detail::plain_matmul(shape, a.data, flip_a, b.data, flip_b, out.data, keep);
#endif
}

}  // namespace plait
