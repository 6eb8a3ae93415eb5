// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <type_traits>

namespace plait {

/// Over an axis: every rank holds the whole value.
struct replicated {};

/// Over an axis: rank i holds part i of dimension `Dim`, as `balanced_part` cuts it.
template <int Dim>
struct sharded {
  static_assert(Dim >= 0, "plait::sharded<Dim>: Dim counts dimensions from 0");
};

/// Over an axis: every rank holds a summand of the whole shape; the value is the sum, which nobody has taken yet.
struct partial {};

namespace detail {
template <class T>
inline constexpr bool is_over_axis = std::is_same_v<T, replicated> || std::is_same_v<T, partial>;
template <int Dim>
inline constexpr bool is_over_axis<sharded<Dim>> = true;
}  // namespace detail

/// What the ranks of one data and one tensor axis hold of one value: it is part of the type of a view, so that
/// composing layers which disagree does not compile.
///
/// The pipeline axis needs no entry: an activation or parameter lives on the one stage that made it.
template <class OverData, class OverTensor>
struct placement {
  static_assert(detail::is_over_axis<OverData> && detail::is_over_axis<OverTensor>,
                "plait::placement: over each axis a value is replicated, sharded<dim> or partial");
  using over_data = OverData;
  using over_tensor = OverTensor;
};

/// Activations of [rows, features]: rows are cut over the data axis; over the tensor axis each rank has all features.
using whole_features = placement<sharded<0>, replicated>;
/// The same with the features cut over the tensor axis.
using split_features = placement<sharded<0>, sharded<1>>;
/// The same with every rank of the tensor axis holding a summand.
using partial_features = placement<sharded<0>, partial>;

}  // namespace plait
