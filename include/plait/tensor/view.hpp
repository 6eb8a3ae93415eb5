// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <type_traits>

#include <plait/core/host_device.hpp>
#include <plait/tensor/dtype.hpp>
#include <plait/tensor/placement.hpp>

namespace plait {

/// A dense row-major array that somebody else owns: element type, number of dimensions, memory space and placement over
/// the axes are in the type, the local extents are values.
///
/// `Space` says where the memory lies (`host`, `cuda`); `Placement` says what part of the global value this is.
template <class T, int Rank, class Space, class Placement>
  requires element<std::remove_const_t<T>>
struct view {
  using value_type = std::remove_const_t<T>;
  using space = Space;
  using placed = Placement;

  T* data = nullptr;
  std::int64_t extent[Rank]{};

  [[nodiscard]] PLAIT_HD constexpr std::int64_t size() const {
    std::int64_t product = 1;
    for (std::int64_t one : extent) product *= one;
    return product;
  }

  /// A view of const elements of the same memory.
  template <class Const>
    requires std::is_same_v<Const, const T>  // a template, since nvcc warns of a conversion to the type itself
  constexpr operator view<Const, Rank, Space, Placement>() const {
    view<Const, Rank, Space, Placement> same{data, {}};
    for (int i = 0; i < Rank; ++i) same.extent[i] = extent[i];
    return same;
  }
};

/// [rows, columns]
template <class T, class Space, class Placement>
using matrix = view<T, 2, Space, Placement>;

/// The same memory seen with another placement: for the one who has just done the collective that makes it true.
template <class Placement, class T, int Rank, class Space, class Before>
constexpr auto placed_as(view<T, Rank, Space, Before> before) {
  view<T, Rank, Space, Placement> after{before.data, {}};
  for (int i = 0; i < Rank; ++i) after.extent[i] = before.extent[i];
  return after;
}

}  // namespace plait
