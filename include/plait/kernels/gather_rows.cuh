// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/kernels/gather_rows.hpp>
#include <plait/tensor/cuda_check.cuh>
#include <plait/tensor/cuda_stream.cuh>

#include <cub/device/device_for.cuh>

namespace plait {

/// As for the host, by CUB over the whole device; asks for no scratch.
template <class T>
void gather_rows(const T* from, std::int64_t columns, const std::int64_t* row, std::int64_t rows, T* to,
                 cuda_stream order) {
  if (rows * columns == 0) return;
  PLAIT_CHECK_CUDA(
      cub::DeviceFor::Bulk(rows * columns, detail::gathered_element<T>{from, row, columns, to}, order.native()));
}

}  // namespace plait
