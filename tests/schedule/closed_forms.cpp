// SPDX-License-Identifier: Apache-2.0
// Closed forms, in the unit case: forward 1, input and weight halves 1 each, messages nothing. How long a step takes,
// what of it ranks are idle, what they keep, how many messages and weight versions there are.
// p: ranks, m: micro-batches, v: chunks of a rank, r: rank.
#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include <plait/schedule/simulate.hpp>

#include <doctest/doctest.h>

#include "all_schedules.hpp"
#include "laws.hpp"

namespace {

using namespace plait;

constexpr step_options passes_only{.optimize = false};

/// By the passes alone and by the whole programs, which must agree.
template <schedule S>
double makespan_of(pipe_shape shape) {
  const double by_passes = makespan<S>(shape);
  const simulation by_programs = simulate(programs_of<S>(shape, passes_only), step_costs::uniform(shape));
  return by_programs.completes && by_programs.makespan == by_passes ? by_passes : -1;
}
template <schedule S>
double bubble_of(pipe_shape shape) {
  return simulate(programs_of<S>(shape, passes_only), step_costs::uniform(shape)).bubble();
}
/// From the begin of a rank's first pass to the end of its last.
template <schedule S>
std::vector<double> spans_of(pipe_shape shape) {
  const auto ranks = static_cast<std::size_t>(shape.ranks);
  std::vector<double> first(ranks, std::numeric_limits<double>::infinity()), last(ranks, 0);
  CHECK(simulate(programs_of<S>(shape, passes_only), step_costs::uniform(shape),
                 [&](int rank, const action& act, double begin, double end) {
                   if (!is_compute(act.kind)) return;
                   const auto at = static_cast<std::size_t>(rank);
                   first[at] = std::min(first[at], begin);
                   last[at] = std::max(last[at], end);
                 })
            .completes);
  for (std::size_t rank = 0; rank < ranks; ++rank) last[rank] -= first[rank];
  return last;
}
/// Messages of all ranks, each counted once.
template <schedule S>
int messages_of(pipe_shape shape) {
  int sends = 0;
  for (const program& one : programs_of<S>(shape))
    for (const action& act : one.actions) sends += is_send(act.kind) ? 1 : 0;
  return sends;
}
/// The most that any rank keeps.
template <schedule S>
int peak_of(pipe_shape shape) {
  int peak = 0;
  for (int rank = 0; rank < shape.ranks; ++rank) peak = std::max(peak, S::peak_activations(shape, rank));
  return peak;
}

/// Calls `check(shape)` for each small shape that a schedule accepts and `holds` for.
void for_shapes(const std::vector<pipe_shape>& shapes, auto&& holds, auto&& check) {
  int checked = 0;
  for (const pipe_shape shape : shapes) {
    if (!holds(shape)) continue;
    const std::string of_shape = laws::text_of(shape);
    CAPTURE(of_shape);
    check(shape);
    ++checked;
  }
  CHECK(checked > 0);
}
constexpr auto always = [](pipe_shape) { return true; };
constexpr auto as_many_as_ranks = [](pipe_shape shape) { return shape.micro >= shape.ranks; };
template <schedule S>
constexpr auto accepted = [](pipe_shape shape) { return S::accepts(shape).legal; };

TEST_CASE_TEMPLATE("gpipe and 1F1B take 3 (micro + ranks - 1), and idle for (ranks - 1) / (micro + ranks - 1) of it", S,
                   gpipe, one_f_one_b) {
  for_shapes(laws::shapes_of<S>(), always, [](pipe_shape shape) {
    const double length = shape.micro + shape.ranks - 1;
    CHECK(makespan_of<S>(shape) == 3 * length);
    CHECK(bubble_of<S>(shape) == doctest::Approx((shape.ranks - 1) / length));
    for (int rank = 0; rank < shape.ranks; ++rank) {
      const int peak = std::is_same_v<S, gpipe> ? shape.micro : std::min(shape.micro, shape.ranks - rank);
      CHECK(S::peak_activations(shape, rank) == peak);
    }
  });
}

/// 3 v m + 3 (p - 1), or 3 v p + 3 (m - 1) where there are fewer micro-batches than ranks.
double interleaved_makespan(pipe_shape shape) {
  const int longer = std::max(shape.micro, shape.ranks), shorter = std::min(shape.micro, shape.ranks);
  return 3.0 * shape.chunks * longer + 3.0 * (shorter - 1);
}
/// (p - 1) / (m v + p - 1).
double interleaved_bubble(pipe_shape shape) {
  return (shape.ranks - 1.0) / (shape.micro * shape.chunks + shape.ranks - 1.0);
}
/// The first group is the largest: what the ranks leave over is dealt out evenly.
int first_group(pipe_shape shape) {
  const int groups = std::max(1, shape.micro / shape.ranks);
  return (shape.micro + groups - 1) / groups;
}

TEST_CASE_TEMPLATE("interleaved 1F1B fills the pipeline for any number of micro-batches", S, interleaved<1>,
                   interleaved<2>, interleaved<3>, interleaved<4>) {
  for_shapes(laws::shapes_of<S>(), always, [](pipe_shape shape) {
    CHECK(makespan_of<S>(shape) == interleaved_makespan(shape));
    if (shape.micro >= shape.ranks) CHECK(bubble_of<S>(shape) == doctest::Approx(interleaved_bubble(shape)));
    for (int rank = 0; rank < shape.ranks; ++rank)
      CHECK(S::peak_activations(shape, rank) ==
            std::min(shape.micro * shape.chunks,
                     (shape.chunks - 1) * first_group(shape) + 2 * (shape.ranks - 1 - rank) + 1));
  });
}

TEST_CASE_TEMPLATE("groups of a given size fill the pipeline as well, and keep as many activations as they are large",
                   S, interleaved<2, 4>, interleaved<3, 8>) {
  for_shapes(laws::shapes_of<S>(), accepted<S>, [](pipe_shape shape) {
    CHECK(makespan_of<S>(shape) == interleaved_makespan(shape));
    const int group = std::min(shape.micro, S::chunks == 2 ? 4 : 8);
    for (int rank = 0; rank < shape.ranks; ++rank)
      CHECK(S::peak_activations(shape, rank) ==
            std::min(shape.micro * shape.chunks, (shape.chunks - 1) * group + 2 * (shape.ranks - 1 - rank) + 1));
  });
}

TEST_CASE_TEMPLATE("looped breadth-first takes as long as interleaved 1F1B and keeps everything", S, looped_bfs<1>,
                   looped_bfs<2>, looped_bfs<3>) {
  for_shapes(laws::shapes_of<S>(), always, [](pipe_shape shape) {
    CHECK(makespan_of<S>(shape) == interleaved_makespan(shape));
    if (shape.micro >= shape.ranks) CHECK(bubble_of<S>(shape) == doctest::Approx(interleaved_bubble(shape)));
    for (int rank = 0; rank < shape.ranks; ++rank)
      CHECK(S::peak_activations(shape, rank) == shape.micro * shape.chunks);
  });
}

TEST_CASE("ZB-H1 takes 3 micro + ranks - 1, a third of the bubble of 1F1B, and keeps as many as there are ranks") {
  for_shapes(laws::shapes_of<zb_h1>(), as_many_as_ranks, [](pipe_shape shape) {
    const int p = shape.ranks, m = shape.micro;
    CHECK(makespan_of<zb_h1>(shape) == 3 * m + p - 1);
    CHECK(bubble_of<zb_h1>(shape) == doctest::Approx((p - 1.0) / (3 * m + p - 1)));
    for (int rank = 0; rank < p; ++rank) CHECK(zb_h1::peak_activations(shape, rank) == p);
  });
}

TEST_CASE("ZB-H2 takes 3 micro + ranks - 1, no rank idles within its own span, and keeps 2 ranks - 1") {
  for_shapes(laws::shapes_of<zb_h2>(), as_many_as_ranks, [](pipe_shape shape) {
    const int p = shape.ranks, m = shape.micro;
    CHECK(makespan_of<zb_h2>(shape) == 3 * m + p - 1);
    for (int rank = 0; rank < p; ++rank) CHECK(zb_h2::peak_activations(shape, rank) == std::min(m, 2 * p - 1));
    if (m >= 2 * p - 1) CHECK(spans_of<zb_h2>(shape) == std::vector<double>(static_cast<std::size_t>(p), 3 * m));
  });
}

TEST_CASE_TEMPLATE("interleaved zero-bubble takes 3 micro chunks + ranks - 1", S, interleaved_zb<1>, interleaved_zb<2>,
                   interleaved_zb<3>) {
  for_shapes(laws::shapes_of<S>(), as_many_as_ranks, [](pipe_shape shape) {
    const int p = shape.ranks, m = shape.micro, v = shape.chunks;
    CHECK(makespan_of<S>(shape) == 3 * m * v + p - 1);
    CHECK(bubble_of<S>(shape) == doctest::Approx((p - 1.0) / (3 * m * v + p - 1)));
    for (int rank = 0; rank < p; ++rank)
      CHECK(S::peak_activations(shape, rank) == std::min(m * v, (v - 1) * first_group(shape) + p));
  });
}

TEST_CASE("ZB-V takes 6 micro + ranks - 1 from as many micro-batches as ranks on, within the memory of 1F1B") {
  for_shapes(laws::shapes_of<zb_v>(), always, [](pipe_shape shape) {
    const int p = shape.ranks, m = shape.micro;
    if (m >= p) CHECK(makespan_of<zb_v>(shape) == 6 * m + p - 1);
    if (m >= 2 * p - 1) CHECK(spans_of<zb_v>(shape) == std::vector<double>(static_cast<std::size_t>(p), 6 * m));
    for (int rank = 0; rank < p; ++rank) {
      CHECK(zb_v::peak_activations(shape, rank) <= 2 * p);
      if (m >= 2 * p - 1) CHECK(zb_v::peak_activations(shape, rank) == 2 * p);
    }
  });
}

/// From 3 ranks and twice as many micro-batches as ranks on.
constexpr auto enough_for_a_pattern = [](pipe_shape shape) {
  return shape.ranks >= 3 && shape.micro >= 2 * shape.ranks;
};

TEST_CASE("V-Half takes 6 micro + 3 ranks - 7 (even) or - 4 (odd), and keeps ranks + 2 or ranks + 1 chunks") {
  for_shapes(laws::shapes_of<v_half>(), enough_for_a_pattern, [](pipe_shape shape) {
    const int p = shape.ranks, m = shape.micro;
    CHECK(makespan_of<v_half>(shape) == 6 * m + 3 * p - (p % 2 == 0 ? 7 : 4));
    CHECK(peak_of<v_half>(shape) == (p % 2 == 0 ? p + 2 : p + 1));
  });
}

TEST_CASE("V-Min takes 6 micro + 4 ranks - 5, or - 7 where 3 divides ranks, and keeps about 2 ranks / 3 + 2 chunks") {
  for_shapes(laws::shapes_of<v_min>(), enough_for_a_pattern, [](pipe_shape shape) {
    const int p = shape.ranks, m = shape.micro;
    CHECK(makespan_of<v_min>(shape) == 6 * m + 4 * p - (p % 3 == 0 ? 7 : 5));
  });
  const int ranks[]{4, 5, 6, 8, 16}, peaks[]{4, 6, 6, 8, 12};
  for (int i = 0; i < 5; ++i)
    for (int micro : {2 * ranks[i], 2 * ranks[i] + 3}) {
      CAPTURE(ranks[i]);
      CHECK(peak_of<v_min>({ranks[i], micro, 2}) == peaks[i]);
    }
}

TEST_CASE("V-1F1B takes 6 micro + 4 (ranks - 1), two thirds of the bubble of 1F1B with its memory") {
  for_shapes(laws::shapes_of<v_1f1b>(), as_many_as_ranks, [](pipe_shape shape) {
    CHECK(makespan_of<v_1f1b>(shape) == 6 * shape.micro + 4 * (shape.ranks - 1));
    CHECK(peak_of<v_1f1b>(shape) <= 2 * shape.ranks);
  });
}

TEST_CASE(
    "DualPipe takes 3 micro + 2 (ranks / 2 - 1) and keeps ranks + 1, DualPipeV 6 micro + 2 (ranks - 1) and twice") {
  for_shapes(laws::shapes_of<dualpipe>(), accepted<dualpipe>, [](pipe_shape shape) {
    CHECK(makespan_of<dualpipe>(shape) == 3 * shape.micro + 2 * (shape.ranks / 2 - 1));
    for (int rank = 0; rank < shape.ranks; ++rank) CHECK(dualpipe::peak_activations(shape, rank) == shape.ranks + 1);
  });
  for_shapes(laws::shapes_of<dualpipe_v>(), accepted<dualpipe_v>, [](pipe_shape shape) {
    CHECK(makespan_of<dualpipe_v>(shape) == 6 * shape.micro + 2 * (shape.ranks - 1));
    for (int rank = 0; rank < shape.ranks; ++rank)
      CHECK(dualpipe_v::peak_activations(shape, rank) == 2 * shape.ranks + 1);
  });
}

TEST_CASE("Chimera takes 3 micro + (units + 1)(ranks - 2), and keeps ranks / 2 + 1 and one for each rank to the end") {
  for_shapes(laws::shapes_of<chimera>(), accepted<chimera>, [](pipe_shape shape) {
    const int p = shape.ranks, m = shape.micro;
    CHECK(makespan_of<chimera>(shape) == 3 * m + (m / p + 1) * (p - 2));
    for (int rank = 0; rank < p; ++rank)
      CHECK(chimera::peak_activations(shape, rank) == p / 2 + 1 + std::min(rank, p - 1 - rank));
  });
}

TEST_CASE("each wave of Hanayo makes the bubble smaller: .333 .213 .119 on 4 ranks, .368 .238 .135 on 8") {
  const auto bubble = []<int Waves>(hanayo<Waves>, int ranks) {
    return bubble_of<hanayo<Waves>>(shape_of<hanayo<Waves>>(ranks, ranks));
  };
  // To the third digit, as the greedy V order was simulated.
  const auto third_digit = [](double share) { return doctest::Approx(share).epsilon(0.0005 / share); };
  CHECK(bubble(hanayo<1>{}, 4) == third_digit(.333));
  CHECK(bubble(hanayo<2>{}, 4) == third_digit(.213));
  CHECK(bubble(hanayo<4>{}, 4) == third_digit(.119));
  CHECK(bubble(hanayo<1>{}, 8) == third_digit(.368));
  CHECK(bubble(hanayo<2>{}, 8) == third_digit(.238));
  CHECK(bubble(hanayo<4>{}, 8) == third_digit(.135));
}

TEST_CASE_TEMPLATE("for more micro-batches than ranks Hanayo is no longer than if each waited for the one ranks before",
                   S, hanayo<1>, hanayo<2>, hanayo<3>) {
  int shorter = 0, all = 0;
  for_shapes(laws::shapes_of<S>(8, 24), accepted<S>, [&](pipe_shape shape) {
    const detail::stage_table table{shape,
                                    [&](int rank, int chunk) { return wave_placement::stage_of(shape, rank, chunk); }};
    std::vector<pass> memory(static_cast<std::size_t>(shape.ranks * S::passes(shape)));
    std::vector<pass*> orders;
    for (int rank = 0; rank < shape.ranks; ++rank) orders.push_back(memory.data() + rank * S::passes(shape));
    const double waits =
        detail::list_scheduler{table, shape, detail::list_rules{.window = shape.ranks}}.run(orders.data());
    const double step = makespan_of<S>(shape);
    CHECK(step <= waits);
    if (shape.micro <= shape.ranks) CHECK(step == waits);
    if (shape.micro > shape.ranks && shape.ranks > 1) ++all, shorter += step < waits ? 1 : 0;
    const int more = S::chunks == 2 ? 0 : (shape.ranks + 3) / 4;
    for (int rank = 0; rank < shape.ranks; ++rank)
      CHECK(S::peak_activations(shape, rank) <= S::chunks * (shape.ranks + (shape.micro > shape.ranks ? more : 0)));
  });
  CHECK(2 * shorter > all);  // mostly
  CHECK(makespan_of<hanayo<1>>(shape_of<hanayo<1>>(4, 8)) == 65);
  CHECK(makespan_of<hanayo<2>>(shape_of<hanayo<2>>(4, 8)) == 123);
}

// ---- asynchronous schedules

TEST_CASE_TEMPLATE("a schedule that does not drain idles only while the pipeline fills and empties", S, pipedream<>,
                   pipedream<weight_versions::synchronised>, pipedream_2bw) {
  for_shapes(laws::shapes_of<S>(), accepted<S>, [](pipe_shape shape) {
    CHECK(makespan_of<S>(shape) == 3 * (shape.all_micro() + shape.ranks - 1));
    CHECK(spans_of<S>(shape).back() == 3 * shape.all_micro());
    for (int rank = 0; rank < shape.ranks; ++rank)
      CHECK(S::peak_activations(shape, rank) == std::min(shape.all_micro(), shape.ranks - rank));
  });
}

/// The largest number of weight buffers that any chunk of a rank has.
int buffers_of(const program& one) {
  return *std::max_element(one.versions.begin(), one.versions.end());
}

TEST_CASE("stashing keeps ranks - rank versions of the weights, vertical sync ranks, double buffering 2, flushing 1") {
  using synchronised = pipedream<weight_versions::synchronised>;
  for_shapes(laws::shapes_of<pipedream<>>(), always, [](pipe_shape shape) {
    const bool fills = shape.steps >= 2 * shape.ranks;  // fewer steps may not come to need all versions
    for (const program& one : programs_of<pipedream<>>(shape)) {
      CHECK(buffers_of(one) <= shape.ranks - one.rank);
      if (fills) CHECK(buffers_of(one) == shape.ranks - one.rank);
    }
    for (const program& one : programs_of<synchronised>(shape)) {
      CHECK(buffers_of(one) <= shape.ranks);
      if (fills) CHECK(buffers_of(one) == shape.ranks);
    }
  });
  for (const pipe_shape shape : laws::shapes_of<pipedream_2bw>())
    if (pipedream_2bw::accepts(shape).legal)
      for (const program& one : programs_of<pipedream_2bw>(shape)) CHECK(buffers_of(one) == 2);
  for (const program& one : programs_of<zb_v>({4, 8, 2})) CHECK(buffers_of(one) == 1);
}

/// Calls `read(stage, micro, version)` for every forward pass, of the versions that updates have put into the buffers.
void for_versions_read(const std::vector<program>& programs, int version_of_first_buffer, auto&& read) {
  for (const program& one : programs) {
    std::vector<int> in(static_cast<std::size_t>(one.versions[0]), -100);
    in[0] = version_of_first_buffer;
    if (version_of_first_buffer < 0) in[1] = 0;
    int updates = 0;
    for (const action& act : one.actions) {
      if (act.kind == op::optimizer_step) in[static_cast<std::size_t>(act.version)] = ++updates;
      if (act.kind == op::forward) read(act.stage, act.micro, in[static_cast<std::size_t>(act.version)]);
    }
  }
}

TEST_CASE("with stashing micro-batch i reads at stage s the weights of i - (stages - 1 - s) updates") {
  for_shapes(laws::shapes_of<pipedream<>>(), always, [](pipe_shape shape) {
    for_versions_read(programs_of<pipedream<>>(shape), 0, [&](int stage, int micro, int version) {
      CHECK(version == std::max(0, micro - (shape.ranks - 1 - stage)));
    });
  });
}

TEST_CASE("with vertical sync micro-batch i reads the weights of i - (stages - 1) updates at every stage") {
  using synchronised = pipedream<weight_versions::synchronised>;
  for_shapes(laws::shapes_of<synchronised>(), always, [](pipe_shape shape) {
    for_versions_read(programs_of<synchronised>(shape), 0,
                      [&](int, int micro, int version) { CHECK(version == std::max(0, micro - (shape.ranks - 1))); });
  });
}

TEST_CASE("with double buffering step t reads the weights of t - 1 updates") {
  for_shapes(laws::shapes_of<pipedream_2bw>(), accepted<pipedream_2bw>, [](pipe_shape shape) {
    for_versions_read(programs_of<pipedream_2bw>(shape), -1,
                      [&](int, int micro, int version) { CHECK(version == micro / shape.micro - 1); });
  });
}

// ---- messages

TEST_CASE_TEMPLATE("a micro-batch crosses 2 (ranks - 1) times between ranks where each has one stage of its way", S,
                   gpipe, one_f_one_b, zb_h1, zb_h2, interleaved<1>, looped_bfs<1>, dualpipe, chimera, pipedream<>,
                   pipedream_2bw) {
  for_shapes(laws::shapes_of<S>(8, 16), accepted<S>,
             [](pipe_shape shape) { CHECK(messages_of<S>(shape) == 2 * (shape.ranks - 1) * shape.all_micro()); });
}

TEST_CASE_TEMPLATE("round and round it crosses 2 (chunks ranks - 1) times", S, interleaved<2>, interleaved<3>,
                   interleaved<2, 4>, looped_bfs<2>, looped_bfs<3>, interleaved_zb<2>) {
  for_shapes(
      laws::shapes_of<S>(8, 16), [](pipe_shape shape) { return shape.ranks > 1 && S::accepts(shape).legal; },
      [](pipe_shape shape) { CHECK(messages_of<S>(shape) == 2 * (shape.chunks * shape.ranks - 1) * shape.micro); });
}

TEST_CASE_TEMPLATE("down and up it crosses 2 (ranks - 1) times for each chunk, since turns stay on their rank", S, zb_v,
                   v_half, v_min, v_1f1b, dualpipe_v, hanayo<1>, hanayo<2>) {
  for_shapes(laws::shapes_of<S>(6, 12), accepted<S>, [](pipe_shape shape) {
    CHECK(messages_of<S>(shape) == 2 * shape.chunks * (shape.ranks - 1) * shape.micro);
  });
}

TEST_CASE_TEMPLATE("evaluation takes the time of the forward passes of the same schedule", S, one_f_one_b,
                   interleaved<2>, interleaved<3>, interleaved<2, 4>, interleaved<3, 8>) {
  for_shapes(laws::shapes_of<S>(), accepted<S>, [](pipe_shape shape) {
    CHECK(simulate(forward_programs_of<S>(shape, passes_only), step_costs::uniform(shape)).makespan ==
          interleaved_makespan(shape) / 3);
  });
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

}  // namespace
