// SPDX-License-Identifier: Apache-2.0
#pragma once

// A model whose training never rounds: activations and their gradients are cut to -1, 0 and 1, so weights stay on the
// grid of the step size, 2^-5, and every sum is exact in whatever order it is taken.

#include "harness.hpp"

namespace harness {

namespace detail {
struct sign {
  template <class V>
  PLAIT_HD static V of(V x) {
    return x > V{0} ? V{1} : x < V{0} ? V{-1} : V{0};
  }
};
template <class T>
struct apply_sign {
  const T* x;
  T* y;
  PLAIT_HD void operator()(std::int64_t i) const { y[i] = sign::of(x[i]); }
};
}  // namespace detail

/// y = sign(x), or y = x where `Forward` is false; backward dx = sign(dy): all exact.
template <bool Forward = true>
struct ternary {
  static constexpr std::string_view name = "ternary";
  using takes = as_it_comes;
  using gives = as_it_comes;
  std::int64_t outputs(std::int64_t inputs) const { return inputs; }
  template <class Sink>
  void parameters(Sink&&) const {}
  template <class Context, class X, class Y>
  void forward(Context& context, X x, Y y) const {
    if constexpr (Forward)
      for_each_element(x.size(), detail::apply_sign<typename Context::element>{x.data, y.data}, context.stream);
    else
      Context::space::copy(y.data, x.data, static_cast<std::size_t>(x.size()) * sizeof(*x.data), context.stream);
  }
  template <class Context, class X, class Y, class DX>
  void backward_input(Context& context, X, Y, Y dy, DX dx) const {
    for_each_element(dy.size(), detail::apply_sign<typename Context::element>{dy.data, dx.data}, context.stream);
  }
};

/// Seventeen products, 6 features wide: enough for 16 stages, and not divisible by 4 ways.
inline auto exact_model() {
  return stack{repeat<8>(block{column_linear{6, 6}, ternary<>{}, row_linear{6, 6}, ternary<>{}}), column_linear{6, 6},
               ternary<false>{}, squared_error{6}};
}

inline auto exact_block() {
  return block{column_linear{6, 6}, ternary<>{}, row_linear{6, 6}, ternary<>{}};
}

/// A U-Net of 42 layers: layers 3 and 7 are read across the middle, layer 3 once more at the end, and a layer reads one
/// of its own block, split over the tensor axis.
inline auto exact_u_net() {
  return stack{repeat<2>(exact_block()),  // 0 to 7
               repeat<2>(block{column_linear{6, 6}, ternary<>{}, add_skip<2>{}, ternary<>{}, row_linear{6, 6},
                               ternary<>{}}),  // 8 to 19
               add_skip<13>{},
               ternary<>{},               // 20 reads 7
               repeat<2>(exact_block()),  // 22 to 29
               add_skip<27>{},
               ternary<>{},    // 30 reads 3
               exact_block(),  // 32 to 35
               add_skip<33>{},
               ternary<>{},  // 36 reads 3 as well
               add_skip<1>{},
               ternary<>{},  // 38 reads 37, which is its input
               column_linear{6, 6},
               ternary<false>{},
               squared_error{6}};
}

template <real T>
task<T, T> exact_task(int micro, int steps = 4) {
  return {
      .features = 6,
      .target_columns = 6,
      .steps = steps,
      .settings = {.features = 6, .batch = 16, .micro = micro},
      .sample =
          [](std::uint64_t step, std::int64_t row, std::int64_t feature) {
            return static_cast<T>(random_stream{1, "x", step}.below(static_cast<std::uint64_t>(row * 6 + feature), 3)) -
                   T{1};
          },
      .target =
          [](std::uint64_t step, std::int64_t row, std::int64_t column) {
            return static_cast<T>(random_stream{1, "t", step}.below(static_cast<std::uint64_t>(row * 6 + column), 3)) -
                   T{1};
          },
      .weight =
          [](const held_parameter<T>& held, std::int64_t element) {
            return static_cast<T>(random_stream{2, held.name, 0}.below(static_cast<std::uint64_t>(element), 3)) - T{1};
          }};
}

/// Rates and momentum that are powers of two. In float32 the squares of the loss need twice the bits of the outputs,
/// which leaves room for coarse steps without momentum.
template <real T>
auto exact_optimizer() {
  if constexpr (std::is_same_v<T, double>)
    return sgd_momentum{.learning_rate = 0.03125, .momentum = 0.5};
  else
    return sgd{.learning_rate = 0.25};
}

}  // namespace harness
