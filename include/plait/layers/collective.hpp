// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <plait/comm/communicator.hpp>
#include <plait/kernels/for_each.hpp>
#include <plait/kernels/rows.hpp>
#include <plait/layers/linear.hpp>

namespace plait {

/// Takes the sum over the tensor axis that the layer before has left: partial in, whole out. Backward sends nothing.
///
/// Sent: rows * features elements a forward pass.
struct sum_partials {
  static constexpr std::string_view name = "sum_partials";
  using takes = partial_features;
  using gives = whole_features;

  [[nodiscard]] std::int64_t outputs(std::int64_t inputs) const { return inputs; }
  template <class Sink>
  void parameters(Sink&&) const {}

  template <class Context>
  void forward(Context& context, typename Context::template in<takes> x,
               typename Context::template out<gives> y) const {
    Context::space::copy(y.data, x.data, static_cast<std::size_t>(x.size()) * sizeof(*x.data), context.stream);
    context.tensor->all_reduce(detail::whole<Context, gives>(y), reduction::sum, context.stream);
  }
  template <class Context>
  void backward_input(Context& context, typename Context::template in<takes>, typename Context::template in<gives>,
                      typename Context::template in<gives> dy, typename Context::template out<takes> dx) const {
    Context::space::copy(dx.data, dy.data, static_cast<std::size_t>(dy.size()) * sizeof(*dy.data), context.stream);
  }
};

/// Gives every rank of the tensor axis all features: split in, whole out. Backward sends nothing.
///
/// Sent: rows * features elements a forward pass.
struct gather_features {
  static constexpr std::string_view name = "gather_features";
  using takes = split_features;
  using gives = whole_features;

  [[nodiscard]] std::int64_t outputs(std::int64_t inputs) const { return inputs; }
  template <class Sink>
  void parameters(Sink&&) const {}

  /// Each rank puts its columns among zeros and the ranks sum, so features need not divide evenly.
  template <class Context>
  void forward(Context& context, typename Context::template in<takes> x,
               typename Context::template out<gives> y) const {
    const std::int64_t begin = context.place.part(y.extent[1]).begin;
    for_each_row(x.extent[0],
                 rowwise::put_columns<typename Context::element>{x.data, y.data, x.extent[1], y.extent[1], begin},
                 context.stream);
    context.tensor->all_reduce(detail::whole<Context, gives>(y), reduction::sum, context.stream);
  }
  template <class Context>
  void backward_input(Context& context, typename Context::template in<takes>, typename Context::template in<gives>,
                      typename Context::template in<gives> dy, typename Context::template out<takes> dx) const {
    const std::int64_t begin = context.place.part(dy.extent[1]).begin;
    for_each_row(dx.extent[0],
                 rowwise::take_columns<typename Context::element>{dy.data, dx.data, dy.extent[1], dx.extent[1], begin},
                 context.stream);
  }
};

/// Each rank of the tensor axis keeps its part of the features: whole in, split out. Forward sends nothing; the
/// gradient is gathered.
struct scatter_features {
  static constexpr std::string_view name = "scatter_features";
  using takes = whole_features;
  using gives = split_features;

  [[nodiscard]] std::int64_t outputs(std::int64_t inputs) const { return inputs; }
  template <class Sink>
  void parameters(Sink&&) const {}

  template <class Context>
  void forward(Context& context, typename Context::template in<takes> x,
               typename Context::template out<gives> y) const {
    const std::int64_t begin = context.place.part(x.extent[1]).begin;
    for_each_row(y.extent[0],
                 rowwise::take_columns<typename Context::element>{x.data, y.data, x.extent[1], y.extent[1], begin},
                 context.stream);
  }
  template <class Context>
  void backward_input(Context& context, typename Context::template in<takes>, typename Context::template in<gives>,
                      typename Context::template in<gives> dy, typename Context::template out<takes> dx) const {
    const std::int64_t begin = context.place.part(dx.extent[1]).begin;
    for_each_row(dy.extent[0],
                 rowwise::put_columns<typename Context::element>{dy.data, dx.data, dy.extent[1], dx.extent[1], begin},
                 context.stream);
    context.tensor->all_reduce(detail::whole<Context, takes>(dx), reduction::sum, context.stream);
  }
};

}  // namespace plait
