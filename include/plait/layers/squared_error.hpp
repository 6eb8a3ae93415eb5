// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <plait/comm/communicator.hpp>
#include <plait/kernels/for_each.hpp>
#include <plait/kernels/rows.hpp>
#include <plait/layers/detail/features.hpp>
#include <plait/layers/layer.hpp>
#include <plait/tensor/placement.hpp>

namespace plait {

/// The loss of a regression: half the sum of squared differences from the targets, with the features split over the
/// tensor axis.
///
/// x: [rows, features] split; target: [rows, features], all of them on every rank.   Sent forward: one sum a row.
struct squared_error {
  static constexpr std::string_view name = "squared_error";
  using takes = split_features;
  using target = real_target;

  std::int64_t features = 1;

  void check(std::int64_t inputs) const { detail::require_features(name, features, inputs); }
  [[nodiscard]] std::int64_t target_columns() const { return features; }
  [[nodiscard]] std::int64_t saved(std::int64_t, tensor_place) const { return 0; }
  [[nodiscard]] std::int64_t scratch(std::int64_t, tensor_place) const { return 0; }

  template <class Context>
  void forward(Context& context, typename Context::template in<takes> x, const typename Context::element* wanted,
               typename Context::element* row_loss) const {
    using T = typename Context::element;
    const std::int64_t first = context.place.part(features).begin;
    for_each_row(x.extent[0], rowwise::squared_error<T>{x.data, wanted, x.extent[1], features, first, T{0.5}, row_loss},
                 context.stream);
    context.tensor->all_reduce(std::span<T>{row_loss, static_cast<std::size_t>(x.extent[0])}, reduction::sum,
                               context.stream);
  }

  template <class Context>
  void backward(Context& context, typename Context::template in<takes> x, const typename Context::element* wanted,
                typename Context::element scale, typename Context::template out<takes> dx) const {
    using T = typename Context::element;
    const std::int64_t first = context.place.part(features).begin;
    for_each_row(x.extent[0],
                 rowwise::squared_error_gradient<T>{x.data, wanted, x.extent[1], features, first, scale, dx.data},
                 context.stream);
  }
};

}  // namespace plait
