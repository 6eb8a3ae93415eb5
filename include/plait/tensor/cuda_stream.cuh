// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <utility>

#include <plait/tensor/cuda_check.cuh>

#include <cuda_runtime_api.h>

namespace plait {

/// The order of work on a device: a CUDA stream that somebody else owns.
///
/// A raw handle converts to it. It has no default: the legacy default stream waits for all others, so whoever wants it
/// says so with `cudaStreamLegacy`.
class cuda_stream {
 public:
  constexpr cuda_stream(cudaStream_t native) : native_{native} {}
  cuda_stream(int) = delete;
  cuda_stream(std::nullptr_t) = delete;

  [[nodiscard]] constexpr cudaStream_t native() const { return native_; }

  /// Waits for all work given to it so far. Throws: cuda, also for a failure of that work.
  void synchronize() const { PLAIT_CHECK_CUDA(cudaStreamSynchronize(native_)); }

  /// Whether what it is given is captured instead of done.
  [[nodiscard]] bool capturing() const {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    PLAIT_CHECK_CUDA(cudaStreamIsCapturing(native_, &status));
    return status != cudaStreamCaptureStatusNone;
  }

 protected:
  cudaStream_t native_;
};

/// Owns a CUDA stream on the device that is current where it is made; moves, does not copy. It does not wait for the
/// legacy default stream. Destroying it does not wait: work under way is finished, then the stream goes.
class owned_cuda_stream : public cuda_stream {
 public:
  owned_cuda_stream() : cuda_stream{cudaStream_t{}} {
    PLAIT_CHECK_CUDA(cudaStreamCreateWithFlags(&native_, cudaStreamNonBlocking));
  }
  owned_cuda_stream(owned_cuda_stream&& other) noexcept : cuda_stream{std::exchange(other.native_, cudaStream_t{})} {}
  owned_cuda_stream& operator=(owned_cuda_stream&& other) noexcept {
    std::swap(native_, other.native_);
    return *this;
  }
  ~owned_cuda_stream() {
    if (native_ != cudaStream_t{}) PLAIT_REPORT_CUDA(cudaStreamDestroy(native_));
  }
};

}  // namespace plait
