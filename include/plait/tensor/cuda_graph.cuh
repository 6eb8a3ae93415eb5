// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include <plait/tensor/cuda_check.cuh>
#include <plait/tensor/cuda_stream.cuh>

#include <cuda_runtime_api.h>

namespace plait {

/// Owns captured work of a device as a CUDA graph that is ready to run; moves, does not copy.
///
/// What is captured: all that `issue()` gives, on this thread, to a stream, and to others that wait for an event of it;
/// those must be waited for before it returns. While it runs, this thread must not wait for the device, nor take memory
/// but in the order of a captured stream. Addresses and sizes are captured as they are; what is there is read anew in
/// each launch. Not yet run on a GPU: docs/status.md.
class cuda_graph {
 public:
  /// order: not the legacy default stream, which cannot be captured. Throws: cuda, where something cannot be captured;
  /// what `issue` throws. The stream is then as it was.
  template <class Issue>
  cuda_graph(cuda_stream order, const Issue& issue) {
    PLAIT_CHECK_CUDA(cudaStreamBeginCapture(order.native(), cudaStreamCaptureModeThreadLocal));
    cudaGraph_t captured{};
    try {
      issue();
    } catch (...) {
      static_cast<void>(cudaStreamEndCapture(order.native(), &captured));  // fails where the capture has failed before
      static_cast<void>(cudaGetLastError());
      if (captured != cudaGraph_t{}) PLAIT_REPORT_CUDA(cudaGraphDestroy(captured));
      throw;
    }
    PLAIT_CHECK_CUDA(cudaStreamEndCapture(order.native(), &captured));
    const cudaError_t made = cudaGraphInstantiate(&native_, captured, 0);
    PLAIT_REPORT_CUDA(cudaGraphDestroy(captured));
    detail::check_cuda(made, "cudaGraphInstantiate");
  }
  cuda_graph(cuda_graph&& other) noexcept : native_{std::exchange(other.native_, cudaGraphExec_t{})} {}
  cuda_graph& operator=(cuda_graph&& other) noexcept {
    std::swap(native_, other.native_);
    return *this;
  }
  ~cuda_graph() {
    if (native_ != cudaGraphExec_t{}) PLAIT_REPORT_CUDA(cudaGraphExecDestroy(native_));
  }

  /// Does the work once more, all of it in the order of the stream. Does not wait. Throws: cuda.
  void launch(cuda_stream order) const { PLAIT_CHECK_CUDA(cudaGraphLaunch(native_, order.native())); }

  [[nodiscard]] cudaGraphExec_t native() const { return native_; }

 private:
  cudaGraphExec_t native_{};
};

}  // namespace plait
