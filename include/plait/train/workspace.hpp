// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <plait/core/require.hpp>
#include <plait/cost/memory.hpp>
#include <plait/kernels/reduce.hpp>
#include <plait/tensor/arena.hpp>
#include <plait/tensor/dtype.hpp>
#include <plait/train/step_plan.hpp>

namespace plait {

/// Where a rank's buffers come from: one arena for each class of memory.
template <class Space>
struct step_arenas {
  ledger counted;  ///< of all of them
  arena<Space> weights;
  arena<Space> gradients;
  arena<Space> optimizer_state;
  arena<Space> activations;
  arena<Space> stash;
  arena<Space> workspace;
  arena<Space> communication;

  explicit step_arenas(const step_memory& need)
      : weights{memory_class::weights, need.weights, &counted},
        gradients{memory_class::gradients, need.gradients, &counted},
        optimizer_state{memory_class::optimizer_state, need.optimizer_state, &counted},
        activations{memory_class::activations, need.activations, &counted},
        stash{memory_class::stash, need.stash, &counted},
        workspace{memory_class::workspace, need.workspace, &counted},
        communication{memory_class::communication, need.communication, &counted} {}
  /// Throws: usage, unless every byte has been dealt out.
  void require_used_up() const {
    for (const arena<Space>* one :
         {&weights, &gradients, &optimizer_state, &activations, &stash, &workspace, &communication})
      require(one->used() == one->size(), "plait::trainer",
              "the plan of memory and its use differ; this is a fault of plait");
  }

  step_arenas(const step_arenas&) = delete;
  step_arenas& operator=(const step_arenas&) = delete;
};

/// What all stages of a rank share for the length of one pass, and the sums of a step.
template <real T>
struct shared_workspace {
  static constexpr int sums_of_a_step = 3;  ///< loss, hits, and samples that the losses are of

  std::array<T*, 2> gradient{};  ///< of activations, in turn
  T* scratch = nullptr;          ///< of layers
  T* row_loss = nullptr;         ///< [rows]
  T* row_hit = nullptr;          ///< [rows]
  int steps = 1;
  double* sums = nullptr;             ///< [steps, sums_of_a_step]; they and the norm start at zero
  double* square_of_norm = nullptr;   ///< right behind the sums
  double* gradient_scale = nullptr;   ///< that clipping asks for
  double* unclipped_scale = nullptr;  ///< 1, or less where copies of a stage average
  double* reduce_scratch = nullptr;

  /// How many doubles the sums and the norm are.
  [[nodiscard]] std::size_t sum_count() const { return static_cast<std::size_t>(sums_of_a_step * steps + 1); }
  [[nodiscard]] double* loss(int step) const { return sums + sums_of_a_step * step; }
  [[nodiscard]] double* hits(int step) const { return loss(step) + 1; }
  [[nodiscard]] double* rows(int step) const { return loss(step) + 2; }
};

/// Takes a rank's workspace from its arena, as `predict_memory` counts it.
template <real T, class Space>
shared_workspace<T> take_workspace(const step_plan& plan, arena<Space>& from) {
  const model_profile& profile = plan.profile;
  std::int64_t widest = 0, scratch = 0;
  for (const stage_place& place : plan.places) {
    for (std::int64_t i = place.layers.begin; i < place.layers.end; ++i) {
      const layer_profile& one = profile.layers[static_cast<std::size_t>(i)];
      widest = std::max({widest, one.inputs, one.outputs});
      scratch = std::max(scratch, one.scratch);
    }
    if (place.last) {
      widest = std::max(widest, profile.loss.inputs);
      scratch = std::max(scratch, profile.loss.scratch);
    }
  }
  shared_workspace<T> work;
  for (T*& one : work.gradient) one = from.template take<T>(profile.rows * widest);
  work.scratch = from.template take<T>(scratch);
  work.row_loss = from.template take<T>(profile.rows);
  work.row_hit = from.template take<T>(profile.rows);
  work.steps = plan.shape.steps;
  const std::int64_t count = step_scalars(work.steps);
  double* const scalars = from.template take<double>(count + step_reduce_scratch);
  work.sums = scalars;
  work.square_of_norm = scalars + shared_workspace<T>::sums_of_a_step * work.steps;
  work.gradient_scale = work.square_of_norm + 1;
  work.unclipped_scale = work.square_of_norm + 2;
  static_assert(step_reduce_scratch == reduce_scratch);
  work.reduce_scratch = scalars + count;
  return work;
}

}  // namespace plait
