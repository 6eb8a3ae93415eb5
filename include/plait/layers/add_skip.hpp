// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <plait/core/require.hpp>
#include <plait/kernels/elementwise.hpp>
#include <plait/kernels/for_each.hpp>
#include <plait/layers/detail/features.hpp>
#include <plait/layers/layer.hpp>

namespace plait {

/// y = x + s, where s is the output of the layer `Back` before this one; 1 is the layer right before, whose output is
/// x.
///
///     stack{column_linear{4, 4}, relu{}, row_linear{4, 4}, relu{}, add_skip<3>{}, ...}     adds what the relu gave
///
/// x, s, y: [rows, features], wherever the features are. The pipeline may be cut anywhere between the two layers: s
/// then goes along a skip edge.
template <int Back>
struct add_skip {
  static_assert(Back >= 1, "plait::add_skip<Back>: the layer that it reads is at least 1 before it");
  static constexpr std::string_view name = "add_skip";
  using takes = as_it_comes;
  using gives = as_it_comes;
  static constexpr int skips_back = Back;

  [[nodiscard]] std::int64_t outputs(std::int64_t inputs) const { return inputs; }
  /// Throws: usage, where what is added has another number of features.
  [[nodiscard]] std::int64_t outputs(std::int64_t inputs, std::int64_t skipped) const {
    require(inputs == skipped, "plait::add_skip", [&] {
      return "it takes " + std::to_string(inputs) + " features, and the layer " + std::to_string(Back) +
             " before it gives " + std::to_string(skipped);
    });
    return inputs;
  }
  template <class Sink>
  void parameters(Sink&&) const {}

  template <class Context, class Placed>
  void forward(Context& context, matrix<const typename Context::element, typename Context::space, Placed> x,
               matrix<typename Context::element, typename Context::space, Placed> y) const {
    for_each_element(x.size(), elementwise::sum<typename Context::element>{x.data, context.skip, y.data},
                     context.stream);
  }

  template <class Context, class Placed>
  void backward_input(Context& context, matrix<const typename Context::element, typename Context::space, Placed>,
                      matrix<const typename Context::element, typename Context::space, Placed>,
                      matrix<const typename Context::element, typename Context::space, Placed> dy,
                      matrix<typename Context::element, typename Context::space, Placed> dx) const {
    using element = typename Context::element;
    for_each_element(dy.size(), elementwise::add<element>{dy.data, context.skip_gradient}, context.stream);
    detail::copy_features(context, dy, dx);
  }
};

}  // namespace plait
