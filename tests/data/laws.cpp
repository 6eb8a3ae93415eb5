// SPDX-License-Identifier: Apache-2.0
#include "laws.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <plait/core/require.hpp>
#include <plait/data/classified_images.hpp>
#include <plait/data/dataset.hpp>
#include <plait/data/idx.hpp>
#include <plait/data/in_memory_dataset.hpp>
#include <plait/data/loader.hpp>
#include <plait/data/sampler.hpp>

#include <doctest/doctest.h>

#include "refused.hpp"
#include "scratch.hpp"

namespace plait {
namespace {

using namespace plait::testing;

/// A data set such as a user would write it: nothing is stored, inputs are points of a curve and the target is its
/// height.
class parabola {
 public:
  using target_type = double;

  [[nodiscard]] std::int64_t samples() const { return 11; }
  [[nodiscard]] std::int64_t features() const { return 2; }
  [[nodiscard]] std::int64_t target_columns() const { return 1; }

  void fill(std::span<const std::int64_t> samples, std::span<double> x, std::span<double> targets) const {
    require(x.size() == 2 * samples.size() && targets.size() == samples.size(), "parabola", "no such room");
    for (std::size_t row = 0; row < samples.size(); ++row) {
      require(0 <= samples[row] && samples[row] < 11, "parabola", "no such sample");
      const double at = static_cast<double>(samples[row]) / 10;
      x[2 * row] = at;
      x[2 * row + 1] = 1;
      targets[row] = at * at;
    }
  }
};

classified_images small_images() {
  return {parse_idx(idx_bytes(0x08, {4, 2, 3}, counted_bytes(24)), "images"),
          parse_idx(idx_bytes(0x08, {4}, bytes_of({2, 0, 1, 2})), "labels"), 3};
}

static_assert(dataset<classified_images, float, std::int32_t> && dataset<classified_images, double, std::int32_t>);
static_assert(!dataset<classified_images, float, float>);  // a class number is not a real target
static_assert(dataset<in_memory_dataset<float, double>, double, float>);
static_assert(!dataset<in_memory_dataset<float, std::int32_t>, float, float>);
static_assert(dataset<parabola, double, double> && !dataset<parabola, float, float>);

TEST_CASE("every data set keeps the laws of data sets") {
  laws::dataset<float, std::int32_t>(small_images());
  laws::dataset<double, std::int32_t>(small_images());
  const in_memory_dataset<double, double> snapshots{3, {1, 2, 3, 4, 5, 6}, {7, 8, 9, 10, 11, 12}};
  laws::dataset<double, double>(snapshots);
  laws::dataset<float, float>(snapshots);
  laws::dataset<float, std::int32_t>(in_memory_dataset<float, std::int32_t>{3, {1, 2, 3}, {0, 1, 1}});
  laws::dataset<double, double>(parabola{});
}

TEST_CASE("a data set in memory deals its arrays out row by row") {
  const in_memory_dataset<double, float> snapshots{2, {1.5, 2, 3, 4, 5, 6}, {7, 8}};
  CHECK(snapshots.samples() == 2);
  CHECK(snapshots.features() == 3);
  CHECK(snapshots.target_columns() == 1);
  const auto rows = laws::fill<float, double>(snapshots, {1, 0}, 0);
  CHECK(rows.x == std::vector<float>{4, 5, 6, 1.5f, 2, 3});
  CHECK(rows.targets == std::vector<double>{8, 7});
}

TEST_CASE("arrays that cannot be dealt out evenly are refused") {
  using snapshots = in_memory_dataset<double, double>;
  check_refused(error_kind::usage, {"at least one sample"}, [] { snapshots{0, {}, {}}; });
  check_refused(error_kind::usage, {"5 inputs", "2 samples"}, [] { snapshots{2, {1, 2, 3, 4, 5}, {1, 2}}; });
  check_refused(error_kind::usage, {"3 targets", "2 samples"}, [] { snapshots{2, {1, 2}, {1, 2, 3}}; });
  check_refused(error_kind::usage, {"0 targets", "2 samples"}, [] { snapshots{2, {1, 2}, {}}; });
}

TEST_CASE("a data set of the user's own is loaded in batches") {
  const parabola curve;
  auto batches = make_loader<double>(curve, sampler::sequential(curve.samples(), 4));
  double sum = 0;
  std::int64_t rows = 0;
  for (auto& batch : batches.epoch(0)) {
    rows += batch.rows;
    for (double target : batch.targets) sum += target;
  }
  CHECK(rows == 11);
  CHECK(std::abs(sum - 3.85) < 1e-12);  // 0.1^2 + 0.2^2 + ... + 1^2
}

}  // namespace
}  // namespace plait
