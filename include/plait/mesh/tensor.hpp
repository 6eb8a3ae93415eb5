// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace plait {

/// The tensor axis: each layer's weights are cut across `Ways` ranks, which exchange activations in every layer.
template <int Ways>
struct tensor {
  static_assert(Ways >= 1, "plait::tensor<Ways>: Ways counts ranks, so it is at least 1");
  static constexpr int ways = Ways;
};

}  // namespace plait
