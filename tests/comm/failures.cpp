// SPDX-License-Identifier: Apache-2.0
// Law 7, and what the reports say: whatever goes wrong, `run` ends soon with one error that tells where every rank
// stood.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <plait/comm/serial.hpp>
#include <plait/comm/threads.hpp>

#include <doctest/doctest.h>

using plait::error_kind;
using plait::host;
using plait::reduction;
using communicator = plait::threads_communicator<host>;

namespace {

struct failure {
  error_kind kind = error_kind::usage;
  int rank = -1;
  std::string text;
  double seconds = 0;

  [[nodiscard]] bool says(const std::string& words) const {
    if (text.find(words) != std::string::npos) return true;
    MESSAGE("expected: ", words, "\nfound: ", text);
    return false;
  }
};

/// What `run` throws, and how long it took.
failure failure_of(
    int ranks, const std::function<void(communicator&)>& body, double deadline_seconds = 60,
    const std::function<std::string(int)>& coordinates_of = [](int) { return std::string{}; }) {
  failure found;
  const auto begin = std::chrono::steady_clock::now();
  try {
    plait::threads<>{deadline_seconds}.run(ranks, body, coordinates_of);
    FAIL("run returned although a rank failed");
  } catch (const plait::error& caught) {
    found.kind = caught.kind();
    found.rank = caught.rank();
    found.text = caught.what();
  }
  found.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  CHECK(found.seconds < 20);  // far below the default deadline; generous for a loaded machine
  return found;
}

void rest(int milliseconds = 30) {
  std::this_thread::sleep_for(std::chrono::milliseconds{milliseconds});
}

constexpr plait::host_stream now{};

}  // namespace

TEST_CASE("the report says what every rank was doing and which call it was blocked in") {
  const failure found = failure_of(
      4,
      [](communicator& world) {
        auto pair = world.split(world.rank() / 2, 0);
        float value = 0;
        switch (world.rank()) {
          case 0:
            world.doing({"optimizer"});
            pair.all_reduce(std::span{&value, 1}, reduction::sum, now);
            break;
          case 1:
            world.doing({"forward", 1, 7, 0});
            world.receive(std::span{&value, 1}, 3, 5, now);
            break;
          case 2: {
            world.doing({"send", 2, 3});
            const plait::ticket sent = pair.send(std::span{&value, 1}, 1, 0, now);
            pair.wait(sent, now);
            break;
          }
          default:
            rest();
            world.doing({"backward", 3, 0});
            throw plait::error{error_kind::numerics, "loss", "the loss is not finite"};
        }
      },
      60, [](int rank) { return "{pipeline " + std::to_string(rank) + "}"; });
  CHECK(found.kind == error_kind::numerics);
  CHECK(found.rank == 3);
  CHECK(
      found.text.starts_with("plait: numerics: loss: the loss is not finite\n"
                             "  rank 0 = {pipeline 0}: optimizer, waiting in all_reduce of ranks 0, 1\n"
                             "  rank 1 = {pipeline 1}: forward stage 1 micro 7 peer 0, waiting in receive from rank "
                             "3, channel 5\n"
                             "  rank 2 = {pipeline 2}: send stage 2 micro 3, waiting in wait for rank 3, channel 0\n"
                             "  rank 3 = {pipeline 3}: backward stage 3 micro 0\n"
                             "  at "));
  CHECK(found.text.ends_with(", rank 3 = {pipeline 3}"));
}

