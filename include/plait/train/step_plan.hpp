// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include <plait/core/require.hpp>
#include <plait/cost/cut.hpp>
#include <plait/cost/memory.hpp>
#include <plait/cost/skips.hpp>
#include <plait/cost/staging.hpp>
#include <plait/schedule/verify.hpp>
#include <plait/train/profile.hpp>
#include <plait/train/rank.hpp>

namespace plait {

/// What a training run needs to know besides model, optimizer and layout. T is what it computes in.
template <real T>
struct training {
  std::int64_t features = 1;  ///< of a sample
  std::int64_t batch = 1;     ///< samples of a step, over all data ranks; no step may have more
  int micro = 1;              ///< micro-batches of a step
  int steps = 1;              ///< that are made in one go, under schedules that do not drain between them
  std::uint64_t seed = 0;     ///< of the initial values
  double clip_norm = 0;       ///< limit of the global norm of gradients; 0: none
  /// Each rank updates as soon as its own gradients are there, and takes the update back, exactly, where the global
  /// norm then asks for clipping or is not finite. Costs a copy of parameters and optimizer state.
  bool post_validate = false;
  int buckets = 1;         ///< parts in which each chunk's gradients are summed over the data axis
  std::vector<int> cut{};  ///< first layer of each stage, and the number of layers; empty: balanced by FLOP
  /// Called with the programs of all pipeline ranks before they are checked: a place for orders of one's own.
  std::function<void(std::vector<program>&)> edit{};
  bool check = true;  ///< whether programs must pass `verify`
  /// Whether the work of a step is recorded once, and done again by one call in each later step: on a device, for one
  /// rank or over NCCL (`docs/design/graph.md`).
  bool capture = false;
};

/// All that is known of one rank's steps before any memory is taken.
struct step_plan {
  pipe_shape shape{};
  int pipeline_rank = 0;
  int data_ways = 1;
  std::vector<program> training{};    ///< of all pipeline ranks
  std::vector<program> evaluation{};  ///< their forward projections
  model_profile profile{};            ///< for the largest micro-batch that a step may have
  std::vector<int> cut{};             ///< first layer of each stage, and the number of layers
  std::vector<stage_place> places{};  ///< of this rank's chunks
  step_memory memory{};               ///< that this rank needs, in bytes
  staging staged{};                   ///< what of it steps that are captured read

  [[nodiscard]] const program& my_training() const { return training[static_cast<std::size_t>(pipeline_rank)]; }
  [[nodiscard]] const program& my_evaluation() const { return evaluation[static_cast<std::size_t>(pipeline_rank)]; }
};

/// Plans the steps of the rank at `place`.
///
/// states: arrays of the size of the parameters that the optimizer keeps.   alignment: of buffers, in bytes.   numbers:
/// bytes that the optimizer needs for a step that is captured.
/// Throws: usage, for settings or a cut that cannot be; schedule, for programs that do not complete.
template <real T, class Model>
step_plan plan_step(const layout_handle& layout, coordinate place, const Model& model, const training<T>& settings,
                    int states, std::int64_t alignment, std::int64_t numbers = 0) {
  require(settings.batch >= 1 && settings.micro >= 1, "plait::trainer", "batch and micro are at least 1");
  require(settings.buckets >= 1 && settings.buckets <= 30, "plait::trainer", "buckets are 1 to 30");
  require(settings.clip_norm >= 0, "plait::trainer", "clip_norm is 0, for none, or a limit above 0");
  const mesh_description& mesh = layout.mesh;
  const schedule_handle& schedule = layout.schedule;
  step_plan plan{.shape = schedule.shape_of(mesh.ways.pipeline, settings.micro, settings.steps),
                 .pipeline_rank = place.pipeline,
                 .data_ways = mesh.ways.data};
  require_legal(schedule.name, plan.shape, schedule.accepts(plan.shape));
  const bool flushes = schedule.versions == weight_versions::flush;
  require(settings.steps >= 1 && (flushes ? settings.steps == 1 : true), "plait::trainer",
          [&] { return std::string{schedule.name} + " drains the pipeline before every update, so steps is 1"; });
  require(flushes || (settings.clip_norm == 0 && !settings.post_validate), "plait::trainer", [&] {
    return std::string{schedule.name} + " updates each stage by itself, so there is no global norm to clip by";
  });
  const bool sums = mesh.ways.data > 1 || plan.shape.has_copies();
  const std::int64_t cells = std::int64_t{mesh.ways.data} * settings.micro;
  const std::int64_t rows = (settings.batch + cells - 1) / cells;
  plan.profile = profile_of<T>(model, settings.features, rows, tensor_place{mesh.ways.tensor, place.tensor});
  plan.cut = settings.cut.empty() ? balanced_cut(balance_weights(plan.profile), plan.shape.stages()) : settings.cut;
  require_cut(plan.cut, Model::layers, plan.shape.stages());
  const std::vector<model_skip> skips = skips_of(plan.profile, plan.cut);
  const step_options options{.buckets = sums ? settings.buckets : 0,
                             .clip = settings.clip_norm > 0,
                             .post_validate = settings.post_validate,
                             .skips = edges_of(skips)};
  plan.training = schedule.programs_of(plan.shape, options);
  pipe_shape evaluated = plan.shape;
  evaluated.steps = 1;
  plan.evaluation = schedule.forward_programs_of(evaluated, options);
  if (settings.edit) settings.edit(plan.training);
  if (settings.check) {
    require_valid("plait::trainer", plan.training);
    require_valid("plait::trainer", plan.evaluation);
  }

  plan.places = stages_of_rank(
      plan.shape, plan.pipeline_rank, plan.cut,
      [&](int rank, int chunk) { return schedule.stage_of(plan.shape, rank, chunk); }, skips);
  plan.memory = predict_memory(plan.profile, plan.places, plan.my_training(), plan.my_evaluation(), states, alignment);
  if (settings.capture) {
    plan.staged = staging_of(plan.profile, plan.places, plan.my_training(), settings.features, numbers);
    plan.memory.communication += plan.staged.bytes(plan.profile, alignment);
  }
  return plan;
}

}  // namespace plait
