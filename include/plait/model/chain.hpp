// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <plait/core/flat_tuple.hpp>
#include <plait/core/repeat.hpp>
#include <plait/layers/layer.hpp>

namespace plait {

/// Layers in a row that are used as one, by themselves or repeated: `repeat<12>(block{...})`.
template <class... Items>
struct block {
  flat_tuple<Items...> items;
  constexpr explicit block(Items... each) : items{std::move(each)...} {}
};

namespace detail {

/// The check that two neighbours fit. It fails with both layers and both placements among the template arguments, and
/// a sentence for the pair of placements that says what to put between them.
template <class Before, class Gives, class After, class Takes>
struct neighbours {
  template <class From, class To>
  static constexpr bool join = std::is_same_v<Gives, From>&& std::is_same_v<Takes, To>;

  static constexpr bool gathers = join<split_features, whole_features>;
  static_assert(!gathers,
                "plait::stack: a layer takes whole features, and the layer before gives them split over the tensor "
                "axis; put gather_features between them");
  static constexpr bool scatters = join<whole_features, split_features>;
  static_assert(!scatters,
                "plait::stack: a layer takes features split over the tensor axis, and the layer before gives them "
                "whole; put scatter_features between them");
  static constexpr bool sums = join<partial_features, whole_features>;
  static_assert(!sums,
                "plait::stack: a layer takes whole features, and the layer before leaves a sum over the tensor axis to "
                "be taken; put sum_partials between them");
  static constexpr bool sums_and_scatters = join<partial_features, split_features>;
  static_assert(!sums_and_scatters,
                "plait::stack: a layer takes features split over the tensor axis, and the layer before leaves a sum "
                "over it to be taken; put sum_partials and scatter_features between them");
  static_assert(!join<partial_features, as_it_comes>,
                "plait::stack: a layer cannot work on a sum that has not been taken over the tensor axis; put "
                "sum_partials before it");
  static_assert(std::is_same_v<Gives, Takes> || std::is_same_v<Takes, as_it_comes> || gathers || scatters || sums ||
                    sums_and_scatters,
                "plait::stack: a layer takes its input placed otherwise than the layer before it gives it, and plait "
                "knows no layer that does the collective between them");
  static constexpr bool fit = true;
};

struct input {};  ///< what stands before the first layer

/// An item of a stack, given what the item before it is (`Before`) and how that leaves its output (`In`): how many
/// layers it is, how it leaves its own output, and a visit of one of its layers.
template <class Before, class In, class Item>
struct chain_item {
  static_assert(layer<Item>, "plait::stack: each item is a layer, a block or a repeat, and the last a loss");
  using last = Item;
  using gives = In;
  static constexpr int count = 1;
};
template <class Before, class In, layer Item>
struct chain_item<Before, In, Item> {
  static_assert(neighbours<Before, In, Item, typename Item::takes>::fit);
  using last = Item;
  // A sum not taken has been refused above; what follows shall not be refused once more for it.
  using passed_on = std::conditional_t<std::is_same_v<In, partial_features>, whole_features, In>;
  using gives = std::conditional_t<std::is_same_v<typename Item::gives, as_it_comes>, passed_on, typename Item::gives>;
  static constexpr int count = 1;

  template <class Visit>
  static void visit(const Item& item, int, Visit&& seen) {
    seen(item, std::type_identity<In>{}, std::type_identity<gives>{});
  }
};

/// A sequence of items: the first, then the rest.
template <class Before, class In, class... Items>
struct chain {
  using last = Before;
  using gives = In;
  static constexpr int count = 0;
  template <std::size_t, class Tuple, class Visit>
  static void visit(const Tuple&, int, Visit&&) {}
};
template <class Before, class In, class First, class... Rest>
struct chain<Before, In, First, Rest...> {
  using head = chain_item<Before, In, First>;
  using tail = chain<typename head::last, typename head::gives, Rest...>;
  using last = typename tail::last;
  using gives = typename tail::gives;
  static constexpr int count = head::count + tail::count;

  template <std::size_t Position, class Tuple, class Visit>
  static void visit(const Tuple& items, int index, Visit&& seen) {
    if (index < head::count)
      head::visit(get<Position>(items), index, seen);
    else
      tail::template visit<Position + 1>(items, index - head::count, seen);
  }
};

template <class Before, class In, class... Items>
struct chain_item<Before, In, block<Items...>> : chain<Before, In, Items...> {
  template <class Visit>
  static void visit(const block<Items...>& item, int index, Visit&& seen) {
    chain<Before, In, Items...>::template visit<0>(item.items, index, seen);
  }
};

template <class Before, class In, class Item, int Count>
struct chain_item<Before, In, repeated<Item, Count>> {
  using once = chain_item<Before, In, Item>;
  static_assert(Count == 1 || std::is_same_v<In, typename once::gives>,
                "plait::stack: what is repeated must give its output placed as it takes its input");
  using last = typename once::last;
  using gives = typename once::gives;
  static constexpr int count = Count * once::count;

  template <class Visit>
  static void visit(const repeated<Item, Count>& item, int index, Visit&& seen) {
    once::visit(item.value, index % once::count, seen);
  }
};

}  // namespace detail

}  // namespace plait
