// SPDX-License-Identifier: Apache-2.0
// What waiting and reporting cost, and that a report is never half of one thing and half of another.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <span>
#include <thread>
#include <vector>

#include <plait/comm/detail/activity_ring.hpp>
#include <plait/comm/threads.hpp>

#include <doctest/doctest.h>

#include "../counted_allocations.hpp"

namespace {
thread_local std::int64_t allocations = 0;
constexpr plait::host_stream now{};
}  // namespace

// Counts what the calling thread allocates. Not inlined: g++ would warn where it sees one of a pair only.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* memory = std::malloc(bytes > 0 ? bytes : 1)) return memory;
  throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

TEST_CASE("calls do not allocate once they have been made before") {
  std::atomic<std::int64_t> allocated{0};
  plait::threads{}.run(4, [&](plait::threads_communicator<plait::host>& world) {
    const int ranks = world.size(), rank = world.rank();
    std::vector<float> small(40), large(40000), part(10000), got(40000);
    const auto round = [&] {
      for (const std::span<float> values : {std::span{small}, std::span{large}}) {
        const std::span<float> mine = std::span{part}.first(values.size() / 4);
        world.doing({"a round", 0, 1, 2});
        world.all_reduce(values, plait::reduction::max, now);
        world.reduce_scatter(values, mine, plait::reduction::sum, now);
        world.all_gather(mine, values, now);
        world.broadcast(values, 1, now);
        world.barrier(now);
        plait::ticket sent[6];
        for (plait::ticket& one : sent) one = world.send(values, (rank + 1) % ranks, 2, now);
        for (int message = 0; message < 6; ++message) {
          world.receive(std::span{got}.first(values.size()), (rank + ranks - 1) % ranks, 2, now);
        }
        for (const plait::ticket& one : sent) world.wait(one, now);
      }
    };
    for (int i = 0; i < 10; ++i) round();
    const std::int64_t before = allocations;
    for (int i = 0; i < 30; ++i) round();
    allocated += allocations - before;
    CHECK(before > 0);  // the count works
  });
  CHECK(allocated == 0);
}

TEST_CASE("ranks that wait leave the processor to others") {
  const int ranks = static_cast<int>(std::thread::hardware_concurrency()) + 2;
  std::atomic<double> worked{0};  // by the ranks' own threads: libraries of the process may have others
  plait::threads{}.run(ranks, [&](plait::threads_communicator<plait::host>& world) {
    plait::host::mark before, after;
    before.record({});
    if (world.rank() == 0) std::this_thread::sleep_for(std::chrono::milliseconds{400});
    world.barrier(now);
    after.record({});
    worked += plait::host::mark::work_seconds(before, after);
  });
  CHECK(worked.load() < 0.08);
}

TEST_CASE("what a rank did last is read whole and in order") {
  plait::detail::activity_ring did;
  CHECK(did.latest(8).empty());
  did.write({"first", 1});
  CHECK(did.latest(8).size() == 1);
  CHECK(did.latest(8)[0].stage == 1);
  CHECK(did.latest(8)[0].micro == -1);

  std::atomic<bool> enough{false};
  std::thread writer{[&] {
    static constexpr const char* texts[] = {"even", "odd"};
    for (int i = 0; !enough; ++i) did.write({texts[i % 2], i, i, i});
  }};
  int last = 0;
  bool whole = true, in_order = true;
  while (last < 20000) {
    int before = -1;
    for (const plait::activity& seen : did.latest(plait::detail::activity_ring::room)) {
      if (seen.what[0] == 'f') continue;
      whole = whole && seen.micro == seen.stage && seen.peer == seen.stage &&
              seen.what[0] == (seen.stage % 2 == 0 ? 'e' : 'o');
      in_order = in_order && (before < 0 || seen.stage == before + 1);
      before = seen.stage;
    }
    in_order = in_order && (before < 0 || before >= last);
    last = std::max(last, before);
  }
  enough = true;
  writer.join();
  CHECK(whole);
  CHECK(in_order);
  CHECK(did.latest(3).size() == 3);
  CHECK(did.latest(1000).size() == plait::detail::activity_ring::room - 1);
}
