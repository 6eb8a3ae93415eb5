// SPDX-License-Identifier: Apache-2.0
// The laws of a space, for a device.
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

#include <plait/core/error.hpp>
#include <plait/tensor/cuda.cuh>

#include <doctest/doctest.h>

#include "tensor/laws.hpp"

TYPE_TO_STRING_AS("cuda", plait::cuda);

PLAIT_SPACE_LAWS(plait::cuda)

static_assert(std::is_convertible_v<cudaStream_t, plait::cuda_stream>);
static_assert(!std::is_constructible_v<plait::cuda_stream, int>);
static_assert(!std::is_constructible_v<plait::cuda_stream, std::nullptr_t>);
static_assert(!std::is_default_constructible_v<plait::cuda_stream>);
static_assert(!std::is_copy_constructible_v<plait::owned_cuda_stream>);
static_assert(std::is_nothrow_move_constructible_v<plait::owned_cuda_stream>);
static_assert(!std::is_copy_constructible_v<plait::cuda::fence>);
static_assert(std::is_nothrow_move_constructible_v<plait::cuda::fence>);
static_assert(std::is_nothrow_move_assignable_v<plait::cuda::mark>);

TEST_CASE("an owned stream does not wait for the legacy default stream, and moves with its handle") {
  plait::owned_cuda_stream first;
  unsigned flags = 0;
  PLAIT_CHECK_CUDA(cudaStreamGetFlags(first.native(), &flags));
  CHECK(flags == cudaStreamNonBlocking);
  const cudaStream_t handle = first.native();
  plait::owned_cuda_stream second{std::move(first)};
  CHECK(second.native() == handle);
  CHECK(first.native() == cudaStream_t{});
  first = std::move(second);
  CHECK(first.native() == handle);
}

TEST_CASE("a failed call throws with the call as written and what CUDA says, and is forgotten by the next call") {
  try {
    PLAIT_CHECK_CUDA(cudaSetDevice(1 << 20));
    FAIL("there is no such device");
  } catch (const plait::error& problem) {
    CHECK(problem.kind() == plait::error_kind::cuda);
    CHECK(problem.call() == "cudaSetDevice(1 << 20)");
    CHECK(problem.sentence() == "cudaErrorInvalidDevice: invalid device ordinal");
    CHECK(std::string{problem.where().file_name()}.ends_with("laws.cu"));
  }
  CHECK(cudaGetLastError() == cudaSuccess);
}

TEST_CASE("memory that a device does not have is asked for in vain, and the error says how much it was") {
  CHECK_THROWS_WITH_AS(plait::cuda::allocate(std::size_t{1} << 50),
                       doctest::Contains("cudaMalloc of 1125899906842624 bytes: cudaErrorMemoryAllocation"),
                       plait::error);
}
