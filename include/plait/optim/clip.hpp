// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>

#include <plait/core/host_device.hpp>

namespace plait {

/// *scale = min(1, limit / (norm + 1e-6)), from the square of the global norm: what gradients are multiplied by so that
/// their norm is at most `limit`. A function object for `for_each_element` of one element, so that the number stays
/// where the gradients are.
///
/// Source: Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks", ICML 2013, algorithm 1,
/// with the guard against a norm of 0 that torch.nn.utils.clip_grad_norm_ uses.
struct clip_scale {
  const double* square_of_norm;
  double limit;
  double* scale;
  PLAIT_HD void operator()(std::int64_t) const {
    const double wanted = limit / (std::sqrt(*square_of_norm) + 1e-6);
    *scale = wanted < 1 ? wanted : 1.0;
  }
};

}  // namespace plait
