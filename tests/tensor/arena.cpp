// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <type_traits>
#include <utility>

#include <plait/core/error.hpp>
#include <plait/tensor/arena.hpp>
#include <plait/tensor/host.hpp>
#include <plait/tensor/ledger.hpp>

#include <doctest/doctest.h>

namespace {

using plait::host;
using plait::ledger;
using plait::memory_class;
using host_arena = plait::arena<host>;

static_assert(plait::arena_bytes<float, host>(0) == 0);
static_assert(plait::arena_bytes<float, host>(1) == 256);
static_assert(plait::arena_bytes<float, host>(64) == 256);
static_assert(plait::arena_bytes<float, host>(65) == 512);
static_assert(plait::arena_bytes<double, host>(std::int64_t{1} << 40) == std::int64_t{8} << 40);
static_assert(!std::is_copy_constructible_v<host_arena> && !std::is_move_assignable_v<host_arena>);

TEST_CASE("an arena can be filled to its last byte") {
  host_arena full{memory_class::weights, 768, nullptr};
  CHECK(full.size() == 768);
  CHECK(full.used() == 0);
  float* const first = full.take<float>(1);
  float* const second = full.take<float>(128);
  CHECK(second - first == 64);
  CHECK(full.used() == 768);
  CHECK_NOTHROW(full.take<double>(0));
  CHECK(full.used() == 768);
}

TEST_CASE("an arena that is too small says whose it is, what it holds and what is asked for, and stays as it was") {
  host_arena small{memory_class::optimizer_state, 512, nullptr};
  small.take<float>(64);
  try {
    small.take<float>(65);
    FAIL("512 bytes do not hold 768");
  } catch (const plait::error& problem) {
    CHECK(problem.kind() == plait::error_kind::usage);
    CHECK(problem.call() == "plait::arena::take");
    CHECK(problem.sentence() == "the arena for optimizer_state holds 512 bytes, and 768 are asked for");
  }
  CHECK(small.used() == 256);
  CHECK_NOTHROW(small.take<float>(64));
}

TEST_CASE("an arena of nothing has room for nothing") {
  host_arena none{memory_class::stash, 0, nullptr};
  CHECK_NOTHROW(none.take<float>(0));
  CHECK_THROWS_AS(none.take<float>(1), plait::error);
}

TEST_CASE("a ledger counts arenas while they live, each once however often it moves") {
  ledger counted;
  {
    host_arena weights{memory_class::weights, 1024, &counted};
    {
      host_arena first{memory_class::activations, 512, &counted};
      host_arena moved{std::move(first)};
      CHECK(counted.now()[memory_class::weights] == 1024);
      CHECK(counted.now()[memory_class::activations] == 512);
      CHECK(counted.now().total().value == 1536);
      CHECK_NOTHROW(moved.take<float>(128));
    }
    CHECK(counted.now()[memory_class::activations] == 0);
    host_arena stash{memory_class::stash, 256, &counted};
    CHECK(counted.now().total().value == 1280);
  }
  CHECK(counted.now() == plait::memory_by_class{});
}

TEST_CASE("the peak of a ledger is the moment of the largest sum, class by class") {
  ledger counted;
  counted.taken(memory_class::weights, 100);
  counted.taken(memory_class::workspace, 50);
  counted.returned(memory_class::workspace, 50);
  counted.taken(memory_class::activations, 40);  // 140 now, less than 150 then
  CHECK(counted.peak().total().value == 150);
  CHECK(counted.peak()[memory_class::workspace] == 50);
  CHECK(counted.peak()[memory_class::activations] == 0);
  counted.taken(memory_class::activations, 20);
  CHECK(counted.peak().total().value == 160);
  CHECK(counted.peak()[memory_class::workspace] == 0);
  CHECK(counted.peak()[memory_class::activations] == 60);
  CHECK(counted.now() == counted.peak());
}

TEST_CASE("classes of memory have names of their own") {
  CHECK(plait::name_of(memory_class::weights) == "weights");
  CHECK(plait::name_of(memory_class::communication) == "communication");
  for (int a = 0; a < plait::memory_classes; ++a)
    for (int b = 0; b < a; ++b)
      CHECK(plait::name_of(static_cast<memory_class>(a)) != plait::name_of(static_cast<memory_class>(b)));
}

}  // namespace
