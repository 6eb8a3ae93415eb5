// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>

#include <plait/kernels/reduce.hpp>
#include <plait/layers/detail/features.hpp>
#include <plait/layers/layer.hpp>
#include <plait/tensor/placement.hpp>

namespace plait {

/// y = x + b, for features that are whole on every rank of the tensor axis or split over it.
///
/// x, y: [rows, features], b: [features]. A sum that has not been taken would get the bias once for each rank: it is
/// refused.
template <class Placed = whole_features>
struct bias {
  static_assert(std::is_same_v<Placed, whole_features> || std::is_same_v<Placed, split_features>,
                "plait::bias: features are whole or split; a sum must be taken before a bias is added to it");
  static constexpr std::string_view name = "bias";
  using takes = Placed;
  using gives = Placed;

  std::int64_t features = 1;

  [[nodiscard]] std::int64_t outputs(std::int64_t inputs) const {
    detail::require_features(name, features, inputs);
    return features;
  }
  template <class Sink>
  void parameters(Sink&& sink) const {
    sink(parameter{.name = "bias",
                   .columns = features,
                   .sharded_dim = std::is_same_v<Placed, split_features> ? 1 : -1,
                   .decays = false});
  }

  template <class Context>
  void forward(Context& context, typename Context::template in<takes> x,
               typename Context::template out<gives> y) const {
    detail::copy_features(context, x, y);
    detail::add_bias(context, context.parameters[0], y);
  }

  template <class Context>
  void backward_input(Context& context, typename Context::template in<takes>, typename Context::template in<gives>,
                      typename Context::template in<gives> dy, typename Context::template out<takes> dx) const {
    detail::copy_features(context, dy, dx);
  }

  template <class Context>
  void backward_weight(Context& context, typename Context::template in<takes>, typename Context::template in<gives>,
                       typename Context::template in<gives> dy) const {
    add_column_sums(dy, context.gradients[0], context.stream);
  }
};

}  // namespace plait
