// SPDX-License-Identifier: Apache-2.0
// The one list of all schedules, and what is known about each beyond the laws.
#include "laws.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <plait/schedule/simulate.hpp>

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

// ---- orders, pass by pass

/// `F0 F1 B0 B1`; with several chunks each pass carries the letter of its chunk: `F0a F0b`.
std::string text_of(const std::vector<pass>& order, int chunks) {
  std::string text;
  for (const pass& one : order) {
    text.append(text.empty() ? "" : " ").append(one.kind == op::forward ? "F" : "B").append(std::to_string(one.micro));
    if (chunks > 1) text += static_cast<char>('a' + one.chunk);
  }
  return text;
}
template <schedule S>
std::string order_text(pipe_shape shape, int rank) {
  return text_of(laws::order_of<S>(shape, rank), shape.chunks);
}

TEST_CASE("gpipe runs all forward passes, then all backward passes") {
  for (int rank = 0; rank < 4; ++rank) CHECK(order_text<gpipe>({4, 4, 1}, rank) == "F0 F1 F2 F3 B0 B1 B2 B3");
}

TEST_CASE("1F1B warms up, alternates and drains") {
  const pipe_shape shape{4, 8, 1};
  CHECK(order_text<one_f_one_b>(shape, 0) == "F0 F1 F2 F3 B0 F4 B1 F5 B2 F6 B3 F7 B4 B5 B6 B7");
  CHECK(order_text<one_f_one_b>(shape, 1) == "F0 F1 F2 B0 F3 B1 F4 B2 F5 B3 F6 B4 F7 B5 B6 B7");
  CHECK(order_text<one_f_one_b>(shape, 3) == "F0 B0 F1 B1 F2 B2 F3 B3 F4 B4 F5 B5 F6 B6 F7 B7");
  CHECK(order_text<one_f_one_b>({4, 2, 1}, 0) == "F0 F1 B0 B1");
}

TEST_CASE("interleaved 1F1B takes groups of micro-batches through its chunks") {
  CHECK(order_text<interleaved<2>>({2, 4, 2}, 0) == "F0a F1a F0b F1b F2a B0b F3a B1b F2b B0a F3b B1a B2b B3b B2a B3a");
  CHECK(order_text<interleaved<2>>({2, 4, 2}, 1) == "F0a F1a F0b B0b F1b B1b F2a B0a F3a B1a F2b B2b F3b B3b B2a B3a");
  // Five micro-batches over two ranks: a group of three, then one of two.
  CHECK(order_text<interleaved<2>>({2, 5, 2}, 1) ==
        "F0a F1a F2a F0b B0b F1b B1b F2b B2b F3a B0a F4a B1a F3b B2a F4b B3b B4b B3a B4a");
}

TEST_CASE("interleaved 1F1B with one chunk is 1F1B with a longer warm-up") {
  CHECK(order_text<interleaved<1>>({3, 6, 1}, 0) == "F0 F1 F2 F3 F4 B0 F5 B1 B2 B3 B4 B5");
  CHECK(order_text<interleaved<1>>({3, 6, 1}, 2) == order_text<one_f_one_b>({3, 6, 1}, 2));
}

/// The order as Megatron-LM publishes it, for micro-batches that divide by the ranks: pass number k of either direction
/// belongs to the group k / (ranks * chunks), whose passes go chunk by chunk, `ranks` micro-batches at a time.
/// Source: Narayanan et al., SC 2021, section 2.2; `schedules.py` of Megatron-LM.
std::vector<pass> order_of_megatron(pipe_shape shape, int rank) {
  const int total = shape.micro * shape.chunks, in_group = shape.ranks * shape.chunks;
  const auto pass_number = [&](int k, bool forward) {
    const int chunk = k % in_group / shape.ranks;
    return pass{forward ? op::forward : op::backward,
                static_cast<std::int16_t>(forward ? chunk : shape.chunks - 1 - chunk),
                static_cast<std::int16_t>(k / in_group * shape.ranks + k % in_group % shape.ranks)};
  };
  const int warm_up = std::min(total, (shape.ranks - rank - 1) * 2 + (shape.chunks - 1) * shape.ranks);
  std::vector<pass> order;
  for (int k = 0; k < total + warm_up; ++k) {
    if (k < total) order.push_back(pass_number(k, true));
    if (k >= warm_up) order.push_back(pass_number(k - warm_up, false));
  }
  return order;
}

TEST_CASE_TEMPLATE("for micro-batches that divide by the ranks, interleaved 1F1B is Megatron's", S, interleaved<1>,
                   interleaved<2>, interleaved<3>, interleaved<4>) {
  for (const pipe_shape shape : laws::small_shapes(S::chunks)) {
    if (shape.micro % shape.ranks != 0) continue;
    const std::string of_shape = laws::text_of(shape);
    CAPTURE(of_shape);
    for (int rank = 0; rank < shape.ranks; ++rank)
      CHECK(laws::order_of<S>(shape, rank) == order_of_megatron(shape, rank));
  }
}

// ---- closed forms, in the unit case: forward 1, backward 2, messages nothing

/// By the passes alone and by the whole programs, which must agree.
template <schedule S>
double makespan_of(pipe_shape shape) {
  const double by_passes = makespan<S>(shape);
  const simulation by_programs = simulate(programs_of<S>(shape, {.optimize = false}), step_costs::uniform(shape));
  return by_programs.completes && by_programs.makespan == by_passes ? by_passes : -1;
}

template <schedule S>
double bubble_of(pipe_shape shape) {
  return simulate(programs_of<S>(shape, {.optimize = false}), step_costs::uniform(shape)).bubble();
}

