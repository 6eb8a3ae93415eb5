// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <plait/core/require.hpp>
#include <plait/kernels/for_each.hpp>
#include <plait/kernels/rows.hpp>
#include <plait/tensor/view.hpp>

// What several layers do with the features of rows.

namespace plait::detail {

inline void require_features(std::string_view name, std::int64_t wanted, std::int64_t given) {
  require(wanted == given, std::string{"plait::"}.append(name), [&] {
    return "it takes " + std::to_string(wanted) + " features, and the layer before gives " + std::to_string(given);
  });
}

/// All elements of a view, for a collective.
template <class T, class Space, class Placed>
std::span<T> elements_of(matrix<T, Space, Placed> all) {
  return {all.data, static_cast<std::size_t>(all.size())};
}

/// to = from; of equal extents, whatever their placements.
template <class Context, class PlacedFrom, class PlacedTo>
void copy_features(Context& context, matrix<const typename Context::element, typename Context::space, PlacedFrom> from,
                   matrix<typename Context::element, typename Context::space, PlacedTo> to) {
  Context::space::copy(to.data, from.data, elements_of(from).size_bytes(), context.stream);
}

/// y[i, j] += b[j]   b: the bias of the features that are here
template <class Context, class Placed>
void add_bias(Context& context, const typename Context::element* b,
              matrix<typename Context::element, typename Context::space, Placed> y) {
  for_each_row(y.extent[0], rowwise::add_bias<typename Context::element>{b, y.data, y.extent[1]}, context.stream);
}

}  // namespace plait::detail
