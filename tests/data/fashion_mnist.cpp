// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/data/classified_images.hpp>
#include <plait/data/fashion_mnist.hpp>
#include <plait/data/loader.hpp>
#include <plait/data/pixel_scale.hpp>
#include <plait/data/sampler.hpp>

#include <doctest/doctest.h>

#include "refused.hpp"
#include "scratch.hpp"

namespace plait {
namespace {

using namespace plait::testing;

bool installed() {
#ifdef PLAIT_USE_ZLIB
  const std::filesystem::path directory = fashion_mnist_directory;
  for (const char* part : {"train", "t10k"}) {
    for (const char* what : {"-images-idx3-ubyte.gz", "-labels-idx1-ubyte.gz"}) {
      if (!std::filesystem::exists(directory / (std::string{part} + what))) return false;
    }
  }
  return true;
#else
  return false;
#endif
}

std::array<int, 10> class_counts(const classified_images& set) {
  std::array<int, 10> counts{};
  for (std::int64_t i = 0; i < set.samples(); ++i) ++counts[static_cast<std::size_t>(set.label(i))];
  return counts;
}

TEST_CASE("Fashion-MNIST as published: counts, classes, first labels, mean and deviation" *
          doctest::skip(!installed()) *
          doctest::description("needs zlib and the Debian package dataset-fashion-mnist")) {
  const classified_images train = load_fashion_mnist(fashion_mnist_directory, data_split::train);
  CHECK(train.samples() == 60000);
  CHECK(train.features() == 784);
  CHECK(train.classes() == 10);
  CHECK(std::vector<std::int64_t>{train.image_extents().begin(), train.image_extents().end()} ==
        std::vector<std::int64_t>{28, 28});
  for (int count : class_counts(train)) CHECK(count == 6000);
  const std::vector<std::int32_t> first{9, 0, 0, 3, 0};
  for (std::size_t i = 0; i < first.size(); ++i) CHECK(train.label(static_cast<std::int64_t>(i)) == first[i]);
  const pixel_scale scale = pixel_scale_of(train.pixels());
  CHECK(std::abs(scale.mean - 0.2860) < 5e-5);  // as users of the data set quote them
  CHECK(std::abs(scale.deviation - 0.3530) < 5e-5);

  const classified_images test = load_fashion_mnist(fashion_mnist_directory, data_split::test);
  CHECK(test.samples() == 10000);
  CHECK(test.features() == 784);
  for (int count : class_counts(test)) CHECK(count == 1000);
}

TEST_CASE("an epoch of Fashion-MNIST shows each class 6000 times" * doctest::skip(!installed()) *
          doctest::description("needs zlib and the Debian package dataset-fashion-mnist")) {
  const classified_images train = load_fashion_mnist(fashion_mnist_directory, data_split::train);
  auto batches = make_loader<float>(train, sampler{train.samples(), 600, 1});
  std::array<int, 10> counts{};
  for (auto& batch : batches.epoch(0)) {
    for (std::int32_t label : batch.targets) ++counts[static_cast<std::size_t>(label)];
  }
  for (int count : counts) CHECK(count == 6000);
}

/// Files under the names of the data set: two images of one pixel; the first label says which file was read.
void write_part(const scratch_directory& scratch, const std::string& part, int first_label) {
  scratch.write(part + "-images-idx3-ubyte", idx_bytes(0x08, {2, 1, 1}, bytes_of({10, 20})));
  scratch.write(part + "-labels-idx1-ubyte", idx_bytes(0x08, {2}, bytes_of({first_label, 0})));
}

TEST_CASE("training and test parts are told apart by the names of their files") {
  const scratch_directory scratch;
  write_part(scratch, "train", 3);
  write_part(scratch, "t10k", 4);
  CHECK(load_fashion_mnist(scratch.path(), data_split::train).label(0) == 3);
  CHECK(load_fashion_mnist(scratch.path(), data_split::test).label(0) == 4);
  CHECK(load_fashion_mnist(scratch.path(), data_split::train).classes() == 10);
}

#ifdef PLAIT_USE_ZLIB
TEST_CASE("files are found with .gz, and without it first") {
  const scratch_directory scratch;
  write_part(scratch, "train", 3);
  const std::string labels = "train-labels-idx1-ubyte";
  scratch.write(labels + ".gz", packed(idx_bytes(0x08, {2}, bytes_of({5, 0}))));
  CHECK(load_fashion_mnist(scratch.path(), data_split::train).label(0) == 3);
  std::filesystem::remove(scratch.file(labels));
  CHECK(load_fashion_mnist(scratch.path(), data_split::train).label(0) == 5);
}
#endif

TEST_CASE("a missing directory or file is named together with the package that brings it") {
  const scratch_directory scratch;
  const std::string nowhere = scratch.file("nowhere");
  check_refused(error_kind::io, {nowhere, "train-images-idx3-ubyte", "dataset-fashion-mnist"},
                [&] { load_fashion_mnist(nowhere, data_split::train); });
  write_part(scratch, "t10k", 1);
  check_refused(error_kind::io, {scratch.path(), "train-images-idx3-ubyte", "dataset-fashion-mnist"},
                [&] { load_fashion_mnist(scratch.path(), data_split::train); });
  std::filesystem::remove(scratch.file("t10k-labels-idx1-ubyte"));
  check_refused(error_kind::io, {scratch.path(), "t10k-labels-idx1-ubyte"},
                [&] { load_fashion_mnist(scratch.path(), data_split::test); });
}

TEST_CASE("a label above the ten classes is refused") {
  const scratch_directory scratch;
  write_part(scratch, "train", 10);
  check_refused(error_kind::io, {"class 10 for sample 0", "0 to 9"},
                [&] { load_fashion_mnist(scratch.path(), data_split::train); });
}

}  // namespace
}  // namespace plait
