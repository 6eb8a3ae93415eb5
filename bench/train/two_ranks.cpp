// SPDX-License-Identifier: Apache-2.0
// How much faster two ranks as threads train than one, on a machine of two processors or more, in float32. Useful work:
// one sample of a step.
//
//   of_one          samples a second over those of one rank, in turns in one run
//   apart           the same of two single ranks at once that share nothing but the machine, with half the samples
//   each:
//                   what data parallelism could reach if sums took no time
//   without_bubble  the same over what the schedule's bubble leaves of two: m / (m + p - 1) for 1F1B of m micro-batches
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include <plait/plait.hpp>

#include <benchmark/benchmark.h>

#include "classifier.hpp"

namespace {

using namespace plait;

/// Seconds of `steps` steps of `rows` samples in `micro` micro-batches, on rank 0, after one to warm up.
template <layout Layout, class Engine>
double seconds_of(const Engine& engine, std::int64_t rows, std::int64_t width, int micro, int steps) {
  const auto model = classifier::model(width);
  const classifier::samples given{rows};
  double seconds = 0;
  plait::run<Layout>(engine, [&](auto& rank) {
    const int ways = rank.mesh().ways.data;
    std::vector<std::int64_t> offsets{0};
    std::int64_t first = 0;
    for (int j = 0; j < ways * micro; ++j) {
      const index_range cell = balanced_part(rows, std::int64_t{ways} * micro, j);
      if (j == rank.place().data * micro) first = cell.begin;
      if (j / micro == rank.place().data) offsets.push_back(offsets.back() + cell.size());
    }
    const auto here = static_cast<std::size_t>(offsets.back());
    const batch<float, std::int32_t> one{
        .x = std::span<const float>{given.x}.subspan(static_cast<std::size_t>(first * classifier::features),
                                                     here * classifier::features),
        .targets = std::span<const std::int32_t>{given.labels}.subspan(static_cast<std::size_t>(first), here),
        .rows = offsets.back(),
        .features = classifier::features,
        .target_columns = 1,
        .global_rows = rows,
        .micro_offset = offsets};
    trainer trainer{rank, model, sgd_momentum{.learning_rate = 0.01, .momentum = 0.9},
                    training<float>{.features = classifier::features, .batch = rows, .micro = micro}};
    trainer.step(one);
    rank.world().barrier({});
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < steps; ++i) trainer.step(one);
    if (rank.rank() == 0) seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  });
  return seconds;
}

/// Seconds until the later of two single ranks is done, each with half the samples.
double seconds_apart(std::int64_t rows, std::int64_t width, int micro, int steps) {
  double other = 0;
  std::thread beside{[&] { other = seconds_of<mesh<>>(serial{}, rows / 2, width, micro, steps); }};
  const double mine = seconds_of<mesh<>>(serial{}, rows / 2, width, micro, steps);
  beside.join();
  return std::max(mine, other);
}

/// share: of two ranks' work that the schedule leaves.
template <layout Layout>
void beside_one_rank(benchmark::State& state, double share) {
  const std::int64_t rows = state.range(0), width = state.range(1);
  const int micro = static_cast<int>(state.range(2)), steps = 20;
  const bool pipelined = share < 1;
  double one = 0, two = 0, apart = 0;
  std::int64_t turns = 0;
  for (auto _ : state) {
    one += seconds_of<mesh<>>(serial{}, rows, width, micro, steps);
    const double seconds = seconds_of<Layout>(threads<host>{}, rows, width, micro, steps);
    two += seconds;
    if (!pipelined) apart += seconds_apart(rows, width, micro, steps);
    ++turns;
    state.SetIterationTime(seconds);
  }
  state.counters["samples/s"] = static_cast<double>(turns * steps * rows) / two;
  state.counters["of_one"] = one / two;
  if (pipelined)
    state.counters["without_bubble"] = one / two / share;
  else
    state.counters["apart"] = one / apart;
}

void data_two(benchmark::State& state) {
  beside_one_rank<mesh<data<2>>>(state, 1);
}
void pipeline_two(benchmark::State& state) {
  const auto micro = static_cast<double>(state.range(2));
  beside_one_rank<mesh<pipeline<2, one_f_one_b>>>(state, micro / (micro + 1));
}

BENCHMARK(data_two)->ArgNames({"rows", "width", "micro"})->Args({256, 256, 1})->Args({256, 1024, 1})->UseManualTime();
BENCHMARK(pipeline_two)
    ->ArgNames({"rows", "width", "micro"})
    ->Args({256, 256, 8})
    ->Args({512, 1024, 8})
    ->UseManualTime();

}  // namespace
