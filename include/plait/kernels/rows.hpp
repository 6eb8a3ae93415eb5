// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/core/host_device.hpp>
#include <plait/tensor/dtype.hpp>

namespace plait {

/// Function objects for `for_each_row` that add to, cut from and join rows: one source for every space.
namespace rowwise {

/// y[i, j] += bias[j]   y: [rows, columns]
template <real T>
struct add_bias {
  const T* bias;
  T* y;
  std::int64_t columns;
  template <class Row>
  PLAIT_HD void operator()(const Row& threads, std::int64_t i) const {
    T* const row = y + i * columns;
    const T* const added = bias;
    threads.each(columns, [=](std::int64_t j) { row[j] += added[j]; });
  }
};

/// y[i, j] = x[i, begin + j]   x: [rows, x_columns], y: [rows, y_columns]
template <real T>
struct take_columns {
  const T* x;
  T* y;
  std::int64_t x_columns;
  std::int64_t y_columns;
  std::int64_t begin;
  template <class Row>
  PLAIT_HD void operator()(const Row& threads, std::int64_t i) const {
    const T* const from = x + i * x_columns + begin;
    T* const to = y + i * y_columns;
    threads.each(y_columns, [=](std::int64_t j) { to[j] = from[j]; });
  }
};

/// y[i, j] = x[i, j - begin] for begin <= j < begin + x_columns, else 0   x: [rows, x_columns], y: [rows, y_columns]
template <real T>
struct put_columns {
  const T* x;
  T* y;
  std::int64_t x_columns;
  std::int64_t y_columns;
  std::int64_t begin;
  template <class Row>
  PLAIT_HD void operator()(const Row& threads, std::int64_t i) const {
    const T* const from = x + i * x_columns;
    T* const to = y + i * y_columns;
    const std::int64_t first = begin, last = begin + x_columns;
    threads.each(y_columns, [=](std::int64_t j) { to[j] = j >= first && j < last ? from[j - first] : T{0}; });
  }
};

/// loss[i] = scale * sum over this rank's columns of (x[i, j] - target[i, first + j])^2
/// x: [rows, columns], target: [rows, target_columns], all features of it
template <real T>
struct squared_error {
  const T* x;
  const T* target;
  std::int64_t columns;
  std::int64_t target_columns;
  std::int64_t first;
  T scale;
  T* loss;
  template <class Row>
  PLAIT_HD void operator()(const Row& threads, std::int64_t i) const {
    const T* const row = x + i * columns;
    const T* const wanted = target + i * target_columns + first;
    const T sum = threads.sum(columns, [=](std::int64_t j) { return (row[j] - wanted[j]) * (row[j] - wanted[j]); });
    if (threads.first()) loss[i] = scale * sum;
  }
};

/// dx[i, j] = scale * (x[i, j] - target[i, first + j])
template <real T>
struct squared_error_gradient {
  const T* x;
  const T* target;
  std::int64_t columns;
  std::int64_t target_columns;
  std::int64_t first;
  T scale;
  T* dx;
  template <class Row>
  PLAIT_HD void operator()(const Row& threads, std::int64_t i) const {
    const T* const row = x + i * columns;
    const T* const wanted = target + i * target_columns + first;
    T* const to = dx + i * columns;
    const T factor = scale;
    threads.each(columns, [=](std::int64_t j) { to[j] = factor * (row[j] - wanted[j]); });
  }
};

}  // namespace rowwise

}  // namespace plait
