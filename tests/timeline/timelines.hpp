// SPDX-License-Identifier: Apache-2.0
#pragma once
// Timelines that several tests draw, export and compare.

#include <plait/schedule/interleaved.hpp>
#include <plait/schedule/one_f_one_b.hpp>
#include <plait/schedule/program_of.hpp>
#include <plait/timeline/timeline.hpp>

namespace testing {

/// One micro-batch on two ranks, forward 1, backward 2, messages that take 0.5, reductions, an update; seconds.
///
///     rank 0:  F 0-1 ............................. receive 1-5 ... B 5-7  reduce 7-7.5  norm, update, loss
///     rank 1:  receive 0-1.5  F 1.5-2.5  B 2.5-4.5 reduce 4.5-5    norm, update, loss
inline plait::timeline two_ranks() {
  const plait::pipe_shape shape{2, 1, 1};
  plait::step_costs costs = plait::step_costs::uniform(shape, {.forward = 1, .message = {64}});
  costs.between_ranks = {.latency = {0.25}, .bandwidth = {256}};
  costs.reduce_gradients = 0.5;
  costs.reduce_norm = 0.25;
  costs.optimizer_step = 1;
  costs.reduce_loss = 0.125;
  return plait::predicted_timeline(plait::programs_of<plait::one_f_one_b>(shape, {.buckets = 1, .clip = true}), costs);
}

template <plait::schedule S>
plait::timeline unit_timeline(plait::pipe_shape shape) {
  return plait::predicted_timeline(plait::programs_of<S>(shape, {.optimize = false}),
                                   plait::step_costs::uniform(shape));
}

}  // namespace testing
