// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include <plait/comm/communicator.hpp>
#include <plait/kernels/for_each.hpp>
#include <plait/kernels/rows.hpp>
#include <plait/layers/detail/features.hpp>
#include <plait/layers/layer.hpp>
#include <plait/tensor/placement.hpp>
#include <plait/tensor/view.hpp>

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
    detail::copy_features(context, x, y);
    context.tensor->all_reduce(detail::elements_of(y), reduction::sum, context.stream);
  }
  template <class Context>
  void backward_input(Context& context, typename Context::template in<takes>, typename Context::template in<gives>,
                      typename Context::template in<gives> dy, typename Context::template out<takes> dx) const {
    detail::copy_features(context, dy, dx);
  }
};

namespace detail {

/// This rank's part of all features.
template <class Context, class PlacedAll, class PlacedPart>
void take_part(Context& context, matrix<const typename Context::element, typename Context::space, PlacedAll> all,
               matrix<typename Context::element, typename Context::space, PlacedPart> part) {
  const std::int64_t begin = context.place.part(all.extent[1]).begin;
  for_each_row(
      part.extent[0],
      rowwise::take_columns<typename Context::element>{all.data, part.data, all.extent[1], part.extent[1], begin},
      context.stream);
}

/// All features from the parts of all ranks: each puts its part among zeros and the ranks sum, so features need not
/// divide evenly.
template <class Context, class PlacedPart, class PlacedAll>
void join_parts(Context& context, matrix<const typename Context::element, typename Context::space, PlacedPart> part,
                matrix<typename Context::element, typename Context::space, PlacedAll> all) {
  const std::int64_t begin = context.place.part(all.extent[1]).begin;
  for_each_row(
      part.extent[0],
      rowwise::put_columns<typename Context::element>{part.data, all.data, part.extent[1], all.extent[1], begin},
      context.stream);
  context.tensor->all_reduce(elements_of(all), reduction::sum, context.stream);
}

}  // namespace detail

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

  template <class Context>
  void forward(Context& context, typename Context::template in<takes> x,
               typename Context::template out<gives> y) const {
    detail::join_parts(context, x, y);
  }
  template <class Context>
  void backward_input(Context& context, typename Context::template in<takes>, typename Context::template in<gives>,
                      typename Context::template in<gives> dy, typename Context::template out<takes> dx) const {
    detail::take_part(context, dy, dx);
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
    detail::take_part(context, x, y);
  }
  template <class Context>
  void backward_input(Context& context, typename Context::template in<takes>, typename Context::template in<gives>,
                      typename Context::template in<gives> dy, typename Context::template out<takes> dx) const {
    detail::join_parts(context, dy, dx);
  }
};

}  // namespace plait
