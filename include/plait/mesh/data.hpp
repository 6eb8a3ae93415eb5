// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace plait {

/// The data axis: `Ways` copies of the model, each of which sees its part of every batch; their gradients are summed.
template <int Ways>
struct data {
  static_assert(Ways >= 1, "plait::data<Ways>: Ways counts ranks, so it is at least 1");
  static constexpr int ways = Ways;
};

}  // namespace plait