TEST_CASE("the report says what each rank did before, the latest first, and the flight record holds all of it") {
  const std::string file = "flight_record_of_threads.json";
  std::remove(file.c_str());
  std::string text;
  try {
    plait::threads<>{.deadline_seconds = 60, .flight_record = file}.run(
        2,
        [](communicator& world) {
          float value = 0;
          world.doing({"forward", 1, 6});
          for (int micro = 0; micro < 100; ++micro) world.doing({"backward", 1, micro});
          world.barrier(now);
          if (world.rank() == 1) throw std::runtime_error{"the disk is full"};
          world.receive(std::span{&value, 1}, 1, 4, now);
        },
        [](int rank) { return "{pipeline " + std::to_string(rank) + "}"; });
  } catch (const plait::error& caught) {
    text = caught.what();
  }
  CHECK(text.find("\n  rank 1 = {pipeline 1}: backward stage 1 micro 99; before: backward stage 1 micro 98, backward "
                  "stage 1 micro 97, backward stage 1 micro 96\n") != std::string::npos);
  std::ifstream in{file};
  const std::string json{std::istreambuf_iterator<char>{in}, {}};
  CHECK(json.find(R"("sentence": "the body threw: the disk is full", "rank": 1, "coordinates": "{pipeline 1}"})") !=
        std::string::npos);
  CHECK(json.find(R"({"what": "backward", "stage": 1, "micro": 37, "peer": null},)") != std::string::npos);
  CHECK(json.find(R"({"what": "backward", "stage": 1, "micro": 99, "peer": null}]})") != std::string::npos);
  CHECK(json.find("micro\": 36") == std::string::npos);  // the ring holds so many, and not more
  std::remove(file.c_str());
}

TEST_CASE("without coordinates the error says how many ranks there are") {
  const failure found = failure_of(3, [](communicator& world) {
    world.barrier(now);
    if (world.rank() == 1) throw plait::error{error_kind::usage, "here", "this is wrong"};
  });
  CHECK(found.text.ends_with(", rank 1 = 1 of 3"));
}

TEST_CASE("an exception of another type stops all ranks and is told") {
  CHECK(failure_of(3, [](communicator& world) {
          if (world.rank() == 2) throw std::runtime_error{"the disk is full"};
          world.barrier(now);
        }).says("plait: comm: run: the body threw: the disk is full\n"));
  CHECK(failure_of(3, [](communicator& world) {
          if (world.rank() == 0) throw 7;  // NOLINT
          world.barrier(now);
        }).says("plait: comm: run: the body threw something that is not a std::exception\n"));
}

TEST_CASE("a wait past the deadline is an error that names who did not come") {
  SUBCASE("a message that is never sent") {
    const failure found = failure_of(
        2,
        [](communicator& world) {
          float value = 0;
          if (world.rank() == 1) {
            rest();
            world.doing({"thinking"});
            rest(1500);
            CHECK_THROWS_WITH_AS(world.barrier(now), doctest::Contains("barrier: stopped, because rank 0 failed"),
                                 plait::error);
          } else {
            world.receive(std::span{&value, 1}, 1, 2, now);
          }
        },
        0.2);
    CHECK(found.kind == error_kind::comm);
    CHECK(found.rank == 0);
    CHECK(found.seconds >= 0.2);
    CHECK(found.says("receive: rank 1 sent no message 1 to rank 0 on channel 2 within 0.2 s\n"));
    CHECK(found.says("\n  rank 0: nothing yet, waiting in receive from rank 1, channel 2\n  rank 1: thinking\n"));
  }
  SUBCASE("a message that is never received") {
    CHECK(failure_of(
              2,
              [](communicator& world) {
                const float value = 0;
                if (world.rank() == 0) world.wait(world.send(std::span{&value, 1}, 1, 0, now), now);
                if (world.rank() == 1) rest(600);
              },
              0.2)
              .says("wait: rank 1 did not receive message 1 of rank 0 on channel 0 within 0.2 s\n"));
  }
  SUBCASE("a collective that some do not come to") {
    CHECK(failure_of(
              4,
              [](communicator& world) {
                if (world.rank() % 2 == 0) return world.barrier(now);
                rest(600);
              },
              0.2)
              .says("barrier: ranks 1, 3 did not arrive within 0.2 s\n"));
  }
}

