// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include <plait/comm/reduce_slices.hpp>
#include <plait/comm/threads.hpp>
#include <plait/core/require.hpp>
#include <plait/tensor/cuda.cuh>

#include <cuda_runtime.h>

namespace plait {

namespace detail {

/// `slices` as a kernel is given them. Room: how many pointers there can be of each kind.
template <element T, int Room>
struct device_slices {
  const T* from[Room];
  T* to[Room];
  int inputs;
  int outputs;
  std::int64_t size;
};

inline constexpr int few_device_slices = 16;
inline constexpr int most_device_slices = 240;  // what fits into the 4096 bytes that every device takes

/// Every thread reduces some indices: it reads one from each input, in order, and then writes it to each output.
/// Nothing waits for another rank, so any number of ranks may share the device.
template <reduction How, element T, int Room>
__global__ __launch_bounds__(256) void reduce_on_device(const __grid_constant__ device_slices<T, Room> work) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < work.size; i += stride) {
    T total = work.from[0][i];
    for (int rank = 1; rank < work.inputs; ++rank) total = reduced<How>(total, work.from[rank][i]);
    for (int index = 0; index < work.outputs; ++index) work.to[index][i] = total;
  }
}

template <int Room, element T>
void start_reduction(const slices<T>& work, cuda_stream order) {
  device_slices<T, Room> given{};
  given.inputs = static_cast<int>(work.from.size());
  given.outputs = static_cast<int>(work.to.size());
  given.size = work.size;
  for (int rank = 0; rank < given.inputs; ++rank) given.from[rank] = work.input(static_cast<std::size_t>(rank));
  for (int index = 0; index < given.outputs; ++index) given.to[index] = work.output(static_cast<std::size_t>(index));
  constexpr std::int64_t threads_in_block = 256, most_blocks = 2048;
  const auto blocks =
      static_cast<unsigned>(std::min((work.size + threads_in_block - 1) / threads_in_block, most_blocks));
  if (work.how == reduction::sum) {
    reduce_on_device<reduction::sum, T, Room><<<blocks, threads_in_block, 0, order.native()>>>(given);
  } else {
    reduce_on_device<reduction::max, T, Room><<<blocks, threads_in_block, 0, order.native()>>>(given);
  }
  PLAIT_CHECK_CUDA(cudaGetLastError());
}

}  // namespace detail

/// `reduce_slices` for device memory: the same bits as on the host. Does not wait.
///
/// Cost: each input is read once and each output written once. Needs: at most 240 ranks.
/// Throws: usage for more ranks; cuda when the kernel cannot be started.
template <element T>
void reduce_slices(cuda, const slices<T>& work, cuda_stream order) {
  if (work.size == 0) return;
  const std::size_t ranks = std::max(work.from.size(), work.to.size());
  require(ranks <= detail::most_device_slices, "threads<cuda>", [&] {
    return "at most " + std::to_string(detail::most_device_slices) + " ranks can reduce on one device, not " +
           std::to_string(ranks);
  });
  if (ranks <= detail::few_device_slices) {
    detail::start_reduction<detail::few_device_slices>(work, order);
  } else {
    detail::start_reduction<detail::most_device_slices>(work, order);
  }
}

/// The device of the thread that calls `threads<cuda>::run` is that of all ranks.
inline int current_place(cuda) {
  int device = 0;
  PLAIT_CHECK_CUDA(cudaGetDevice(&device));
  return device;
}
inline void use_place(cuda, int device) {
  PLAIT_CHECK_CUDA(cudaSetDevice(device));
}

static_assert(communicator<threads_communicator<cuda>>);

}  // namespace plait
