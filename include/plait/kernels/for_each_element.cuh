// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/kernels/for_each.hpp>
#include <plait/kernels/launch.cuh>
#include <plait/tensor/cuda_stream.cuh>

namespace plait {

namespace detail {

template <class Body>
struct element_op {
  static constexpr const char* name = "plait::for_each_element";
  static constexpr int threads = 256;
  struct params {
    std::int64_t count;
    Body body;
  };
  __device__ void operator()(const params& given) const {
    const std::int64_t step = std::int64_t{gridDim.x} * threads;
    Body mine = given.body;
    begin_elements(mine);
    for (std::int64_t i = std::int64_t{blockIdx.x} * threads + threadIdx.x; i < given.count; i += step) mine(i);
  }
};

}  // namespace detail

/// As for the host; a thread takes elements `gridDim.x * 256` apart. No elements: nothing is started.
template <class Body>
void for_each_element(std::int64_t count, const Body& body, cuda_stream order) {
  using op = detail::element_op<Body>;
  launch<op>(blocks_for(count, op::threads), {count, body}, order);
}

}  // namespace plait
