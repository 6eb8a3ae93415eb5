// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/core/host_device.hpp>
#include <plait/kernels/detail/block_total.cuh>
#include <plait/kernels/for_each.hpp>
#include <plait/kernels/for_each_element.cuh>
#include <plait/kernels/launch.cuh>
#include <plait/tensor/cuda_stream.cuh>

namespace plait {

/// The threads of one block, which work on one row together: `host_row` says what the members mean. All of them must
/// call `sum` and `max` alike; the order of a sum depends on n alone. Of a row, `each`, `sum` and `max` give number j
/// to the same thread, which therefore sees what it wrote there.
template <int Threads>
struct cuda_row {
  template <class F>
  PLAIT_HD void each(std::int64_t n, F&& f) const {
    for (std::int64_t j = thread(); j < n; j += Threads) f(j);
  }
  template <class F>
  PLAIT_HD auto sum(std::int64_t n, F&& f) const {
    decltype(f(n)) total{};
    for (std::int64_t j = thread(); j < n; j += Threads) total += f(j);
    return detail::block_total<Threads>(total, detail::plus{});
  }
  template <class F>
  PLAIT_HD auto max(std::int64_t n, F&& f) const {
    using value = decltype(f(n));
    value largest = detail::minus_infinity<value>();
    for (std::int64_t j = thread(); j < n; j += Threads)
      if (const value here = f(j); here > largest) largest = here;
    return detail::block_total<Threads>(largest, detail::larger{});
  }
  [[nodiscard]] PLAIT_HD bool first() const { return thread() == 0; }

 private:
  PLAIT_HD static int thread() { return detail::thread_in_block(); }
};

namespace detail {

template <class Body>
struct row_op {
  static constexpr const char* name = "plait::for_each_row";
  static constexpr int threads = 128;
  struct params {
    std::int64_t rows;
    Body body;
  };
  __device__ void operator()(const params& given) const {
    for (std::int64_t i = blockIdx.x; i < given.rows; i += gridDim.x) given.body(cuda_row<threads>{}, i);
  }
};

}  // namespace detail

/// As for the host; a block of 128 threads takes one row after another. No rows: nothing is started.
template <class Body>
void for_each_row(std::int64_t rows, const Body& body, cuda_stream order) {
  launch<detail::row_op<Body>>(blocks_for(rows, 1), {rows, body}, order);
}

}  // namespace plait
