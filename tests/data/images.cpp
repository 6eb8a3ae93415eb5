// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/data/classified_images.hpp>
#include <plait/data/idx.hpp>
#include <plait/data/pixel_scale.hpp>

#include <doctest/doctest.h>

#include "refused.hpp"
#include "scratch.hpp"

namespace plait {
namespace {

using namespace plait::testing;

/// Three images of 2 x 2 pixels.
byte_vector image_file() {
  return idx_bytes(0x08, {3, 2, 2}, bytes_of({0, 51, 102, 255, 1, 2, 3, 4, 5, 6, 7, 8}));
}
byte_vector label_file() {
  return idx_bytes(0x08, {3}, bytes_of({2, 0, 1}));
}

classified_images made_of(const byte_vector& images, const byte_vector& labels, std::int32_t classes = 3) {
  return {parse_idx(images, "pictures"), parse_idx(labels, "names"), classes};
}

void check_bad(std::initializer_list<std::string> words, const byte_vector& images, const byte_vector& labels,
               std::int32_t classes = 3) {
  check_refused(error_kind::io, words, [&] { made_of(images, labels, classes); });
}

TEST_CASE("a pair of IDX files reads as images with their classes") {
  const scratch_directory scratch;
  const classified_images set =
      load_idx_pair(scratch.write("images", image_file()), scratch.write("labels", label_file()), 3);
  CHECK(set.samples() == 3);
  CHECK(set.features() == 4);
  CHECK(set.target_columns() == 1);
  CHECK(set.classes() == 3);
  CHECK(std::vector<std::int64_t>{set.image_extents().begin(), set.image_extents().end()} ==
        std::vector<std::int64_t>{2, 2});
  CHECK(set.label(0) == 2);
  CHECK(set.label(2) == 1);
  const byte_vector second{set.image(1).begin(), set.image(1).end()};
  CHECK(second == bytes_of({1, 2, 3, 4}));
  CHECK(set.pixels().size() == 12);
  check_refused(error_kind::usage, {"images", "3 samples", "none at 3"}, [&] { (void)set.image(3); });
  check_refused(error_kind::usage, {"none at -1"}, [&] { (void)set.label(-1); });
}

TEST_CASE("pixels are scaled to (pixel / 255 - mean) / deviation and labels come as they are") {
  classified_images set = made_of(image_file(), label_file());
  const std::vector<std::int64_t> samples{0, 2};
  std::vector<double> x(8);
  std::vector<std::int32_t> labels(2);
  set.fill(std::span{samples}, std::span{x}, std::span{labels});
  CHECK(x == std::vector<double>{0, 0.2, 0.4, 1, 5 / 255.0, 6 / 255.0, 7 / 255.0, 8 / 255.0});
  CHECK(labels == std::vector<std::int32_t>{2, 1});

  set.rescale({.mean = 0.5, .deviation = 0.25});
  CHECK(set.scale() == pixel_scale{.mean = 0.5, .deviation = 0.25});
  std::vector<float> single(8);
  set.fill(std::span{samples}, std::span{single}, std::span{labels});
  CHECK(single[0] == -2.0f);
  CHECK(single[3] == 2.0f);
  CHECK(single[1] == static_cast<float>((0.2 - 0.5) / 0.25));
}

TEST_CASE("a scale that no number can be divided by is refused and changes nothing") {
  classified_images set = made_of(image_file(), label_file());
  constexpr double infinite = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  for (pixel_scale bad : {pixel_scale{0, 0}, {0, -1}, {0, infinite}, {0, nan}, {nan, 1}, {infinite, 1}}) {
    check_refused(error_kind::usage, {"deviation"}, [&] { set.rescale(bad); });
    CHECK(set.scale() == pixel_scale{0, 1});
  }
}

TEST_CASE("mean and deviation of a few pixels are those computed by hand") {
  const pixel_scale ends = pixel_scale_of(bytes_of({0, 255}));
  CHECK(ends.mean == 0.5);
  CHECK(ends.deviation == 0.5);
  const pixel_scale three = pixel_scale_of(bytes_of({51, 102, 153}));
  CHECK(three.mean == 0.4);
  CHECK(std::abs(three.deviation - 0.2 * std::sqrt(2.0 / 3)) < 1e-16);
  CHECK(pixel_scale_of(bytes_of({255, 255, 255})) == pixel_scale{1, 0});
  check_refused(error_kind::usage, {"no pixels"}, [] { pixel_scale_of({}); });
}

TEST_CASE("one odd pixel among a million does not drown in rounding") {
  constexpr std::size_t count = 1000000;
  constexpr double n = count;
  for (int rest : {0, 127, 254}) {
    CAPTURE(rest);
    byte_vector pixels(count, static_cast<std::byte>(rest));
    pixels[count / 3] = static_cast<std::byte>(rest + 1);
    const pixel_scale scale = pixel_scale_of(pixels);
    CHECK(std::abs(scale.mean * 255 - (rest + 1 / n)) < 1e-13);
    const double deviation = std::sqrt((n - 1) / n / n) / 255;  // p (1 - p) with p = 1 / n
    CHECK(std::abs(scale.deviation / deviation - 1) < 1e-14);
  }
}

TEST_CASE("pixels scaled by their own scale have mean 0 and deviation 1") {
  classified_images set = made_of(idx_bytes(0x08, {50, 7}, counted_bytes(350)), idx_bytes(0x08, {50}, byte_vector(50)));
  set.rescale(pixel_scale_of(set.pixels()));
  std::vector<std::int64_t> all(50);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int64_t>(i);
  std::vector<double> x(350);
  std::vector<std::int32_t> labels(50);
  set.fill(std::span<const std::int64_t>{all}, std::span{x}, std::span{labels});
  double sum = 0, squares = 0;
  for (double value : x) sum += value, squares += value * value;
  CHECK(std::abs(sum / 350) < 1e-13);
  CHECK(std::abs(squares / 350 - 1) < 1e-13);
}

TEST_CASE("files that are not images and their labels are refused, naming the file and what it holds") {
  check_bad({"pictures", "i8 of 2 dimensions", "images are u8"}, idx_bytes(0x09, {3, 1}, counted_bytes(3)),
            label_file());
  check_bad({"pictures", "u8 of 1 dimensions"}, idx_bytes(0x08, {3}, counted_bytes(3)), label_file());
  check_bad({"names", "u8 of 2 dimensions", "labels are u8"}, image_file(),
            idx_bytes(0x08, {3, 1}, bytes_of({0, 1, 2})));
  check_bad({"names", "i32 of 1 dimensions"}, image_file(), idx_bytes(0x0C, {3}, byte_vector(12)));
}

TEST_CASE("differing counts of images and labels are refused, stating both") {
  check_bad({"pictures holds 3 images", "names holds 2 labels"}, image_file(), idx_bytes(0x08, {2}, bytes_of({0, 1})));
  check_bad({"pictures holds 3 images", "names holds 4 labels"}, image_file(), idx_bytes(0x08, {4}, byte_vector(4)));
}

TEST_CASE("a data set without samples or without pixels is refused") {
  check_bad({"pictures", "no pixels"}, idx_bytes(0x08, {0, 28, 28}, {}), idx_bytes(0x08, {0}, {}));
  check_bad({"pictures", "no pixels"}, idx_bytes(0x08, {3, 0, 28}, {}), label_file());
}

TEST_CASE("the first label that is no class is named with its sample") {
  check_bad({"names", "class 9 for sample 1", "0 to 2"}, image_file(), idx_bytes(0x08, {3}, bytes_of({2, 9, 8})));
  check_bad({"class 2 for sample 0", "0 to 1"}, image_file(), label_file(), 2);
  CHECK(made_of(image_file(), idx_bytes(0x08, {3}, bytes_of({255, 0, 0})), 256).label(0) == 255);
  for (int classes : {0, -1, 257}) {
    check_refused(error_kind::usage, {"1 to 256 classes"}, [&] { made_of(image_file(), label_file(), classes); });
  }
}

TEST_CASE("a missing or damaged file of a pair is named") {
  const scratch_directory scratch;
  const std::string images = scratch.write("images", image_file()), labels = scratch.write("labels", label_file());
  const std::string missing = scratch.file("missing");
  check_refused(error_kind::io, {missing}, [&] { load_idx_pair(images, missing, 3); });
  check_refused(error_kind::io, {missing}, [&] { load_idx_pair(missing, labels, 3); });
  const byte_vector whole = label_file();
  const std::string cut = scratch.write("cut", std::span{whole}.first(whole.size() - 1));
  check_refused(error_kind::io, {cut, "11 bytes", "found 10"}, [&] { load_idx_pair(images, cut, 3); });
  check_refused(error_kind::io, {images, "more than the 20 bytes"}, [&] { load_idx_pair(images, labels, 3, 20); });
}

}  // namespace
}  // namespace plait
