// SPDX-License-Identifier: Apache-2.0
// Law 7 for processes that all live on: what each of them is told. What happens when one dies is in faults.py.
#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <plait/comm/mpi.hpp>

#include <doctest/doctest.h>

using communicator = plait::mpi_communicator;
using plait::reduction;

namespace {

constexpr plait::host_stream now{};

/// What `run` throws on this rank; empty where it throws nothing. Every rank gets the same sentence.
std::string failure_of(const std::function<void(communicator&)>& body, double deadline_seconds = 60) {
  std::string text;
  const auto begin = std::chrono::steady_clock::now();
  try {
    plait::mpi{.deadline_seconds = deadline_seconds}.run(
        plait::mpi{}.size(), body, [](int rank) { return "{pipeline " + std::to_string(rank) + "}"; });
  } catch (const plait::error& caught) {
    text = caught.what();
    CHECK(caught.exit_status() == 1);
  }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{20});
  return text;
}

bool says(const std::string& text, const std::string& words) {
  if (text.find(words) != std::string::npos) return true;
  MESSAGE("expected: ", words, "\nfound: ", text);
  return false;
}

bool alone() {
  return plait::mpi{}.size() == 1;
}

}  // namespace

TEST_CASE("processes that make different calls are told which") {
  if (alone()) return;
  struct pair {
    std::size_t mine, theirs;
    const char* words;
  };
  // Both ways of reducing, and both sides of each cut-off.
  for (const pair sizes :
       {pair{3, 4, "all_reduce(3 f32, sum) and rank 0 calls all_reduce(4 f32, sum)"},
        pair{3, 40000, "all_reduce(3 f32, sum) and rank 0 calls all_reduce(40000 f32, sum)"},
        pair{40000, 3, "all_reduce(40000 f32, sum) and rank 0 calls all_reduce(3 f32, sum)"},
        pair{40000, 40001, "all_reduce(40000 f32, sum) and rank 0 calls all_reduce(40001 f32, sum)"}}) {
    const std::string text = failure_of([&](communicator& world) {
      std::vector<float> values(world.rank() == 0 ? sizes.theirs : sizes.mine);
      world.all_reduce(std::span{values}, reduction::sum, now);
      world.barrier(now);
    });
    const std::string other = "all_reduce(" + std::to_string(sizes.theirs) + " f32, sum) and rank ";
    CHECK(says(text, "the ranks of a group must make the same calls, but rank "));
    CHECK((text.find(sizes.words) != std::string::npos || text.find("rank 0 calls " + other) != std::string::npos));
  }
  const std::string roots = failure_of([](communicator& world) {
    float value = 1;
    world.broadcast(std::span{&value, 1}, world.rank() == 0 ? 0 : 1, now);
    world.barrier(now);
  });
  CHECK(says(roots, "the ranks of a group must make the same calls, but rank "));
  const std::string kinds = failure_of([](communicator& world) {
    float value = 1;
    if (world.rank() == 0) return world.barrier(now);
    world.all_reduce(std::span{&value, 1}, reduction::max, now);
  });
  CHECK(says(kinds, "all_reduce(1 f32, max)"));
  CHECK(says(kinds, "barrier()"));
}

TEST_CASE("a message of another size or type than a process expects is an error that names both ends") {
  if (alone()) return;
  const auto exchange = [](auto sent, auto expected) {
    return failure_of([&](communicator& world) {
      plait::ticket under_way;
      if (world.rank() == 0) under_way = world.send(std::span{sent}, 1, 5, now);
      if (world.rank() == 1) world.receive(std::span{expected}, 0, 5, now);
      world.wait(under_way, now);
      world.barrier(now);
    });
  };
  CHECK(says(exchange(std::vector<float>(2), std::vector<float>(3)),
             "rank 1 expects 3 f32 from rank 0 on channel 5, but message 1 there has 2 f32"));
  CHECK(says(exchange(std::vector<float>(7), std::vector<float>(3)),
             "rank 1 expects 3 f32 from rank 0 on channel 5, but message 1 there has "));
  CHECK(says(exchange(std::vector<float>(40000), std::vector<float>(3)), "rank 1 expects 3 f32 from rank 0"));
  CHECK(says(exchange(std::vector<std::int32_t>(3), std::vector<float>(3)),
             "rank 1 expects 3 f32 from rank 0 on channel 5, but message 1 there has 3 i32"));
}

TEST_CASE("a process that waits past the deadline, for one that lives, names it") {
  if (alone()) return;
  const std::string text = failure_of(
      [](communicator& world) {
        float value = 0;
        world.doing({"warming up"});
        world.doing({world.rank() == 0 ? "forward" : "thinking", world.rank(), 3});
        if (world.rank() == 0) world.receive(std::span{&value, 1}, 1, 2, now);
        for (int i = 0; i < 100; ++i) {  // it computes, and hears of the failure when it calls
          std::this_thread::sleep_for(std::chrono::milliseconds{100});
          world.wait(world.send(std::span<float>{}, world.rank(), 9, now), now);
        }
      },
      0.5);
  CHECK(says(text, "receive: rank 1 sent no message 1 to rank 0 on channel 2 within 0.5 s"));
  CHECK(text.find("no sign of life") == std::string::npos);
  CHECK(says(text,
             "\n  rank 0 = {pipeline 0}: forward stage 0 micro 3, waiting in receive from rank 1, channel 2; before: "
             "warming up\n  rank 1 = {pipeline 1}: thinking stage 1 micro 3"));
}

TEST_CASE("a process that leaves early, or waits for itself, is noticed at once") {
  CHECK(says(failure_of([](communicator& world) {
               float value = 0;
               world.receive(std::span{&value, 1}, world.rank(), 0, now);
             }),
             " before it began to wait for itself"));
  if (alone()) return;
  CHECK(says(failure_of([](communicator& world) {
               float value = 0;
               if (world.rank() == 0) world.receive(std::span{&value, 1}, 1, 4, now);
             }),
             "rank 1 sent no message 1 to rank 0 on channel 4 before finishing"));
  CHECK(says(failure_of([](communicator& world) {
               if (world.rank() != 1) world.barrier(now);
             }),
             "rank 1 did not arrive before finishing"));
  CHECK(says(failure_of([](communicator& world) {
               const std::vector<float> values(100000);
               if (world.rank() == 0) world.wait(world.send(std::span{values}, 1, 4, now), now);
             }),
             "rank 1 did not receive message 1 of rank 0 on channel 4 before finishing"));
  CHECK(says(failure_of([](communicator& world) {
               static const std::vector<float> values(100000);
               if (world.rank() == 0) world.send(std::span{values}, 1, 4, now);
             }),
             "rank 0 finished while nobody had received 1 of its messages"));
}

TEST_CASE("a run that ends well follows one that failed") {
  plait::mpi{}.run(plait::mpi{}.size(), [](communicator& world) {
    float value = 1;
    world.all_reduce(std::span{&value, 1}, reduction::sum, now);
    CHECK(value == static_cast<float>(world.size()));
  });
}