TEST_CASE("a rank that leaves early is noticed at once") {
  float value = 0;
  SUBCASE("before a collective") {
    const failure found = failure_of(3, [](communicator& world) {
      if (world.rank() == 1) return;
      world.barrier(now);
    });
    CHECK(found.says("barrier: rank 1 did not arrive before finishing\n"));
    CHECK(found.says("\n  rank 1: finished\n"));
  }
  SUBCASE("before it sends") {
    CHECK(failure_of(2, [](communicator& world) {
            float mine = 0;
            if (world.rank() == 1) world.receive(std::span{&mine, 1}, 0, 0, now);
          }).says("receive: rank 0 sent no message 1 to rank 1 on channel 0 before finishing\n"));
  }
  SUBCASE("before it receives") {
    CHECK(failure_of(2, [&](communicator& world) {
            if (world.rank() == 0) world.wait(world.send(std::span{&value, 1}, 1, 0, now), now);
          }).says("rank 1 did not receive message 1 of rank 0 on channel 0 before finishing\n"));
  }
  SUBCASE("before its own messages have been received") {
    CHECK(failure_of(2, [&](communicator& world) {
            if (world.rank() == 0) world.send(std::span{&value, 1}, 1, 0, now);
            if (world.rank() == 1) {
              rest();
              world.barrier(now);
            }
          }).says("rank 0 finished while nobody had received 1 of its messages; wait for their tickets"));
  }
  SUBCASE("in a group of which not all ranks are part") {
    CHECK(failure_of(4, [](communicator& world) {
            auto half = world.split(world.rank() % 2, 0);
            if (world.rank() == 3) return;
            if (world.rank() == 1) half.barrier(now);
          }).says("barrier: rank 3 did not arrive before finishing\n"));
  }
}

TEST_CASE("a rank that waits for itself is told so at once") {
  float value = 0;
  CHECK(failure_of(1, [&](communicator& world) {
          world.receive(std::span{&value, 1}, 0, 4, now);
        }).says("rank 0 sent no message 1 to rank 0 on channel 4 before it began to wait for itself"));
  CHECK(failure_of(1, [&](communicator& world) {
          world.wait(world.send(std::span{&value, 1}, 0, 4, now), now);
        }).says("rank 0 did not receive message 1 of rank 0 on channel 4 before it began to wait for itself"));
  const auto serial_says = [&](auto body, const char* words) {
    CHECK_THROWS_WITH_AS(plait::serial{}.run(1, body), doctest::Contains(words), plait::error);
  };
  serial_says(
      [&](auto& world) {
        world.receive(std::span{&value, 1}, 0, 4, now);
      },
      "rank 0 sent no message 1 to rank 0 on channel 4 before it began to wait for itself\n  rank 0: nothing yet");
  serial_says(
      [&](auto& world) {
        world.wait(world.send(std::span{&value, 1}, 0, 4, now), now);
      },
      "rank 0 did not receive message 1 of rank 0 on channel 4 before it began to wait for itself");
  serial_says(
      [&](auto& world) {
        world.send(std::span{&value, 1}, 0, 4, now);
      },
      "rank 0 finished while nobody had received 1 of its messages");
}

TEST_CASE("a message of another size or type than the receiver expects is an error that names both ends") {
  const auto body = [](auto& world) {
    const std::vector<float> three(3);
    std::vector<float> four(4);
    if (world.rank() == 0) {
      world.doing({"sending"});
      const plait::ticket sent = world.send(std::span{three}, world.size() - 1, 6, now);
      if (world.size() > 1) world.wait(sent, now);
    }
    if (world.rank() == world.size() - 1) world.receive(std::span{four}, 0, 6, now);
  };
  CHECK(failure_of(2, body).says(
      "receive: rank 1 expects 4 f32 from rank 0 on channel 6, but message 1 there has 3 f32\n  rank 0: sending"));
  CHECK_THROWS_WITH_AS(
      plait::serial{}.run(1, body),
      doctest::Contains("rank 0 expects 4 f32 from rank 0 on channel 6, but message 1 there has 3 f32"), plait::error);
  CHECK(failure_of(2, [](communicator& world) {
          const std::vector<double> sent(4);
          std::vector<std::int64_t> got(4);
          if (world.rank() == 0) world.wait(world.send(std::span{sent}, 1, 0, now), now);
          if (world.rank() == 1) world.receive(std::span{got}, 0, 0, now);
        }).says("rank 1 expects 4 i64 from rank 0 on channel 0, but message 1 there has 4 f64\n"));
}

