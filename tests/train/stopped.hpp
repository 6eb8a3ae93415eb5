// SPDX-License-Identifier: Apache-2.0
#pragma once

// Trains in parts: from a checkpoint, to a checkpoint.

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <plait/train/checkpoint.hpp>

#include <doctest/doctest.h>

#include "data/scratch.hpp"
#include "harness.hpp"

namespace harness {

/// The steps [first, last) of a job; before them the trainer goes on from `from`, after them it saves to `to`, where
/// these are not empty.
struct part {
  int first = 0;
  int last = 0;
  std::string from{};
  std::string to{};
};

template <real T, class Target, class Engine, class Model, class Optimizer>
outcome<T> train_part(const Engine& engine, const layout_handle& layout, const Model& model, Optimizer optimizer,
                      const task<T, Target>& job, const part& which) {
  outcome<T> result;
  std::mutex guard;
  plait::run(engine, layout, [&](auto& rank) {
    typename std::remove_cvref_t<decltype(rank)>::space::owned_stream stream;
    trainer trainer{rank, model, optimizer, job.settings, stream};
    if (!which.from.empty()) {
      const auto loaded = load_latest_checkpoint(trainer, which.from);
      REQUIRE(loaded.has_value());
      REQUIRE(loaded->steps == which.first);
    } else if (job.weight != nullptr) {
      trainer.fill_parameters(job.weight);
    }
    REQUIRE(trainer.steps() == which.first);
    for (int step = which.first; step < which.last; ++step) {
      const local_batch<T, Target> data{job, static_cast<std::uint64_t>(step), rank.place().data,
                                        rank.mesh().ways.data};
      const step_result done = trainer.step(data.view(job));
      if (rank.rank() == 0) {
        result.losses.push_back(done.loss);
        result.norms.push_back(done.gradient_norm);
      }
    }
    if (!which.to.empty()) save_checkpoint(trainer, {.folder = which.to});
    const std::uint64_t digest = trainer.digest();
    const std::lock_guard lock{guard};
    if (rank.rank() == 0) result.digest = digest;
    trainer.for_each_parameter([&](const held_parameter<T>& held, std::span<const T> values) {
      std::vector<T>& whole = result.parameters[held.name];
      whole.resize(static_cast<std::size_t>(held.global.rows * held.global.columns));
      for (std::int64_t i = 0; i < held.size(); ++i)
        whole[static_cast<std::size_t>(held.global_index(i))] = values[static_cast<std::size_t>(i)];
    });
  });
  return result;
}

/// Stops after `stop` steps under one layout on one engine and goes on under another on another; the losses of both
/// parts in a row.
template <real T, class Target, class Before, class After, class Model, class Optimizer>
outcome<T> stopped_and_resumed(const Before& engine_before, const layout_handle& before, const After& engine_after,
                               const layout_handle& after, const Model& model, Optimizer optimizer,
                               const task<T, Target>& job, int stop) {
  const plait::testing::scratch_directory scratch;
  const outcome<T> first =
      train_part<T, Target>(engine_before, before, model, optimizer, job, {0, stop, "", scratch.path()});
  outcome<T> second =
      train_part<T, Target>(engine_after, after, model, optimizer, job, {stop, job.steps, scratch.path(), ""});
  second.losses.insert(second.losses.begin(), first.losses.begin(), first.losses.end());
  second.norms.insert(second.norms.begin(), first.norms.begin(), first.norms.end());
  return second;
}

}  // namespace harness
