// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <string>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/schedule/named.hpp>
#include <plait/schedule/verify.hpp>

#include <doctest/doctest.h>

namespace {

using namespace plait;

/// The orders that a type and its name give are the same, or both refuse the shape.
template <schedule S>
void check_same(schedule_request wanted, pipe_shape shape) {
  CAPTURE(wanted.ranks);
  CAPTURE(wanted.micro);
  CAPTURE(wanted.chunks);
  CAPTURE(wanted.group);
  if (!S::accepts(shape).legal) {
    CHECK_THROWS_AS(orders_of(S::name, wanted), error);
    return;
  }
  const orders named = orders_of(S::name, wanted), typed = orders_of<S>(shape);
  CHECK(named.name == typed.name);
  CHECK(named.shape.ranks == typed.shape.ranks);
  CHECK(named.shape.micro == typed.shape.micro);
  CHECK(named.shape.chunks == typed.shape.chunks);
  CHECK(named.shape.steps == typed.shape.steps);
  CHECK(named.shape.stages() == typed.shape.stages());
  CHECK(named.stage_of == typed.stage_of);
  CHECK(named.versions == typed.versions);
  CHECK(named.passes == typed.passes);
}

template <schedule... S>
void check_all_same() {
  for (int ranks : {1, 2, 3, 4, 6})
    for (int micro : {1, 2, 4, 5, 8, 12, 13})
      (check_same<S>({.ranks = ranks, .micro = micro}, shape_of<S>(ranks, micro)), ...);
}

TEST_CASE("a name gives the orders of the type of that name") {
  check_all_same<gpipe, one_f_one_b, zb_h1, zb_h2, zb_v, v_half, v_min, v_1f1b, dualpipe, dualpipe_v, chimera>();
  check_all_same<interleaved<2>, looped_bfs<2>, interleaved_zb<2>, hanayo<1>, pipedream_2bw,
                 forward_only<one_f_one_b>>();
}

template <int Chunks, int Group>
void check_chunks_and_groups() {
  for (int ranks : {1, 2, 3, 4})
    for (int micro : {1, 4, 6, 7, 12}) {
      const schedule_request wanted{.ranks = ranks, .micro = micro, .chunks = Chunks, .group = Group};
      const pipe_shape shape{.ranks = ranks, .micro = micro, .chunks = Chunks};
      check_same<interleaved<Chunks, Group>>(wanted, shape);
      check_same<interleaved_zb<Chunks, Group>>(wanted, shape);
      check_same<looped_bfs<Chunks>>(wanted, shape);
      check_same<forward_only<interleaved<Chunks, Group>>>(wanted, shape);
      if constexpr (Chunks % 2 == 0) check_same<hanayo<Chunks / 2>>(wanted, shape);
    }
}

TEST_CASE("chunks and groups chosen at run time give the orders of the types that have them as arguments") {
  check_chunks_and_groups<1, 0>();
  check_chunks_and_groups<2, 4>();
  check_chunks_and_groups<3, 0>();
  check_chunks_and_groups<3, 6>();
  check_chunks_and_groups<4, 3>();
}

TEST_CASE("micro-batches of pipedream are steps of one each; pipedream_2bw goes on over as many steps as asked for") {
  for (int micro : {1, 3, 8}) check_same<pipedream<>>({.ranks = 4, .micro = micro}, shape_of<pipedream<>>(4, 1, micro));
  check_same<pipedream_2bw>({.ranks = 4, .micro = 5, .steps = 3}, shape_of<pipedream_2bw>(4, 5, 3));
  CHECK_THROWS_WITH_AS(orders_of("1f1b", {.steps = 2}), doctest::Contains("only pipedream_2bw goes on"), error);
}

TEST_CASE("every schedule that is known can be had by its name, once, and is valid") {
  std::set<std::string_view> names;
  for (const schedule_facts& one : known_schedules) {
    const std::string name{one.name};
    CAPTURE(name);
    CHECK(names.insert(one.name).second);
    CHECK(find_schedule(one.name) == &one);
    CHECK_FALSE(one.what.empty());
    CHECK_FALSE(one.when.empty());
    const orders all = orders_of(one.name, {.ranks = 4, .micro = 8});
    CHECK(all.name == name);
    const verification found = verify(programs_of(all));
    CHECK_MESSAGE(found.valid, to_string(found));
  }
  CHECK(find_schedule("nothing") == nullptr);
}

TEST_CASE("where ranks hold copies of stages, one piece of the model on each is the same as two chunks") {
  for (const char* name : {"dualpipe", "chimera"}) {
    CHECK(orders_of(name, {.chunks = 1}).passes == orders_of(name, {}).passes);
    CHECK_THROWS_WITH_AS(orders_of(name, {.chunks = 3}), doctest::Contains("each rank has 2 chunks"), error);
  }
}

TEST_CASE("what cannot be had is refused in a sentence") {
  CHECK_THROWS_WITH_AS(orders_of("fastest", {}),
                       doctest::Contains("there is no schedule of the name fastest; there are gpipe"), error);
  CHECK_THROWS_WITH_AS(orders_of("gpipe", {.chunks = 2}), doctest::Contains("each rank has 1 chunk"), error);
  CHECK_THROWS_WITH_AS(orders_of("hanayo", {.chunks = 3}), doctest::Contains("two chunks for each wave"), error);
  CHECK_THROWS_WITH_AS(orders_of("1f1b", {.ranks = 0}), doctest::Contains("at least 1 rank"), error);
  CHECK_THROWS_WITH_AS(orders_of("looped_bfs", {.micro = 0}), doctest::Contains("at least 1 micro-batch"), error);
  CHECK_THROWS_WITH_AS(orders_of("1f1b", {.group = -1}), doctest::Contains("chunks and group are at least 1"), error);
}

}  // namespace
