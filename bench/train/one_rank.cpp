// SPDX-License-Identifier: Apache-2.0
// Samples a second that one rank trains on one processor, beside libtorch (where it is installed: Debian's
// libtorch-dev) with the same model, batch, optimizer and number of threads, in float32: a classifier of 784 numbers
// with four hidden layers of `width`, SGD with momentum. Useful work: one sample forward, backward and its share of the
// update; `samples/s` counts them. The ratio of the two rates in one run is what to read.
#include <cstdint>

#include <plait/plait.hpp>

#include <benchmark/benchmark.h>

#include "classifier.hpp"

#if defined(PLAIT_BENCH_LIBTORCH)
#include <torch/torch.h>
#endif

namespace {

using namespace classifier;

void plait_step(benchmark::State& state) {
  using namespace plait;
  const std::int64_t rows = state.range(0), width = state.range(1);
  const samples given{rows};
  const auto model = classifier::model(width);
  const std::int64_t offsets[] = {0, rows};
  const batch<float, std::int32_t> one{.x = given.x,
                                       .targets = given.labels,
                                       .rows = rows,
                                       .features = features,
                                       .target_columns = 1,
                                       .global_rows = rows,
                                       .micro_offset = offsets};
  plait::run<mesh<>>(serial{}, [&](auto& rank) {
    trainer trainer{rank, model, sgd_momentum{.learning_rate = 0.01, .momentum = 0.9},
                    training<float>{.features = features, .batch = rows}};
    trainer.step(one);
    for (auto _ : state) benchmark::DoNotOptimize(trainer.step(one).loss);
  });
  state.counters["samples/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * rows), benchmark::Counter::kIsRate);
}

#if defined(PLAIT_BENCH_LIBTORCH)
void libtorch_step(benchmark::State& state) {
  const std::int64_t rows = state.range(0), width = state.range(1);
  samples given{rows};
  torch::set_num_threads(1);
  torch::nn::Sequential model{
      torch::nn::Linear{features, width}, torch::nn::ReLU{}, torch::nn::Linear{width, width}, torch::nn::ReLU{},
      torch::nn::Linear{width, width},    torch::nn::ReLU{}, torch::nn::Linear{width, width}, torch::nn::ReLU{},
      torch::nn::Linear{width, classes}};
  torch::optim::SGD optimizer{model->parameters(), torch::optim::SGDOptions{0.01}.momentum(0.9)};
  const auto x = torch::from_blob(given.x.data(), {rows, features});
  const auto labels = torch::from_blob(given.labels.data(), {rows}, torch::kInt32).to(torch::kInt64);
  const auto step = [&] {
    optimizer.zero_grad();
    auto loss = torch::nn::functional::cross_entropy(model->forward(x), labels);
    loss.backward();
    optimizer.step();
    return loss.item<float>();
  };
  step();
  for (auto _ : state) benchmark::DoNotOptimize(step());
  state.counters["samples/s"] =
      benchmark::Counter(static_cast<double>(state.iterations() * rows), benchmark::Counter::kIsRate);
}
#endif

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"rows", "width"})->Args({32, 256})->Args({256, 256})->Args({256, 1024})->UseRealTime();
}
BENCHMARK(plait_step)->Apply(shapes);
#if defined(PLAIT_BENCH_LIBTORCH)
BENCHMARK(libtorch_step)->Apply(shapes);
#endif

}  // namespace
