// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include <plait/kernels/elementwise.hpp>
#include <plait/kernels/for_each.hpp>
#include <plait/layers/layer.hpp>

namespace plait {

/// y = F::value(x), feature by feature, wherever the features are. F has `value` and `slope`
/// (`kernels/elementwise.hpp`).
template <class F>
struct activation {
  static constexpr std::string_view name = F::name;
  using takes = as_it_comes;
  using gives = as_it_comes;

  [[nodiscard]] std::int64_t outputs(std::int64_t inputs) const { return inputs; }
  template <class Sink>
  void parameters(Sink&&) const {}

  template <class Context, class Placed>
  void forward(Context& context, matrix<const typename Context::element, typename Context::space, Placed> x,
               matrix<typename Context::element, typename Context::space, Placed> y) const {
    for_each_element(x.size(), elementwise::apply<F, typename Context::element>{x.data, y.data}, context.stream);
  }

  template <class Context, class Placed>
  void backward_input(Context& context, matrix<const typename Context::element, typename Context::space, Placed> x,
                      matrix<const typename Context::element, typename Context::space, Placed>,
                      matrix<const typename Context::element, typename Context::space, Placed> dy,
                      matrix<typename Context::element, typename Context::space, Placed> dx) const {
    for_each_element(x.size(), elementwise::apply_slope<F, typename Context::element>{x.data, dy.data, dx.data},
                     context.stream);
  }
};

/// max(x, 0)
using relu = activation<functions::relu>;
/// The Gaussian error linear unit.
using gelu = activation<functions::gelu>;

}  // namespace plait
