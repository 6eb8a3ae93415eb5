// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <source_location>
#include <string>

#include <plait/core/error.hpp>

#include <cuda_runtime_api.h>

/// Throws `error{cuda, the call as written, "cudaErrorX: what it means"}` unless the call of the CUDA runtime (or of
/// cuBLASLt, where `kernels/detail/cublaslt.cuh` is included) succeeds.
#define PLAIT_CHECK_CUDA(...) ::plait::detail::check_cuda((__VA_ARGS__), #__VA_ARGS__)

/// The same for destructors, which report and do not throw: one sentence on stderr.
#define PLAIT_REPORT_CUDA(...) ::plait::detail::report_cuda((__VA_ARGS__), #__VA_ARGS__)

namespace plait::detail {

inline void check_cuda(cudaError_t status, const char* call,
                       std::source_location where = std::source_location::current()) {
  if (status == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());  // it is reported here, so the next call must not find it again
  throw error{error_kind::cuda, call, std::string{cudaGetErrorName(status)} + ": " + cudaGetErrorString(status), where};
}

inline void report_cuda(cudaError_t status, const char* call) noexcept {
  // At the end of the process the runtime may be gone before the last owner, and all it held with it.
  if (status == cudaSuccess || status == cudaErrorCudartUnloading) return;
  std::fprintf(stderr, "plait: cuda: %s: %s: %s\n", call, cudaGetErrorName(status), cudaGetErrorString(status));
}

}  // namespace plait::detail
