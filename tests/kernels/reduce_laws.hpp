// SPDX-License-Identifier: Apache-2.0
#pragma once
// The laws of sums of whole buffers and of columns.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <plait/kernels/reduce.hpp>

#include "kernels/laws.hpp"

namespace plait::laws {

/// Counts on both sides of where the work of a device is cut.
inline constexpr std::int64_t sum_counts[] = {0, 1, 2, 31, 255, 256, 257, 2047, 2048, 2049, 100003, 2048 * 1024 + 5};

/// 10 + the sum, and 10 + the sum of squares, as the kernels give them; the scratch comes with rubbish in it.
template <class Space, real T>
std::vector<double> sums_from_10(const std::vector<T>& values, const desk<Space>& at) {
  const auto in = at.put(values);
  const auto count = static_cast<std::int64_t>(values.size());
  const auto totals = at.put(std::vector<double>{10, 10});
  const auto scratch = at.put(std::vector<double>(size_of_values(reduce_scratch), not_a_number<double>));
  const T* const read = in.data();
  add_sum(read, count, totals.data(), scratch.data(), at.order());
  add_sum_of_squares(read, count, totals.data() + 1, scratch.data(), at.order());
  return at.get(totals);
}

TEST_CASE_TEMPLATE_DEFINE("sums of whole numbers are exact and are added to the total", Kind, sums_are_exact) {
  const desk<typename Kind::space> at;
  for (std::int64_t count : sum_counts) {
    CAPTURE(count);
    const auto values = wholes<typename Kind::element>(count, "values", 1000);
    double sum = 10, squares = 10;
    for (auto x : values) {
      sum += static_cast<double>(x);
      squares += static_cast<double>(x) * static_cast<double>(x);
    }
    CHECK(sums_from_10(values, at) == std::vector{sum, squares});
  }
}

TEST_CASE_TEMPLATE_DEFINE("sums of real numbers are formed in double, and twice the same to the bit", Kind,
                          sums_are_double) {
  const desk<typename Kind::space> at;
  for (std::int64_t count : {1000, 100003}) {
    CAPTURE(count);
    const auto values = reals<typename Kind::element>(count, "values", 3);
    long double sum = 10, squares = 10, absolute = 10;
    for (auto x : values) {
      const long double wide = x;
      sum += wide;
      squares += wide * wide;
      absolute += std::abs(wide);
    }
    const auto found = sums_from_10(values, at);
    const long double roundings = static_cast<long double>(count + 3) * rounding<double>;
    check_near(found, {sum, squares}, {roundings * absolute, roundings * squares});
    CHECK(found == sums_from_10(values, at));
  }
}

TEST_CASE_TEMPLATE_DEFINE("sums of columns are added to what was there", Kind, column_sums) {
  using T = typename Kind::element;
  const desk<typename Kind::space> at;
  struct extents {
    std::int64_t rows, columns;
  };
  for (auto [rows, columns] : {extents{0, 5},
                               {5, 0},
                               {1, 1},
                               {3, 7},
                               {63, 8},
                               {64, 9},
                               {65, 33},
                               {700, 300},
                               {2, 40003}}) {  // more columns than one pass of the grid takes
    CAPTURE(rows);
    CAPTURE(columns);
    for (bool whole : {true, false}) {
      const auto values = whole ? wholes<T>(rows * columns, "in") : reals<T>(rows * columns, "in");
      const auto before = whole ? wholes<T>(columns, "sums") : reals<T>(columns, "sums");
      std::vector<long double> wanted(before.begin(), before.end()), bound(before.size());
      for (std::size_t j = 0; j < before.size(); ++j) {
        long double absolute = std::abs(before[j]);
        for (std::size_t i = j; i < values.size(); i += before.size()) {
          wanted[j] += values[i];
          absolute += std::abs(values[i]);
        }
        bound[j] = whole ? 0 : static_cast<long double>(rows + 1) * rounding<T> * absolute;
      }
      const auto in = at.put(values);
      const auto add_to = [&] {
        const auto sums = at.put(before);
        add_column_sums(matrix<const T, typename Kind::space, anywhere>{in.data(), {rows, columns}}, sums.data(),
                        at.order());
        return at.get(sums);
      };
      const auto found = add_to();
      check_near(found, wanted, bound);
      CHECK(found == add_to());
    }
  }
}

}  // namespace plait::laws
