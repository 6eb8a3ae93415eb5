// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>

#include <plait/core/require.hpp>

namespace plait {

/// A later stage that needs what an earlier one has made, besides the chain from each stage to the next: the skip
/// connections of a U-Net, an embedding that several pieces of a model read.
///
/// What goes along an edge need not be the output of its first stage, so edges between neighbours, and several between
/// the same two stages, are legal: they are told apart by their number.
struct skip_edge {
  std::int16_t from = 0;  ///< stage whose forward pass makes it
  std::int16_t to = 0;    ///< stage whose forward pass reads it; later than `from`

  friend constexpr bool operator==(const skip_edge&, const skip_edge&) = default;
};

/// The skip edges of a model that has been cut into stages. An edge's number is its place in the list.
/// A value of fixed size, so that compilers can hold one: 64 edges at most.
class skip_edges {
 public:
  static constexpr int most = 64;

  constexpr skip_edges() = default;
  /// `{{0, 3}, {1, 2}}`. Throws: usage, for more than 64.
  constexpr skip_edges(std::initializer_list<skip_edge> edges) {
    for (const skip_edge& one : edges) add(one);
  }
  /// Throws: usage, for more than 64.
  constexpr void add(skip_edge one) {
    if (count_ == most) require(false, "plait::skip_edges", "there are at most 64 skip edges between stages");
    edges_[count_++] = one;
  }

  [[nodiscard]] constexpr int size() const { return count_; }
  [[nodiscard]] constexpr bool empty() const { return count_ == 0; }
  [[nodiscard]] constexpr const skip_edge& operator[](int edge) const { return edges_[edge]; }
  [[nodiscard]] constexpr const skip_edge* begin() const { return edges_; }
  [[nodiscard]] constexpr const skip_edge* end() const { return edges_ + count_; }
  /// Whether each edge leads from a stage to a later one.
  [[nodiscard]] constexpr bool fit(int stages) const {
    for (const skip_edge& one : *this)
      if (one.from < 0 || one.from >= one.to || one.to >= stages) return false;
    return true;
  }

  friend constexpr bool operator==(const skip_edges&, const skip_edges&) = default;

 private:
  skip_edge edges_[most]{};
  int count_ = 0;
};

}  // namespace plait
