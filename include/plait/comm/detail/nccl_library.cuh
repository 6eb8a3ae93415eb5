// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <utility>

#include <plait/comm/communicator.hpp>
#include <plait/comm/detail/stream_world.hpp>
#include <plait/core/error.hpp>
#include <plait/tensor/cuda.cuh>
#include <plait/tensor/dtype.hpp>

#include <cuda_runtime.h>
#include <nccl.h>

static_assert(NCCL_VERSION_CODE >= NCCL_VERSION(2, 28, 0), "plait::nccl needs NCCL 2.28 or later");

/// Throws `error{nccl, the call as written, what NCCL says}` unless the call has been carried out or begun.
#define PLAIT_CHECK_NCCL(...) ::plait::detail::check_nccl((__VA_ARGS__), #__VA_ARGS__)

namespace plait::detail {

inline std::string nccl_text(ncclResult_t status, ncclComm_t on) {
  std::string text = ncclGetErrorString(status);
  const char* const last = ncclGetLastError(on);
  if (last != nullptr && *last != '\0') text.append(": ").append(last);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

inline void check_nccl(ncclResult_t status, const char* call,
                       std::source_location where = std::source_location::current()) {
  if (status == ncclSuccess || status == ncclInProgress) return;
  throw error{error_kind::nccl, call, nccl_text(status, nullptr), where};
}

constexpr ncclDataType_t nccl_type(dtype type) {
  switch (type) {
    case dtype::f32:
      return ncclFloat32;
    case dtype::f64:
      return ncclFloat64;
    case dtype::i32:
      return ncclInt32;
    case dtype::i64:
      return ncclInt64;
    case dtype::u64:
      break;
  }
  return ncclUint64;
}
constexpr ncclRedOp_t nccl_op(reduction how) {
  return how == reduction::sum ? ncclSum : ncclMax;
}

/// Does not block: every call of NCCL returns before it has been carried out.
inline ncclConfig_t nccl_config(const char* name) {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  config.commName = name;
  return config;
}

template <class T>
__global__ __launch_bounds__(256) void scale_on_device(T* values, std::int64_t size, T factor) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < size; i += stride)
    values[i] *= factor;
}

/// NCCL, as `stream_communicator` drives a library.
struct nccl_library {
  using space = cuda;
  using stream = cuda_stream;
  using handle = ncclComm_t;
  using place = int;  ///< a device
  using scaled_sum = ncclRedOp_t;

  class event {
   public:
    void record(stream order) { event_.record(order); }
    void wait(stream order) const {
      if (event_.native() != cudaEvent_t{})
        PLAIT_CHECK_CUDA(cudaStreamWaitEvent(order.native(), event_.native(), cudaEventWaitDefault));
    }
    [[nodiscard]] bool done() const {
      if (event_.native() == cudaEvent_t{}) return true;
      const cudaError_t status = cudaEventQuery(event_.native());
      if (status == cudaErrorNotReady) {
        static_cast<void>(cudaGetLastError());  // so that nobody takes it for a failure
        return false;
      }
      check_cuda(status, "cudaEventQuery");
      return true;
    }

   private:
    cuda_event<cudaEventDisableTiming> event_;
  };

  static place current_place() {
    int device = 0;
    PLAIT_CHECK_CUDA(cudaGetDevice(&device));
    return device;
  }
  /// Looking at events must not spoil a capture that another thread has under way.
  static void begin_watching(place device) {
    PLAIT_CHECK_CUDA(cudaSetDevice(device));
    cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
    PLAIT_CHECK_CUDA(cudaThreadExchangeStreamCaptureMode(&mode));
  }
  static bool capturing(stream order) { return order.capturing(); }
  /// From the device's pool: no call waits for the device, as cudaFree would.
  static void* take_scratch(std::size_t bytes, stream order) {
    void* data = nullptr;
    PLAIT_CHECK_CUDA(cudaMallocAsync(&data, bytes, order.native()));
    return data;
  }
  static void return_scratch(void* data, stream order) noexcept {
    PLAIT_REPORT_CUDA(cudaFreeAsync(data, order.native()));
  }

