// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <string>
#include <tuple>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/core/random.hpp>
#include <plait/schedule/gpipe.hpp>
#include <plait/schedule/interleaved.hpp>
#include <plait/schedule/one_f_one_b.hpp>
#include <plait/schedule/program_of.hpp>
#include <plait/schedule/simulate.hpp>
#include <plait/schedule/zb_h1.hpp>

#include <doctest/doctest.h>

#include "test_schedules.hpp"

namespace {

using namespace plait;

struct row {
  int rank;
  action act;
  double begin, end;
};

std::vector<row> rows_of(const std::vector<program>& programs, const step_costs& costs) {
  std::vector<row> rows;
  const simulation found = simulate(programs, costs, [&](int rank, const action& act, double begin, double end) {
    rows.push_back({rank, act, begin, end});
  });
  CHECK(found.completes);
  return rows;
}
/// When passes of a kind begin on a rank, in the order of the micro-batches that it runs.
std::vector<double> begins(const std::vector<row>& rows, int rank, op kind) {
  std::vector<double> times;
  for (const row& one : rows)
    if (one.rank == rank && one.act.kind == kind) times.push_back(one.begin);
  return times;
}

constexpr step_options passes_only{.optimize = false};

TEST_CASE("one micro-batch goes down the stages and back up, each at its own speed") {
  const pipe_shape shape{3, 1, 1};
  const step_costs costs{.stages = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}};
  const auto programs = programs_of<one_f_one_b>(shape, passes_only);
  const simulation found = simulate(programs, costs);
  CHECK(found.makespan == 1 + 4 + 7 + 17 + 11 + 5);
  CHECK(found.busy == 45);
  CHECK(found.bubble() == doctest::Approx(1 - 45.0 / (3 * 45)));
  CHECK(begins(rows_of(programs, costs), 0, op::backward) == std::vector<double>{40});
}

TEST_CASE("a step of equal stages takes what the slowest makes of it") {
  // Stage 1 takes three times as long and is never idle between its first and its last pass.
  const step_costs costs{.stages = {{1, 1, 1}, {3, 3, 3}}};
  CHECK(simulate(programs_of<one_f_one_b>({2, 5, 1}, passes_only), costs).makespan == 1 + 5 * 9 + 2);
}

TEST_CASE("a message takes bytes / bandwidth on its link, one after the other, and then a latency") {
  const pipe_shape shape{2, 3, 1};
  step_costs costs = step_costs::uniform(shape, {.forward = 1, .message = {40}});
  costs.between_ranks = {.latency = {2}, .bandwidth = {8}};  // 5 on the link, 2 on the way
  const auto rows = rows_of(programs_of<gpipe>(shape, passes_only), costs);
  CHECK(begins(rows, 0, op::forward) == std::vector<double>{0, 1, 2});
  // Sent at 1, 2 and 3; the link is free for the second at 6 and for the third at 11.
  CHECK(begins(rows, 1, op::forward) == std::vector<double>{8, 13, 18});
  // Gradients have a link of their own. The third needs the message slot of the first, which is taken at 28; they are
  // sent at 21, 23 and 30.
  CHECK(begins(rows, 1, op::backward) == std::vector<double>{19, 21, 28});
  CHECK(begins(rows, 0, op::backward) == std::vector<double>{28, 33, 38});
  CHECK(simulate(programs_of<gpipe>(shape, passes_only), costs).makespan == 40);
}

TEST_CASE("each stage's message has the size of its own output, gradients that of the stage before") {
  const pipe_shape shape{3, 1, 1};
  step_costs costs = step_costs::uniform(shape);
  costs.between_ranks.bandwidth = {1};
  costs.stages[0].message = {10};
  costs.stages[1].message = {100};
  CHECK(simulate(programs_of<gpipe>(shape, passes_only), costs).makespan == 9 + 2 * 110);
}