TEST_CASE("ranks of a group that make different calls are told which") {
  std::vector<std::vector<float>> values(4, std::vector<float>(8));
  const auto of = [&](communicator& world, std::size_t size) {
    return std::span{values[static_cast<std::size_t>(world.rank())]}.first(size);
  };
  SUBCASE("another call") {
    CHECK(failure_of(3, [&](communicator& world) {
            if (world.rank() == 2) return world.barrier(now);
            world.all_reduce(of(world, 8), reduction::sum, now);
          }).says("rank 0 calls all_reduce(8 f32, sum) and rank 2 calls barrier()\n"));
  }
  SUBCASE("another size") {
    CHECK(failure_of(3, [&](communicator& world) {
            world.broadcast(of(world, world.rank() == 1 ? 7 : 8), 2, now);
          }).says("rank 0 calls broadcast(8 f32, root 2) and rank 1 calls broadcast(7 f32, root 2)\n"));
  }
  SUBCASE("another root") {
    CHECK(failure_of(3, [&](communicator& world) {
            world.broadcast(of(world, 8), world.rank() == 1 ? 0 : 2, now);
          }).says("rank 0 calls broadcast(8 f32, root 2) and rank 1 calls broadcast(8 f32, root 0)\n"));
  }
  SUBCASE("another reduction") {
    CHECK(failure_of(2, [&](communicator& world) {
            world.all_reduce(of(world, 8), world.rank() == 1 ? reduction::max : reduction::sum, now);
          }).says("rank 0 calls all_reduce(8 f32, sum) and rank 1 calls all_reduce(8 f32, max)\n"));
  }
  SUBCASE("another type") {
    CHECK(failure_of(2, [&](communicator& world) {
            std::vector<std::int32_t> integers(8);
            if (world.rank() == 1) return world.all_reduce(std::span{integers}, reduction::sum, now);
            world.all_reduce(of(world, 8), reduction::sum, now);
          }).says("rank 0 calls all_reduce(8 f32, sum) and rank 1 calls all_reduce(8 i32, sum)\n"));
  }
  SUBCASE("in a group, whose ranks have their names in the world") {
    CHECK(failure_of(4, [&](communicator& world) {
            auto half = world.split(world.rank() % 2, 0);
            if (world.rank() == 3) return half.barrier(now);
            half.all_gather(of(world, 4), of(world, 8), now);
          }).says("rank 1 calls all_gather(8 f32) and rank 3 calls barrier()\n"));
  }
}

TEST_CASE("wrong arguments are a usage error on the rank that gave them") {
  std::vector<float> value(1);
  const auto wrong = [&](const std::function<void(communicator&)>& body, const char* words) {
    const failure found = failure_of(2, [&](communicator& world) {
      if (world.rank() == 1) body(world);
      world.barrier(now);
    });
    CHECK(found.kind == error_kind::usage);
    CHECK(found.rank == 1);
    CHECK(found.says(words));
  };
  wrong([&](communicator& world) { world.send(std::span{value}, 2, 0, now); },
        "send: peer 2, channel 0; peer is a rank of the group, so less than 2, and channel is not negative");
  wrong([&](communicator& world) { world.receive(std::span{value}, -1, 0, now); }, "receive: peer -1, channel 0;");
  wrong([&](communicator& world) { world.receive(std::span{value}, 0, -3, now); }, "receive: peer 0, channel -3;");
  wrong([&](communicator& world) { world.broadcast(std::span{value}, 2, now); }, "root is a rank of the group");
  wrong([&](communicator& world) { world.reduce_scatter(std::span{value}, std::span{value}, reduction::sum, now); },
        "reduce_scatter: out has 1 elements, but part 1 of 2 of 1 has 0");
  wrong([&](communicator& world) { world.all_gather(std::span{value}, std::span{value}, now); },
        "all_gather: in has 1 elements, but part 1 of 2 of 1 has 0");
  wrong([&](communicator& world) { (void)world.split(-1, 0); }, "color is not negative");
  wrong([&](communicator& world) { world.wait({0, 0, 9}, now); }, "the ticket is of another group or another rank");
}

