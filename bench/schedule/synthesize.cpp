// SPDX-License-Identifier: Apache-2.0
// How long it takes to find an order, and how much shorter it is than the shortest fixed schedule within the same
// limit. Counters: `makespan`, `fixed` (of the shortest fixed schedule), `bound` (no order is shorter), in forward
// passes. Memory: the limit of 1F1B, chunks * ranks activations on each rank. All stages uneven, messages of half a
// pass.
#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

#include <plait/schedule/simulate.hpp>
#include <plait/schedule/synthesize.hpp>

#include <benchmark/benchmark.h>

namespace {

using namespace plait;

step_costs uneven(pipe_shape shape) {
  step_costs costs;
  for (int stage = 0; stage < shape.stages(); ++stage) {
    const double slow = 1 + 0.1 * (stage * 7 % 5);
    costs.stages.push_back({slow, 1.2 * slow, 0.8 * slow, {}});
  }
  costs.between_ranks.latency = {0.5};
  return costs;
}

double shortest_fixed(pipe_shape shape, const step_costs& costs, const std::vector<int>& limit) {
  double least = std::numeric_limits<double>::infinity();
  detail::for_each_fixed([&]<class S>() {
    if (S::chunks != shape.chunks || !S::accepts(shape).legal) return;
    for (int rank = 0; rank < shape.ranks; ++rank)
      if (S::peak_activations(shape, rank) > limit[static_cast<std::size_t>(rank)]) return;
    least = std::min(least, simulate(programs_of<S>(shape), costs).makespan);
  });
  return least;
}

void find(benchmark::State& state) {
  const pipe_shape shape{static_cast<int>(state.range(0)), static_cast<int>(state.range(1)),
                         static_cast<int>(state.range(2))};
  const step_costs costs = uneven(shape);
  const std::vector<int> limit(static_cast<std::size_t>(shape.ranks), shape.chunks * shape.ranks);
  orders found;
  for (auto _ : state) {
    found = synthesize(shape, costs, limit);
    benchmark::DoNotOptimize(found.passes.data());
  }
  state.counters["makespan"] = simulate(programs_of(found), costs).makespan;
  state.counters["fixed"] = shortest_fixed(shape, costs, limit);
  state.counters["bound"] = lower_bound(shape, costs, limit);
}

BENCHMARK(find)
    ->ArgNames({"ranks", "micro", "chunks"})
    ->Args({4, 8, 1})
    ->Args({4, 16, 2})
    ->Args({8, 32, 1})
    ->Args({8, 32, 2})
    ->Args({32, 128, 1})
    ->Unit(benchmark::kMillisecond);

}  // namespace
