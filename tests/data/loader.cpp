// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <ranges>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/core/ranges.hpp>
#include <plait/data/batch.hpp>
#include <plait/data/in_memory_dataset.hpp>
#include <plait/data/loader.hpp>
#include <plait/data/sampler.hpp>

#include <doctest/doctest.h>

#include "refused.hpp"
#include "scratch.hpp"

namespace plait {
namespace {

using namespace plait::testing;

/// Row i is {2 i, 2 i + 1} with targets {10 i, 10 i + 1, 10 i + 2}.
in_memory_dataset<double, double> numbered(std::int64_t samples) {
  std::vector<double> x, targets;
  for (std::int64_t i = 0; i < samples; ++i) {
    for (std::int64_t j = 0; j < 2; ++j) x.push_back(static_cast<double>(2 * i + j));
    for (std::int64_t j = 0; j < 3; ++j) targets.push_back(static_cast<double>(10 * i + j));
  }
  return {samples, x, targets};
}

/// The samples of some rows of x and targets, which must belong together.
std::vector<std::int64_t> samples_of(std::span<const double> x, std::span<const double> targets) {
  REQUIRE(x.size() / 2 * 3 == targets.size());
  std::vector<std::int64_t> samples;
  for (std::size_t row = 0; row < x.size() / 2; ++row) {
    const auto sample = static_cast<std::int64_t>(x[2 * row]) / 2;
    REQUIRE(x[2 * row] == static_cast<double>(2 * sample));
    REQUIRE(x[2 * row + 1] == static_cast<double>(2 * sample + 1));
    for (std::size_t j = 0; j < 3; ++j) {
      REQUIRE(targets[3 * row + j] == static_cast<double>(10 * sample + static_cast<std::int64_t>(j)));
    }
    samples.push_back(sample);
  }
  return samples;
}

static_assert(data_shard{.data_rank = 1, .data_ways = 2, .micro = 2}.micro_rows(10, 0) == index_range{6, 8});
static_assert(data_shard{.data_rank = 0, .data_ways = 2, .micro = 2}.rows(10) == index_range{0, 6});
static_assert(data_shard{.data_rank = 1, .data_ways = 2, .micro = 2}.rows(10) == index_range{6, 10});
static_assert(data_shard{.data_rank = 1, .data_ways = 2, .micro = 2}.rows(1) == index_range{1, 1});

TEST_CASE("ten rows over two data ranks of two micro-batches are cut 3 3 | 2 2") {
  const auto data = numbered(10);
  auto first = make_loader<double>(data, sampler::sequential(10, 10), {.data_rank = 0, .data_ways = 2, .micro = 2});
  auto second = make_loader<double>(data, sampler::sequential(10, 10), {.data_rank = 1, .data_ways = 2, .micro = 2});
  const batch<double, double>& one = first.at(0, 0);
  CHECK(one.rows == 6);
  CHECK(one.first_row == 0);
  CHECK(one.features == 2);
  CHECK(one.target_columns == 3);
  CHECK(one.global_rows == 10);
  CHECK(one.micro() == 2);
  CHECK(std::vector<std::int64_t>{one.micro_offset.begin(), one.micro_offset.end()} ==
        std::vector<std::int64_t>{0, 3, 6});
  CHECK(samples_of(one.micro_x(1), one.micro_targets(1)) == std::vector<std::int64_t>{3, 4, 5});
  const batch<double, double>& other = second.at(0, 0);
  CHECK(other.rows == 4);
  CHECK(other.first_row == 6);
  CHECK(samples_of(other.x, other.targets) == std::vector<std::int64_t>{6, 7, 8, 9});
  CHECK(samples_of(other.micro_x(0), other.micro_targets(0)) == std::vector<std::int64_t>{6, 7});
}

TEST_CASE("the micro-batches of all data ranks are the global batch, each row once and in its order") {
  constexpr std::int64_t samples = 23;
  const auto data = numbered(samples);
  for (std::int64_t global : {1, 2, 3, 5, 8, 12, 13, 23}) {
    for (int ways : {1, 2, 3, 5}) {
      for (int micro : {1, 2, 3, 4}) {
        for (bool shuffled : {true, false}) {  // a sequential order ends in a smaller batch
          CAPTURE(global);
          CAPTURE(ways);
          CAPTURE(micro);
          CAPTURE(shuffled);
          const sampler order = shuffled ? sampler{samples, global, 3} : sampler::sequential(samples, global);
          sampler expected = order;
          std::vector<loader<double, double, in_memory_dataset<double, double>>> ranks;
          for (int rank = 0; rank < ways; ++rank) {
            ranks.push_back(make_loader<double>(data, order, {.data_rank = rank, .data_ways = ways, .micro = micro}));
          }
          for (std::int64_t epoch = 0; epoch < 2; ++epoch) {
            for (std::int64_t step = 0; step < expected.batches_per_epoch(); ++step) {
              const auto whole = expected.batch(epoch, step);
              std::vector<std::int64_t> together;
              for (auto& rank : ranks) {
                const auto& part = rank.at(epoch, step);
                REQUIRE(part.micro() == micro);
                REQUIRE(part.first_row == std::ssize(together));
                REQUIRE(part.global_rows == std::ssize(whole));
                std::int64_t rows = 0;
                for (int j = 0; j < micro; ++j) {
                  const auto piece = samples_of(part.micro_x(j), part.micro_targets(j));
                  REQUIRE(std::ssize(piece) == part.micro_rows(j));
                  // no two micro-batches differ by more than one row
                  REQUIRE(part.micro_rows(j) >= std::ssize(whole) / (ways * micro));
                  REQUIRE(part.micro_rows(j) <= std::ssize(whole) / (ways * micro) + 1);
                  together.insert(together.end(), piece.begin(), piece.end());
                  rows += part.micro_rows(j);
                }
                REQUIRE(rows == part.rows);
                REQUIRE(std::ssize(part.x) == 2 * rows);
                REQUIRE(std::ssize(part.targets) == 3 * rows);
              }
              REQUIRE(together == std::vector<std::int64_t>{whole.begin(), whole.end()});
            }
          }
        }
      }
    }
  }
}

TEST_CASE("fewer rows than micro-batches leave some micro-batches without rows") {
  const auto data = numbered(3);
  auto last = make_loader<double>(data, sampler{3, 3, 1}, {.data_rank = 1, .data_ways = 2, .micro = 4});
  const auto& none = last.at(0, 0);
  CHECK(none.rows == 0);
  CHECK(none.x.empty());
  CHECK(none.targets.empty());
  CHECK(none.global_rows == 3);
  CHECK(none.first_row == 3);
  CHECK(none.micro() == 4);
  for (int j = 0; j < 4; ++j) CHECK(none.micro_rows(j) == 0);
  auto first = make_loader<double>(data, sampler{3, 3, 1}, {.data_rank = 0, .data_ways = 2, .micro = 4});
  CHECK(first.at(0, 0).rows == 3);
  CHECK(first.at(0, 0).micro_rows(2) == 1);
  CHECK(first.at(0, 0).micro_rows(3) == 0);
}

TEST_CASE("a range-for over an epoch gives its batches in order, and a later first step leaves the earlier ones out") {
  const auto data = numbered(20);
  auto batches = make_loader<double>(data, sampler{20, 3, 8});
  static_assert(std::ranges::input_range<decltype(batches.epoch(0))>);
  for (std::int64_t first : {0, 2, 5, 6}) {
    CAPTURE(first);
    sampler expected{20, 3, 8};
    std::int64_t step = first;
    for (auto& batch : batches.epoch(4, first)) {
      const auto whole = expected.batch(4, step++);
      CHECK(samples_of(batch.x, batch.targets) == std::vector<std::int64_t>{whole.begin(), whole.end()});
    }
    CHECK(step == 6);
  }
}

TEST_CASE("any step can be gone to, and the same step gives the same rows in every loader") {
  const auto data = numbered(31);
  const data_shard shard{.data_rank = 1, .data_ways = 2, .micro = 2};
  auto straight = make_loader<double>(data, sampler{31, 6, 2}, shard);
  std::vector<std::vector<std::int64_t>> seen;
  for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
    for (auto& batch : straight.epoch(epoch)) seen.push_back(samples_of(batch.x, batch.targets));
  }
  const std::int64_t steps = straight.batches_per_epoch();
  auto jumping = make_loader<double>(data, sampler{31, 6, 2}, shard);
  for (std::int64_t at : {14, 0, 7, 7, 3, 13}) {
    CAPTURE(at);
    const auto& batch = jumping.at(at / steps, at % steps);
    CHECK(samples_of(batch.x, batch.targets) == seen[static_cast<std::size_t>(at)]);
  }
}

TEST_CASE("inputs and targets come in the types asked for, with equal values") {
  const auto data = numbered(9);
  auto wide = make_loader<double>(data, sampler{9, 4, 2});
  auto narrow = make_loader<float, float>(data, sampler{9, 4, 2});
  static_assert(std::is_same_v<decltype(narrow.at(0, 0)), const batch<float, float>&>);
  const auto& doubles = wide.at(1, 1);
  const auto& floats = narrow.at(1, 1);
  REQUIRE(doubles.x.size() == floats.x.size());
  for (std::size_t i = 0; i < doubles.x.size(); ++i) CHECK(doubles.x[i] == static_cast<double>(floats.x[i]));
  for (std::size_t i = 0; i < doubles.targets.size(); ++i) {
    CHECK(doubles.targets[i] == static_cast<double>(floats.targets[i]));
  }
}

TEST_CASE("batches lie in one place for good, and a loader that moves takes its batch along") {
  const auto data = numbered(20);
  auto batches = make_loader<double>(data, sampler{20, 3, 8}, {.micro = 2});
  const auto& first = batches.at(0, 0);
  const double* const x = first.x.data();
  const double* const targets = first.targets.data();
  const std::int64_t* const offsets = first.micro_offset.data();
  for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
    for (auto& batch : batches.epoch(epoch)) {
      CHECK(batch.x.data() == x);
      CHECK(batch.targets.data() == targets);
      CHECK(batch.micro_offset.data() == offsets);
    }
  }
  const auto before = samples_of(batches.at(2, 5).x, batches.at(2, 5).targets);
  auto moved = std::move(batches);
  CHECK(samples_of(moved.at(2, 5).x, moved.at(2, 5).targets) == before);
  CHECK(moved.at(2, 5).x.data() == x);
  static_assert(!std::is_copy_constructible_v<decltype(moved)>);
}

