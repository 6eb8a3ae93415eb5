// expect: this layout does not get through a step of 8 micro-batches
// SPDX-License-Identifier: Apache-2.0
// Rank 0 waits for the gradient of a micro-batch that it has not yet sent.
#include <cstdint>
#include <string_view>

#include <plait/mesh/mesh.hpp>
#include <plait/schedule/of_layout.hpp>
#include <plait/schedule/one_f_one_b.hpp>

struct without_warm_up : plait::one_f_one_b {
  static constexpr std::string_view name = "without_warm_up";
  static constexpr plait::pass* order(plait::pipe_shape shape, int, plait::pass* next) {
    for (int micro = 0; micro < shape.micro; ++micro) {
      *next++ = {plait::op::backward, 0, static_cast<std::int16_t>(micro)};
      *next++ = {plait::op::forward, 0, static_cast<std::int16_t>(micro)};
    }
    return next;
  }
};

using layout = plait::mesh<plait::pipeline<4, without_warm_up>>;
static_assert(plait::completes<layout>(plait::micro(8)), "this layout does not get through a step of 8 micro-batches");
