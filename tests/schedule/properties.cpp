// SPDX-License-Identifier: Apache-2.0
// Properties over random shapes and costs: valid, never shorter than what no order can beat, never shorter for costs
// that are higher, and no more alive than is stated.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <plait/core/random.hpp>
#include <plait/schedule/simulate.hpp>
#include <plait/schedule/verify.hpp>

#include <doctest/doctest.h>

#include "all_schedules.hpp"
#include "laws.hpp"

namespace {

using namespace plait;

constexpr int shapes_tried = 60;

/// Random choices that are the same on every machine.
class choices {
 public:
  explicit choices(std::uint64_t seed) : stream_{seed, "properties", 0} {}
  int from_to(int first, int last) {
    return first + static_cast<int>(stream_.below(next_++, static_cast<std::uint32_t>(last - first + 1)));
  }

 private:
  random_stream stream_;
  std::uint64_t next_ = 0;
};

/// A shape that a schedule accepts: drawn until one is.
template <schedule S>
pipe_shape random_shape(choices& random) {
  for (;;) {
    const int ranks = random.from_to(1, 10), micro = random.from_to(1, 40), steps = random.from_to(1, 4);
    const pipe_shape shape = versions_of<S>() == weight_versions::flush             ? shape_of<S>(ranks, micro)
                             : versions_of<S>() == weight_versions::double_buffered ? shape_of<S>(ranks, micro, steps)
                                                                                    : shape_of<S>(ranks, 1, micro);
    if (S::accepts(shape).legal) return shape;
  }
}

/// Whole numbers, so that sums of times are exact.
step_costs random_costs(pipe_shape shape, choices& random) {
  step_costs costs;
  for (int stage = 0; stage < shape.stages(); ++stage)
    costs.stages.push_back({.forward = static_cast<double>(random.from_to(1, 9)),
                            .backward_input = static_cast<double>(random.from_to(1, 9)),
                            .backward_weight = static_cast<double>(random.from_to(1, 9)),
                            .message = byte_count{random.from_to(0, 4)}});
  costs.between_ranks.latency = seconds{static_cast<double>(random.from_to(0, 3))};
  return costs;
}

/// What no order of these passes on these ranks can beat: the whole way of one micro-batch, there and back with its
/// messages; and each rank's own work, which begins after the shortest way to the rank.
double lower_bound(const std::vector<program>& programs, const step_costs& costs) {
  const pipe_shape shape = programs[0].shape;
  const auto stages = static_cast<std::size_t>(shape.stages());
  const auto micros = static_cast<std::size_t>(shape.all_micro());
  std::vector<std::size_t> rank_at(stages * micros);
  std::vector<double> work(programs.size());
  std::vector<bool> splits(stages * micros);
  for (const program& one : programs)
    for (const action& act : one.actions) {
      if (!is_compute(act.kind)) continue;
      const std::size_t cell = static_cast<std::size_t>(act.stage) * micros + static_cast<std::size_t>(act.micro);
      rank_at[cell] = static_cast<std::size_t>(one.rank);
      work[static_cast<std::size_t>(one.rank)] += costs.of(act);
      if (act.kind == op::backward_input) splits[cell] = true;
    }
  double bound = *std::max_element(work.begin(), work.end());
  std::vector<double> earliest(programs.size(), std::numeric_limits<double>::infinity());
  for (std::size_t micro = 0; micro < micros; ++micro) {
    double way = 0;
    for (std::size_t stage = 0; stage < stages; ++stage) {
      const std::size_t cell = stage * micros + micro;
      double& first = earliest[rank_at[cell]];
      const stage_costs& here = costs.stages[stage];
      if (stage > 0 && rank_at[cell] != rank_at[cell - micros])
        way += 2 * (costs.between_ranks.latency.value +
                    (costs.stages[stage - 1].message / costs.between_ranks.bandwidth).value);
      double there = 0;
      for (std::size_t before = 0; before < stage; ++before) there += costs.stages[before].forward;
      first = std::min(first, there);
      way += here.forward + here.backward_input + (splits[cell] ? 0 : here.backward_weight);
    }
    bound = std::max(bound, way);
  }
  for (std::size_t rank = 0; rank < programs.size(); ++rank)
    if (work[rank] > 0) bound = std::max(bound, earliest[rank] + work[rank]);
  return bound;
}

/// The most chunks alive on a rank at any time of a simulated step.
std::vector<int> peaks_in_time(const std::vector<program>& programs, const step_costs& costs) {
  std::vector<int> alive(programs.size()), peak(programs.size());
  CHECK(simulate(programs, costs, [&](int rank, const action& act, double, double) {
          const auto at = static_cast<std::size_t>(rank);
          if (act.kind == op::forward) peak[at] = std::max(peak[at], ++alive[at]);
          if (act.kind == op::backward || act.kind == op::backward_weight) --alive[at];
        }).completes);
  for (const int left : alive) CHECK(left == 0);
  return peak;
}

#define PLAIT_EVERY_SCHEDULE                                                                                          \
  gpipe, one_f_one_b, interleaved<2>, interleaved<3>, interleaved<2, 12>, looped_bfs<2>, looped_bfs<4>, zb_h1, zb_h2, \
      interleaved_zb<2>, zb_v, v_half, v_min, v_1f1b, dualpipe, dualpipe_v, chimera, hanayo<1>, hanayo<2>,            \
      pipedream<>, pipedream<weight_versions::synchronised>, pipedream<weight_versions::stash, 2, 1>,                 \
      pipedream<weight_versions::stash, 2, 3, 1>, pipedream_2bw

TEST_CASE_TEMPLATE(
    "for random shapes and costs a step is valid, never shorter than its lower bound, and within its peak", S,
    PLAIT_EVERY_SCHEDULE) {
  choices random{1};
  for (int i = 0; i < shapes_tried; ++i) {
    const pipe_shape shape = random_shape<S>(random);
    const std::string of_shape = laws::text_of(shape);
    CAPTURE(of_shape);
    const auto programs = programs_of<S>(shape, {.optimize = false});
    const verification found = verify(programs);
    CHECK_MESSAGE(found.valid, to_string(found));
    const step_costs costs = random_costs(shape, random);
    const simulation run = simulate(programs, costs);
    CHECK(run.completes);
    CHECK(run.makespan >= lower_bound(programs, costs));
    CHECK(run.bubble() >= 0);
    // In the unit case too, where many orders reach it.
    const step_costs unit = step_costs::uniform(shape);
    CHECK(simulate(programs, unit).makespan >= lower_bound(programs, unit));
    const auto peaks = peaks_in_time(programs, costs);
    for (int rank = 0; rank < shape.ranks; ++rank)
      CHECK(peaks[static_cast<std::size_t>(rank)] == S::peak_activations(shape, rank));
  }
}

TEST_CASE_TEMPLATE("for one and the same order a step never gets shorter when a stage, a message or a rank gets slower",
                   S, PLAIT_EVERY_SCHEDULE) {
  choices random{2};
  for (int i = 0; i < shapes_tried; ++i) {
    const pipe_shape shape = random_shape<S>(random);
    const std::string of_shape = laws::text_of(shape);
    CAPTURE(of_shape);
    const auto programs = programs_of<S>(shape, {.buckets = 1});
    const step_costs costs = random_costs(shape, random);
    const double before = simulate(programs, costs).makespan;
    step_costs slower = costs;
    stage_costs& stage = slower.stages[static_cast<std::size_t>(random.from_to(0, shape.stages() - 1))];
    switch (random.from_to(0, 5)) {
      case 0:
        stage.forward += random.from_to(1, 9);
        break;
      case 1:
        stage.backward_input += random.from_to(1, 9);
        break;
      case 2:
        stage.backward_weight += random.from_to(1, 9);
        break;
      case 3:
        stage.message = byte_count{stage.message.value + random.from_to(1, 9)};
        break;
      case 4:
        slower.between_ranks.latency = seconds{slower.between_ranks.latency.value + 2};
        break;
      default:
        slower.slowness.assign(programs.size(), 1);
        slower.slowness[static_cast<std::size_t>(random.from_to(0, shape.ranks - 1))] = 2;
    }
    CHECK(simulate(programs, slower).makespan >= before);
    slower = costs;  // everything twice as slow
    for (stage_costs& each : slower.stages)
      each = {2 * each.forward, 2 * each.backward_input, 2 * each.backward_weight, byte_count{2 * each.message.value}};
    slower.between_ranks.latency = seconds{2 * slower.between_ranks.latency.value};
    CHECK(simulate(programs, slower).makespan == 2 * before);
  }
}

TEST_CASE_TEMPLATE("a step of one micro-batch more is never shorter", S, gpipe, one_f_one_b, interleaved<2>,
                   looped_bfs<2>, zb_h1, zb_h2, interleaved_zb<2>, zb_v, v_1f1b, pipedream<>, pipedream_2bw) {
  choices random{3};
  for (int i = 0; i < shapes_tried; ++i) {
    const pipe_shape shape = random_shape<S>(random);
    const std::string of_shape = laws::text_of(shape);
    CAPTURE(of_shape);
    pipe_shape larger = shape;
    ++(shape.steps > 1 && shape.micro == 1 ? larger.steps : larger.micro);
    if (!S::accepts(larger).legal) continue;
    CHECK(makespan<S>(larger) > makespan<S>(shape));
  }
}

}  // namespace
