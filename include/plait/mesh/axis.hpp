// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace plait {

/// The ways in which a training step is cut.
enum class axis : std::uint8_t {
  tensor,    ///< inside layers
  data,      ///< samples of a batch
  pipeline,  ///< layers, in order
};

inline constexpr int axis_count = 3;
inline constexpr std::array<axis, axis_count> all_axes{axis::tensor, axis::data, axis::pipeline};

constexpr std::string_view name_of(axis which) {
  constexpr std::string_view names[axis_count] = {"tensor", "data", "pipeline"};
  return names[static_cast<int>(which)];
}

/// A number for each axis: sizes of a mesh, or the place of a rank in it.
struct coordinate {
  int data = 0;
  int tensor = 0;
  int pipeline = 0;

  constexpr int& operator[](axis which) {
    return which == axis::data ? data : which == axis::tensor ? tensor : pipeline;
  }
  constexpr int operator[](axis which) const {
    return which == axis::data ? data : which == axis::tensor ? tensor : pipeline;
  }
  friend constexpr bool operator==(const coordinate&, const coordinate&) = default;
};

/// A set of axes: the ones along which the ranks of a group differ.
class axis_set {
 public:
  constexpr axis_set() = default;
  constexpr axis_set(axis one) : bits_{1u << static_cast<unsigned>(one)} {}  // an axis is the set of itself

  [[nodiscard]] constexpr bool has(axis which) const { return (bits_ >> static_cast<unsigned>(which) & 1u) != 0; }
  friend constexpr axis_set operator|(axis_set a, axis_set b) {
    a.bits_ |= b.bits_;
    return a;
  }
  friend constexpr bool operator==(axis_set, axis_set) = default;

 private:
  unsigned bits_ = 0;
};

constexpr axis_set operator|(axis a, axis b) {
  return axis_set{a} | axis_set{b};
}

/// Which axis neighbours differ in: the first varies fastest with the rank.
using rank_order = std::array<axis, axis_count>;

/// Tensor fastest, pipeline slowest: ranks that exchange most sit closest together.
inline constexpr rank_order default_rank_order{axis::tensor, axis::data, axis::pipeline};

}  // namespace plait
