// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/kernels/detail/block_total.cuh>
#include <plait/kernels/launch.cuh>
#include <plait/kernels/reduce.hpp>
#include <plait/tensor/cuda.cuh>
#include <plait/tensor/view.hpp>

namespace plait {

namespace detail {

struct itself {
  __device__ double operator()(double x) const { return x; }
};

struct squared {
  __device__ double operator()(double x) const { return x * x; }
};

/// The sum of Of(in[i]) over the calling thread's share of `count` values; every thread of the grid has one.
template <class Of, int Threads, class T>
__device__ double share_of_sum(const T* in, std::int64_t count) {
  const std::int64_t step = std::int64_t{gridDim.x} * Threads;
  double sum = 0;
  for (std::int64_t i = std::int64_t{blockIdx.x} * Threads + threadIdx.x; i < count; i += step)
    sum += Of{}(static_cast<double>(in[i]));
  return sum;
}

/// out[b] = the sum over the share of block b, or += where `Adds`
template <class Of, class T, bool Adds>
struct sums_op {
  static constexpr const char* name = Adds ? "plait::add_sum" : "plait::add_sum (parts)";
  static constexpr int threads = 256;
  struct params {
    const T* in;
    std::int64_t count;
    double* out;
  };
  __device__ void operator()(const params& given) const {
    const double sum = block_total<threads>(share_of_sum<Of, threads>(given.in, given.count), plus{});
    if (threadIdx.x == 0) given.out[blockIdx.x] = Adds ? given.out[blockIdx.x] + sum : sum;
  }
};

/// One block where the values are few, else up to `reduce_scratch` blocks whose sums one block adds. CUB has
/// device-wide sums, but the scratch that they need and the order in which they add depend on the device.
template <class Of, real T>
void add_sum_of(const T* in, std::int64_t count, double* total, double* scratch, cuda_stream order) {
  if (count <= 0) return;
  constexpr std::int64_t each = 8 * sums_op<Of, T, false>::threads;
  if (count <= each) {
    launch<sums_op<Of, T, true>>(1, {in, count, total}, order);
    return;
  }
  const std::int64_t wanted = (count + each - 1) / each;
  const std::int64_t blocks = wanted < reduce_scratch ? wanted : reduce_scratch;
  launch<sums_op<Of, T, false>>(blocks, {in, count, scratch}, order);
  launch<sums_op<itself, double, true>>(1, {scratch, blocks, total}, order);
}

/// sums[j] += the sum of column j. A block takes 8 columns, one sector of memory of each row, and 64 rows at a time;
/// the sums of the 64 lanes are then added by halves.
template <class T>
struct column_sums_op {
  static constexpr const char* name = "plait::add_column_sums";
  static constexpr int width = 8;
  static constexpr int lanes = 64;
  static constexpr int threads = width * lanes;
  struct params {
    const T* in;
    std::int64_t rows;
    std::int64_t columns;
    T* sums;
  };
  __device__ void operator()(const params& given) const {
    __shared__ T held[lanes][width];
    const int lane = static_cast<int>(threadIdx.x) / width, column = static_cast<int>(threadIdx.x) % width;
    const std::int64_t step = std::int64_t{gridDim.x} * width;
    for (std::int64_t first = std::int64_t{blockIdx.x} * width; first < given.columns; first += step) {
      const std::int64_t j = first + column;
      T sum{};
      if (j < given.columns)
        for (std::int64_t i = lane; i < given.rows; i += lanes) sum += given.in[i * given.columns + j];
      held[lane][column] = sum;
      __syncthreads();
      for (int half = lanes / 2; half > 0; half /= 2) {
        if (lane < half) held[lane][column] += held[lane + half][column];
        __syncthreads();
      }
      // Lane 0 alone reads row 0 and alone writes it in the next turn, so that turn need not wait for this.
      if (lane == 0 && j < given.columns) given.sums[j] += held[0][column];
    }
  }
};

}  // namespace detail

/// As for the host. Two launches, or one for up to 2048 values; none for no values.
template <real T>
void add_sum(const T* in, std::int64_t count, double* total, double* scratch, cuda_stream order) {
  detail::add_sum_of<detail::itself>(in, count, total, scratch, order);
}

/// As for the host.
template <real T>
void add_sum_of_squares(const T* in, std::int64_t count, double* total, double* scratch, cuda_stream order) {
  detail::add_sum_of<detail::squared>(in, count, total, scratch, order);
}

/// As for the host, in an order that depends on the number of rows alone.
template <real T, class Placed>
void add_column_sums(matrix<const T, cuda, Placed> in, T* sums, cuda_stream order) {
  if (in.extent[0] == 0) return;
  using op = detail::column_sums_op<T>;
  launch<op>(blocks_for(in.extent[1], op::width), {in.data, in.extent[0], in.extent[1], sums}, order);
}

}  // namespace plait
