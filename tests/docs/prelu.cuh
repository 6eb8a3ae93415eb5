// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/tensor/cuda.cuh>

#include "docs/prelu.hpp"
#include "docs/prelu_kernel.cuh"

// [device]
template <>
struct prelu_kernels<plait::cuda> {
  template <class T>
  static void forward(const T* x, const T* slope, T* y, std::int64_t rows, std::int64_t columns,
                      plait::cuda_stream order) {
    start(rows * columns,
          [&](unsigned blocks) { prelu_forward<<<blocks, threads, 0, order.native()>>>(x, slope, y, rows, columns); });
  }
  template <class T>
  static void backward_input(const T* x, const T* slope, const T* dy, T* dx, std::int64_t rows, std::int64_t columns,
                             plait::cuda_stream order) {
    start(rows * columns, [&](unsigned blocks) {
      prelu_backward_input<<<blocks, threads, 0, order.native()>>>(x, slope, dy, dx, rows, columns);
    });
  }
  template <class T>
  static void backward_slope(const T* x, const T* dy, T* dslope, std::int64_t rows, std::int64_t columns,
                             plait::cuda_stream order) {
    start(columns, [&](unsigned blocks) {
      prelu_backward_slope<<<blocks, threads, 0, order.native()>>>(x, dy, dslope, rows, columns);
    });
  }

 private:
  static constexpr int threads = 256;

  /// No elements are legal, and no blocks are not; a launch that fails throws.
  template <class Launch>
  static void start(std::int64_t elements, Launch&& launch) {
    if (elements == 0) return;
    launch(static_cast<unsigned>((elements + threads - 1) / threads));
    PLAIT_CHECK_CUDA(cudaGetLastError());
  }
};
// [device]
