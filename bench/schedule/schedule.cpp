// SPDX-License-Identifier: Apache-2.0
// How fast programs are made, verified and simulated. Useful work: one action of one rank; `items_per_second` counts
// them. The larger shape is that of a large run: 64 ranks, 1024 micro-batches, 8 chunks, three million actions.
#include <cstdint>
#include <vector>

#include <plait/schedule/interleaved.hpp>
#include <plait/schedule/named.hpp>
#include <plait/schedule/simulate.hpp>
#include <plait/schedule/verify.hpp>

#include <benchmark/benchmark.h>

namespace {

using namespace plait;

constexpr step_options options{.buckets = 2, .clip = true};

template <int Chunks>
pipe_shape shape_of(const benchmark::State& state) {
  return {static_cast<int>(state.range(0)), static_cast<int>(state.range(1)), Chunks};
}
void count_actions(benchmark::State& state, const std::vector<program>& programs) {
  std::int64_t actions = 0;
  for (const program& one : programs) actions += static_cast<std::int64_t>(one.actions.size());
  state.SetItemsProcessed(state.iterations() * actions);
  state.counters["actions"] = static_cast<double>(actions);
}

/// Order, messages, slots, reductions: 18 bytes an action.
template <int Chunks>
void generate(benchmark::State& state) {
  const pipe_shape shape = shape_of<Chunks>(state);
  std::vector<program> programs;
  for (auto _ : state) {
    programs = programs_of<interleaved<Chunks>>(shape, options);
    benchmark::DoNotOptimize(programs.data());
  }
  count_actions(state, programs);
}

template <int Chunks>
void verify_programs(benchmark::State& state) {
  const auto programs = programs_of<interleaved<Chunks>>(shape_of<Chunks>(state), options);
  for (auto _ : state) {
    verification found = verify(programs);  // not const: later versions of the library warn of a const argument below
    if (!found.valid) return state.SkipWithError("the programs are not valid");
    benchmark::DoNotOptimize(found.valid);
  }
  count_actions(state, programs);
}

template <int Chunks>
void simulate_programs(benchmark::State& state) {
  const pipe_shape shape = shape_of<Chunks>(state);
  const auto programs = programs_of<interleaved<Chunks>>(shape, options);
  step_costs costs = step_costs::uniform(shape, {.forward = 1, .message = {1 << 20}});
  costs.between_ranks = {.latency = {0.01}, .bandwidth = {1e8}};
  double makespan = 0;
  for (auto _ : state) {
    const simulation found = simulate(programs, costs);
    if (!found.completes) return state.SkipWithError("the programs do not complete");
    makespan = found.makespan;
    benchmark::ClobberMemory();
  }
  count_actions(state, programs);
  state.counters["makespan"] = makespan;
}

/// Schedules of other kinds by their names, on 64 ranks with 1024 micro-batches: a closed order (1F1B), split (ZB-H1),
/// a pattern (V-1F1B), orders that come out of a list schedule (V-Half, Hanayo), and copies (DualPipe).
constexpr const char* names[]{"1f1b", "zb_h1", "v_1f1b", "v_half", "hanayo", "dualpipe"};

orders named(const benchmark::State& state) {
  return orders_of(names[state.range(0)], {.ranks = 64, .micro = 1024});
}

/// Orders and programs; message slots follow from playing the orders of all ranks.
void generate_named(benchmark::State& state) {
  state.SetLabel(names[state.range(0)]);
  std::vector<program> programs;
  for (auto _ : state) {
    programs = programs_of(named(state));
    benchmark::DoNotOptimize(programs.data());
  }
  count_actions(state, programs);
}
void verify_named(benchmark::State& state) {
  state.SetLabel(names[state.range(0)]);
  const auto programs = programs_of(named(state));
  for (auto _ : state) {
    verification found = verify(programs);
    if (!found.valid) return state.SkipWithError("the programs are not valid");
    benchmark::DoNotOptimize(found.valid);
  }
  count_actions(state, programs);
}
void simulate_named(benchmark::State& state) {
  state.SetLabel(names[state.range(0)]);
  const auto programs = programs_of(named(state));
  const step_costs costs = step_costs::uniform(programs[0].shape);
  for (auto _ : state) {
    const simulation found = simulate(programs, costs);
    if (!found.completes) return state.SkipWithError("the programs do not complete");
    benchmark::ClobberMemory();
  }
  count_actions(state, programs);
}

BENCHMARK(generate<4>)->Args({16, 64})->Unit(benchmark::kMicrosecond);
BENCHMARK(generate<8>)->Args({64, 1024})->Unit(benchmark::kMillisecond);
BENCHMARK(verify_programs<4>)->Args({16, 64})->Unit(benchmark::kMicrosecond);
BENCHMARK(verify_programs<8>)->Args({64, 1024})->Unit(benchmark::kMillisecond);
BENCHMARK(simulate_programs<4>)->Args({16, 64})->Unit(benchmark::kMicrosecond);
BENCHMARK(simulate_programs<8>)->Args({64, 1024})->Unit(benchmark::kMillisecond);
BENCHMARK(generate_named)->DenseRange(0, 5)->Unit(benchmark::kMillisecond);
BENCHMARK(verify_named)->DenseRange(0, 5)->Unit(benchmark::kMillisecond);
BENCHMARK(simulate_named)->DenseRange(0, 5)->Unit(benchmark::kMillisecond);

}  // namespace
