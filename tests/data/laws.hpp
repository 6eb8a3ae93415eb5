// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <thread>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/data/dataset.hpp>

#include <doctest/doctest.h>

namespace plait::laws {

/// What `fill` gives for these samples, with a margin on both sides that must stay as it was.
template <class T, class Target>
struct filled_rows {
  std::vector<T> x;
  std::vector<Target> targets;

  friend bool operator==(const filled_rows&, const filled_rows&) = default;
};

template <class T, class Target, plait::dataset<T, Target> Data>
filled_rows<T, Target> fill(const Data& data, const std::vector<std::int64_t>& samples, int before) {
  constexpr std::size_t margin = 3;
  const auto rows = samples.size();
  const auto features = static_cast<std::size_t>(data.features());
  const auto columns = static_cast<std::size_t>(data.target_columns());
  std::vector<T> x(rows * features + 2 * margin, static_cast<T>(before));
  std::vector<Target> targets(rows * columns + 2 * margin, static_cast<Target>(before));
  const std::span inner_x = std::span{x}.subspan(margin, rows * features);
  const std::span inner_targets = std::span{targets}.subspan(margin, rows * columns);
  data.fill(std::span<const std::int64_t>{samples}, inner_x, inner_targets);
  for (std::size_t i = 0; i < margin; ++i) {
    CHECK(x[i] == static_cast<T>(before));
    CHECK(x[x.size() - 1 - i] == static_cast<T>(before));
    CHECK(targets[i] == static_cast<Target>(before));
    CHECK(targets[targets.size() - 1 - i] == static_cast<Target>(before));
  }
  return {{inner_x.begin(), inner_x.end()}, {inner_targets.begin(), inner_targets.end()}};
}

/// The laws of `plait::dataset`, for a data set of at least 3 samples.
template <class T, class Target, plait::dataset<T, Target> Data>
void dataset(const Data& data) {
  const std::int64_t last = data.samples() - 1;
  REQUIRE(last >= 2);
  REQUIRE(data.features() >= 1);
  REQUIRE(data.target_columns() >= 1);

  // 1. every element is written, whatever was there before
  const std::vector<std::int64_t> all{last, 0, 1, last, 2};
  const filled_rows<T, Target> together = fill<T, Target>(data, all, 77);
  CHECK(together == fill<T, Target>(data, all, -5));

  // 2. a row depends on its sample alone
  filled_rows<T, Target> one_by_one;
  for (std::int64_t sample : all) {
    const filled_rows<T, Target> row = fill<T, Target>(data, {sample}, 1);
    one_by_one.x.insert(one_by_one.x.end(), row.x.begin(), row.x.end());
    one_by_one.targets.insert(one_by_one.targets.end(), row.targets.begin(), row.targets.end());
  }
  CHECK(together == one_by_one);

  // 3. no samples is a legal request
  CHECK(fill<T, Target>(data, {}, 1) == filled_rows<T, Target>{});

  // 4. a sample that is not there, or room of the wrong size, is an error
  CHECK_THROWS_AS((fill<T, Target>(data, {0, last + 1}, 1)), plait::error);
  CHECK_THROWS_AS((fill<T, Target>(data, {-1}, 1)), plait::error);
  const auto features = static_cast<std::size_t>(data.features());
  const auto columns = static_cast<std::size_t>(data.target_columns());
  const std::vector<std::int64_t> first{0};
  std::vector<T> x(features + 1);
  std::vector<Target> targets(columns + 1);
  const auto fill_first = [&](std::size_t room_x, std::size_t room_targets) {
    data.fill(std::span{first}, std::span{x}.first(room_x), std::span{targets}.first(room_targets));
  };
  CHECK_THROWS_AS(fill_first(features - 1, columns), plait::error);
  CHECK_THROWS_AS(fill_first(features + 1, columns), plait::error);
  CHECK_THROWS_AS(fill_first(features, columns - 1), plait::error);
  CHECK_THROWS_AS(fill_first(features, columns + 1), plait::error);
  CHECK_NOTHROW(fill_first(features, columns));

  // 5. several threads at once read what one does
  std::vector<filled_rows<T, Target>> seen(3);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : seen) {
      threads.emplace_back([&] {
        mine.x.resize(all.size() * features);
        mine.targets.resize(all.size() * columns);
        for (int again = 0; again < 20; ++again) {
          data.fill(std::span{all}, std::span{mine.x}, std::span{mine.targets});
        }
      });
    }
  }
  for (const auto& mine : seen) CHECK(mine == together);
}

}  // namespace plait::laws
