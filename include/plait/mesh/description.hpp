// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <plait/core/require.hpp>
#include <plait/mesh/axis.hpp>

namespace plait {

/// A layout as numbers: what `mesh<...>` is as a type, for programs that learn their layout at run time.
///
///     rank = place on the fastest axis + ways of that axis * (place on the next + ways of that * (...))
///
/// Everything here is arithmetic, usable in constant expressions. `mesh<...>::description()` makes one.
struct mesh_description {
  coordinate ways{1, 1, 1};               ///< ranks along each axis, each at least 1
  rank_order order = default_rank_order;  ///< fastest first
  int chunks = 1;                         ///< stages on each pipeline rank

  [[nodiscard]] constexpr int size() const { return ways.data * ways.tensor * ways.pipeline; }
  [[nodiscard]] constexpr int stages() const { return ways.pipeline * chunks; }

  /// Where a rank stands. Needs: 0 <= rank < size().
  [[nodiscard]] constexpr coordinate coordinate_of(int rank) const {
    require(rank >= 0 && rank < size(), "plait::mesh::coordinate_of", "ranks count from 0 to the size of the mesh - 1");
    coordinate place;
    for (axis which : order) {
      place[which] = rank % ways[which];
      rank /= ways[which];
    }
    return place;
  }

  /// The rank at a place. Needs: 0 <= place[axis] < ways[axis] for each axis.
  [[nodiscard]] constexpr int rank_of(coordinate place) const {
    int rank = 0, stride = 1;
    for (axis which : order) {
      require(place[which] >= 0 && place[which] < ways[which], "plait::mesh::rank_of",
              "each place counts from 0 to the ways of its axis - 1");
      rank += place[which] * stride;
      stride *= ways[which];
    }
    return rank;
  }

  /// The ranks that differ from `rank` in no axis but `along`, in the order of their places (fastest axis first).
  /// Groups of one set of axes are disjoint and together hold every rank once.
  [[nodiscard]] constexpr std::vector<int> group_of(axis_set along, int rank) const {
    const coordinate mine = coordinate_of(rank);
    std::vector<int> group;
    for (int other = 0; other < size(); ++other) {
      const coordinate place = coordinate_of(other);
      bool together = true;
      for (axis which : all_axes) together = together && (along.has(which) || place[which] == mine[which]);
      if (together) group.push_back(other);
    }
    return group;
  }

  /// Numbers the groups along `along`: equal for two ranks exactly if they are in one group.
  [[nodiscard]] constexpr int group_number(axis_set along, int rank) const {
    coordinate place = coordinate_of(rank);
    for (axis which : all_axes)
      if (along.has(which)) place[which] = 0;
    return rank_of(place);
  }

  friend constexpr bool operator==(const mesh_description&, const mesh_description&) = default;
};

/// `{data 1, tensor 0, pipeline 3}`
inline std::string to_string(const coordinate& place) {
  return "{data " + std::to_string(place.data) + ", tensor " + std::to_string(place.tensor) + ", pipeline " +
         std::to_string(place.pipeline) + "}";
}

/// `rank 3 {data 1, tensor 1, pipeline 0}`
inline std::string rank_name(const mesh_description& mesh, int rank) {
  return "rank " + std::to_string(rank) + " " + to_string(mesh.coordinate_of(rank));
}

}  // namespace plait
