// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <plait/core/ranges.hpp>
#include <plait/cost/layer_profile.hpp>
#include <plait/cost/skips.hpp>
#include <plait/schedule/detail/stage_table.hpp>
#include <plait/schedule/program.hpp>

namespace plait {

/// Bytes that a rank of a pipeline needs for a step, by what they are for. All are known before anything runs.
struct step_memory {
  std::int64_t weights = 0;
  std::int64_t gradients = 0;
  std::int64_t optimizer_state = 0;
  std::int64_t activations = 0;
  std::int64_t stash = 0;  ///< older weights; schedules that flush have none
  std::int64_t workspace = 0;
  std::int64_t communication = 0;  ///< gradients between stages, and targets on their way in

  friend constexpr bool operator==(const step_memory&, const step_memory&) = default;
};

/// One end of a skip edge, seen from its stage.
struct skip_end {
  int edge = 0;
  int source = 0;        ///< layer whose output goes along the edge
  int chunk_there = -1;  ///< the chunk of this rank that is the stage at the other end; -1: it is on another rank
};

/// What a stage needs for each micro-batch in flight, and what its neighbours make it need besides.
struct stage_place {
  index_range layers{};        ///< of the model
  bool last = false;           ///< of the pipeline: holds the loss
  bool input_is_here = false;  ///< the stage before is on the same rank: its output is this stage's input
  bool has_before = false;     ///< there is a stage before, wherever
  bool has_after_elsewhere = false;
  int stage = 0;
  int chunk_before = -1;  ///< the chunk of this rank that is the stage before; -1: it is on another rank, or none
  int chunk_after = -1;
  int copy = 0;                       ///< number of this copy of the stage
  std::vector<skip_end> skips_in{};   ///< edges that lead to it
  std::vector<skip_end> skips_out{};  ///< edges that begin at it
  std::vector<int> own_skips{};       ///< its layers whose outputs later layers of its own read
};

/// Where the stages of a rank stand: [chunks]. A chunk that the rank does not have is an empty place.
///
/// stage_of(rank, chunk): the placement.   cut: first layer of each stage and the number of layers, [stages + 1]
/// (`balanced_cut`).   skips: of the model so cut (`skips_of`).
template <class StageOf>
std::vector<stage_place> stages_of_rank(pipe_shape shape, int rank, const std::vector<int>& cut, StageOf&& stage_of,
                                        const std::vector<model_skip>& skips = {}) {
  const detail::stage_table table{shape, stage_of};
  std::vector<stage_place> places;
  for (int chunk = 0; chunk < shape.chunks; ++chunk) {
    const int stage = table.stage_of(rank, chunk);
    if (stage < 0) {
      places.emplace_back();
      continue;
    }
    const auto at = static_cast<std::size_t>(stage);
    stage_place one{.layers = {cut[at], cut[at + 1]},
                    .last = stage + 1 == shape.stages(),
                    .has_before = stage > 0,
                    .stage = stage,
                    .copy = table.copy_of(rank, chunk)};
    // Micro-batch `copy` goes through this copy; where its neighbours are, those of all others that do are.
    const auto chunk_of = [&](int neighbour) {
      if (neighbour < 0 || neighbour >= shape.stages()) return -1;
      const detail::holder there = table.holder_of(neighbour, one.copy);
      return there.rank == rank ? static_cast<int>(there.chunk) : -1;
    };
    one.chunk_before = chunk_of(stage - 1);
    one.chunk_after = chunk_of(stage + 1);
    one.input_is_here = one.chunk_before >= 0;
    one.has_after_elsewhere = !one.last && one.chunk_after < 0;
    for (const model_skip& skip : skips) {
      if (skip.edge < 0 && skip.to == stage) one.own_skips.push_back(skip.source);
      if (skip.edge >= 0 && skip.to == stage) one.skips_in.push_back({skip.edge, skip.source, chunk_of(skip.from)});
      if (skip.edge >= 0 && skip.from == stage) one.skips_out.push_back({skip.edge, skip.source, chunk_of(skip.to)});
    }
    places.push_back(one);
  }
  return places;
}

/// The same for a placement that is known as a type.
template <class Placement>
std::vector<stage_place> stages_of_rank(pipe_shape shape, int rank, const std::vector<int>& cut) {
  return stages_of_rank(shape, rank, cut, [&](int on, int chunk) { return Placement::stage_of(shape, on, chunk); });
}

/// Doubles that live beside the data: loss, hits and samples of each step; norm and scales of gradients; and what sums
/// over whole buffers need.
constexpr std::int64_t step_scalars(int steps) {
  return 3 * std::int64_t{steps} + 4;
}
inline constexpr std::int64_t step_reduce_scratch = 1024;

/// Predicts the memory of a rank from its programs, to the byte.
///
/// Each buffer is rounded up to `alignment`. Activations: for each slot of each chunk its input (unless that is the
/// output of a stage on the same rank), the output of each layer, and what layers save. Slots: those of the step and of
/// its forward projection, whichever is more. Between the halves of a backward pass the gradient of the output of each
/// layer that has parameters is kept. What comes along skip edges from other ranks is kept in activation slots;
/// gradients along them, in slots of their own and in message slots, count as communication. Stash: weight versions but
/// the first; where updates are validated afterwards, parameters and optimizer state as they were.
///   trains, evaluates: the rank's program of a step, and its forward projection
///   states: arrays of the size of the parameters that the optimizer keeps
inline step_memory predict_memory(const model_profile& model, const std::vector<stage_place>& places,
                                  const program& trains, const program& evaluates, int states, std::int64_t alignment) {
  const auto padded = [&](std::int64_t size) { return (size + alignment - 1) / alignment * alignment; };
  const auto elements = [&](std::int64_t count) { return padded(count * model.element_bytes); };
  const auto larger = [](std::int64_t a, std::int64_t b) { return a < b ? b : a; };
  step_memory need;
  std::int64_t widest = 0, scratch = 0;
  for (std::size_t chunk = 0; chunk < places.size(); ++chunk) {
    const stage_place& place = places[chunk];
    const std::int64_t slots = larger(trains.slots[chunk], evaluates.slots[chunk]);
    const auto begin = static_cast<std::size_t>(place.layers.begin), end = static_cast<std::size_t>(place.layers.end);
    const std::int64_t inputs = begin < model.layers.size() ? model.layers[begin].inputs : model.loss.inputs;
    const std::int64_t outputs = end > 0 ? model.layers[end - 1].outputs : inputs;
    std::int64_t slot = place.input_is_here ? 0 : elements(model.rows * inputs);
    for (std::size_t i = begin; i < end; ++i) {
      const layer_profile& one = model.layers[i];
      slot += elements(model.rows * one.outputs) + elements(one.saved);
      widest = larger(widest, larger(one.inputs, one.outputs));
      scratch = larger(scratch, one.scratch);
      std::int64_t weights = 0;
      for (std::int64_t size : one.parameters) weights += elements(size);
      need.weights += weights;
      need.stash += (trains.versions[chunk] - 1) * weights;
      if (!one.parameters.empty()) need.activations += trains.pending[chunk] * elements(model.rows * one.outputs);
    }
    const auto skipped = [&](int source) {
      return elements(model.rows * model.layers[static_cast<std::size_t>(source)].outputs);
    };
    for (const skip_end& skip : place.skips_in) {
      if (skip.chunk_there < 0) slot += skipped(skip.source);
      need.communication += trains.skips[chunk] * skipped(skip.source);
    }
    for (const skip_end& skip : place.skips_out)
      if (skip.chunk_there < 0) need.communication += trains.messages[chunk] * skipped(skip.source);
    for (const int source : place.own_skips) need.workspace += skipped(source);
    if (place.last) {
      slot += elements(model.loss.saved);
      widest = larger(widest, model.loss.inputs);
      scratch = larger(scratch, model.loss.scratch);
      need.communication += slots * padded(model.rows * model.target_columns * model.target_bytes);
    }
    need.activations += slots * slot;
    const std::int64_t messages = trains.messages[chunk];
    if (place.has_before) need.communication += messages * elements(model.rows * inputs);
    if (place.has_after_elsewhere) need.communication += messages * elements(model.rows * outputs);
  }
  need.gradients = need.weights;
  need.optimizer_state = states * need.weights;
  if (trains.options.post_validate) need.stash += need.weights + need.optimizer_state;
  // Two gradients of activations in turn, scratch of a layer, loss and hit of each row, scalars.
  need.workspace +=
      2 * elements(model.rows * widest) + elements(scratch) + 2 * elements(model.rows) +
      padded((step_scalars(trains.shape.steps) + step_reduce_scratch) * static_cast<std::int64_t>(sizeof(double)));
  return need;
}

}  // namespace plait
