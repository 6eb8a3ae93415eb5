// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <plait/mesh/mesh.hpp>
#include <plait/schedule/verify.hpp>

namespace plait {

/// How many micro-batches a step has: a number that is not to be mistaken for ranks, stages or samples.
struct micro {
  int count = 1;
  constexpr explicit micro(int number) : count{number} {}
};

/// The shape of a layout's pipeline for a number of micro-batches.
template <layout L>
constexpr pipe_shape pipe_shape_of(micro batches) {
  return shape_of<typename L::schedule>(L::ways.pipeline, batches.count);
}

/// What a step of a layout has besides passes and messages.
template <layout L>
constexpr step_options step_options_of(bool clip = false) {
  return step_options{.buckets = L::ways.data > 1 ? 1 : 0, .clip = clip};
}

/// Whether every rank of a layout gets through its step; for `static_assert`.
///
///     static_assert(completes<layout>(micro(8)) && peak_activations<layout>(micro(8)) <= 4);
template <layout L>
constexpr bool completes(micro batches) {
  static_assert(schedule<typename L::schedule>,
                "plait::completes<layout>: the second argument of pipeline<N, Schedule> is a schedule");
  return completes<typename L::schedule>(pipe_shape_of<L>(batches), step_options_of<L>());
}

/// Most activations alive at once on the rank that keeps most.
template <layout L>
constexpr int peak_activations(micro batches) {
  int peak = 0;
  for (int rank = 0; rank < L::ways.pipeline; ++rank) {
    const int here = L::schedule::peak_activations(pipe_shape_of<L>(batches), rank);
    if (here > peak) peak = here;
  }
  return peak;
}

}  // namespace plait
