// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <source_location>
#include <string>
#include <utility>

#include <plait/core/error.hpp>
#include <plait/tensor/cuda_check.cuh>

#include <cublasLt.h>

namespace plait::detail {

/// For PLAIT_CHECK_CUDA.
inline void check_cuda(cublasStatus_t status, const char* call,
                       std::source_location where = std::source_location::current()) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw error{error_kind::cuda, call,
              std::string{cublasLtGetStatusName(status)} + ": " + cublasLtGetStatusString(status), where};
}

/// A product in cuBLASLt's words, by which its plan is found again: everything is column-major, so `first` is the
/// operand whose columns run along the columns of the result.
struct product_key {
  std::int64_t rows = 0;  ///< of the column-major result
  std::int64_t columns = 0;
  std::int64_t inner = 0;
  bool first_flipped = false;
  bool second_flipped = false;
  cudaDataType type = CUDA_R_32F;
  cublasComputeType_t arithmetic = CUBLAS_COMPUTE_32F;
  std::uint32_t first_alignment = 0;  ///< bytes
  std::uint32_t second_alignment = 0;
  std::uint32_t result_alignment = 0;

  friend auto operator<=>(const product_key&, const product_key&) = default;
};

/// The largest power of two up to 256 that divides an address: cuBLASLt assumes 256 unless it is told.
inline std::uint32_t alignment_of(const void* address) {
  const auto bits = reinterpret_cast<std::uintptr_t>(address) | 256u;
  return static_cast<std::uint32_t>(bits & (~bits + 1));
}

/// All that a call of cublasLtMatmul needs besides pointers.
struct product_plan {
  cublasLtMatmulDescOpaque_t work{};
  cublasLtMatrixLayoutOpaque_t first{};
  cublasLtMatrixLayoutOpaque_t second{};
  cublasLtMatrixLayoutOpaque_t result{};
  cublasLtMatmulAlgo_t algorithm{};
};

/// A cuBLASLt handle of one thread on one device, and the plans made with it so far: the first product of a shape
/// searches for an algorithm, later ones do not and allocate nothing.
///
/// The algorithms need no workspace and no sum across blocks, so equal operands give equal bits.
class product_plans {
 public:
  product_plans() { PLAIT_CHECK_CUDA(cublasLtCreate(&handle_)); }
  product_plans(const product_plans&) = delete;
  product_plans& operator=(const product_plans&) = delete;
  ~product_plans() { static_cast<void>(cublasLtDestroy(handle_)); }  // fails only where the runtime is gone already

  /// Those of the calling thread on its current device.
  static product_plans& here() {
    thread_local std::map<int, product_plans> of_device;
    int device = 0;
    PLAIT_CHECK_CUDA(cudaGetDevice(&device));
    return of_device[device];
  }

  [[nodiscard]] cublasLtHandle_t handle() const { return handle_; }

  product_plan& operator[](const product_key& wanted) {
    if (const auto found = plans_.find(wanted); found != plans_.end()) return found->second;
    return plans_.emplace(wanted, made_for(wanted)).first->second;
  }

 private:
  [[nodiscard]] product_plan made_for(const product_key& wanted) const {
    product_plan made;
    const auto set = [&made](cublasLtMatmulDescAttributes_t what, bool flipped) {
      const std::int32_t turn = flipped ? CUBLAS_OP_T : CUBLAS_OP_N;
      PLAIT_CHECK_CUDA(cublasLtMatmulDescSetAttribute(&made.work, what, &turn, sizeof turn));
    };
    PLAIT_CHECK_CUDA(cublasLtMatmulDescInit(&made.work, wanted.arithmetic, wanted.type));
    set(CUBLASLT_MATMUL_DESC_TRANSA, wanted.first_flipped);
    set(CUBLASLT_MATMUL_DESC_TRANSB, wanted.second_flipped);

    const auto lay = [&wanted](cublasLtMatrixLayoutOpaque_t& layout, std::int64_t rows, std::int64_t columns,
                               bool flipped) {
      if (flipped) std::swap(rows, columns);
      PLAIT_CHECK_CUDA(cublasLtMatrixLayoutInit(&layout, wanted.type, static_cast<std::uint64_t>(rows),
                                                static_cast<std::uint64_t>(columns), rows));
    };
    lay(made.first, wanted.rows, wanted.inner, wanted.first_flipped);
    lay(made.second, wanted.inner, wanted.columns, wanted.second_flipped);
    lay(made.result, wanted.rows, wanted.columns, false);

    cublasLtMatmulPreferenceOpaque_t preference{};
    const auto prefer = [&preference](cublasLtMatmulPreferenceAttributes_t what, auto value) {
      PLAIT_CHECK_CUDA(cublasLtMatmulPreferenceSetAttribute(&preference, what, &value, sizeof value));
    };
    PLAIT_CHECK_CUDA(cublasLtMatmulPreferenceInit(&preference));
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{0});
    prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, std::uint32_t{CUBLASLT_REDUCTION_SCHEME_NONE});
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, wanted.first_alignment);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, wanted.second_alignment);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, wanted.result_alignment);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, wanted.result_alignment);

    cublasLtMatmulHeuristicResult_t best{};
    int found = 0;
    PLAIT_CHECK_CUDA(cublasLtMatmulAlgoGetHeuristic(handle_, &made.work, &made.first, &made.second, &made.result,
                                                    &made.result, &preference, 1, &best, &found));
    PLAIT_CHECK_CUDA(found > 0 ? best.state : CUBLAS_STATUS_NOT_SUPPORTED);
    made.algorithm = best.algo;
    return made;
  }

  cublasLtHandle_t handle_{};
  std::map<product_key, product_plan> plans_;
};

}  // namespace plait::detail
