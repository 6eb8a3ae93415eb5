// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>

#include <plait/core/host_device.hpp>
#include <plait/kernels/for_each.hpp>
#include <plait/tensor/dtype.hpp>

namespace plait {

/// Function objects for `for_each_row`: softmax cross-entropy over classes that are split over the tensor axis. Between
/// them the caller reduces over the axis: `largest` by max, then `sums` by sum.
///
/// x: [rows, columns], this rank's logits, of the classes first_class .. first_class + columns - 1; label: [rows].
namespace cross_entropy {

/// largest[i] = max over this rank's classes of x[i, j]
template <real T>
struct row_max {
  const T* x;
  std::int64_t columns;
  T* largest;
  template <class Row>
  PLAIT_HD void operator()(const Row& threads, std::int64_t i) const {
    const T* const row = x + i * columns;
    const T found = threads.max(columns, [=](std::int64_t j) { return row[j]; });
    if (threads.first()) largest[i] = found;
  }
};

/// sums[i] = sum over this rank's classes of exp(x[i, j] - largest[i]);
/// sums[rows + i] = x[i, label[i]] - largest[i] where the label is one of this rank's classes, else 0; not a number
/// where it is none of all `classes`, so that such a label cannot go unnoticed where only a device sees it
template <real T>
struct row_sums {
  const T* x;
  const std::int32_t* label;
  const T* largest;
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t first_class;
  std::int64_t classes;
  T* sums;
  template <class Row>
  PLAIT_HD void operator()(const Row& threads, std::int64_t i) const {
    const T* const row = x + i * columns;
    const T top = largest[i];
    const T total = threads.sum(columns, [=](std::int64_t j) { return std::exp(row[j] - top); });
    if (!threads.first()) return;
    const std::int64_t mine = label[i] - first_class;
    sums[i] = total;
    sums[rows + i] = label[i] < 0 || label[i] >= classes ? detail::not_a_number<T>()
                     : mine >= 0 && mine < columns       ? row[mine] - top
                                                         : T{0};
  }
};

/// loss[i] = log(sums[i]) - sums[rows + i];   kept[i] = largest[i], kept[rows + i] = log(sums[i]): all that backward
/// needs. The two are kept apart, since their sum would be rounded at the size of the logits.
template <real T>
struct row_loss {
  const T* largest;
  const T* sums;
  std::int64_t rows;
  T* loss;
  T* kept;
  PLAIT_HD void operator()(std::int64_t i) const {
    const T log_of_sum = std::log(sums[i]);
    loss[i] = log_of_sum - sums[rows + i];
    kept[i] = largest[i];
    kept[rows + i] = log_of_sum;
  }
};

/// dx[i, j] = scale * (exp(x[i, j] - kept[i] - kept[rows + i]) - (j is the label))
template <real T>
struct row_gradient {
  const T* x;
  const std::int32_t* label;
  const T* kept;
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t first_class;
  T scale;
  T* dx;
  template <class Row>
  PLAIT_HD void operator()(const Row& threads, std::int64_t i) const {
    const T* const from = x + i * columns;
    T* const to = dx + i * columns;
    const std::int64_t mine = label[i] - first_class;
    const T top = kept[i], log_of_sum = kept[rows + i], factor = scale;
    threads.each(columns, [=](std::int64_t j) {
      const T probability = std::exp((from[j] - top) - log_of_sum);
      to[j] = factor * (j == mine ? probability - T{1} : probability);
    });
  }
};

/// beaten[i] = how many of this rank's classes come before the label's logit: larger, or equal and of lower number;
/// what is not a number comes before everything. The label's logit is sums[rows + i] + largest[i] up to rounding, so
/// the exact one is passed: logit[i], reduced by sum.
template <real T>
struct row_beaten {
  const T* x;
  const std::int32_t* label;
  const T* logit;
  std::int64_t columns;
  std::int64_t first_class;
  T* beaten;
  template <class Row>
  PLAIT_HD void operator()(const Row& threads, std::int64_t i) const {
    const T* const row = x + i * columns;
    const T mine = logit[i];
    const std::int64_t own = label[i] - first_class;
    const T count = threads.sum(
        columns, [=](std::int64_t j) { return row[j] < mine || (row[j] == mine && j >= own) ? T{0} : T{1}; });
    if (threads.first()) beaten[i] = count;
  }
};

/// logit[i] = x[i, label[i]] where the label is one of this rank's classes, else 0
template <real T>
struct label_logit {
  const T* x;
  const std::int32_t* label;
  std::int64_t columns;
  std::int64_t first_class;
  T* logit;
  PLAIT_HD void operator()(std::int64_t i) const {
    const std::int64_t mine = label[i] - first_class;
    logit[i] = mine >= 0 && mine < columns ? x[i * columns + mine] : T{0};
  }
};

/// hit[i] = 1 where no class comes before the label, else 0
template <real T>
struct row_hit {
  const T* beaten;
  T* hit;
  PLAIT_HD void operator()(std::int64_t i) const { hit[i] = beaten[i] == T{0} ? T{1} : T{0}; }
};

}  // namespace cross_entropy

}  // namespace plait
