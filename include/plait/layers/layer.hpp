// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include <plait/core/ranges.hpp>
#include <plait/core/require.hpp>
#include <plait/tensor/placement.hpp>
#include <plait/tensor/view.hpp>

namespace plait {

/// Where a rank stands on the tensor axis.
struct tensor_place {
  int ways = 1;
  int index = 0;

  /// The part of `count` features that is this rank's.
  [[nodiscard]] constexpr index_range part(std::int64_t count) const { return balanced_part(count, ways, index); }
};

/// One parameter of a layer, as it is globally: a matrix [rows, columns]; a vector has one row.
struct parameter {
  std::string_view name;  ///< within the layer: `weight`, `bias`
  std::int64_t rows = 1;
  std::int64_t columns = 1;
  int sharded_dim = -1;  ///< the dimension that is cut over the tensor axis; -1: every rank has all of it
  double start = 0;      ///< initial values are uniform in [start - spread, start + spread)
  double spread = 0;
  bool decays = true;  ///< whether weight decay applies

  /// The rows, and the columns, that are here.
  [[nodiscard]] constexpr index_range local_rows(tensor_place here) const {
    return sharded_dim == 0 ? here.part(rows) : index_range{0, rows};
  }
  [[nodiscard]] constexpr index_range local_columns(tensor_place here) const {
    return sharded_dim == 1 ? here.part(columns) : index_range{0, columns};
  }
  [[nodiscard]] constexpr std::int64_t local_size(tensor_place here) const {
    return local_rows(here).size() * local_columns(here).size();
  }
};

/// `takes` of a layer that treats every feature alike, and so takes and gives any placement but a sum not yet taken.
struct as_it_comes {};

/// What a layer works with on one rank: T, the space, the group of the tensor axis, its parameters and what it may
/// scribble on. Pointers are into the space; work goes into `stream`'s order.
template <real T, class Space, class Group>
struct layer_context {
  using element = T;
  using space = Space;
  template <class Placed>
  using in = matrix<const T, Space, Placed>;
  template <class Placed>
  using out = matrix<T, Space, Placed>;

