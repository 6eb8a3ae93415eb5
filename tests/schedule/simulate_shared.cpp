// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include <plait/schedule/gpipe.hpp>
#include <plait/schedule/interleaved.hpp>
#include <plait/schedule/one_f_one_b.hpp>
#include <plait/schedule/program_of.hpp>
#include <plait/schedule/simulate_shared.hpp>

#include <doctest/doctest.h>

namespace {

using namespace plait;

struct seen_row {
  int rank, copy;
  action what;
  double begin, end;
};

simulation shared(const std::vector<program>& programs, const step_costs& costs, shared_processors machine,
                  std::vector<seen_row>* rows = nullptr) {
  return simulate_shared(programs, costs, machine,
                         [&](int rank, int copy, const action& act, double begin, double end) {
                           if (rows != nullptr) rows->push_back({rank, copy, act, begin, end});
                         });
}

step_costs uneven(pipe_shape shape) {
  step_costs costs = step_costs::uniform(shape);
  for (std::size_t i = 0; i < costs.stages.size(); ++i) costs.stages[i].forward = 1 + 0.25 * static_cast<double>(i % 3);
  costs.reduce_gradients = 0.5;
  costs.reduce_loss = 0.25;
  costs.optimizer_step = 2;
  return costs;
}

double work_of(const std::vector<program>& programs, const step_costs& costs) {
  double work = 0;
  for (const program& one : programs)
    for (const action& act : one.actions) work += costs.of(act);
  return work;
}

TEST_CASE("with a processor for each rank a step takes what simulate says, where no slot makes a rank wait") {
  for (int ranks = 1; ranks <= 6; ++ranks)
    for (int micro = 1; micro <= 9; ++micro)
      for (const bool one_by_one : {false, true}) {
        CAPTURE(ranks);
        CAPTURE(micro);
        const pipe_shape shape{ranks, micro, 1};
        const step_options options{.buckets = 1, .clip = true};
        const auto programs =
            one_by_one ? programs_of<one_f_one_b>(shape, options) : programs_of<gpipe>(shape, options);
        const step_costs costs = step_costs::uniform(shape);
        const simulation found = shared(programs, costs, {.processors = ranks});
        CHECK(found.completes);
        CHECK(found.makespan == simulate(programs, costs).makespan);
      }
}

TEST_CASE("one processor is never idle: a step takes the sum of all work of its ranks") {
  for (const pipe_shape shape : {pipe_shape{1, 1, 1}, pipe_shape{3, 4, 1}, pipe_shape{4, 7, 1}})
    for (const int copies : {1, 3}) {
      const auto programs = programs_of<one_f_one_b>(shape, {.buckets = 2, .clip = true});
      const step_costs costs = uneven(shape);
      const simulation found = shared(programs, costs, {.processors = 1, .tensor_ways = 2, .data_ways = copies});
      CHECK(found.completes);
      CHECK(found.makespan == doctest::Approx(work_of(programs, costs) * 2 * copies));
    }
}

TEST_CASE("no more crews run at a time than there are processors for, and none faster than they allow") {
  const pipe_shape shape{4, 6, 2};
  const auto programs = programs_of<interleaved<2>>(shape, {.buckets = 1});
  const step_costs costs = uneven(shape);
  std::vector<seen_row> rows;
  const simulation found = shared(programs, costs, {.processors = 5, .tensor_ways = 2, .data_ways = 2}, &rows);
  REQUIRE(found.completes);
  for (const seen_row& one : rows) {
    if (costs.of(one.what) == 0) continue;
    CHECK(one.end - one.begin == doctest::Approx(costs.of(one.what)));
    int together = 0;
    for (const seen_row& other : rows)
      together += costs.of(other.what) > 0 && other.begin <= one.begin && one.begin < other.end ? 1 : 0;
    CHECK(together <= 2);  // 5 processors hold two crews of two
  }
}

TEST_CASE("the sum over the data axis begins when all copies have come, and messages arrive a latency later") {
  const pipe_shape shape{2, 3, 1};
  const auto programs = programs_of<gpipe>(shape, {.buckets = 1});
  step_costs costs = uneven(shape);
  costs.between_ranks.latency = seconds{0.75};
  std::vector<seen_row> rows;
  const simulation found = shared(programs, costs, {.processors = 3, .data_ways = 2}, &rows);
  REQUIRE(found.completes);
  for (const seen_row& sum : rows)
    if (sum.what.kind == op::reduce_gradients)
      for (const seen_row& pass : rows)
        if (pass.what.kind == op::backward && pass.rank == sum.rank) CHECK(pass.end <= sum.begin);
  for (const seen_row& late : rows)
    if (late.what.kind == op::receive_activation)
      for (const seen_row& sent : rows)
        if (sent.what.kind == op::send_activation && sent.copy == late.copy && sent.what.micro == late.what.micro)
          CHECK(late.end >= sent.end + 0.75);
  CHECK(found.makespan > shared(programs, uneven(shape), {.processors = 3, .data_ways = 2}).makespan);
}

TEST_CASE("programs that do not complete on shared processors are said not to") {
  auto programs = programs_of<one_f_one_b>({2, 3, 1});
  auto& actions = programs[0].actions;
  actions.erase(
      std::find_if(actions.begin(), actions.end(), [](const action& one) { return one.kind == op::send_activation; }));
  CHECK_FALSE(shared(programs, step_costs::uniform({2, 3, 1}), {.processors = 2}).completes);
}

}  // namespace