  static int rank_of(handle on) {
    int rank = 0;
    PLAIT_CHECK_NCCL(ncclCommUserRank(on, &rank));
    return rank;
  }
  static int size_of(handle on) {
    int size = 0;
    PLAIT_CHECK_NCCL(ncclCommCount(on, &size));
    return size;
  }
  static call_state query(handle on, std::string& why) {
    ncclResult_t state = ncclSuccess;
    ncclResult_t status = ncclCommGetAsyncError(on, &state);
    if (status == ncclSuccess) status = state;
    if (status == ncclSuccess) return call_state::done;
    if (status == ncclInProgress) return call_state::under_way;
    why = nccl_text(status, on);
    return call_state::failed;
  }
  /// `made` is filled once the parent is done.
  static void split(handle parent, int color, int key, const char* name, handle* made) {
    ncclConfig_t config = nccl_config(name);
    PLAIT_CHECK_NCCL(ncclCommSplit(parent, color < 0 ? NCCL_SPLIT_NOCOLOR : color, key, made, &config));
  }
  static void finalize(handle on) { PLAIT_CHECK_NCCL(ncclCommFinalize(on)); }
  static void destroy(handle on) { PLAIT_CHECK_NCCL(ncclCommDestroy(on)); }
  static void abort(handle on) noexcept { static_cast<void>(ncclCommAbort(on)); }

  static void begin_group() { PLAIT_CHECK_NCCL(ncclGroupStart()); }
  static void end_group() { PLAIT_CHECK_NCCL(ncclGroupEnd()); }
  static void drop_group() noexcept { static_cast<void>(ncclGroupEnd()); }

  static void send(const void* data, std::size_t count, dtype type, int peer, handle on, stream order) {
    PLAIT_CHECK_NCCL(ncclSend(data, count, nccl_type(type), peer, on, order.native()));
  }
  static void receive(void* data, std::size_t count, dtype type, int peer, handle on, stream order) {
    PLAIT_CHECK_NCCL(ncclRecv(data, count, nccl_type(type), peer, on, order.native()));
  }
  static void all_reduce(const void* in, void* out, std::size_t count, dtype type, reduction how, handle on,
                         stream order) {
    PLAIT_CHECK_NCCL(ncclAllReduce(in, out, count, nccl_type(type), nccl_op(how), on, order.native()));
  }
  static void reduce(const void* in, void* out, std::size_t count, dtype type, reduction how, int root, handle on,
                     stream order) {
    PLAIT_CHECK_NCCL(ncclReduce(in, out, count, nccl_type(type), nccl_op(how), root, on, order.native()));
  }
  static void reduce_scatter(const void* in, void* out, std::size_t count, dtype type, reduction how, handle on,
                             stream order) {
    PLAIT_CHECK_NCCL(ncclReduceScatter(in, out, count, nccl_type(type), nccl_op(how), on, order.native()));
  }
  static void all_gather(const void* in, void* out, std::size_t count, dtype type, handle on, stream order) {
    PLAIT_CHECK_NCCL(ncclAllGather(in, out, count, nccl_type(type), on, order.native()));
  }
  static void broadcast(const void* in, void* out, std::size_t count, dtype type, int root, handle on, stream order) {
    PLAIT_CHECK_NCCL(ncclBroadcast(in, out, count, nccl_type(type), root, on, order.native()));
  }

  static scaled_sum make_scaled_sum(const void* factor, dtype type, handle on) {
    ncclRedOp_t made{};
    PLAIT_CHECK_NCCL(
        ncclRedOpCreatePreMulSum(&made, const_cast<void*>(factor), nccl_type(type), ncclScalarHostImmediate, on));
    return made;
  }
  static void all_reduce_by(scaled_sum by, const void* in, void* out, std::size_t count, dtype type, handle on,
                            stream order) {
    PLAIT_CHECK_NCCL(ncclAllReduce(in, out, count, nccl_type(type), by, on, order.native()));
  }
  static void drop_scaled_sum(scaled_sum by, handle on) { PLAIT_CHECK_NCCL(ncclRedOpDestroy(by, on)); }
  static void scale(void* data, std::size_t count, dtype type, double factor, stream order) {
    const auto size = static_cast<std::int64_t>(count);
    const auto blocks = static_cast<unsigned>(std::min<std::int64_t>((size + 255) / 256, 2048));
    if (type == dtype::f32) {
      scale_on_device<<<blocks, 256, 0, order.native()>>>(static_cast<float*>(data), size, static_cast<float>(factor));
    } else {
      scale_on_device<<<blocks, 256, 0, order.native()>>>(static_cast<double*>(data), size, factor);
    }
    PLAIT_CHECK_CUDA(cudaGetLastError());
  }
};

}  // namespace plait::detail
