// SPDX-License-Identifier: Apache-2.0
#pragma once
// The laws of for_each_element and for_each_row, and the function objects that add to, cut from and join rows.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <plait/core/host_device.hpp>
#include <plait/kernels/for_each.hpp>
#include <plait/kernels/rows.hpp>

#include "kernels/laws.hpp"

namespace plait::laws {

template <real T>
struct count_up {
  T* visits;
  T* place;
  PLAIT_HD void operator()(std::int64_t i) const {
    visits[i] += T{1};
    place[i] = static_cast<T>(i);
  }
};

TEST_CASE_TEMPLATE_DEFINE("every element is visited exactly once, and told its number", Kind, elements_are_visited) {
  using T = typename Kind::element;
  const desk<typename Kind::space> at;
  for (std::int64_t count : {0, 1, 255, 256, 257, 4096 * 256 + 3}) {  // the last: more than one pass of the grid
    CAPTURE(count);
    const auto visits = at.put(std::vector<T>(size_of_values(count + 1)));  // the last one must not be visited
    const auto place = at.put(std::vector<T>(size_of_values(count + 1), T{-1}));
    for_each_element(count, count_up<T>{visits.data(), place.data()}, at.order());
    std::vector<T> once(size_of_values(count + 1), T{1}), numbers(size_of_values(count + 1), T{-1});
    once.back() = 0;
    for (std::int64_t i = 0; i < count; ++i) numbers[size_of_values(i)] = static_cast<T>(i);
    CHECK(at.get(visits) == once);
    CHECK(at.get(place) == numbers);
  }
}

/// Everything that the threads of a row can do, one after another, with results of earlier calls used in later ones.
template <real T>
struct survey {
  const T* x;
  std::int64_t columns;
  T* visits;   ///< [rows, columns]: how often `each` came by
  T* sum;      ///< [rows, columns]: the sum, as the thread knew it that wrote
  T* largest;  ///< [rows, columns]
  T* rest;     ///< [rows]: sum of (largest - x)
  T* firsts;   ///< [rows]: how many threads called themselves the first
  template <class Row>
  PLAIT_HD void operator()(const Row& threads, std::int64_t i) const {
    const T* const row = x + i * columns;
    T* const visits_here = visits + i * columns;
    T* const sum_here = sum + i * columns;
    T* const largest_here = largest + i * columns;
    const T total = threads.sum(columns, [=](std::int64_t j) { return row[j]; });
    const T top = threads.max(columns, [=](std::int64_t j) { return row[j]; });
    const T left = threads.sum(columns, [=](std::int64_t j) { return top - row[j]; });
    threads.each(columns, [=](std::int64_t j) {
      visits_here[j] += T{1};
      sum_here[j] = total;
      largest_here[j] = top;
    });
    if (!threads.first()) return;
    firsts[i] += T{1};
    rest[i] = left;
  }
};

TEST_CASE_TEMPLATE_DEFINE("the threads of a row share it out, and all know its sum and its largest", Kind,
                          rows_are_shared) {
  using T = typename Kind::element;
  const desk<typename Kind::space> at;
  struct extents {
    std::int64_t rows, columns;
  };
  for (auto [rows, columns] : {extents{0, 3},
                               {1, 1},
                               {3, 2},
                               {5, 31},
                               {4, 32},
                               {7, 127},
                               {2, 128},
                               {3, 129},
                               {2, 1000},
                               {4099, 10}}) {  // more rows than blocks
    CAPTURE(rows);
    CAPTURE(columns);
    auto values = wholes<T>(rows * columns, "x", 100);
    // In the first row the largest is below 0, so a maximum that begins at 0 is wrong.
    for (std::size_t j = 0; j < values.size() && j < size_of_values(columns); ++j) values[j] -= T{200};
    const auto x = at.put(values);
    const auto zeros = [&](std::int64_t count) { return at.put(std::vector<T>(size_of_values(count))); };
    const auto visits = zeros(rows * columns), sum = zeros(rows * columns), largest = zeros(rows * columns);
    const auto rest = zeros(rows), firsts = zeros(rows);
    for_each_row(rows,
                 survey<T>{x.data(), columns, visits.data(), sum.data(), largest.data(), rest.data(), firsts.data()},
                 at.order());
    std::vector<T> sums, tops, rests;
    for (std::int64_t i = 0; i < rows; ++i) {
      const auto begin = values.begin() + i * columns, end = begin + columns;
      T total{}, left{};
      const T top = *std::max_element(begin, end);
      for (auto one = begin; one != end; ++one) total += *one, left += top - *one;
      sums.insert(sums.end(), size_of_values(columns), total);
      tops.insert(tops.end(), size_of_values(columns), top);
      rests.push_back(left);
    }
    CHECK(at.get(visits) == std::vector<T>(size_of_values(rows * columns), T{1}));
    CHECK(at.get(sum) == sums);
    CHECK(at.get(largest) == tops);
    CHECK(at.get(rest) == rests);
    CHECK(at.get(firsts) == std::vector<T>(size_of_values(rows), T{1}));
  }
}

template <real T>
struct survey_of_nothing {
  T* sum;
  T* largest;
  template <class Row>
  PLAIT_HD void operator()(const Row& threads, std::int64_t i) const {
    const T total = threads.sum(0, [](std::int64_t) { return T{1}; });
    const T top = threads.max(0, [](std::int64_t) { return T{1}; });
    if (threads.first()) sum[i] = total, largest[i] = top;
  }
};

TEST_CASE_TEMPLATE_DEFINE("a row of nothing has sum 0 and largest minus infinity", Kind, empty_rows) {
  using T = typename Kind::element;
  const desk<typename Kind::space> at;
  const auto sum = at.put(std::vector<T>(3, T{5})), largest = at.put(std::vector<T>(3, T{5}));
  for_each_row(3, survey_of_nothing<T>{sum.data(), largest.data()}, at.order());
  CHECK(at.get(sum) == std::vector<T>(3, T{0}));
  CHECK(at.get(largest) == std::vector<T>(3, -std::numeric_limits<T>::infinity()));
}

TEST_CASE_TEMPLATE_DEFINE("a bias is added to every row", Kind, bias_is_added) {
  using T = typename Kind::element;
  const desk<typename Kind::space> at;
  const std::int64_t rows = 5, columns = 137;
  const auto bias = wholes<T>(columns, "bias");
  auto wanted = wholes<T>(rows * columns, "y");
  const auto y = at.put(wanted);
  const auto added = at.put(bias);
  for_each_row(rows, rowwise::add_bias<T>{added.data(), y.data(), columns}, at.order());
  for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] += bias[i % bias.size()];
  CHECK(at.get(y) == wanted);
}

