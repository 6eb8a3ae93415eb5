// SPDX-License-Identifier: Apache-2.0
// What plait::mpi adds to the calls of MPI that do the same, with however many ranks mpirun starts:
//
//   mpirun -n 2 build/test/bench/comm_mpi
//
//   round_trip/bytes     one message from rank 0 to rank 1 and one back; raw: MPI_Send and MPI_Recv
//   all_reduce/bytes     floats, sum; raw: MPI_Allreduce, whose order of addition is its own
//   barrier              raw: MPI_Barrier
//   longer/bytes         what 32 bytes more, which say what is called, cost MPI itself: its own exchange of so many and
//                        of 32 less, both raw
//
// over_raw is the time of plait's calls over that of the raw ones: 1 is what it should be. Both are taken in the same
// run, in turns of a millisecond or one call, and of each the quickest turn counts. spread: the median
// turn over the quickest one, of plait.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include <plait/comm/mpi.hpp>

#include <benchmark/benchmark.h>

namespace {

using communicator = plait::mpi_communicator;
constexpr plait::host_stream now{};
constexpr int turns = 200;

/// Takes turns between `ours` and `raw`, which all ranks call alike.
template <class Ours, class Raw>
void compare(benchmark::State& state, communicator& world, int calls, const Ours& ours, const Raw& raw) {
  using timer = std::chrono::steady_clock;
  std::vector<double> seconds[2];
  for (auto _ : state) {
    for (int turn = 0; turn < turns; ++turn)
      for (int which = 0; which < 2; ++which) {
        MPI_Barrier(world.native());
        const auto begin = timer::now();
        for (int call = 0; call < calls; ++call) which == 0 ? ours() : raw();
        seconds[which].push_back(std::chrono::duration<double>(timer::now() - begin).count() / calls);
      }
  }
  for (auto& one : seconds) std::sort(one.begin(), one.end());
  state.counters["us"] = 1e6 * seconds[0].front();
  state.counters["raw_us"] = 1e6 * seconds[1].front();
  state.counters["over_raw"] = seconds[0].front() / seconds[1].front();
  state.counters["spread"] = seconds[0][seconds[0].size() / 2] / seconds[0].front();
}

int calls_for(std::size_t bytes) {
  return static_cast<int>(std::clamp<std::size_t>((std::size_t{1} << 20) / (bytes + 1024), 1, 1000));
}

void round_trip(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  plait::mpi{}.run(plait::mpi{}.size(), [&](communicator& world) {
    if (world.size() < 2) return state.SkipWithError("it takes two ranks");
    std::vector<float> values(bytes / sizeof(float));
    const int count = static_cast<int>(values.size()), peer = 1 - world.rank();
    const auto ours = [&] {
      if (world.rank() == 0) world.wait(world.send(std::span{values}, peer, 0, now), now);
      if (world.rank() < 2) world.receive(std::span{values}, peer, 0, now);
      if (world.rank() == 1) world.wait(world.send(std::span{values}, peer, 0, now), now);
    };
    const auto raw = [&] {
      if (world.rank() == 0) MPI_Send(values.data(), count, MPI_FLOAT, peer, 7, MPI_COMM_WORLD);
      if (world.rank() < 2) MPI_Recv(values.data(), count, MPI_FLOAT, peer, 7, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      if (world.rank() == 1) MPI_Send(values.data(), count, MPI_FLOAT, peer, 7, MPI_COMM_WORLD);
    };
    compare(state, world, calls_for(bytes), ours, raw);
  });
}
BENCHMARK(round_trip)->ArgName("bytes")->RangeMultiplier(16)->Range(4, 1 << 22)->Iterations(1);

void all_reduce(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  plait::mpi{}.run(plait::mpi{}.size(), [&](communicator& world) {
    std::vector<float> values(bytes / sizeof(float));  // zeros, so that no sum overflows
    const int count = static_cast<int>(values.size());
    compare(
        state, world, calls_for(bytes), [&] { world.all_reduce(std::span{values}, plait::reduction::sum, now); },
        [&] { MPI_Allreduce(MPI_IN_PLACE, values.data(), count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD); });
  });
}
BENCHMARK(all_reduce)->ArgName("bytes")->RangeMultiplier(4)->Range(4, 1 << 22)->Iterations(1);

void barrier(benchmark::State& state) {
  plait::mpi{}.run(plait::mpi{}.size(), [&](communicator& world) {
    compare(
        state, world, 1000, [&] { world.barrier(now); }, [] { MPI_Barrier(MPI_COMM_WORLD); });
  });
}
BENCHMARK(barrier)->Iterations(1);

void longer(benchmark::State& state) {
  const auto bytes = static_cast<int>(state.range(0));
  plait::mpi{}.run(plait::mpi{}.size(), [&](communicator& world) {
    if (world.size() != 2) return state.SkipWithError("it takes two ranks");
    std::vector<char> sent(static_cast<std::size_t>(bytes)), received(sent.size());
    const auto exchange = [&](int size) {
      MPI_Request both[2];
      MPI_Irecv(received.data(), size, MPI_BYTE, 1 - world.rank(), 7, MPI_COMM_WORLD, &both[0]);
      MPI_Isend(sent.data(), size, MPI_BYTE, 1 - world.rank(), 7, MPI_COMM_WORLD, &both[1]);
      MPI_Waitall(2, both, MPI_STATUSES_IGNORE);
    };
    compare(
        state, world, 1000, [&] { exchange(bytes); }, [&] { exchange(bytes - 32); });
  });
}
BENCHMARK(longer)->ArgName("bytes")->Arg(96)->Arg(256)->Arg(288)->Arg(320)->Iterations(1);

/// For the ranks that do not speak.
struct silent : benchmark::BenchmarkReporter {
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>&) override {}
};

}  // namespace

int main(int count, char** words) {
  benchmark::Initialize(&count, words);
  silent nothing;
  if (plait::mpi{}.rank() == 0)
    benchmark::RunSpecifiedBenchmarks();
  else
    benchmark::RunSpecifiedBenchmarks(&nothing);
}
