// SPDX-License-Identifier: Apache-2.0
// What the ranks of plait::threads pay to meet and to exchange values, beside memcpy in the same run.
//
//   barrier/ranks             time of one barrier
//   doing                     time of saying what a rank does next
//   round_trip                one message there and one back, 4 bytes; one_way_ns is half of it
//   send_receive/bytes        rank 0 sends, rank 1 receives; GB/s = bytes / time
//   all_reduce/ranks/bytes    floats, sum; GB/s = bytes / time
//
// of_memcpy compares with one thread's memcpy of as many bytes, from one buffer to another: 1 means that every core
// that has a rank moves as many bytes in a second as that. send_receive copies `bytes` on one core; all_reduce reads
// and writes `bytes` on each rank, with min(ranks, cores) of them at the same time. Warm-up: one call before the clock
// starts. Spread: run with --benchmark_repetitions=5.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <thread>
#include <vector>

#include <plait/comm/threads.hpp>

#include <benchmark/benchmark.h>

namespace {

using communicator = plait::threads_communicator<plait::host>;
constexpr plait::host_stream now{};

using timer = std::chrono::steady_clock;

double seconds_since(timer::time_point begin) {
  return std::chrono::duration<double>(timer::now() - begin).count();
}

/// Rank 0 takes the time of `call` while the others make as many calls; `seconds` is that of one call.
template <class Body>
void for_each_iteration(benchmark::State& state, communicator& world, double& seconds, const Body& call) {
  call();
  world.barrier(now);
  if (world.rank() == 0) {
    const auto begin = timer::now();
    for (auto _ : state) call();
    seconds = seconds_since(begin) / static_cast<double>(state.iterations());
  } else {
    for (benchmark::IterationCount i = 0; i < state.max_iterations; ++i) call();
  }
}

/// Seconds of one memcpy: the best of several, each long enough for the clock.
double memcpy_seconds(std::size_t bytes) {
  const std::vector<char> from(bytes, 1);
  std::vector<char> to(bytes);
  const std::size_t copies = std::max<std::size_t>(1, (std::size_t{1} << 25) / bytes);
  double best = 1e9;
  for (int attempt = 0; attempt < 5; ++attempt) {
    const auto begin = timer::now();
    for (std::size_t i = 0; i < copies; ++i) {
      std::memcpy(to.data(), from.data(), bytes);
      benchmark::ClobberMemory();
    }
    best = std::min(best, seconds_since(begin) / static_cast<double>(copies));
  }
  return best;
}

/// copies: how many times one core copies `bytes` in `seconds`.
void compare_with_memcpy(benchmark::State& state, double seconds, std::size_t bytes, double copies) {
  state.counters["GB/s"] = 1e-9 * static_cast<double>(bytes) / seconds;
  state.counters["of_memcpy"] = copies * memcpy_seconds(bytes) / seconds;
}

void barrier(benchmark::State& state) {
  double seconds = 0;
  plait::threads{}.run(static_cast<int>(state.range(0)), [&](communicator& world) {
    for_each_iteration(state, world, seconds, [&] { world.barrier(now); });
  });
}
BENCHMARK(barrier)->ArgName("ranks")->Arg(1)->Arg(2)->Arg(4)->Arg(8)->UseRealTime();

void doing(benchmark::State& state) {
  plait::threads{}.run(1, [&](communicator& world) {
    int micro = 0;
    for (auto _ : state) world.doing({"forward", 1, ++micro, 0});
  });
}
BENCHMARK(doing);

void round_trip(benchmark::State& state) {
  double seconds = 0;
  plait::threads{}.run(2, [&](communicator& world) {
    std::vector<float> out(1, 1), in(1);
    const int peer = 1 - world.rank();
    for_each_iteration(state, world, seconds, [&] {
      if (world.rank() == 1) world.receive(std::span{in}, peer, 0, now);
      const plait::ticket sent = world.send(std::span{out}, peer, 0, now);
      if (world.rank() == 0) world.receive(std::span{in}, peer, 0, now);
      world.wait(sent, now);
    });
  });
  state.counters["one_way_ns"] = 1e9 * seconds / 2;
}
BENCHMARK(round_trip)->UseRealTime();

void send_receive(benchmark::State& state) {
  double seconds = 0;
  const auto bytes = static_cast<std::size_t>(state.range(0));
  plait::threads{}.run(2, [&](communicator& world) {
    std::vector<float> values(bytes / sizeof(float), 1);
    for_each_iteration(state, world, seconds, [&] {
      if (world.rank() == 0) world.wait(world.send(std::span{values}, 1, 0, now), now);
      if (world.rank() == 1) world.receive(std::span{values}, 0, 0, now);
    });
    world.barrier(now);
  });
  compare_with_memcpy(state, seconds, bytes, 1);
}
BENCHMARK(send_receive)->ArgName("bytes")->RangeMultiplier(4)->Range(1 << 10, 1 << 24)->UseRealTime();

void all_reduce(benchmark::State& state) {
  double seconds = 0;
  const auto bytes = static_cast<std::size_t>(state.range(1));
  plait::threads{}.run(static_cast<int>(state.range(0)), [&](communicator& world) {
    std::vector<float> values(bytes / sizeof(float));  // zeros, so that no sum overflows
    for_each_iteration(state, world, seconds, [&] { world.all_reduce(std::span{values}, plait::reduction::sum, now); });
  });
  const double ranks = static_cast<double>(state.range(0));
  compare_with_memcpy(state, seconds, bytes,
                      ranks / std::min(ranks, static_cast<double>(std::thread::hardware_concurrency())));
}
BENCHMARK(all_reduce)
    ->ArgNames({"ranks", "bytes"})
    ->ArgsProduct({{2, 8}, benchmark::CreateRange(1 << 10, 1 << 24, 4)})
    ->UseRealTime();

}  // namespace
