// SPDX-License-Identifier: Apache-2.0
// Captured steps, on streams that lag behind their calls and can record what they are given, as a device's do.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <type_traits>

#include <doctest/doctest.h>

#include "captured_laws.hpp"
#include "comm/fake_library.hpp"
#include "queued_kernels.hpp"

namespace {

using namespace harness;

const serial<queued> one_rank{};

/// The task of the laws: 12 steps, of which 10 are launched: the first of each kind of batch is given as ever.
template <real T>
task<T, std::int32_t> captured_task(int micro) {
  auto job = real_task<T>(micro, 12);
  job.settings.capture = true;
  return job;
}
constexpr int launched_of_12 = 10;

template <real T, class Optimizer>
void trains_alike(const layout_handle& layout, const Optimizer& optimizer, const task<T, std::int32_t>& job,
                  int launched = launched_of_12) {
  const int before = queued::graph::launches();
  captured_steps_train_alike<T>(one_rank, layout, optimizer, job);
  CHECK(queued::graph::launches() - before == launched);
}

TEST_CASE("captured steps train what steps given anew train, bit for bit") {
  for (const int micro : {1, 4}) {
    const auto job = captured_task<double>(micro);
    trains_alike(layout_of({1, 1, 1}, 1, 1), adamw{.learning_rate = 2e-3}, job);
    trains_alike(layout_of({1, 1, 1}, 2, 2), sgd_momentum{.learning_rate = 0.05, .weight_decay = 1e-3}, job);
    trains_alike(layout_under<zb_h1>({1, 1, 1}), sgd{.learning_rate = 0.05}, job);
  }
  trains_alike(layout_of({1, 1, 1}, 1, 1), adamw{.learning_rate = 2e-3}, captured_task<float>(2));
}

TEST_CASE("captured steps of ranks over a library, as NCCL is one, train what steps given anew train, bit for bit") {
  const fake_engine<sums_by::in_rank_order, 0> ranks;
  for (const layout_handle& layout :
       {layout_of({2, 1, 1}, 1, 1), layout_of({1, 2, 1}, 1, 1), layout_of({1, 1, 3}, 1, 1), layout_of({1, 1, 2}, 2, 2),
        layout_of({2, 1, 2}, 1, 1), layout_under<zb_v>({1, 1, 2}), layout_under<chimera>({1, 1, 2})}) {
    auto job = captured_task<double>(4);
    job.settings.buckets = 3;
    const int before = queued::graph::launches();
    captured_steps_train_alike<double>(ranks, layout, adamw{.learning_rate = 2e-3}, job);
    CHECK(queued::graph::launches() - before == launched_of_12 * layout.mesh.size());
  }
}

TEST_CASE("captured steps whose weights lie in another buffer each time are told apart") {
  const fake_engine<sums_by::in_rank_order, 0> ranks;
  for (const int ways : {1, 3}) {
    const layout_handle layout = layout_under<pipedream_2bw>({1, 1, ways});
    auto job = captured_task<double>(4);
    job.settings.clip_norm = 0;
    job.settings.steps = 3;
    // Whole batches with either buffer first, and smaller ones, which come with the second buffer first: three kinds.
    const int before = queued::graph::launches();
    if (ways == 1)
      captured_steps_train_alike<double>(one_rank, layout, adamw{.learning_rate = 2e-3}, job);
    else
      captured_steps_train_alike<double>(ranks, layout, adamw{.learning_rate = 2e-3}, job);
    CHECK(queued::graph::launches() - before == (12 - 3) * ways);
  }
}

TEST_CASE("a class that is not there is named by a captured step") {
  captured_steps_name_a_class_that_is_not_there(one_rank, layout_of({1, 1, 1}, 1, 1));
  captured_steps_name_a_class_that_is_not_there(fake_engine<sums_by::in_rank_order, 0>{}, layout_of({1, 1, 2}, 1, 1));
}

/// The error of a trainer on an engine, as text.
template <class Engine, class Optimizer>
std::string refusal(const Engine& engine, const Optimizer& optimizer, const training<double>& settings) {
  const auto model = real_model();
  try {
    plait::run(engine, layout_of({1, 1, 1}, 1, 1), [&](auto& rank) {
      typename std::remove_cvref_t<decltype(rank)>::space::owned_stream stream;
      trainer trainer{rank, model, optimizer, settings, stream};
    });
  } catch (const error& wrong) {
    return wrong.what();
  }
  return "";
}

/// An optimizer of somebody who does not think of capturing.
struct plain_descent {
  static constexpr int states = 0;
  double learning_rate = 0.1;
  template <real T, class Stream>
  void apply(const update<T>& one, Stream stream) const {
    sgd{.learning_rate = learning_rate / static_cast<double>(one.step)}.apply(one, stream);
  }
};
static_assert(!capturable_optimizer<plain_descent, double>);

TEST_CASE("where steps cannot be captured, a trainer that should capture them says why") {
  const auto settings = captured_task<double>(1).settings;
  const auto says = [](const std::string& text, const char* why) {
    CAPTURE(text);
    CHECK(text.find("plait::trainer: these steps cannot be captured: ") != std::string::npos);
    CHECK(text.find(why) != std::string::npos);
  };
  CHECK(refusal(one_rank, sgd{}, settings) == "");
  says(refusal(serial{}, sgd{}, settings), "work in this memory is done before a call returns");
  says(refusal(threads<queued>{}, sgd{}, settings), "a rank's host waits for the other ranks in every step");
  says(refusal(one_rank, plain_descent{}, settings), "the optimizer has no numbers<T>(step)");
  auto validated = settings;
  validated.post_validate = true;
  says(refusal(one_rank, sgd{}, validated), "the host decides in the midst");
}

TEST_CASE("what a captured step did when is told anew by each launch") {
  const auto model = real_model();
  plait::run(one_rank, layout_of({1, 1, 1}, 1, 1), [&](auto& rank) {
    const queued::owned_stream stream;
    auto job = captured_task<double>(2);
    trainer trainer{rank, model, sgd{}, job.settings, stream};
    const auto now = [] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    };
    std::size_t rows = 0;
    for (int step = 0; step < 4; ++step) {
      const local_batch<double, std::int32_t> data{job, static_cast<std::uint64_t>(step), 0, 1};
      const double begin = now();
      trainer.step(data.view(job));
      const double end = now();
      const auto& seen = trainer.recorded();
      if (step == 0) rows = seen.size();
      CHECK(rows > 0);
      CHECK(seen.size() == rows);
      for (std::size_t i = 0; i < seen.size(); ++i) {
        CHECK(seen.begin_of(i) >= begin);
        CHECK(seen.end_of(i) >= seen.begin_of(i));
        CHECK(seen.end_of(i) <= end + 1e-3);  // marks are measured from the first, which lies a little after its call
      }
      trainer.evaluate(data.view(job));
      CHECK(seen.size() < rows);  // those of the evaluation
    }
  });
}

