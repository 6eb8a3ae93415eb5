// SPDX-License-Identifier: Apache-2.0
#pragma once
// Training on data that lies in the space of the ranks: the same as on data in host memory.

#include <cstdint>
#include <string>
#include <vector>

#include <plait/core/error.hpp>

#include <doctest/doctest.h>

#include "real_model.hpp"

namespace harness {

/// 70 samples of the real task, of which one may be of a class that is not there.
inline in_memory_dataset<double, std::int32_t> real_samples(std::int32_t class_of_sample_40) {
  const auto job = real_task<double>(1);
  std::vector<double> x;
  std::vector<std::int32_t> targets;
  for (std::int64_t row = 0; row < 70; ++row) {
    for (std::int64_t feature = 0; feature < job.features; ++feature) x.push_back(job.sample(0, row, feature));
    targets.push_back(job.target(0, row, 0));
  }
  if (class_of_sample_40 >= 0) targets[40] = class_of_sample_40;
  return {70, x, targets};
}

/// Two epochs of shuffled batches over a data set, and an evaluation of all samples whose last batch is smaller.
template <class Engine, class Data>
outcome<double> train_on(const Engine& engine, const layout_handle& layout, const Data& data) {
  const auto model = real_model();
  const auto settings = real_task<double>(4).settings;
  outcome<double> result;
  plait::run(engine, layout, [&](auto& rank) {
    typename std::remove_cvref_t<decltype(rank)>::space::owned_stream stream;
    trainer trainer{rank, model, adamw{}, settings, stream};
    const data_shard mine{.data_rank = rank.place().data, .data_ways = rank.mesh().ways.data, .micro = settings.micro};
    auto batches = make_loader<double>(data, sampler{data.samples(), 30, 7}, mine);
    auto all = make_loader<double>(data, sampler::sequential(data.samples(), 48), mine);
    outcome<double> own;
    for (std::int64_t epoch = 0; epoch < 2; ++epoch)
      for (const auto& batch : batches.epoch(epoch)) own.losses.push_back(trainer.step(batch).loss);
    for (const auto& batch : all.epoch(0)) {
      const step_result seen = trainer.evaluate(batch);
      own.evaluated_loss += seen.loss;
      own.evaluated_hits += seen.hits;
    }
    own.digest = trainer.digest();
    if (rank.rank() == 0) result = own;
  });
  return result;
}

template <class Engine>
void trains_alike_on_resident_data(const Engine& engine, const layout_handle& layout) {
  using space = typename Engine::communicator_type::space;
  CAPTURE(to_string(layout.mesh.ways));
  const auto data = real_samples(-1);
  const resident_dataset<double, std::int32_t, space> resident{data};
  const outcome<double> one = train_on(engine, layout, data);
  CHECK(one.losses.size() == 4);
  CHECK(equal_bits(train_on(engine, layout, resident), one));
}

/// A class that is not there is named, although nothing has looked at it before the step.
template <class Engine>
void names_a_class_that_is_not_there(const Engine& engine, const layout_handle& layout) {
  using space = typename Engine::communicator_type::space;
  CAPTURE(to_string(layout.mesh.ways));
  const resident_dataset<double, std::int32_t, space> resident{real_samples(10)};
  std::string said;
  try {
    train_on(engine, layout, resident);
  } catch (const error& wrong) {
    said = wrong.what();
  }
  CAPTURE(said);
  CHECK(said.find("is 10, and there are classes 0 to 9") != std::string::npos);
}

}  // namespace harness
