// SPDX-License-Identifier: Apache-2.0
#pragma once
// The law of picking rows.

#include <cstddef>
#include <cstdint>
#include <vector>

#include <plait/kernels/gather_rows.hpp>

#include "kernels/laws.hpp"

namespace plait::laws {

TEST_CASE_TEMPLATE_DEFINE(
    "rows are picked in the order asked for, each as often as asked for, and nothing else changes", Kind,
    rows_are_gathered) {
  using T = typename Kind::element;
  const desk<typename Kind::space> at;
  for (const std::int64_t columns : {1, 3, 784})
    for (const std::int64_t rows : {0, 1, 5, 2000}) {
      CAPTURE(columns);
      CAPTURE(rows);
      constexpr std::int64_t from_rows = 37;
      const auto from = reals<T>(from_rows * columns, "rows");
      const random_stream draw{4, "which", 0};
      std::vector<std::int64_t> which;
      for (std::int64_t i = 0; i < rows; ++i) which.push_back(draw.below(static_cast<std::uint64_t>(i), from_rows));
      std::vector<T> wanted;
      for (const std::int64_t row : which)
        for (std::int64_t j = 0; j < columns; ++j) wanted.push_back(from[size_of_values(row * columns + j)]);
      wanted.push_back(T{-7});

      const auto there = at.put(from);
      const auto numbers = at.put(which);
      const auto to = at.put(std::vector<T>(wanted.size(), T{-7}));
      gather_rows(static_cast<const T*>(there.data()), columns, numbers.data(), rows, to.data(), at.order());
      CHECK(at.get(to) == wanted);
      CHECK(at.get(there) == from);
    }
}

}  // namespace plait::laws