TEST_CASE("whoever writes a message slot waits until the last gradient in it has been taken") {
  // Rank 1 runs backward ten times as fast as rank 0 takes the gradients: two slots, then it must wait.
  const step_costs costs{.stages = {{1, 5, 5}, {1, 0.5, 0.5}}};
  const auto rows = rows_of(programs_of<gpipe>({2, 5, 1}, passes_only), costs);
  // Rank 0 takes gradients at 7, 17, 27, ...; slot 1 is free again when it takes the second, slot 0 with the third.
  CHECK(begins(rows, 0, op::backward) == std::vector<double>{7, 17, 27, 37, 47});
  CHECK(begins(rows, 1, op::backward) == std::vector<double>{6, 7, 8, 17, 27});
}

TEST_CASE("whoever writes an activation slot of an evaluation waits until its output has been taken") {
  std::vector<program> programs;
  for (int rank = 0; rank < 2; ++rank) programs.push_back(forward_program_of<gpipe>({2, 5, 1}, rank, passes_only));
  const step_costs costs{.stages = {{1, 1, 1}, {10, 1, 1}}};
  const auto rows = rows_of(programs, costs);
  CHECK(begins(rows, 1, op::forward) == std::vector<double>{1, 11, 21, 31, 41});
  CHECK(begins(rows, 0, op::forward) == std::vector<double>{0, 1, 2, 11, 21});
}

TEST_CASE("collectives over all ranks begin when the last has come; reductions of gradients wait for nobody") {
  const pipe_shape shape{2, 1, 1};
  step_costs costs = step_costs::uniform(shape);
  costs.reduce_gradients = 10;
  costs.reduce_norm = 0.5;
  costs.optimizer_step = 3;
  costs.reduce_loss = 0.25;
  const auto programs = programs_of<one_f_one_b>(shape, {.buckets = 2, .clip = true});
  const auto rows = rows_of(programs, costs);
  // Rank 1 ends its passes at 4 and its reductions at 24, rank 0 at 6 and 26.
  CHECK(begins(rows, 1, op::reduce_gradients) == std::vector<double>{4, 14});
  CHECK(begins(rows, 0, op::reduce_gradients) == std::vector<double>{6, 16});
  for (int rank : {0, 1}) {
    CHECK(begins(rows, rank, op::reduce_norm) == std::vector<double>{26});
    CHECK(begins(rows, rank, op::optimizer_step) == std::vector<double>{26.5});
    CHECK(begins(rows, rank, op::reduce_loss) == std::vector<double>{29.5});
  }
  const simulation found = simulate(programs, costs);
  CHECK(found.makespan == 29.75);
  CHECK(found.busy == 2 * (3 + 20 + 0.5 + 3 + 0.25));
}

TEST_CASE("a collective waits for the rank that comes last in time, whichever is tried last") {
  // Rank 1 sends its last gradient at 5 and is busy with weights until 204; rank 0 is done long before.
  const step_costs costs{.stages = {{1, 1, 1}, {1, 1, 100}}};
  const auto rows = rows_of(programs_of<zb_h1>({2, 2, 1}), costs);
  CHECK(begins(rows, 0, op::optimizer_step).at(0) < 110);
  CHECK(begins(rows, 0, op::reduce_loss) == begins(rows, 1, op::reduce_loss));
  CHECK(begins(rows, 0, op::reduce_loss) == begins(rows, 1, op::optimizer_step));
}

TEST_CASE("the bubble of 1F1B on 4 ranks with 8 micro-batches is 3 / 11") {
  const simulation found = simulate(programs_of<one_f_one_b>({4, 8, 1}, passes_only), step_costs::uniform({4, 8, 1}));
  CHECK(found.bubble() == doctest::Approx(3.0 / 11));
  CHECK(simulation{}.bubble() == 0);
}

TEST_CASE("programs that do not complete are said not to") {
  auto programs = programs_of<one_f_one_b>({2, 2, 1});
  programs[0].actions.erase(programs[0].actions.begin() + 3);
  CHECK_FALSE(simulate(programs, step_costs::uniform({2, 2, 1})).completes);
  CHECK(simulate({}, {}).makespan == 0);
}

