// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include <plait/comm/communicator.hpp>
#include <plait/core/host_device.hpp>
#include <plait/tensor/dtype.hpp>
#include <plait/tensor/host.hpp>

namespace plait {

/// One value from two. `sum` of integers wraps; `max` keeps a value that is not a number, so that it is not lost.
template <reduction How, element T>
PLAIT_HD constexpr T reduced(T a, T b) {
  if constexpr (How == reduction::max) {
    return b > a || b != b ? b : a;
  } else if constexpr (std::is_integral_v<T>) {
    using bits = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<bits>(a) + static_cast<bits>(b));
  } else {
    return a + b;
  }
}

/// What `reduce_slices` works on: `size` elements at `from[r] + from_begin` for every r are reduced, from left to
/// right, and the result is written at `to[j] + to_begin` for every j. Offsets and sizes count elements.
///
/// Each result element depends on the inputs of the same index only, so an output may be one of the inputs. The spans
/// of pointers hold during the call only, the memory they point to until the stream has done the work.
template <element T>
struct slices {
  std::span<const void* const> from;
  std::int64_t from_begin = 0;
  std::span<void* const> to;
  std::int64_t to_begin = 0;
  std::int64_t size = 0;
  reduction how = reduction::sum;

  [[nodiscard]] const T* input(std::size_t rank) const { return static_cast<const T*>(from[rank]) + from_begin; }
  [[nodiscard]] T* output(std::size_t index) const { return static_cast<T*>(to[index]) + to_begin; }
};

namespace detail {

/// into[i] = reduced(into[i], next[i]). The steps of a fixed length are what compilers turn into vector instructions
/// without being told to try hard.
template <reduction How, element T>
void reduce_run(T* __restrict into, const T* __restrict next, std::int64_t size) {
  constexpr std::int64_t step = 64 / sizeof(T) * 4;
  std::int64_t i = 0;
  for (; i + step <= size; i += step) {
    for (std::int64_t k = 0; k < step; ++k) into[i + k] = reduced<How>(into[i + k], next[i + k]);
  }
  for (; i < size; ++i) into[i] = reduced<How>(into[i], next[i]);
}

/// into[i] = reduced(before[i], into[i]): the same with the operands in the other order.
template <reduction How, element T>
void reduce_run_before(const T* __restrict before, T* __restrict into, std::int64_t size) {
  constexpr std::int64_t step = 64 / sizeof(T) * 4;
  std::int64_t i = 0;
  for (; i + step <= size; i += step) {
    for (std::int64_t k = 0; k < step; ++k) into[i + k] = reduced<How>(before[i + k], into[i + k]);
  }
  for (; i < size; ++i) into[i] = reduced<How>(before[i], into[i]);
}

template <reduction How, element T>
void reduce_on_host(const slices<T>& work) {
  if (work.from.size() == 2 && work.to.size() == 1) {  // two ranks that are processes: in place, without a copy
    if (work.output(0) == work.input(0)) return reduce_run<How>(work.output(0), work.input(1), work.size);
    if (work.output(0) == work.input(1)) return reduce_run_before<How>(work.input(0), work.output(0), work.size);
  }
  constexpr std::int64_t block = 4096 / sizeof(T);  // the partial result stays in the first-level cache
  alignas(64) T partial[block];
  for (std::int64_t begin = 0; begin < work.size; begin += block) {
    const std::int64_t count = std::min(block, work.size - begin);
    const auto bytes = static_cast<std::size_t>(count) * sizeof(T);
    std::memcpy(partial, work.input(0) + begin, bytes);
    for (std::size_t rank = 1; rank < work.from.size(); ++rank) {
      reduce_run<How>(partial, work.input(rank) + begin, count);
    }
    for (std::size_t index = 0; index < work.to.size(); ++index) {
      std::memcpy(work.output(index) + begin, partial, bytes);
    }
  }
}

}  // namespace detail

/// The one operation that a space must bring for `threads_communicator<Space>`, besides `copy` and `fence`: an overload
/// with the space as first argument, found by argument-dependent lookup. It reads and writes memory of all ranks and
/// orders its work by the stream.
///
/// Cost on the host: each input is read once and each output written once.
template <element T>
void reduce_slices(host, const slices<T>& work, host_stream) {
  if (work.how == reduction::sum) {
    detail::reduce_on_host<reduction::sum>(work);
  } else {
    detail::reduce_on_host<reduction::max>(work);
  }
}

}  // namespace plait