TEST_CASE_TEMPLATE_DEFINE("columns are taken from where they begin, and put back there among zeros", Kind,
                          columns_are_cut_and_joined) {
  using T = typename Kind::element;
  const desk<typename Kind::space> at;
  const std::int64_t rows = 3, whole = 200;
  struct range {
    std::int64_t begin, size;
  };
  for (auto [begin, size] : {range{0, 200}, {0, 70}, {70, 67}, {137, 63}, {200, 0}}) {
    CAPTURE(begin);
    CAPTURE(size);
    const auto values = wholes<T>(rows * whole, "x");
    const auto x = at.put(values);
    const auto part = at.put(std::vector<T>(size_of_values(rows * size), not_a_number<T>));
    const auto back = at.put(std::vector<T>(size_of_values(rows * whole), not_a_number<T>));
    for_each_row(rows, rowwise::take_columns<T>{x.data(), part.data(), whole, size, begin}, at.order());
    for_each_row(rows, rowwise::put_columns<T>{part.data(), back.data(), size, whole, begin}, at.order());
    std::vector<T> taken, joined;
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < whole; ++j) {
        const bool inside = begin <= j && j < begin + size;
        joined.push_back(inside ? values[size_of_values(i * whole + j)] : T{0});
        if (inside) taken.push_back(joined.back());
      }
    CHECK(at.get(part) == taken);
    CHECK(at.get(back) == joined);
  }
}

TEST_CASE_TEMPLATE_DEFINE("squared errors of parts of the columns add up, and their gradients are the differences",
                          Kind, squared_errors) {
  using T = typename Kind::element;
  const desk<typename Kind::space> at;
  const std::int64_t rows = 4, whole = 150, cut = 61;
  const T half{0.5}, quarter{0.25};
  const auto x = wholes<T>(rows * whole, "x"), target = wholes<T>(rows * whole, "target");
  const auto wanted = at.put(target);
  std::vector<T> loss(size_of_values(rows)), gradient(x.size());
  for (std::int64_t first : {std::int64_t{0}, cut}) {
    const std::int64_t columns = first == 0 ? cut : whole - cut;
    std::vector<T> part;
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j) part.push_back(x[size_of_values(i * whole + first + j)]);
    const auto given = at.put(part);
    const auto row_loss = at.put(std::vector<T>(size_of_values(rows), not_a_number<T>));
    const auto dx = at.put(std::vector<T>(part.size(), not_a_number<T>));
    for_each_row(rows,
                 rowwise::squared_error<T>{given.data(), wanted.data(), columns, whole, first, half, row_loss.data()},
                 at.order());
    for_each_row(
        rows,
        rowwise::squared_error_gradient<T>{given.data(), wanted.data(), columns, whole, first, quarter, dx.data()},
        at.order());
    const auto losses = at.get(row_loss), gradients = at.get(dx);
    for (std::int64_t i = 0; i < rows; ++i) {
      loss[size_of_values(i)] += losses[size_of_values(i)];
      for (std::int64_t j = 0; j < columns; ++j)
        gradient[size_of_values(i * whole + first + j)] = gradients[size_of_values(i * columns + j)];
    }
  }
  std::vector<T> loss_wanted(loss.size()), gradient_wanted;
  for (std::size_t i = 0; i < x.size(); ++i) {
    loss_wanted[i / size_of_values(whole)] += half * (x[i] - target[i]) * (x[i] - target[i]);
    gradient_wanted.push_back(quarter * (x[i] - target[i]));
  }
  CHECK(loss == loss_wanted);
  CHECK(gradient == gradient_wanted);
}

}  // namespace plait::laws
