// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/core/host_device.hpp>

#include <cub/block/block_reduce.cuh>

namespace plait::detail {

// These functions are called from templates that serve host and device, so they are PLAIT_HD in name, but what they say
// is for the device: no host code reaches them.

struct plus {
  template <class T>
  PLAIT_HD T operator()(T a, T b) const {
    return a + b;
  }
};

struct larger {
  template <class T>
  PLAIT_HD T operator()(T a, T b) const {
    return b > a ? b : a;
  }
};

PLAIT_HD inline int thread_in_block() {
#if defined(__CUDA_ARCH__)
  return static_cast<int>(threadIdx.x);
#else
  return 0;
#endif
}

/// Joins one value of each of a block's `Threads` threads and gives all of them the result. The order is fixed: within
/// each warp by halves, then warp after warp. All threads must call it; it may be called again at once.
template <int Threads, class T, class Join>
PLAIT_HD T block_total(T mine, Join join) {
#if defined(__CUDA_ARCH__)
  using block = cub::BlockReduce<T, Threads, cub::BLOCK_REDUCE_WARP_REDUCTIONS>;
  __shared__ typename block::TempStorage storage;
  __shared__ T result;
  const T total = block{storage}.Reduce(mine, join);  // only the first thread's is the whole
  if (threadIdx.x == 0) result = total;
  __syncthreads();
  const T seen = result;
  __syncthreads();  // the next call may write `result`, and with one warp it has no barrier before that
  return seen;
#else
  static_cast<void>(join);
  return mine;
#endif
}

}  // namespace plait::detail
