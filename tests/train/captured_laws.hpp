// SPDX-License-Identifier: Apache-2.0
#pragma once
// The law of captured steps: they train what steps that are given anew train, to the bit, whatever changes from one
// step to the next.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/tensor/buffer.hpp>

#include <doctest/doctest.h>

#include "real_model.hpp"

namespace harness {

/// A batch in a space: a copy of one in host memory, at addresses of its own.
template <class Space, class T, class Target>
class batch_in_space {
 public:
  batch_in_space(const batch<T, Target>& here, typename Space::stream order)
      : x_{static_cast<std::int64_t>(here.x.size())},
        targets_{static_cast<std::int64_t>(here.targets.size())},
        offsets_{here.micro_offset.begin(), here.micro_offset.end()},
        shown_{.x = {x_.data(), here.x.size()},
               .targets = {targets_.data(), here.targets.size()},
               .rows = here.rows,
               .features = here.features,
               .target_columns = here.target_columns,
               .global_rows = here.global_rows,
               .micro_offset = offsets_} {
    Space::upload(x_.data(), here.x.data(), here.x.size_bytes(), order);
    Space::upload(targets_.data(), here.targets.data(), here.targets.size_bytes(), order);
  }
  batch_in_space(const batch_in_space&) = delete;
  batch_in_space& operator=(const batch_in_space&) = delete;
  [[nodiscard]] const batch<T, Target, Space>& view() const { return shown_; }

 private:
  buffer<T, Space> x_;
  buffer<Target, Space> targets_;
  std::vector<std::int64_t> offsets_;
  batch<T, Target, Space> shown_;
};

/// The task's data in batches that change in every way that batches may: their values, the last of each four smaller,
/// every third in the space of the ranks; under a learning rate that is another in each step; with an evaluation after
/// each five, and steps that are skipped, as where a checkpoint is loaded. Programs of several steps are given as many
/// batches at a time.
template <class T, class Engine, class Optimizer>
outcome<T> train_in_changing_steps(const Engine& engine, const layout_handle& layout, const Optimizer& optimizer,
                                   const task<T, std::int32_t>& job) {
  const auto model = real_model();
  outcome<T> result;
  plait::run(engine, layout, [&](auto& rank) {
    using space = typename std::remove_cvref_t<decltype(rank)>::space;
    typename space::owned_stream stream;
    trainer trainer{rank, model, optimizer, job.settings, stream};
    const coordinate place = rank.place();
    const auto of = [&](const auto& settings, int number) {
      return local_batch<T, std::int32_t>{settings, static_cast<std::uint64_t>(number), place.data,
                                          rank.mesh().ways.data};
    };
    outcome<T> own;
    for (int step = 0; step < job.steps; ++step) {
      auto today = job;
      if (step % 4 == 3) today.settings.batch = 30;
      trainer.optimizer().learning_rate = optimizer.learning_rate / (1 + step % 3);
      if (step == 9) trainer.restore(trainer.steps() + 5, job.settings.seed);
      if (job.settings.steps > 1) {
        std::vector<local_batch<T, std::int32_t>> several;
        for (int i = 0; i < job.settings.steps; ++i) several.push_back(of(today, step * job.settings.steps + i));
        std::vector<batch<T, std::int32_t>> views;
        for (const auto& one : several) views.push_back(one.view(today));
        for (const step_result& done : trainer.step(views)) own.losses.push_back(done.loss);
        continue;
      }
      const auto data = of(today, step);
      const step_result done =
          step % 3 == 2 ? trainer.step(batch_in_space<space, T, std::int32_t>{data.view(today), stream}.view())
                        : trainer.step(data.view(today));
      own.losses.push_back(done.loss);
      own.norms.push_back(done.gradient_norm);
      if (step % 5 != 4) continue;
      const step_result seen = trainer.evaluate(of(job, 1000 + step).view(job));
      own.evaluated_loss += seen.loss;
      own.evaluated_hits += seen.hits;
    }
    own.digest = trainer.digest();
    for (const bool gradients : {false, true})
      trainer.for_each_parameter(
          [&](const held_parameter<T>& held, std::span<const T> values) {
            (gradients ? own.gradients : own.parameters)[held.name].assign(values.begin(), values.end());
          },
          gradients);
    if (rank.rank() == 0) result = std::move(own);
  });
  return result;
}

/// The law, for one layout and optimizer. settings: with `capture` on.
template <class T, class Engine, class Optimizer>
void captured_steps_train_alike(const Engine& engine, const layout_handle& layout, const Optimizer& optimizer,
                                task<T, std::int32_t> job) {
  CAPTURE(to_string(layout.mesh.ways));
  CAPTURE(layout.schedule.name);
  job.settings.capture = false;
  const auto given = train_in_changing_steps<T>(engine, layout, optimizer, job);
  job.settings.capture = true;
  const auto captured = train_in_changing_steps<T>(engine, layout, optimizer, job);
  CHECK(equal_bits(captured, given));
  if (given.losses.empty()) return;  // rank 0 is in another process
  CHECK(given.losses.front() != given.losses.back());
}

/// A batch in which a class is not there is refused with its name, by a step that is launched, wherever it lies.
template <class Engine>
void captured_steps_name_a_class_that_is_not_there(const Engine& engine, const layout_handle& layout) {
  const auto model = real_model();
  for (const bool in_space : {false, true}) {
    CAPTURE(in_space);
    auto job = real_task<double>(3);
    job.settings.capture = true;
    std::string said;
    std::vector<int> steps(static_cast<std::size_t>(layout.mesh.size()));
    try {
      plait::run(engine, layout, [&](auto& rank) {
        using space = typename std::remove_cvref_t<decltype(rank)>::space;
        typename space::owned_stream stream;
        trainer trainer{rank, model, adamw{}, job.settings, stream};
        for (std::uint64_t step = 0; step < 5; ++step) {
          local_batch<double, std::int32_t> data{job, step, rank.place().data, rank.mesh().ways.data};
          if (step == 4) data.targets[20] = 10;  // number 4 of the second micro-batch of 16
          if (in_space)
            trainer.step(batch_in_space<space, double, std::int32_t>{data.view(job), stream}.view());
          else
            trainer.step(data.view(job));
          ++steps[static_cast<std::size_t>(rank.rank())];
        }
      });
    } catch (const error& wrong) {
      said = wrong.what();
    }
    CAPTURE(said);
    // Whose batch it is made four. Another rank may still be in its fourth when that one leaves.
    CHECK(*std::max_element(steps.begin(), steps.end()) == 4);
    CHECK(said.find("is 10, and there are classes 0 to 9") != std::string::npos);
    if (!in_space) CHECK(said.find("target 4 of a micro-batch") != std::string::npos);
  }
}

}  // namespace harness
