// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/tensor/host.hpp>
#include <plait/tensor/view.hpp>

namespace plait {

/// Elements of the scratch that sums of whole buffers are given, in the space of the buffer. Sums of one stream may
/// share it.
inline constexpr std::int64_t reduce_scratch = 1024;

/// *total += in[0] + in[1] + ..., in double. `total` and `scratch` lie in the space of `in`. The order of the sum
/// depends on the count alone, so it can be repeated. On the host `scratch` is not used.
template <real T>
void add_sum(const T* in, std::int64_t count, double* total, double* /*scratch*/, host_stream) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += static_cast<double>(in[i]);
  *total += sum;
}

/// *total += in[0]^2 + in[1]^2 + ..., in double; otherwise as `add_sum`.
template <real T>
void add_sum_of_squares(const T* in, std::int64_t count, double* total, double* /*scratch*/, host_stream) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += static_cast<double>(in[i]) * static_cast<double>(in[i]);
  *total += sum;
}

/// sums[j] += in[0, j] + in[1, j] + ...   in: [rows, columns], sums: [columns].
template <real T, class Placed>
void add_column_sums(matrix<const T, host, Placed> in, T* sums, host_stream) {
  for (std::int64_t i = 0; i < in.extent[0]; ++i) {
    const T* const row = in.data + i * in.extent[1];
    for (std::int64_t j = 0; j < in.extent[1]; ++j) sums[j] += row[j];
  }
}

}  // namespace plait
