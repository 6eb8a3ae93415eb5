// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include <plait/cost/layer_profile.hpp>
#include <plait/layers/layer.hpp>
#include <plait/model/stack.hpp>

namespace plait {

/// Features of a placement that are on a rank.
template <class Placed>
constexpr std::int64_t local_features(std::int64_t features, tensor_place here) {
  return std::is_same_v<typename Placed::over_tensor, sharded<1>> ? here.part(features).size() : features;
}

/// The numbers of a model on one rank of the tensor axis.
///
///   inputs: features of a sample
///   rows: samples of the largest micro-batch on one data rank
template <real T, class Model>
model_profile profile_of(const Model& model, std::int64_t inputs, std::int64_t rows, tensor_place here) {
  using loss_type = typename Model::loss_type;
  const std::vector<std::int64_t> features = model.features(inputs);
  model_profile profile{.rows = rows,
                        .element_bytes = sizeof(T),
                        .target_bytes = sizeof(target_of<loss_type, T>),
                        .target_columns = model.loss().target_columns()};
  for (int index = 0; index < Model::layers; ++index) {
    const auto at = static_cast<std::size_t>(index);
    model.visit(index, [&]<class In, class Out>(const auto& one, std::type_identity<In>, std::type_identity<Out>) {
      layer_profile numbers{.name = model.layer_name(index),
                            .inputs = local_features<In>(features[at], here),
                            .outputs = local_features<Out>(features[at + 1], here),
                            .saved = saved_of(one, rows, here),
                            .scratch = scratch_of(one, rows, here)};
      if constexpr (skip_reader<std::remove_cvref_t<decltype(one)>>) numbers.skip = index - one.skips_back;
      if constexpr (requires { one.flops(features[at]); }) numbers.flops = one.flops(features[at]);
      one.parameters([&](const parameter& each) { numbers.parameters.push_back(each.local_size(here)); });
      profile.layers.push_back(numbers);
    });
  }
  profile.loss = layer_profile{.name = std::string{loss_type::name},
                               .inputs = local_features<typename loss_type::takes>(features.back(), here),
                               .saved = model.loss().saved(rows, here),
                               .scratch = model.loss().scratch(rows, here)};
  return profile;
}

/// What stages are balanced by: FLOP of each layer, and a little for those that state none.
inline std::vector<double> balance_weights(const model_profile& profile) {
  std::vector<double> weights;
  for (const layer_profile& one : profile.layers)
    weights.push_back(one.flops > 0 ? one.flops : static_cast<double>(one.outputs));
  return weights;
}

}  // namespace plait