TEST_CASE_TEMPLATE("gpipe and 1F1B take 3 (micro + ranks - 1), and idle for (ranks - 1) / (micro + ranks - 1) of it", S,
                   gpipe, one_f_one_b) {
  for (const pipe_shape shape : laws::small_shapes(1)) {
    const std::string of_shape = laws::text_of(shape);
    CAPTURE(of_shape);
    const double length = shape.micro + shape.ranks - 1;
    CHECK(makespan_of<S>(shape) == 3 * length);
    CHECK(bubble_of<S>(shape) == doctest::Approx((shape.ranks - 1) / length));
    for (int rank = 0; rank < shape.ranks; ++rank) {
      const int peak = std::is_same_v<S, gpipe> ? shape.micro : std::min(shape.micro, shape.ranks - rank);
      CHECK(S::peak_activations(shape, rank) == peak);
    }
  }
}

/// 3 v m + 3 (p - 1), or 3 v p + 3 (m - 1) where there are fewer micro-batches than ranks.
double interleaved_makespan(pipe_shape shape) {
  const int longer = std::max(shape.micro, shape.ranks), shorter = std::min(shape.micro, shape.ranks);
  return 3.0 * shape.chunks * longer + 3.0 * (shorter - 1);
}

TEST_CASE_TEMPLATE("interleaved 1F1B fills the pipeline for any number of micro-batches", S, interleaved<1>,
                   interleaved<2>, interleaved<3>, interleaved<4>) {
  for (const pipe_shape shape : laws::small_shapes(S::chunks)) {
    const std::string of_shape = laws::text_of(shape);
    CAPTURE(of_shape);
    CHECK(makespan_of<S>(shape) == interleaved_makespan(shape));
    if (shape.micro >= shape.ranks)
      CHECK(bubble_of<S>(shape) ==
            doctest::Approx((shape.ranks - 1.0) / (shape.micro * shape.chunks + shape.ranks - 1.0)));
    // The first group is the largest: what the ranks leave over is dealt out evenly.
    const int groups = std::max(1, shape.micro / shape.ranks);
    const int first = (shape.micro + groups - 1) / groups;
    for (int rank = 0; rank < shape.ranks; ++rank)
      CHECK(S::peak_activations(shape, rank) ==
            std::min(shape.micro * shape.chunks, (shape.chunks - 1) * first + 2 * (shape.ranks - 1 - rank) + 1));
  }
}

TEST_CASE_TEMPLATE("groups of a given size fill the pipeline as well, and keep as many activations as they are large",
                   S, interleaved<2, 4>, interleaved<3, 8>) {
  for (const pipe_shape shape : laws::small_shapes(S::chunks)) {
    if (!S::accepts(shape).legal) continue;
    const std::string of_shape = laws::text_of(shape);
    CAPTURE(of_shape);
    CHECK(makespan_of<S>(shape) == interleaved_makespan(shape));
    const int group = std::min(shape.micro, S::chunks == 2 ? 4 : 8);
    for (int rank = 0; rank < shape.ranks; ++rank)
      CHECK(S::peak_activations(shape, rank) ==
            std::min(shape.micro * shape.chunks, (shape.chunks - 1) * group + 2 * (shape.ranks - 1 - rank) + 1));
  }
}

TEST_CASE("split backward passes leave a third of the bubble of 1F1B") {
  for (const pipe_shape shape : laws::small_shapes(1)) {
    if (!zb_h1::accepts(shape).legal) continue;
    const std::string of_shape = laws::text_of(shape);
    CAPTURE(of_shape);
    if (shape.micro >= shape.ranks) CHECK(makespan_of<zb_h1>(shape) == 3 * shape.micro + shape.ranks - 1);
  }
}

TEST_CASE_TEMPLATE("evaluation takes the time of the forward passes of the same schedule", S, one_f_one_b,
                   interleaved<2>, interleaved<3>, interleaved<2, 4>, interleaved<3, 8>) {
  for (const pipe_shape shape : laws::small_shapes(S::chunks)) {
    if (!S::accepts(shape).legal) continue;
    const std::string of_shape = laws::text_of(shape);
    CAPTURE(of_shape);
    std::vector<program> programs;
    for (int rank = 0; rank < shape.ranks; ++rank)
      programs.push_back(forward_program_of<S>(shape, rank, {.optimize = false}));
    CHECK(simulate(programs, step_costs::uniform(shape)).makespan == interleaved_makespan(shape) / 3);
  }
}

TEST_CASE("messages that go on to another chunk have room for the rest of their group") {
  // A group of 5 on 2 ranks: rank 0 runs 5 backward passes of chunk 1 before rank 1 takes the first for chunk 0.
  const auto programs = programs_of<interleaved<2>>({2, 3, 2});
  CHECK(programs[0].messages == std::vector<int>{2, 2});
  const auto larger = programs_of<interleaved<2, 5>>({2, 5, 2});
  CHECK(larger[0].messages == std::vector<int>{2, 4});
  CHECK(larger[1].messages == std::vector<int>{2, 2});
  CHECK(forward_program_of<interleaved<2, 5>>({2, 5, 2}, 0).slots == std::vector<int>{2, 2});
  CHECK(forward_program_of<interleaved<2, 5>>({2, 5, 2}, 1).slots == std::vector<int>{4, 2});
}

// ---- shapes that are refused

TEST_CASE_TEMPLATE("micro-batches left over after groups of a given size are none or at least the ranks", S,
                   interleaved<2, 4>, interleaved<3, 8>) {
  const int group = S::chunks == 2 ? 4 : 8;
  for (const pipe_shape shape : laws::small_shapes(S::chunks)) {
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