  Group* tensor;       ///< the ranks that share each layer
  tensor_place place;  ///< and this rank's place among them
  typename Space::stream stream;
  T* const* parameters;  ///< in the order in which the layer names them, this rank's parts, row-major
  T* const* gradients;   ///< the same; backward passes add to them
  T* saved;              ///< `saved(rows, place)` elements, kept from forward to backward
  T* scratch;            ///< `scratch(rows, place)` elements, for the length of one call
  // Of layers with `skips_back`: the output that they read besides x, and its gradient, which input halves add to.
  const T* skip = nullptr;
  T* skip_gradient = nullptr;
};

namespace detail {
struct parameter_sink {
  void operator()(const parameter&) const {}
};
}  // namespace detail

/// A layer: sizes, parameters, and a forward and a backward pass over views.
///
///   - `name`
///   - `takes`, `gives`: placements of input and output (`as_it_comes` for both where features are treated alike)
///   - `outputs(inputs)`: global features out for global features in; throws usage where the layer takes another number
///   - `parameters(sink)`: calls sink(parameter) for each, in a fixed order
///   - `saved(rows, place)`, `scratch(rows, place)`: elements needed for `rows` samples; optional, else none
///   - `flops(inputs)`: of one sample forward, over all ranks; what stages are balanced by; optional, else none
///   - `forward(context, x, y)`
///   - `backward_input(context, x, y, dy, dx)`: writes dx
///   - `backward_weight(context, x, y, dy)`: adds to gradients; only for layers with parameters
///   - `skips_back`: the layer reads the output of the layer so many before it as well, in `context.skip`, and
///     `backward_input` adds to `context.skip_gradient`; then also `outputs(inputs, skipped)`, and no parameters;
///     optional
///
/// x: [rows, inputs], y: [rows, outputs], both of this rank. dx may have no data where nobody wants it.
///
/// Laws (tests/layers): backward agrees with finite differences; the layer cut over any tensor axis is the whole layer;
/// no rows are legal.
template <class L>
concept layer = requires(const L& one, std::int64_t count, tensor_place place) {
  { L::name } -> std::convertible_to<std::string_view>;
  typename L::takes;
  typename L::gives;
  { one.outputs(count) } -> std::same_as<std::int64_t>;
  one.parameters(detail::parameter_sink{});
};

/// The last layer: makes a loss of activations and targets.
///
///   - `target`: the type of a target; `real_target` where it is the element type of the model
///   - `target_columns()`: targets of one sample
///   - `forward(context, x, targets, row_loss)`: the loss of each row; saves what backward needs
///   - `backward(context, x, targets, scale, dx)`: scale times the gradient of the sum of the rows' losses
///   - `check_targets(targets)`: throws usage where a target in host memory cannot be; optional
///   - `hits(context, x, targets, row_hit)`: 1 for each row that is right, else 0; optional
template <class L>
concept loss_layer = requires(const L& one, std::int64_t count, tensor_place place) {
  { L::name } -> std::convertible_to<std::string_view>;
  typename L::takes;
  typename L::target;
  { one.target_columns() } -> std::same_as<std::int64_t>;
  one.check(count);
  { one.saved(count, place) } -> std::same_as<std::int64_t>;
  { one.scratch(count, place) } -> std::same_as<std::int64_t>;
};

/// `target` of a loss whose targets are of the model's element type.
struct real_target {};

template <class Loss, real T>
using target_of = std::conditional_t<std::is_same_v<typename Loss::target, real_target>, T, typename Loss::target>;

/// Elements that a layer saves, and needs as scratch, for `rows` samples.
template <class L>
constexpr std::int64_t saved_of(const L& one, std::int64_t rows, tensor_place place) {
  if constexpr (requires { one.saved(rows, place); }) {
    return one.saved(rows, place);
  } else {
    static_assert(
        !requires { &L::saved; }, "plait::layer: saved takes (std::int64_t rows, tensor_place place)");
    return 0;
  }
}
template <class L>
constexpr std::int64_t scratch_of(const L& one, std::int64_t rows, tensor_place place) {
  if constexpr (requires { one.scratch(rows, place); }) {
    return one.scratch(rows, place);
  } else {
    static_assert(
        !requires { &L::scratch; }, "plait::layer: scratch takes (std::int64_t rows, tensor_place place)");
    return 0;
  }
}

namespace detail {
/// A pass for weights that does not fit would otherwise be left out in silence.
template <class L>
void require_no_parameters(const L& one) {
  bool any = false;
  one.parameters([&](const parameter&) { any = true; });
  require(!any, "plait::backward", [] {
    return std::string{L::name} + " has parameters, so it needs backward_weight(context, x, y, dy) for its placements";
  });
}
}  // namespace detail

/// The whole backward pass of a layer: both halves. Throws: usage, where it has parameters and no pass for them.
template <layer L, class Context, class Taken, class Given>
void backward(const L& one, Context& context, typename Context::template in<Taken> x,
              typename Context::template in<Given> y, typename Context::template in<Given> dy,
              typename Context::template out<Taken> dx) {
  if constexpr (requires { one.backward(context, x, y, dy, dx); }) {
    one.backward(context, x, y, dy, dx);
  } else {
    if constexpr (requires { one.backward_weight(context, x, y, dy); })
      one.backward_weight(context, x, y, dy);
    else
      detail::require_no_parameters(one);
    if (dx.data != nullptr) one.backward_input(context, x, y, dy, dx);
  }
}

/// A layer that reads the output of an earlier one besides its input.
template <class L>
concept skip_reader = requires {
  { L::skips_back } -> std::convertible_to<int>;
};

namespace detail {
/// A layer with parameters whose backward pass comes only whole cannot be split.
template <class L>
void require_halves(const L& one) {
  bool any = false;
  one.parameters([&](const parameter&) { any = true; });
  require(!any, "plait::backward_input", [] {
    return std::string{L::name} +
           " has only a whole backward pass, and the schedule splits it; give it backward_input and backward_weight, "
           "or "
           "choose a schedule that does not split";
  });
}
}  // namespace detail

/// The input half of a layer's backward pass. Throws: usage, for a layer with parameters that has only a whole one.
template <layer L, class Context, class Taken, class Given>
void backward_input(const L& one, Context& context, typename Context::template in<Taken> x,
                    typename Context::template in<Given> y, typename Context::template in<Given> dy,
                    typename Context::template out<Taken> dx) {
  if constexpr (requires { one.backward_input(context, x, y, dy, dx); }) {
    one.backward_input(context, x, y, dy, dx);
  } else {
    detail::require_halves(one);
    one.backward(context, x, y, dy, dx);
  }
}

/// The weight half of a layer's backward pass; nothing for a layer without parameters.
template <layer L, class Context, class Taken, class Given>
void backward_weight(const L& one, Context& context, typename Context::template in<Taken> x,
                     typename Context::template in<Given> y, typename Context::template in<Given> dy) {
  if constexpr (requires { one.backward_weight(context, x, y, dy); })
    one.backward_weight(context, x, y, dy);
  else
    detail::require_halves(one);
}

}  // namespace plait
