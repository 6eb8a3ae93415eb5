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
  arena<Space> workspace;
  arena<Space> communication;

  explicit step_arenas(const step_memory& need)
      : weights{memory_class::weights, need.weights, &counted},
        gradients{memory_class::gradients, need.gradients, &counted},
        optimizer_state{memory_class::optimizer_state, need.optimizer_state, &counted},
        activations{memory_class::activations, need.activations, &counted},
        workspace{memory_class::workspace, need.workspace, &counted},
        communication{memory_class::communication, need.communication, &counted} {}
  /// Throws: usage, unless every byte has been dealt out.
  void require_used_up() const {
    for (const arena<Space>* one : {&weights, &gradients, &optimizer_state, &activations, &workspace, &communication})
      require(one->used() == one->size(), "plait::trainer",
              "the plan of memory and its use differ; this is a fault of plait");
  }

  step_arenas(const step_arenas&) = delete;
  step_arenas& operator=(const step_arenas&) = delete;
};

/// What all stages of a rank share for the length of one pass, and the sums of a step.
template <real T>
struct shared_workspace {
  static constexpr std::size_t sums_of_a_step = 4;  ///< that start at zero in each step: the next four

  std::array<T*, 2> gradient{};  ///< of activations, in turn
  T* scratch = nullptr;          ///< of layers
  T* row_loss = nullptr;         ///< [rows]
  T* row_hit = nullptr;          ///< [rows]
  double* loss = nullptr;        ///< sum over the rows of the step
  double* hits = nullptr;
  double* rows = nullptr;  ///< samples that the losses are of
  double* square_of_norm = nullptr;
  double* gradient_scale = nullptr;
  double* reduce_scratch = nullptr;

  [[nodiscard]] double* sums() const { return loss; }  ///< [sums_of_a_step], in the order above
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
  double* const scalars = from.template take<double>(step_scalars + step_reduce_scratch);
  work.loss = scalars;
  work.hits = scalars + 1;
  work.rows = scalars + 2;
  work.square_of_norm = scalars + 3;
  work.gradient_scale = scalars + 4;
  static_assert(step_reduce_scratch == reduce_scratch);
  work.reduce_scratch = scalars + step_scalars;
  return work;
}

}  // namespace plait
