// SPDX-License-Identifier: Apache-2.0
// What docs/add_a_schedule.md says beyond the first schedule: split backward passes, copies of stages, weight versions,
// orders as values.
#include <sstream>
#include <vector>

#include <plait/schedule/csv.hpp>
#include <plait/schedule/gpipe.hpp>
#include <plait/schedule/makespan.hpp>
#include <plait/schedule/one_f_one_b.hpp>
#include <plait/schedule/simulate.hpp>
#include <plait/schedule/verify.hpp>
#include <plait/schedule/verify_orders.hpp>

#include <doctest/doctest.h>

namespace {

using namespace plait;

// [split]
/// GPipe whose weight halves come last, when no other rank waits any more.
struct patient_gpipe : gpipe {
  static constexpr std::string_view name = "patient_gpipe";
  static constexpr int passes(pipe_shape shape) { return 3 * shape.micro; }
  static constexpr pass* order(pipe_shape shape, int, pass* next) {
    for (op kind : {op::forward, op::backward_input, op::backward_weight})
      for (int micro = 0; micro < shape.micro; ++micro) *next++ = {kind, 0, static_cast<std::int16_t>(micro)};
    return next;
  }
};

static_assert(completes<patient_gpipe>({.ranks = 4, .micro = 8}));
static_assert(makespan<patient_gpipe>({.ranks = 4, .micro = 8}) < makespan<gpipe>({.ranks = 4, .micro = 8}));
// [split]

// [copies]
/// GPipe from both ends: every rank holds two stages, and every stage is on two ranks. Even micro-batches go down the
/// ranks through chunk 0, odd ones up through chunk 1.
struct gpipe_both_ways {
  static constexpr std::string_view name = "gpipe_both_ways", suffix = "both_ways";
  static constexpr int chunks = 2;
  static constexpr int stages(int ranks) { return ranks; }
  using placement = bidirectional_placement;

  static constexpr shape_verdict accepts(pipe_shape shape) {
    if (shape.ranks < 2) return {false, "there must be a rank for either copy"};
    if (shape.chunks != 2 || shape.stages() != shape.ranks) return {false, "each stage is on two ranks"};
    return positive_shape(shape);
  }
  static constexpr int peak_activations(pipe_shape shape, int) { return shape.micro; }
  static constexpr int passes(pipe_shape shape) { return 2 * shape.micro; }
  static constexpr pass* order(pipe_shape shape, int, pass* next) {
    for (op kind : {op::forward, op::backward})
      for (int micro = 0; micro < shape.micro; ++micro)
        *next++ = {kind, static_cast<std::int16_t>(micro % 2), static_cast<std::int16_t>(micro)};
    return next;
  }
};

static_assert(completes<gpipe_both_ways>(shape_of<gpipe_both_ways>(/*ranks=*/4, /*micro=*/8)));
// [copies]

// [versions]
/// 1F1B that updates after every backward pass and never drains: as many steps as there would be micro-batches.
struct never_drained {
  static constexpr std::string_view name = "never_drained", suffix = "never_drained";
  static constexpr int chunks = 1;
  static constexpr weight_versions versions = weight_versions::stash;
  using placement = loop_placement;

  static constexpr pipe_shape as_one_step(pipe_shape shape) { return {.ranks = shape.ranks, .micro = shape.steps}; }
  static constexpr shape_verdict accepts(pipe_shape shape) {
    if (shape.micro != 1) return {false, "every micro-batch is a step of its own", 1, 0};
    return positive_shape(shape);
  }
  static constexpr int peak_activations(pipe_shape shape, int rank) {
    return one_f_one_b::peak_activations(as_one_step(shape), rank);
  }
  static constexpr int passes(pipe_shape shape) { return 2 * shape.steps; }
  static constexpr pass* order(pipe_shape shape, int rank, pass* next) {
    return one_f_one_b::order(as_one_step(shape), rank, next);
  }
};

TEST_CASE("a schedule that stashes keeps as many versions as there are stages from its own on") {
  const pipe_shape shape = shape_of<never_drained>(/*ranks=*/4, /*micro=*/1, /*steps=*/16);
  const std::vector<program> programs = programs_of<never_drained>(shape);
  CHECK(verify(programs));
  for (int rank = 0; rank < 4; ++rank) CHECK(programs[static_cast<std::size_t>(rank)].versions[0] == 4 - rank);
}
// [versions]

// [values]
TEST_CASE("an order written by hand is verified, timed and made into programs") {
  std::istringstream text{
      "0F0,0F1,0I0,0I1,0W0,0W1\n"
      "1F0,1I0,1F1,1I1,1W0,1W1\n"};
  orders mine = read_csv(text, "by hand").orders;
  CHECK(verify_orders(mine, /*limit=*/2).valid);
  CHECK(simulate(programs_of(mine), step_costs::uniform(mine.shape)).makespan == 8);

  std::swap(mine.passes[1][0], mine.passes[1][1]);
  CHECK(to_string(verify_orders(mine)) == "rank 1, position 0 (1I0): its forward pass has not run");
}
// [values]

TEST_CASE("the schedules of the page are valid, and take the time that it says") {
  for (int ranks : {1, 2, 4, 6})
    for (int micro : {2, 4, 8}) {
      CHECK(completes<patient_gpipe>({.ranks = ranks, .micro = micro}));
      if (ranks > 1) CHECK(completes<gpipe_both_ways>(shape_of<gpipe_both_ways>(ranks, micro)));
    }
  CHECK(makespan<gpipe>({.ranks = 4, .micro = 8}) == 33);
  CHECK(makespan<patient_gpipe>({.ranks = 4, .micro = 8}) == 30);
}

}  // namespace
