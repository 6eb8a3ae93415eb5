// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include <plait/tensor/cuda_check.cuh>
#include <plait/tensor/cuda_stream.cuh>

#include <cuda_runtime_api.h>

namespace plait {

/// Owns a CUDA event; moves, does not copy. The event is made by the first `record`, on the device that is current
/// then, so that thousands of them may be declared before a device is chosen.
///
/// Flags: those of `cudaEventCreateWithFlags`.
template <unsigned Flags>
class cuda_event {
 public:
  cuda_event() = default;
  cuda_event(cuda_event&& other) noexcept : native_{std::exchange(other.native_, cudaEvent_t{})} {}
  cuda_event& operator=(cuda_event&& other) noexcept {
    std::swap(native_, other.native_);
    return *this;
  }
  ~cuda_event() {
    if (native_ != cudaEvent_t{}) PLAIT_REPORT_CUDA(cudaEventDestroy(native_));
  }

  /// Marks the place after all work given to the stream so far; a later record moves the mark. Does not wait. In
  /// captured work it is a place to order other captured work by, and nothing else.
  void record(cuda_stream order) { record(order, cudaEventRecordDefault); }
  /// The same, but in captured work it is a part of that: each launch moves the mark.
  void record_when_done(cuda_stream order) {
    record(order, order.capturing() ? cudaEventRecordExternal : cudaEventRecordDefault);
  }

  /// Null before the first record.
  [[nodiscard]] cudaEvent_t native() const { return native_; }

 private:
  void record(cuda_stream order, unsigned how) {
    if (native_ == cudaEvent_t{}) PLAIT_CHECK_CUDA(cudaEventCreateWithFlags(&native_, Flags));
    PLAIT_CHECK_CUDA(cudaEventRecordWithFlags(native_, order.native(), how));
  }

  cudaEvent_t native_{};
};

}  // namespace plait
