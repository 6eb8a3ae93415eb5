// SPDX-License-Identifier: Apache-2.0
#pragma once

// Trains one model under any layout and collects everything that the law of equivalence compares.

#include <cfenv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <plait/core/random.hpp>
#include <plait/plait.hpp>

namespace harness {

using namespace plait;

/// What a run leaves behind: what must not depend on the layout.
template <real T>
struct outcome {
  std::vector<double> losses{};  ///< of each step
  std::vector<double> norms{};
  std::map<std::string, std::vector<T>> parameters{};  ///< after the last step, whole
  std::map<std::string, std::vector<T>> gradients{};   ///< of the last step, whole
  std::uint64_t digest = 0;
  double evaluated_loss = 0;
  double evaluated_hits = 0;
  bool exact = true;  ///< no rank rounded anything in any step
};

/// Law 1, bit for bit.
template <real T>
bool equal_bits(const outcome<T>& a, const outcome<T>& b) {
  return a.losses == b.losses && a.norms == b.norms && a.parameters == b.parameters && a.gradients == b.gradients &&
         a.digest == b.digest && a.evaluated_loss == b.evaluated_loss && a.evaluated_hits == b.evaluated_hits;
}

/// What to run: data by global sample and feature, the same for all layouts.
template <real T, class Target>
struct task {
  std::int64_t features = 1;
  std::int64_t target_columns = 1;
  int steps = 4;
  bool evaluates = true;  ///< whether an evaluation and the digest follow the steps
  training<T> settings{};
  T (*sample)(std::uint64_t step, std::int64_t row, std::int64_t feature) = nullptr;
  Target (*target)(std::uint64_t step, std::int64_t row, std::int64_t column) = nullptr;
  T (*weight)(const held_parameter<T>&, std::int64_t element) = nullptr;  ///< none: as initialised
};

/// One data rank's part of the global batch of a step, in the cells that the loader's rule gives.
template <real T, class Target>
struct local_batch {
  std::vector<T> x;
  std::vector<Target> targets;
  std::vector<std::int64_t> offsets{0};

  local_batch(const task<T, Target>& job, std::uint64_t step, int data_rank, int data_ways) {
    const int micro = job.settings.micro;
    std::int64_t rows = 0;
    for (int j = 0; j < micro; ++j) {
      const index_range cell =
          balanced_part(job.settings.batch, std::int64_t{data_ways} * micro, data_rank * micro + j);
      for (std::int64_t row = cell.begin; row < cell.end; ++row) {
        for (std::int64_t f = 0; f < job.features; ++f) x.push_back(job.sample(step, row, f));
        for (std::int64_t c = 0; c < job.target_columns; ++c) targets.push_back(job.target(step, row, c));
      }
      offsets.push_back(rows += cell.size());
    }
  }
  [[nodiscard]] batch<T, Target> view(const task<T, Target>& job) const {
    return {.x = x,
            .targets = targets,
            .rows = offsets.back(),
            .features = job.features,
            .target_columns = job.target_columns,
            .global_rows = job.settings.batch,
            .micro_offset = offsets};
  }
};

/// Trains on an engine (`threads{}`, `serial{}`, or one with faults) under a layout.
template <real T, class Target, class Engine, class Model, class Optimizer>
outcome<T> train(const Engine& engine, const layout_handle& layout, const Model& model, Optimizer optimizer,
                 const task<T, Target>& job) {
  outcome<T> result;
  std::mutex guard;
  plait::run(engine, layout, [&](auto& rank) {
    typename std::remove_cvref_t<decltype(rank)>::space::owned_stream stream;
    trainer trainer{rank, model, optimizer, job.settings, stream};
    if (job.weight != nullptr) trainer.fill_parameters(job.weight);
    const coordinate place = rank.place();
    const int ways = rank.mesh().ways.data;
    bool exact = true;
    for (int step = 0; step < job.steps; ++step) {
      const local_batch<T, Target> data{job, static_cast<std::uint64_t>(step), place.data, ways};
      const auto view = data.view(job);
      std::feclearexcept(FE_ALL_EXCEPT);
      const step_result done = trainer.step(view);
      exact = exact && std::fetestexcept(FE_INEXACT) == 0;
      if (rank.rank() == 0) {
        result.losses.push_back(done.loss);
        result.norms.push_back(done.gradient_norm);
      }
    }
    step_result evaluated;
    std::uint64_t digest = 0;
    if (job.evaluates) {
      const local_batch<T, Target> data{job, 99, place.data, ways};
      evaluated = trainer.evaluate(data.view(job));
      digest = trainer.digest();
    }
    const std::lock_guard lock{guard};
    result.exact = result.exact && exact;
    if (rank.rank() == 0) {
      result.digest = digest;
      result.evaluated_loss = evaluated.loss;
      result.evaluated_hits = evaluated.hits;
    }
    for (const bool gradients : {false, true})
      trainer.for_each_parameter(
          [&](const held_parameter<T>& held, std::span<const T> values) {
            std::vector<T>& whole = (gradients ? result.gradients : result.parameters)[held.name];
            whole.resize(static_cast<std::size_t>(held.global.rows * held.global.columns));
            for (std::int64_t i = 0; i < held.size(); ++i)
              whole[static_cast<std::size_t>(held.global_index(i))] = values[static_cast<std::size_t>(i)];
          },
          gradients);
  });
  return result;
}

/// A rank with a serial engine: the reference of all laws.
template <real T, class Target, class Model, class Optimizer>
outcome<T> train_serial(const Model& model, Optimizer optimizer, task<T, Target> job) {
  job.settings.micro = 1;
  job.settings.cut.clear();
  job.settings.edit = nullptr;
  return train<T, Target>(serial{}, handle_of_layout<mesh<>>(), model, optimizer, job);
}

/// A layout from numbers, with one of the three schedules: 0 GPipe, 1 1F1B, 2 interleaved.
inline layout_handle layout_of(coordinate ways, int chunks, int which, rank_order order = default_rank_order) {
  schedule_handle schedule = which == 0 ? handle_of<gpipe>() : handle_of<one_f_one_b>();
  if (which == 2)
    schedule = chunks == 1   ? handle_of<interleaved<1>>()
               : chunks == 2 ? handle_of<interleaved<2>>()
               : chunks == 3 ? handle_of<interleaved<3>>()
                             : handle_of<interleaved<4>>();
  return {.mesh = {.ways = ways, .order = order, .chunks = chunks}, .schedule = schedule};
}

/// A layout with a schedule that is known by its type.
template <schedule S>
layout_handle layout_under(coordinate ways) {
  return {.mesh = {.ways = ways, .chunks = S::chunks}, .schedule = handle_of<S>()};
}

}  // namespace harness
