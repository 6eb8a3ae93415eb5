// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <plait/core/host_device.hpp>
#include <plait/tensor/dtype.hpp>

namespace plait {

/// One parameter's update, as an optimizer sees it. Pointers are into the space of the stream.
template <real T>
struct update {
  T* weight;
  const T* gradient;
  T* const* state;  ///< as many arrays as the optimizer's `states`
  std::int64_t size;
  const double* gradient_scale;  ///< what gradients are multiplied by, for clipping; none: 1
  bool decays;                   ///< whether weight decay applies
  std::int64_t step;             ///< counts from 1
};

/// An optimizer: settings, the number of its `states` (arrays of the size of the parameters, zero at the start), and
/// `apply(update, stream)`. Element by element, so that cutting parameters over ranks changes nothing.
template <class O>
concept optimizer = requires {
  O::states;
};

namespace detail {

/// A gradient, scaled where it is to be clipped.
template <real T>
PLAIT_HD constexpr T scaled(T gradient, const double* scale) {
  return scale == nullptr ? gradient : static_cast<T>(*scale) * gradient;
}

}  // namespace detail

}  // namespace plait
