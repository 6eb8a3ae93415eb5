// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include <plait/core/require.hpp>

namespace plait {

/// How a pixel of 0 .. 255 becomes a number: (pixel / 255 - mean) / deviation.
struct pixel_scale {
  double mean = 0;
  double deviation = 1;

  friend constexpr bool operator==(pixel_scale, pixel_scale) = default;
};

/// The scale that gives these pixels mean 0 and deviation 1 (the square root of the mean square, over all of them).
///
/// Sums are of integers, so the answer does not depend on the order of the pixels and is right to the last few bits.
/// The deviation is 0 where all pixels are equal.
/// Needs: at least one pixel, and fewer than 2^46. Throws: usage where there is none.
inline pixel_scale pixel_scale_of(std::span<const std::byte> pixels) {
  require(!pixels.empty(), "pixel_scale_of", "no pixels have no mean");
  const auto count = static_cast<std::int64_t>(pixels.size());
  std::int64_t sum = 0, squares = 0;
  for (std::byte pixel : pixels) {
    const auto value = std::to_integer<std::int64_t>(pixel);
    sum += value;
    squares += value * value;
  }
  // Moments about the integer nearest the mean: whole numbers still, and the difference below loses at most one bit,
  // for with |d| <= 1/2 the mean of (pixel - near)^2 is at least |d| >= 2 d^2.
  const std::int64_t near = (sum + count / 2) / count;
  const std::int64_t about_near = squares - 2 * near * sum + near * near * count;
  const double d = static_cast<double>(sum - near * count) / static_cast<double>(count);
  const double variance = static_cast<double>(about_near) / static_cast<double>(count) - d * d;
  return pixel_scale{.mean = static_cast<double>(sum) / static_cast<double>(count) / 255,
                     .deviation = std::sqrt(variance) / 255};
}

}  // namespace plait
