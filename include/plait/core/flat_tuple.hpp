// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace plait {

namespace detail {

template <std::size_t Index, class T>
struct tuple_leaf {
  [[no_unique_address]] T value;
};

template <class Indices, class... Ts>
struct tuple_leaves;

template <std::size_t... Index, class... Ts>
struct tuple_leaves<std::index_sequence<Index...>, Ts...> : tuple_leaf<Index, Ts>... {};

template <std::size_t Index, class T>
constexpr T& leaf_of(tuple_leaf<Index, T>& leaf) {
  return leaf.value;
}
template <std::size_t Index, class T>
constexpr const T& leaf_of(const tuple_leaf<Index, T>& leaf) {
  return leaf.value;
}
template <std::size_t Index, class T>
T type_of_leaf(const tuple_leaf<Index, T>&);

}  // namespace detail

/// A tuple whose depth of instantiation does not grow with its length.
///
/// `std::tuple` is recursive: 256 members are too deep for nvcc, and 96 cost it six times what they cost here
/// (`docs/design/compilers.md` has the figures and how to repeat them).
template <class... Ts>
struct flat_tuple : detail::tuple_leaves<std::index_sequence_for<Ts...>, Ts...> {
  static constexpr std::size_t size = sizeof...(Ts);

  constexpr flat_tuple() requires(std::is_default_constructible_v<Ts>&&...) = default;
  constexpr explicit flat_tuple(Ts... values) requires(sizeof...(Ts) > 0)
      : detail::tuple_leaves<std::index_sequence_for<Ts...>, Ts...>{{std::move(values)}...} {}
};

template <class... Ts>
flat_tuple(Ts...) -> flat_tuple<Ts...>;

template <std::size_t Index, class... Ts>
constexpr auto& get(flat_tuple<Ts...>& tuple) {
  return detail::leaf_of<Index>(tuple);
}
template <std::size_t Index, class... Ts>
constexpr const auto& get(const flat_tuple<Ts...>& tuple) {
  return detail::leaf_of<Index>(tuple);
}

/// The type of member `Index`.
template <std::size_t Index, class Tuple>
using tuple_member = decltype(detail::type_of_leaf<Index>(std::declval<const Tuple&>()));

/// Calls `visit(member)` for every member in order.
template <class Visit, class... Ts>
constexpr void for_each(const flat_tuple<Ts...>& tuple, Visit&& visit) {
  [&]<std::size_t... Index>(std::index_sequence<Index...>) {
    (visit(get<Index>(tuple)), ...);
  }
  (std::index_sequence_for<Ts...>{});
}

/// Calls `visit(member)` for member number `index`, known at run time. Needs: 0 <= index < size.
template <class Visit, class... Ts>
constexpr void visit_at(const flat_tuple<Ts...>& tuple, std::size_t index, Visit&& visit) {
  [&]<std::size_t... Index>(std::index_sequence<Index...>) {
    (void)((Index == index && (visit(get<Index>(tuple)), true)) || ...);
  }
  (std::index_sequence_for<Ts...>{});
}

}  // namespace plait
