// SPDX-License-Identifier: Apache-2.0
#pragma once

// The kernels that layers are made of, for queued work (comm/queued_space.hpp): each is put into the queue and runs
// there as it does on the host. With them a trainer's use of streams and fences is tested where there is no device.

#include <concepts>
#include <type_traits>

#include <plait/kernels/for_each.hpp>
#include <plait/kernels/gather_rows.hpp>
#include <plait/kernels/matmul.hpp>
#include <plait/kernels/reduce.hpp>

#include "comm/queued_space.hpp"

namespace plait {

template <class Body>
void for_each_element(std::int64_t count, const Body& body, queued_stream order) {
  order.queue->push([=] { for_each_element(count, body, host_stream{}); });
}

template <class Body>
void for_each_row(std::int64_t rows, const Body& body, queued_stream order) {
  order.queue->push([=] { for_each_row(rows, body, host_stream{}); });
}

template <real T>
void add_sum(const T* in, std::int64_t count, double* total, double* scratch, queued_stream order) {
  order.queue->push([=] { add_sum(in, count, total, scratch, host_stream{}); });
}

template <real T>
void add_sum_of_squares(const T* in, std::int64_t count, double* total, double* scratch, queued_stream order) {
  order.queue->push([=] { add_sum_of_squares(in, count, total, scratch, host_stream{}); });
}

template <class T>
void gather_rows(const T* from, std::int64_t columns, const std::int64_t* row, std::int64_t rows, T* to,
                 queued_stream order) {
  order.queue->push([=] { gather_rows(from, columns, row, rows, to, host_stream{}); });
}

template <class T, std::derived_from<queued> Space, class Placed>
matrix<T, host, Placed> on_host(matrix<T, Space, Placed> there) {
  return {there.data, {there.extent[0], there.extent[1]}};
}

template <real T, std::derived_from<queued> Space, class Placed>
void add_column_sums(matrix<const T, Space, Placed> in, T* sums, queued_stream order) {
  order.queue->push([=] { add_column_sums(on_host(in), sums, host_stream{}); });
}

template <real T, std::derived_from<queued> Space, class PlacedA, class PlacedB, class PlacedOut>
void matmul(matrix<const T, Space, PlacedA> a, flip flip_a, matrix<const T, Space, PlacedB> b, flip flip_b,
            matrix<T, Space, PlacedOut> out, std::type_identity_t<T> keep, queued_stream order) {
  order.queue->push([=] { matmul(on_host(a), flip_a, on_host(b), flip_b, on_host(out), keep, host_stream{}); });
}

}  // namespace plait
