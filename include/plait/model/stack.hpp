// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <plait/model/chain.hpp>

namespace plait {

/// A model: layers in a row and, last, a loss. Neighbours whose placements disagree do not compile.
///
///     stack{column_linear{784, 256}, relu{}, row_linear{256, 256}, relu{}, column_linear{256, 10},
///     softmax_cross_entropy{10}}
///
/// Layers are numbered from 0 across blocks and repeats; a parameter's name is `<number>.<layer>.<parameter>`, the same
/// in every layout.
template <class... Items>
struct stack {
  static_assert(sizeof...(Items) >= 2, "plait::stack: a model has at least one layer and a loss");

 private:
  template <class Indices>
  struct without_last;
  template <std::size_t... Index>
  struct without_last<std::index_sequence<Index...>> {
    using type = detail::chain<detail::input, whole_features, tuple_member<Index, flat_tuple<Items...>>...>;
  };

 public:
  using loss_type = tuple_member<sizeof...(Items) - 1, flat_tuple<Items...>>;
  static_assert(loss_layer<loss_type>,
                "plait::stack: the last item is a loss, such as softmax_cross_entropy or squared_error");
  using chain = typename without_last<std::make_index_sequence<sizeof...(Items) - 1>>::type;
  static_assert(
      detail::neighbours<typename chain::last, typename chain::gives, loss_type, typename loss_type::takes>::fit);

  static constexpr int layers = chain::count;  ///< the loss is not among them

  flat_tuple<Items...> items;

  constexpr explicit stack(Items... each) : items{std::move(each)...} {}

  [[nodiscard]] const loss_type& loss() const { return get<sizeof...(Items) - 1>(items); }

  /// Calls `seen(layer, std::type_identity<placement of its input>, std::type_identity<placement of its output>)` for
  /// layer `index`. Needs: 0 <= index < layers.
  template <class Visit>
  void visit(int index, Visit&& seen) const {
    chain::template visit<0>(items, index, seen);
  }

  /// Global features before each layer and after the last: [layers + 1]. Throws: usage, where neighbours disagree.
  [[nodiscard]] std::vector<std::int64_t> features(std::int64_t inputs) const {
    std::vector<std::int64_t> widths{inputs};
    for (int index = 0; index < layers; ++index)
      visit(index, [&](const auto& one, auto, auto) { widths.push_back(one.outputs(widths.back())); });
    loss().check(widths.back());
    return widths;
  }

  /// `3.row_linear`
  [[nodiscard]] std::string layer_name(int index) const {
    std::string name = std::to_string(index) + ".";
    visit(index, [&](const auto& one, auto, auto) { name.append(one.name); });
    return name;
  }
};

template <class... Items>
stack(Items...) -> stack<Items...>;

}  // namespace plait