TEST_CASE("every later call throws once the world has stopped, also in other groups") {
  const failure found = failure_of(2, [](communicator& world) {
    std::vector<float> value(1);
    auto alone = world.split(world.rank(), 0);
    if (world.rank() == 0) throw std::runtime_error{"first"};
    CHECK_THROWS_AS(world.barrier(now), plait::error);
    CHECK_THROWS_WITH_AS(alone.barrier(now), doctest::Contains("stopped, because rank 0 failed"), plait::error);
    CHECK_THROWS_AS(alone.all_reduce(std::span{value}, reduction::sum, now), plait::error);
    CHECK_THROWS_AS(world.send(std::span{value}, 0, 0, now), plait::error);
    CHECK_THROWS_AS(world.receive(std::span{value}, 0, 0, now), plait::error);
    CHECK_THROWS_AS((void)world.split(0, 0), plait::error);
    throw std::runtime_error{"second"};
  });
  CHECK(found.rank == 0);
  CHECK(found.says("the body threw: first\n"));
}

TEST_CASE("memory of a rank that fails is not touched once it is gone") {
  // A rank throws at some moment while others exchange what lies on their stacks and heaps; the address sanitizer sees
  // a copy out of memory that an exception has freed.
  for (int round = 0; round < 40; ++round) {
    const failure found = failure_of(4, [round](communicator& world) {
      auto trio = world.split(world.rank() < 3 ? 0 : 1, 0);
      if (world.rank() == 3) {
        std::this_thread::sleep_for(std::chrono::microseconds{100 * round});
        throw std::runtime_error{"gone"};
      }
      for (;;) {
        std::vector<float> big(100000, 1), other(100000);
        trio.all_reduce(std::span{big}, reduction::sum, now);
        const plait::ticket sent = trio.send(std::span{big}, (trio.rank() + 1) % 3, 0, now);
        trio.receive(std::span{other}, (trio.rank() + 2) % 3, 0, now);
        trio.wait(sent, now);
      }
    });
    CHECK(found.says("the body threw: gone\n"));
  }
}

TEST_CASE("a communicator that goes while an exception passes keeps the buffers of its messages") {
  for (int round = 0; round < 40; ++round) {
    const failure found = failure_of(2, [round](communicator& world) {
      std::vector<float> big(200000, 1), other(200000);
      auto pair = world.split(0, 0);  // goes before `big`
      if (world.rank() == 1) {
        for (;;) pair.receive(std::span{other}, 0, 0, now);
      }
      for (int message = 0; message < 100; ++message) pair.send(std::span{big}, 1, 0, now);
      std::this_thread::sleep_for(std::chrono::microseconds{20 * round});
      throw std::runtime_error{"while messages are under way"};
    });
    CHECK(found.rank == 0);
    CHECK(found.says("the body threw: while messages are under way\n"));
  }
}

TEST_CASE("a failure of serial says what it was doing") {
  try {
    plait::serial{}.run(
        1,
        [](plait::serial_communicator<host>& world) {
          world.doing({"forward", 0, 4});
          throw std::runtime_error{"no luck"};
        },
        [](int) { return "{data 0}"; });
    FAIL("run returned although the body failed");
  } catch (const plait::error& caught) {
    CHECK(std::string{caught.what()}.starts_with(
        "plait: comm: run: the body threw: no luck\n  rank 0 = {data 0}: forward stage 0 micro 4\n  at "));
    CHECK(caught.rank() == 0);
  }
}
