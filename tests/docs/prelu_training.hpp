// SPDX-License-Identifier: Apache-2.0
#pragma once
// Trains a model with the layer of docs/bring_your_own_kernel.md on any engine.

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <plait/plait.hpp>

#include "docs/prelu.hpp"

namespace prelu_training {

/// Losses of twenty steps under layout L.
template <plait::real T, plait::layout L, class Engine>
std::vector<double> losses_of(const Engine& engine) {
  using namespace plait;
  const random_stream random{1, "prelu", 0};
  std::vector<double> x, y;
  for (std::uint64_t i = 0; i < 64; ++i) {
    for (std::uint64_t j = 0; j < 3; ++j) x.push_back(2 * random.uniform(3 * i + j) - 1);
    y.push_back(std::abs(x[3 * i]) - x[3 * i + 1] * x[3 * i + 2]);
  }
  const in_memory_dataset<double, double> points{64, std::move(x), std::move(y)};
  // [in a stack]
  const stack model{column_linear{3, 10},  prelu{10},       row_linear{10, 10},
                    column_linear{10, 10}, prelu{10},       row_linear{10, 10},
                    column_linear{10, 1},  squared_error{1}};
  // [in a stack]
  std::vector<double> losses;
  run<L>(engine, [&](auto& rank) {
    typename Engine::communicator_type::space::owned_stream stream;
    trainer trainer{rank, model, sgd_momentum{.learning_rate = 0.05},
                    training<T>{.features = 3, .batch = 32, .micro = 4}, stream};
    const data_shard mine{.data_rank = rank.place().data, .data_ways = rank.mesh().ways.data, .micro = 4};
    auto batches = make_loader<T, T>(points, sampler{points.samples(), 32, /*seed=*/1}, mine);
    for (int epoch = 0; epoch < 10; ++epoch)
      for (const auto& batch : batches.epoch(epoch)) {
        const double loss = trainer.step(batch).loss;
        if (rank.rank() == 0) losses.push_back(loss);
      }
  });
  return losses;
}

/// The largest relative difference of two runs.
inline double difference(const std::vector<double>& a, const std::vector<double>& b) {
  double worst = a.size() == b.size() ? 0 : HUGE_VAL;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) worst = std::fmax(worst, std::abs(a[i] - b[i]) / b[i]);
  return worst;
}

}  // namespace prelu_training
