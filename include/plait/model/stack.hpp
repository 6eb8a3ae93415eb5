// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <plait/core/require.hpp>
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

  /// Global features before each layer and after the last: [layers + 1]. Throws: usage, where neighbours disagree, or a
  /// layer and the one whose output it reads besides.
  [[nodiscard]] std::vector<std::int64_t> features(std::int64_t inputs) const {
    std::vector<std::int64_t> widths{inputs};
    std::vector<bool> split;  // [layers]: whether an output is split over the tensor axis
    for (int index = 0; index < layers; ++index)
      visit(index,
            [&]<class One, class In, class Out>(const One& one, std::type_identity<In>, std::type_identity<Out>) {
              if constexpr (skip_reader<One>)
                widths.push_back(one.outputs(widths.back(), skipped<In>(one, index, widths, split)));
              else
                widths.push_back(one.outputs(widths.back()));
              split.push_back(std::is_same_v<Out, split_features>);
            });
    loss().check(widths.back());
    return widths;
  }

  /// Features of what layer `index` reads besides its input, which must be placed as that is.
  template <class In, class One>
  [[nodiscard]] std::int64_t skipped(const One& one, int index, const std::vector<std::int64_t>& widths,
                                     const std::vector<bool>& split) const {
    const int source = index - One::skips_back;
    require(source >= 0, "plait::stack", [&] {
      return layer_name(index) + " reads the output of the layer " + std::to_string(One::skips_back) +
             " before it, and there are only " + std::to_string(index) + " before it";
    });
    require(split[static_cast<std::size_t>(source)] == std::is_same_v<In, split_features>, "plait::stack", [&] {
      return layer_name(index) + " reads the output of " + layer_name(source) +
             ", and one of its two inputs is split over the tensor axis and the other whole; put gather_features or "
             "scatter_features behind one of them";
    });
    detail::require_no_parameters(one);
    return widths[static_cast<std::size_t>(source) + 1];
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
