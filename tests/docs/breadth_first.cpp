// SPDX-License-Identifier: Apache-2.0
// The schedule of docs/add_a_schedule.md.
#include "../../examples/breadth_first.hpp"

#include <algorithm>
#include <string>

#include <plait/mesh/mesh.hpp>
#include <plait/schedule/of_layout.hpp>
#include <plait/schedule/simulate.hpp>

#include <doctest/doctest.h>

#include "schedule/laws.hpp"

namespace {

using namespace plait;

// [at compile time]
static_assert(schedule<breadth_first<2>>);
static_assert(completes<breadth_first<2>>({.ranks = 4, .micro = 8, .chunks = 2}));

using layout = mesh<data<2>, pipeline<4, breadth_first<2>>>;
static_assert(completes<layout>(micro(8)) && peak_activations<layout>(micro(8)) == 16);
// [at compile time]

// [too few in flight]
struct hurried : breadth_first<2> {
  static constexpr int in_flight(pipe_shape, int, int, op) { return 2; }
};

TEST_CASE("with room for too few messages ranks wait for each other, and the first that does is named") {
  CHECK(to_string(verify(programs_of<hurried>({.ranks = 4, .micro = 12, .chunks = 2}))) ==
        "rank 0, action 67 (backward stage 4 micro 2): waits for ever for a message from its slot to be taken");
}
// [too few in flight]

// [laws]
TEST_CASE_TEMPLATE("a breadth-first schedule keeps the laws of schedules", S, breadth_first<1>, breadth_first<2>,
                   breadth_first<3>) {
  laws::schedule<S>();
}
// [laws]

// [closed form]
TEST_CASE_TEMPLATE("a breadth-first schedule takes as long as interleaved 1F1B", S, breadth_first<2>,
                   breadth_first<3>) {
  for (const pipe_shape shape : laws::shapes_of<S>()) {
    const std::string of_shape = laws::text_of(shape);
    CAPTURE(of_shape);
    const int longer = std::max(shape.micro, shape.ranks), shorter = std::min(shape.micro, shape.ranks);
    CHECK(makespan<S>(shape) == 3 * shape.chunks * longer + 3 * (shorter - 1));
  }
}
// [closed form]

}  // namespace