/// A data set whose third request fails once.
struct unreliable {
  using target_type = double;
  mutable int calls = 0;
  [[nodiscard]] std::int64_t samples() const { return 8; }
  [[nodiscard]] std::int64_t features() const { return 1; }
  [[nodiscard]] std::int64_t target_columns() const { return 1; }
  void fill(std::span<const std::int64_t> samples, std::span<double> x, std::span<double> targets) const {
    x[0] = targets[0] = -1;
    if (++calls == 3) throw std::runtime_error{"the disk is gone"};
    for (std::size_t i = 0; i < samples.size(); ++i) x[i] = targets[i] = static_cast<double>(samples[i]);
  }
};

TEST_CASE("a batch is filled once, and one that could not be filled is not given as if it were") {
  const unreliable data;
  auto batches = make_loader<double>(data, sampler::sequential(8, 2));
  CHECK(batches.at(0, 0).x[1] == 1);
  CHECK(batches.at(0, 1).x[1] == 3);
  CHECK(batches.at(0, 1).x[1] == 3);
  CHECK(data.calls == 2);
  CHECK_THROWS_AS((void)batches.at(0, 2), std::runtime_error);
  CHECK(batches.at(0, 1).x[0] == 2);
  CHECK(batches.at(0, 2).x[0] == 4);
}

TEST_CASE("a loader of parts that do not fit together is refused") {
  const auto data = numbered(9);
  check_refused(error_kind::usage, {"orders 8 samples", "has 9"}, [&] { make_loader<double>(data, sampler{8, 2, 0}); });
  check_refused(error_kind::usage, {"rank 2", "axis of 2"}, [&] {
    make_loader<double>(data, sampler{9, 2, 0}, {.data_rank = 2, .data_ways = 2});
  });
  check_refused(error_kind::usage, {"rank -1"}, [&] {
    make_loader<double>(data, sampler{9, 2, 0}, {.data_rank = -1, .data_ways = 2});
  });
  check_refused(error_kind::usage, {"rank 0", "axis of 0"}, [&] {
    make_loader<double>(data, sampler{9, 2, 0}, {.data_ways = 0});
  });
  check_refused(error_kind::usage, {"at least one micro-batch"}, [&] {
    make_loader<double>(data, sampler{9, 2, 0}, {.micro = 0});
  });
  auto batches = make_loader<double>(data, sampler{9, 2, 0});
  check_refused(error_kind::usage, {"4 batches", "step 4"}, [&] { (void)batches.at(0, 4); });
}

}  // namespace
}  // namespace plait