TEST_CASE("captured steps keep to the memory that was predicted, which is that of others and what they are given") {
  const auto model = real_model();
  const auto need_of = [&](bool capture) {
    step_memory need;
    plait::run(one_rank, layout_of({1, 1, 1}, 1, 1), [&](auto& rank) {
      const queued::owned_stream stream;
      auto job = captured_task<double>(5);  // micro-batches of at most 10 of 48 samples
      job.settings.capture = capture;
      trainer trainer{rank, model, adamw{}, job.settings, stream};
      for (std::uint64_t step = 0; step < 3; ++step) {
        const local_batch<double, std::int32_t> data{job, step, 0, 1};
        trainer.step(data.view(job));
      }
      need = trainer.predicted_memory();
      const memory_by_class expected{{need.weights, need.gradients, need.optimizer_state, need.activations, need.stash,
                                      need.workspace, need.communication}};
      CHECK(trainer.memory().peak() == expected);
    });
    return need;
  };
  auto expected = need_of(false);
  expected.communication += 5 * 10 * 30 * 8 + 32 /* to 256 */ + 256 /* 5 * 10 * 4 */ + 256 /* 7 numbers */;
  static_assert((5 * 10 * 30 * 8 + 32) % 256 == 0);
  CHECK(need_of(true) == expected);
}

TEST_CASE("of more than eight kinds of steps the one that was not used for longest is given anew") {
  const auto model = real_model();
  const auto launched = [&](int kinds) {
    const int before = queued::graph::launches();
    plait::run(one_rank, layout_of({1, 1, 1}, 1, 1), [&](auto& rank) {
      const queued::owned_stream stream;
      auto job = captured_task<double>(2);
      trainer trainer{rank, model, sgd{}, job.settings, stream};
      for (int step = 0; step < 3 * kinds; ++step) {
        job.settings.batch = 48 - step % kinds;
        const local_batch<double, std::int32_t> data{job, static_cast<std::uint64_t>(step), 0, 1};
        trainer.step(data.view(job));
      }
    });
    return queued::graph::launches() - before;
  };
  CHECK(launched(8) == 2 * 8);
  CHECK(launched(9) == 0);
}

TEST_CASE("a captured step whose other rank does not come ends at the deadline, and says so") {
  const auto model = real_model();
  const auto begin = std::chrono::steady_clock::now();
  std::string text;
  try {
    plait::run(fake_engine<sums_by::in_rank_order, 0>{0.5}, layout_of({2, 1, 1}, 1, 1), [&](auto& rank) {
      const queued::owned_stream stream;
      const auto job = captured_task<double>(2);
      trainer trainer{rank, model, sgd{}, job.settings, stream};
      for (std::uint64_t step = 0; step < 5; ++step) {
        if (step == 4 && rank.rank() == 1) std::this_thread::sleep_for(std::chrono::milliseconds{1500});
        const local_batch<double, std::int32_t> data{job, step, rank.place().data, 2};
        trainer.step(data.view(job));
      }
    });
  } catch (const error& wrong) {
    text = wrong.what();
  }
  INFO(text);
  CHECK(text.find("plait: comm: captured step: rank 0 did not get past it within 0.5 s: waiting in captured step of "
                  "ranks 0, 1\n  rank 0 = {rank 0}: captured step") != std::string::npos);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{20});
}

}  // namespace
