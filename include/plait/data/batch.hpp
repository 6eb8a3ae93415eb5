// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <plait/tensor/host.hpp>

namespace plait {

/// One data rank's rows of a global batch, cut into micro-batches. It does not own what it shows.
///
/// Space: where `x` and `targets` lie. A trainer takes what lies in host memory or in its own space; in its own space
/// nothing is uploaded, so that what a simulation has on a device stays there.
///
///     micro_offset = {0, 3, 5, 5}:   rows 0 1 2 | 3 4 | -      three micro-batches, the last without rows
template <class T, class Target, class Space = host>
struct batch {
  std::span<const T> x;                          ///< [rows, features]
  std::span<const Target> targets;               ///< [rows, target_columns]
  std::int64_t rows = 0;                         ///< of this data rank
  std::int64_t features = 0;                     ///< columns of x
  std::int64_t target_columns = 0;               ///< columns of targets: 1 for class numbers
  std::int64_t global_rows = 0;                  ///< of all data ranks together: what a mean loss divides by
  std::span<const std::int64_t> micro_offset{};  ///< [micro + 1]: the first row of each micro-batch, and the end
  std::int64_t first_row = 0;                    ///< which row of the global batch row 0 is

  /// How many micro-batches there are.
  [[nodiscard]] int micro() const { return static_cast<int>(micro_offset.size()) - 1; }

  /// Rows of micro-batch `index`; may be 0.
  [[nodiscard]] std::int64_t micro_rows(int index) const {
    const auto at = static_cast<std::size_t>(index);
    return micro_offset[at + 1] - micro_offset[at];
  }

  /// [micro_rows(index), features]
  [[nodiscard]] std::span<const T> micro_x(int index) const { return rows_of(x, features, index); }

  /// [micro_rows(index), target_columns]
  [[nodiscard]] std::span<const Target> micro_targets(int index) const {
    return rows_of(targets, target_columns, index);
  }

 private:
  template <class Value>
  std::span<const Value> rows_of(std::span<const Value> all, std::int64_t columns, int index) const {
    return all.subspan(static_cast<std::size_t>(micro_offset[static_cast<std::size_t>(index)] * columns),
                       static_cast<std::size_t>(micro_rows(index) * columns));
  }
};

}  // namespace plait
