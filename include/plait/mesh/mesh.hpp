// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <vector>

#include <plait/mesh/axis.hpp>
#include <plait/mesh/data.hpp>
#include <plait/mesh/description.hpp>
#include <plait/mesh/pipeline.hpp>
#include <plait/mesh/tensor.hpp>

namespace plait {

/// Chooses another order of ranks for a mesh: the axes, fastest first; those not named follow in the default order.
///
///     mesh<data<2>, tensor<4>, fastest<axis::data>>      // ranks 0 and 1 hold the same weights
template <axis... Axes>
struct fastest {
  static constexpr rank_order order = [] {
    rank_order result{};
    int count = 0;
    const auto append = [&](axis one) {
      for (int i = 0; i < count; ++i)
        if (result[static_cast<unsigned>(i)] == one) return;
      result[static_cast<unsigned>(count++)] = one;
    };
    (append(Axes), ...);
    for (axis one : default_rank_order) append(one);
    return result;
  }();
};

namespace detail {

/// What one argument of `mesh<...>` says; the primary template serves whatever is not a part of a mesh.
template <class Part>
struct mesh_part {
  static constexpr bool is_part = false, is_data = false, is_tensor = false, is_pipeline = false, is_order = false;
};
struct known_part {
  static constexpr bool is_part = true, is_data = false, is_tensor = false, is_pipeline = false, is_order = false;
};
template <int Ways>
struct mesh_part<data<Ways>> : known_part {
  static constexpr bool is_data = true;
};
template <int Ways>
struct mesh_part<tensor<Ways>> : known_part {
  static constexpr bool is_tensor = true;
};
template <int Ways, class Schedule>
struct mesh_part<pipeline<Ways, Schedule>> : known_part {
  static constexpr bool is_pipeline = true;
};
template <axis... Axes>
struct mesh_part<fastest<Axes...>> : known_part {
  static constexpr bool is_order = true;
};

template <bool First, class Part, class... Rest>
struct first_or {
  using type = Part;
};
template <class Part, class Next, class... Rest>
struct first_or<false, Part, Next, Rest...> {
  using type = Next;
};

/// The part for which `Is` holds, or `Default`.
template <template <class> class Is, class Default, class... Parts>
struct find_part {
  using type = Default;
};
template <template <class> class Is, class Default, class Part, class... Rest>
struct find_part<Is, Default, Part, Rest...> {
  using type = typename first_or<Is<Part>::value, Part, typename find_part<Is, Default, Rest...>::type>::type;
};

template <class Part>
struct part_is_data {
  static constexpr bool value = mesh_part<Part>::is_data;
};
template <class Part>
struct part_is_tensor {
  static constexpr bool value = mesh_part<Part>::is_tensor;
};
template <class Part>
struct part_is_pipeline {
  static constexpr bool value = mesh_part<Part>::is_pipeline;
};
template <class Part>
struct part_is_order {
  static constexpr bool value = mesh_part<Part>::is_order;
};

/// Stages on each rank: what the schedule says, 1 where it says nothing. Needs the schedule to be complete only if it
/// is asked for.
template <class Schedule>
constexpr int chunks_of() {
  if constexpr (requires { Schedule::chunks; })
    return Schedule::chunks;
  else
    return 1;
}

}  // namespace detail

/// The layout of a training step: its axes, in any order, each at most once; an axis not named has one way.
///
///     using layout = mesh<data<4>, tensor<8>, pipeline<2, interleaved<2>>>;
///     static_assert(layout::size == 64);
///
/// Ranks are numbered with tensor fastest and pipeline slowest, unless `fastest<...>` says otherwise.
template <class... Parts>
struct mesh {
  static_assert((detail::mesh_part<Parts>::is_part && ...),
                "plait::mesh<...>: each argument is data<N>, tensor<N>, pipeline<N, Schedule> or fastest<axis...>");
  static_assert((0 + ... + int{detail::mesh_part<Parts>::is_data}) <= 1 &&
                    (0 + ... + int{detail::mesh_part<Parts>::is_tensor}) <= 1 &&
                    (0 + ... + int{detail::mesh_part<Parts>::is_pipeline}) <= 1 &&
                    (0 + ... + int{detail::mesh_part<Parts>::is_order}) <= 1,
                "plait::mesh<...>: each axis may be named only once");

  using data_axis = typename detail::find_part<detail::part_is_data, data<1>, Parts...>::type;
  using tensor_axis = typename detail::find_part<detail::part_is_tensor, tensor<1>, Parts...>::type;
  using pipeline_axis = typename detail::find_part<detail::part_is_pipeline, pipeline<1>, Parts...>::type;
  using schedule = typename pipeline_axis::schedule;

  static constexpr coordinate ways{
      .data = data_axis::ways, .tensor = tensor_axis::ways, .pipeline = pipeline_axis::ways};
  static constexpr rank_order order = detail::find_part<detail::part_is_order, fastest<>, Parts...>::type::order;
  static constexpr int size = ways.data * ways.tensor * ways.pipeline;

  /// The same layout as numbers.
  static constexpr mesh_description description() {
    return mesh_description{.ways = ways, .order = order, .chunks = detail::chunks_of<schedule>()};
  }
  static constexpr coordinate coordinate_of(int rank) { return description().coordinate_of(rank); }
  static constexpr int rank_of(coordinate place) { return description().rank_of(place); }
  static constexpr std::vector<int> group_of(axis_set along, int rank) { return description().group_of(along, rank); }
};

/// A layout: `mesh<...>`, or a type derived from one.
template <class L>
concept layout = requires(int rank) {
  typename L::schedule;
  { L::size } -> std::convertible_to<int>;
  { L::description() } -> std::same_as<mesh_description>;
};

}  // namespace plait
