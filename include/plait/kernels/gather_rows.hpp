// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/core/host_device.hpp>
#include <plait/kernels/for_each.hpp>
#include <plait/tensor/host.hpp>

namespace plait {

namespace detail {

/// to[i, j] = from[row[i], j], element by element.
template <class T>
struct gathered_element {
  const T* from;
  const std::int64_t* row;
  std::int64_t columns;
  T* to;
  PLAIT_HD void operator()(std::int64_t element) const {
    to[element] = from[row[element / columns] * columns + element % columns];
  }
};

}  // namespace detail

/// to[i, :] = from[row[i], :]: picks rows, in the order asked for, each as often as it is asked for.
///
/// from: [any, columns], row: [rows], each a row of `from`; to: [rows, columns]; all in the space of the stream, and
/// none inside another. No rows: nothing is done.
template <class T>
void gather_rows(const T* from, std::int64_t columns, const std::int64_t* row, std::int64_t rows, T* to,
                 host_stream order) {
  for_each_element(rows * columns, detail::gathered_element<T>{from, row, columns, to}, order);
}

}  // namespace plait
