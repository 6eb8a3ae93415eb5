// SPDX-License-Identifier: Apache-2.0
// The one list of all schedules, each put through the laws, and what is said of shapes that they refuse.
#include "laws.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "all_schedules.hpp"
#include "test_schedules.hpp"

namespace {

using namespace plait;
using testing::few_at_a_time;

static_assert(schedule<gpipe> && schedule<one_f_one_b> && schedule<interleaved<2>> && schedule<interleaved<2, 4>>);
static_assert(schedule<looped_bfs<2>> && schedule<zb_h1> && schedule<zb_h2> && schedule<interleaved_zb<2>>);
static_assert(schedule<zb_v> && schedule<v_half> && schedule<v_min> && schedule<v_1f1b> && schedule<hanayo<2>>);
static_assert(schedule<dualpipe> && schedule<dualpipe_v> && schedule<chimera> && schedule<forward_only<zb_v>>);
static_assert(schedule<pipedream<>> && schedule<pipedream<weight_versions::stash, 2, 1>> && schedule<pipedream_2bw>);
static_assert(schedule<few_at_a_time<2>> && !schedule<int> && !schedule<loop_placement>);

TEST_CASE_TEMPLATE("a schedule keeps the laws of schedules", S, gpipe, one_f_one_b, interleaved<1>, interleaved<2>,
                   interleaved<3>, interleaved<4>, interleaved<1, 5>, interleaved<2, 4>, interleaved<3, 8>,
                   interleaved<4, 2>, looped_bfs<1>, looped_bfs<2>, looped_bfs<3>, zb_h1, zb_h2, interleaved_zb<1>,
                   interleaved_zb<2>, interleaved_zb<3>, interleaved_zb<2, 4>, v_1f1b, dualpipe, dualpipe_v, chimera,
                   few_at_a_time<1>, few_at_a_time<2>) {
  laws::schedule<S>(laws::shapes_of<S>());
}

// The order of one rank takes those of all.
TEST_CASE_TEMPLATE("a schedule that is found by playing it keeps the laws of schedules", S, zb_v, v_half, v_min,
                   hanayo<1>, hanayo<2>) {
  laws::schedule<S>(laws::shapes_of<S>(8, 20));
}

TEST_CASE_TEMPLATE("a schedule that does not drain between steps keeps the laws of schedules", S, pipedream<>,
                   pipedream<weight_versions::synchronised>, pipedream_2bw) {
  laws::schedule<S>(laws::shapes_of<S>());
}

TEST_CASE_TEMPLATE("a schedule whose stages have copies keeps the laws of schedules", S,
                   pipedream<weight_versions::stash, 2, 1>, pipedream<weight_versions::stash, 1, 2>,
                   pipedream<weight_versions::stash, 3, 1>, pipedream<weight_versions::stash, 2, 3, 1>,
                   pipedream<weight_versions::stash, 4>) {
  laws::schedule<S>(laws::shapes_of<S>(8, 24));
}

TEST_CASE_TEMPLATE("the forward passes of a schedule are a schedule, and what an evaluation of it runs", S, gpipe,
                   one_f_one_b, interleaved<2>, interleaved<2, 4>, looped_bfs<2>, zb_h1, zb_h2, interleaved_zb<2>, zb_v,
                   v_half, v_min, v_1f1b, dualpipe, dualpipe_v, chimera, hanayo<1>, hanayo<2>, pipedream<>,
                   pipedream<weight_versions::synchronised>, pipedream<weight_versions::stash, 2, 1>, pipedream_2bw) {
  int legal = 0;
  for (const pipe_shape shape : laws::shapes_of<S>(5, 12)) {
    const std::string of_shape = laws::text_of(shape);
    CAPTURE(of_shape);
    CHECK(forward_only<S>::accepts(shape).legal == S::accepts(shape).legal);
    if (!S::accepts(shape).legal) continue;
    ++legal;
    laws::check_forward_only<S>(shape);
  }
  CHECK(legal > 0);
}

// ---- shapes that are refused

TEST_CASE_TEMPLATE("micro-batches left over after groups of a given size are none or at least the ranks", S,
                   interleaved<2, 4>, interleaved<3, 8>) {
  const int group = S::chunks == 2 ? 4 : 8;
  for (const pipe_shape shape : laws::shapes_of<S>()) {
    const std::string of_shape = laws::text_of(shape);
    CAPTURE(of_shape);
    const auto legal = [&](int micro) {
      const int left = micro % group;
      return shape.ranks <= group && micro >= 1 && (micro <= group || left == 0 || left >= shape.ranks);
    };
    const shape_verdict verdict = S::accepts(shape);
    REQUIRE(verdict.legal == legal(shape.micro));
    if (verdict.legal || shape.ranks > group) continue;
    // What is named is legal, and nothing nearer is.
    int below = shape.micro, above = shape.micro;
    while (!legal(below)) --below;
    while (!legal(above)) ++above;
    CHECK(verdict.nearest_below == below);
    CHECK(verdict.nearest_above == above);
  }
}

/// The sentence of the error that a shape is refused with.
template <schedule S>
std::string refusal(pipe_shape shape) {
  try {
    static_cast<void>(program_of<S>(shape, 0));
  } catch (const error& caught) {
    CHECK(caught.kind() == error_kind::usage);
    return caught.sentence();
  }
  return "accepted";
}

TEST_CASE("a refused shape is named, with the reason and the nearest legal numbers of micro-batches") {
  CHECK(refusal<interleaved<2, 4>>({3, 10, 2}) ==
        "interleaved_1f1b: micro-batches left over after whole groups must be none or at least the number of ranks; "
        "it was given 3 ranks, 10 micro-batches and 2 chunks; the nearest legal numbers of micro-batches are 8 and 11");
  CHECK(refusal<interleaved<2, 4>>({4, 9, 2}).ends_with("are 8 and 12"));
  CHECK(refusal<interleaved<2, 4>>({5, 9, 2}).find(
            "a group must have at least as many micro-batches as there are ranks") != std::string::npos);
  CHECK(refusal<one_f_one_b>({4, 0, 1}).ends_with("the nearest legal number of micro-batches is 1"));
  CHECK(refusal<one_f_one_b>({0, 4, 1}).find("a pipeline has at least 1 rank") != std::string::npos);
  CHECK(refusal<one_f_one_b>({4, 8, 2}).find("interleaved<Chunks> has more") != std::string::npos);
  CHECK(refusal<interleaved<2>>({4, 8, 3}).find("not the Chunks of the type") != std::string::npos);
  CHECK(refusal<gpipe>({2, 40000, 1}).find("32767") != std::string::npos);
  CHECK(refusal<gpipe>({2, 4, 1}) == "accepted");
}

/// An order that forgets which numbers there are.
struct beyond_its_shape : gpipe {
  static constexpr pass* order(pipe_shape shape, int, pass* next) {
    *next++ = {op::forward, 0, static_cast<std::int16_t>(shape.micro)};
    return next;
  }
};
/// An order that runs one backward pass again and again.
struct backward_for_ever : gpipe {
  static constexpr pass* order(pipe_shape shape, int, pass* next) {
    for (int i = 0; i < 2 * shape.micro; ++i) *next++ = {op::backward, 0, 0};
    return next;
  }
};

TEST_CASE("a schedule of the user's own that names passes that do not exist is refused, not run") {
  CHECK(refusal<beyond_its_shape>({2, 4, 1}).find("names a chunk or micro-batch that the shape lacks") !=
        std::string::npos);
  CHECK(refusal<backward_for_ever>({2, 4, 1}).find("more backward passes of a chunk than") != std::string::npos);
}

}  // namespace