TEST_CASE("costs are needed for each stage") {
  const auto programs = programs_of<interleaved<2>>({2, 2, 2});
  CHECK_THROWS_WITH_AS(simulate(programs, step_costs::uniform({2, 2, 1})), doctest::Contains("costs for each stage"),
                       error);
}

// ---- any costs

/// Small whole numbers, so that all sums are exact and equal times are equal.
step_costs random_costs(pipe_shape shape, std::uint64_t seed) {
  const random_stream random{seed, "costs", 0};
  step_costs costs = step_costs::uniform(shape);
  std::uint64_t next = 0;
  const auto whole = [&](std::uint32_t least, std::uint32_t most) {
    return static_cast<double>(least + random.below(next++, most - least + 1));
  };
  for (stage_costs& one : costs.stages) one = {whole(1, 9), whole(1, 9), whole(0, 9), {}};
  costs.between_ranks.latency = {whole(0, 4)};
  return costs;
}

/// Start times of passes alone, by going over all of them, in an order that the seed chooses, until none moves: a pass
/// begins after the one before it on its rank, after the passes that it needs and their messages, and after the last
/// gradient from its message slot has been taken.
template <schedule S>
double makespan_by_relaxation(pipe_shape shape, const step_costs& costs, std::uint64_t seed) {
  struct timed {
    int rank = 0, stage = 0;
    pass what{};
    int before = -1;              ///< on the same rank
    std::vector<int> needs{};     ///< passes whose results it takes
    int slot_freed_by = -1;       ///< the pass that takes the last message from its slot
    double ready = 0, begin = 0;  ///< ready: when all that it takes is there and its rank is free
  };
  std::vector<timed> all;
  std::map<std::tuple<bool, int, int>, int> number;  // (backward, stage, micro) to the pass that others wait for
  for (int rank = 0; rank < shape.ranks; ++rank) {
    std::vector<pass> order(static_cast<std::size_t>(S::passes(shape)));
    S::order(shape, rank, order.data());
    for (const pass& one : order) {
      const int stage = S::placement::stage_of(shape, rank, one.chunk);
      const bool first = &one == order.data();
      if (one.kind != op::backward_weight)
        number[{one.kind != op::forward, stage, one.micro}] = static_cast<int>(all.size());
      all.push_back({rank, stage, one, first ? -1 : static_cast<int>(all.size()) - 1, {}, -1, 0, 0});
    }
  }
  std::map<std::pair<int, int>, int> message_slot;  // (stage, micro-batch)
  for (const program& one : programs_of<S>(shape))
    for (const action& act : one.actions)
      if (act.kind == op::send_gradient) message_slot[{act.stage, act.micro}] = act.message;
  std::map<std::pair<int, int>, int> last_in_slot;  // (stage, slot) to the micro-batch whose gradient it holds
  for (timed& one : all) {
    if (one.what.kind == op::backward_weight) continue;
    const bool backward = one.what.kind != op::forward;
    const int other = one.stage + (backward ? 1 : -1), to = one.stage + (backward ? -1 : 1);
    if (other >= 0 && other < shape.stages()) one.needs.push_back(number.at({backward, other, one.what.micro}));
    if (!backward || to < 0 || rank_of<typename S::placement>(shape, to) == one.rank) continue;
    const auto slot = std::pair{one.stage, message_slot.at({one.stage, one.what.micro})};
    if (const auto found = last_in_slot.find(slot); found != last_in_slot.end())
      one.slot_freed_by = number.at({true, to, found->second});
    last_in_slot[slot] = one.what.micro;
  }
  const auto length = [&](const timed& one) {
    return costs.of(action{.kind = one.what.kind, .stage = static_cast<std::int16_t>(one.stage)});
  };
  const auto end_of = [&](int pass_number) {
    const timed& one = all[static_cast<std::size_t>(pass_number)];
    return one.begin + length(one);
  };
  std::vector<std::size_t> turn(all.size());
  std::iota(turn.begin(), turn.end(), std::size_t{0});
  const random_stream random{seed, "turn", 0};
  for (std::size_t i = turn.size(); i > 1; --i)
    std::swap(turn[i - 1], turn[random.below(i, static_cast<std::uint32_t>(i))]);
  for (bool moved = true; moved;) {
    moved = false;
    for (std::size_t i : turn) {
      timed& one = all[i];
      double ready = one.before >= 0 ? end_of(one.before) : 0;
      for (int need : one.needs) {
        const bool remote = all[static_cast<std::size_t>(need)].rank != one.rank;
        ready = std::max(ready, end_of(need) + (remote ? costs.between_ranks.latency.value : 0));
      }
      double begin = ready;
      if (one.slot_freed_by >= 0) begin = std::max(begin, all[static_cast<std::size_t>(one.slot_freed_by)].ready);
      moved = moved || begin > one.begin || ready > one.ready;
      one.begin = begin;
      one.ready = ready;
    }
  }
  double last = 0;
  for (std::size_t i = 0; i < all.size(); ++i) last = std::max(last, end_of(static_cast<int>(i)));
  return last;
}

