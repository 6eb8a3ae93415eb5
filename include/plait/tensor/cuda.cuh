// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include <plait/tensor/cuda_check.cuh>
#include <plait/tensor/cuda_event.cuh>
#include <plait/tensor/cuda_graph.cuh>
#include <plait/tensor/cuda_stream.cuh>

#include <cuda_runtime_api.h>

namespace plait {

/// The space of device memory: that of the device which is current on the calling thread. The members mean what they
/// mean in `host`; work is put into the stream and the call returns, save where it says that it waits.
///
/// Throws: cuda, from every call.
struct cuda {
  static constexpr std::string_view name = "cuda";
  static constexpr std::size_t alignment = 256;  // what cudaMalloc promises
  using stream = cuda_stream;
  using owned_stream = owned_cuda_stream;
  using graph = cuda_graph;

  static void* allocate(std::size_t bytes) {
    void* memory = nullptr;
    const cudaError_t status = cudaMalloc(&memory, bytes > 0 ? bytes : 1);
    if (status != cudaSuccess)
      detail::check_cuda(status, ("cudaMalloc of " + std::to_string(bytes) + " bytes").c_str());
    return memory;
  }
  /// Waits for the whole device.
  static void release(void* pointer) noexcept { PLAIT_REPORT_CUDA(cudaFree(pointer)); }

  static void copy(void* to, const void* from, std::size_t bytes, stream order) {
    if (bytes > 0 && to != from)
      PLAIT_CHECK_CUDA(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, order.native()));
  }
  /// Waits for the stream, since a copy from memory that is not page-locked may read it late.
  static void upload(void* to, const void* from, std::size_t bytes, stream order) {
    if (bytes == 0) return;
    PLAIT_CHECK_CUDA(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, order.native()));
    order.synchronize();
  }
  /// Waits for the stream: afterwards the values are there.
  static void download(void* to, const void* from, std::size_t bytes, stream order) {
    if (bytes == 0) return;
    PLAIT_CHECK_CUDA(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, order.native()));
    order.synchronize();
  }
  static void zero(void* at, std::size_t bytes, stream order) {
    if (bytes > 0) PLAIT_CHECK_CUDA(cudaMemsetAsync(at, 0, bytes, order.native()));
  }

  class fence {
   public:
    void record(stream order) { event_.record(order); }
    /// Waits for nothing where nothing was recorded.
    void wait(stream order) const {
      if (event_.native() != cudaEvent_t{})
        PLAIT_CHECK_CUDA(cudaStreamWaitEvent(order.native(), event_.native(), cudaEventWaitDefault));
    }

   private:
    cuda_event<cudaEventDisableTiming> event_;
  };

  class mark {
   public:
    void record(stream order) {
      event_.record_when_done(order);
      PLAIT_CHECK_CUDA(cudaGetDevice(&device_));
      asked_ = std::chrono::steady_clock::now();
    }

    /// By the clock of the device, to about a microsecond. Waits until the device has passed both.
    static double wall_seconds(const mark& from, const mark& to) {
      PLAIT_CHECK_CUDA(cudaEventSynchronize(from.event_.native()));
      PLAIT_CHECK_CUDA(cudaEventSynchronize(to.event_.native()));
      float milliseconds = 0;
      PLAIT_CHECK_CUDA(cudaEventElapsedTime(&milliseconds, from.event_.native(), to.event_.native()));
      return 1e-3 * static_cast<double>(milliseconds);
    }
    /// A device has no time of a thread: the same as `wall_seconds`.
    static double work_seconds(const mark& from, const mark& to) { return wall_seconds(from, to); }
    /// Marks of two devices have no clock in common but the host's, which says when each was asked for.
    static double since(const mark& from, const mark& to) {
      if (from.device_ == to.device_) return wall_seconds(from, to);
      return std::chrono::duration<double>(to.asked_ - from.asked_).count();
    }

   private:
    cuda_event<cudaEventDefault> event_;
    int device_ = -1;
    std::chrono::steady_clock::time_point asked_;
  };
};

}  // namespace plait
