// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <plait/core/host_device.hpp>
#include <plait/kernels/detail/cublaslt.cuh>
#include <plait/kernels/for_each_element.cuh>
#include <plait/kernels/matmul.hpp>
#include <plait/tensor/cuda.cuh>
#include <plait/tensor/view.hpp>

#include <cublasLt.h>

namespace plait {

/// How products of float matrices are computed on a device: in float, or with operands rounded to the 10 bits of TF32,
/// which is several times faster and wrong by up to 2^-10 of each term. Products of double matrices take no notice.
enum class product_precision : bool { full, tf32 };

namespace detail {

/// out[i] *= factor
template <real T>
struct scale_by {
  T* out;
  T factor;
  PLAIT_HD void operator()(std::int64_t i) const { out[i] *= factor; }
};

}  // namespace detail

/// As for the host, by cuBLASLt. Equal operands at equally aligned addresses give equal bits. The first product of a
/// shape on a thread searches for an algorithm; later ones allocate nothing. Throws: usage, cuda.
///
/// A row-major matrix is its transpose in column-major order, so out' = b' a' is what cuBLASLt is asked for.
template <real T, class PlacedA, class PlacedB, class PlacedOut>
void matmul(matrix<const T, cuda, PlacedA> a, flip flip_a, matrix<const T, cuda, PlacedB> b, flip flip_b,
            matrix<T, cuda, PlacedOut> out, std::type_identity_t<T> keep, product_precision precision,
            cuda_stream order) {
  const product_shape shape = product_shape_of(a, flip_a, b, flip_b, out);
  if (shape.rows == 0 || shape.columns == 0) return;
  if (shape.inner == 0) {  // a sum of nothing, which cuBLASLt does not take
    if (keep == T{0})
      cuda::zero(out.data, static_cast<std::size_t>(out.size()) * sizeof(T), order);
    else if (keep != T{1})
      for_each_element(out.size(), detail::scale_by<T>{out.data, keep}, order);
    return;
  }
  constexpr bool single = std::is_same_v<T, float>;
  constexpr auto of_single = [](product_precision how) {
    return how == product_precision::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
  };
  auto& plans = detail::product_plans::here();
  auto& plan = plans[{
      .rows = shape.columns,
      .columns = shape.rows,
      .inner = shape.inner,
      .first_flipped = flip_b == flip::yes,
      .second_flipped = flip_a == flip::yes,
      .type = single ? CUDA_R_32F : CUDA_R_64F,
      .arithmetic = single ? of_single(precision) : CUBLAS_COMPUTE_64F,
      .first_alignment = detail::alignment_of(b.data),
      .second_alignment = detail::alignment_of(a.data),
      .result_alignment = detail::alignment_of(out.data),
  }];
  const T one{1};
  PLAIT_CHECK_CUDA(cublasLtMatmul(plans.handle(), &plan.work, &one, b.data, &plan.first, a.data, &plan.second, &keep,
                                  out.data, &plan.result, out.data, &plan.result, &plan.algorithm, nullptr, 0,
                                  order.native()));
}

/// The same in full precision.
template <real T, class PlacedA, class PlacedB, class PlacedOut>
void matmul(matrix<const T, cuda, PlacedA> a, flip flip_a, matrix<const T, cuda, PlacedB> b, flip flip_b,
            matrix<T, cuda, PlacedOut> out, std::type_identity_t<T> keep, cuda_stream order) {
  matmul(a, flip_a, b, flip_b, out, keep, product_precision::full, order);
}

}  // namespace plait