TEST_CASE_TEMPLATE("for any costs the simulation agrees with one that tries passes in any order", S, gpipe, one_f_one_b,
                   interleaved<2>, interleaved<3>, interleaved<2, 5>, zb_h1, testing::few_at_a_time<2>) {
  std::uint64_t seed = 0;
  for (const pipe_shape shape : {pipe_shape{1, 3, S::chunks}, pipe_shape{2, 5, S::chunks}, pipe_shape{3, 7, S::chunks},
                                 pipe_shape{4, 4, S::chunks}, pipe_shape{5, 9, S::chunks}}) {
    if (!S::accepts(shape).legal) continue;
    const auto programs = programs_of<S>(shape, passes_only);
    for (int trial = 0; trial < 20; ++trial, ++seed) {
      CAPTURE(seed);
      const step_costs costs = random_costs(shape, seed);
      CHECK(simulate(programs, costs).makespan == makespan_by_relaxation<S>(shape, costs, seed));
    }
  }
}

TEST_CASE_TEMPLATE("slower messages and passes never shorten a step, and no step beats its longest chain", S, gpipe,
                   one_f_one_b, interleaved<2>, zb_h1) {
  const pipe_shape shape{4, 6, S::chunks};
  const auto programs = programs_of<S>(shape, {.buckets = 1});
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    step_costs costs = random_costs(shape, 1000 + seed);
    costs.reduce_gradients = 2;
    costs.optimizer_step = 1;
    for (stage_costs& one : costs.stages) one.message = {8};
    costs.between_ranks.bandwidth = {4};
    double busy_of_busiest = 0, all_busy = 0;
    std::map<int, double> busy;
    const simulation found = simulate(programs, costs, [&](int rank, const action& act, double begin, double end) {
      CHECK(begin <= end);
      if (is_receive(act.kind)) return;
      busy[rank] += end - begin;
      all_busy += end - begin;
      busy_of_busiest = std::max(busy_of_busiest, busy[rank]);
    });
    CHECK(found.busy == all_busy);
    CHECK(found.makespan >= busy_of_busiest);
    // One micro-batch through all stages and back, a message (2 on the link, and the latency) between any two.
    double chain = 2 * (shape.stages() - 1) * (2 + costs.between_ranks.latency.value);
    for (const stage_costs& one : costs.stages) chain += one.forward + one.backward_input;
    CHECK(found.makespan >= chain);

    const auto longer = [&](auto&& change) {
      step_costs slower = costs;
      change(slower);
      return simulate(programs, slower).makespan >= found.makespan;
    };
    CHECK(longer([](step_costs& slower) { slower.between_ranks.latency.value += 1; }));
    CHECK(longer([](step_costs& slower) { slower.between_ranks.bandwidth.value /= 2; }));
    CHECK(longer([&](step_costs& slower) { slower.stages[seed % slower.stages.size()].forward += 1; }));
    CHECK(longer([&](step_costs& slower) { slower.stages[seed % slower.stages.size()].backward_weight += 1; }));
    CHECK(longer([](step_costs& slower) { slower.reduce_gradients += 1; }));
  }
}

}  // namespace
