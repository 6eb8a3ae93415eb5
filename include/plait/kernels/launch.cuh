// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>

#include <plait/tensor/cuda_check.cuh>
#include <plait/tensor/cuda_stream.cuh>

#include <cuda_runtime.h>

namespace plait {

/// A kernel: a function object that every thread of every block calls with the same `params`. `threads` is the number
/// of threads in a block, `name` is what an error says.
///
/// Its template arguments are types, integers and enums, of namespace scope; what it needs reaches it as numbers and
/// pointers in `params`.
template <class K>
concept kernel_op = requires(const typename K::params& numbers) {
  { K::name } -> std::convertible_to<const char*>;
  { K::threads } -> std::convertible_to<int>;
  K{}(numbers);
};

namespace detail {

template <kernel_op K>
__global__ __launch_bounds__(K::threads) void run(const __grid_constant__ typename K::params numbers) {
  K{}(numbers);
}

}  // namespace detail

/// No kernel of plait starts more blocks: each block takes one share after another instead. It is twice what the
/// largest devices hold at once (132 multiprocessors of 16 blocks of 128 threads).
inline constexpr std::int64_t most_blocks = 4096;

/// Blocks for `count` things, of which a block takes `each` at a time.
constexpr std::int64_t blocks_for(std::int64_t count, std::int64_t each) {
  return std::min((count + each - 1) / each, most_blocks);
}

/// Starts K in `blocks` blocks; none: does nothing. Does not wait. Throws: cuda, when it cannot be started.
template <kernel_op K>
void launch(std::int64_t blocks, const typename K::params& numbers, cuda_stream order) {
  static_assert(std::is_trivially_copyable_v<typename K::params>,
                "plait::launch: what a kernel is given is copied to the device bit by bit, so it must be trivially "
                "copyable");
  static_assert(sizeof(typename K::params) <= 4096, "plait::launch: a kernel is given at most 4096 bytes");
  static_assert(K::threads % 32 == 0 && K::threads >= 32 && K::threads <= 1024,
                "plait::launch: a block has 32 to 1024 threads, a multiple of 32");
  if (blocks == 0) return;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3{static_cast<unsigned>(blocks)};
  config.blockDim = dim3{static_cast<unsigned>(K::threads)};
  config.stream = order.native();
  const cudaError_t status = cudaLaunchKernelEx(&config, detail::run<K>, numbers);
  if (status != cudaSuccess) detail::check_cuda(status, (std::string{"start of "} + K::name).c_str());
}

}  // namespace plait
