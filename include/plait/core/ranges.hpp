// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/core/host_device.hpp>

namespace plait {

/// A half-open range of indices, [begin, end).
struct index_range {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  [[nodiscard]] PLAIT_HD constexpr std::int64_t size() const { return end - begin; }
  friend constexpr bool operator==(index_range, index_range) = default;
};

/// Part `index` of `count` things dealt out in order to `ways` parts whose sizes differ by at most one; the first parts
/// are the larger. This is how plait cuts everything that need not divide evenly: features, rows, layers.
///
///     10 over 4 ways:   [0,3) [3,6) [6,8) [8,10)
///
/// Needs: ways >= 1, 0 <= index < ways.
PLAIT_HD constexpr index_range balanced_part(std::int64_t count, std::int64_t ways, std::int64_t index) {
  const std::int64_t each = count / ways, left = count % ways;
  const std::int64_t begin = index * each + (index < left ? index : left);
  return {begin, begin + each + (index < left ? 1 : 0)};
}

}  // namespace plait
