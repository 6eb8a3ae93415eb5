// SPDX-License-Identifier: Apache-2.0
// Law 6: bad input gets one clear sentence, and a rank that fails stops all.

#include <chrono>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "real_model.hpp"

namespace {

using namespace harness;

/// The error that training throws.
error error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const error& wrong) {
    return wrong;
  }
  FAIL("nothing was thrown");
  return {error_kind::usage, "", ""};
}

bool says(const error& wrong, std::string_view words) {
  return std::string_view{wrong.what()}.find(words) != std::string_view::npos;
}

void train_with(const layout_handle& layout, task<float, std::int32_t> job) {
  train<float, std::int32_t>(threads{}, layout, real_model(), sgd{}, job);
}

TEST_CASE("settings that cannot be get a sentence and exit status 2") {
  auto job = real_task<float>(4);
  const auto check = [&](const char* words) {
    const error wrong = error_of([&] { train_with(layout_of({1, 1, 2}, 1, 1), job); });
    CAPTURE(wrong.what());
    CHECK(wrong.kind() == error_kind::usage);
    CHECK(wrong.exit_status() == 2);
    CHECK(says(wrong, words));
    job = real_task<float>(4);
  };
  job.settings.micro = 0;
  check("batch and micro are at least 1");
  job.settings.batch = 0;
  check("batch and micro are at least 1");
  job.settings.clip_norm = -1;
  check("clip_norm is 0, for none, or a limit above 0");
  job.settings.buckets = 0;
  check("buckets are 1 to 30");
  job.settings.features = 31;
  check("it takes 30 features, and the layer before gives 31");
  job.settings.cut = {0, 3};
  check("a cut of 9 layers into 2 stages has 3 entries that start at 0, never fall and end at 9");
  job.settings.cut = {0, 5, 4};
  check("start at 0, never fall and end at 9");
}

TEST_CASE("a batch that does not fit gets a sentence") {
  const auto model = real_model();
  const auto check = [&](const char* words, auto change) {
    const error wrong = error_of([&] {
      plait::run(threads{}, layout_of({1, 1, 1}, 1, 1), [&](auto& rank) {
        auto job = real_task<float>(2);
        trainer trainer{rank, model, sgd{}, job.settings};
        change(job);
        const local_batch<float, std::int32_t> data{job, 0, 0, 1};
        trainer.step(data.view(job));
      });
    });
    CAPTURE(wrong.what());
    CHECK(wrong.kind() == error_kind::usage);
    CHECK(says(wrong, words));
  };
  check("the batch has 3 micro-batches, and the trainer was made for 2", [](auto& job) { job.settings.micro = 3; });
  check("a micro-batch of 25 samples is larger than the 24", [](auto& job) { job.settings.batch = 50; });
  check("the batch has 30 features and 2 targets a sample, and the model takes 30 and 1",
        [](auto& job) { job.target_columns = 2; });
}

TEST_CASE("a schedule that cannot order the micro-batches names the nearest numbers that it can") {
  const layout_handle layout{.mesh = {.ways = {1, 1, 4}, .chunks = 2}, .schedule = handle_of<interleaved<2, 4>>()};
  auto job = real_task<float>(6);
  const error wrong = error_of([&] { train_with(layout, job); });
  CAPTURE(wrong.what());
  CHECK(wrong.exit_status() == 2);
  CHECK(says(wrong, "the nearest legal numbers of micro-batches are 4 and 8"));
}

TEST_CASE("a loss that is not finite stops every rank with a sentence") {
  auto job = real_task<float>(2);
  job.sample = [](std::uint64_t step, std::int64_t, std::int64_t) { return step == 1 ? NAN : 0.5f; };
  const error wrong = error_of([&] { train_with(layout_of({2, 1, 2}, 1, 1), job); });
  CAPTURE(wrong.what());
  CHECK(wrong.kind() == error_kind::numerics);
  CHECK(wrong.exit_status() == 1);
  CHECK(says(wrong, "the loss of step 2 is not finite"));
}

TEST_CASE("a rank that throws in a step stops the others, and the report says what each was doing") {
  const auto model = real_model();
  const error wrong = error_of([&] {
    plait::run(threads<host>{.deadline_seconds = 10}, layout_of({1, 1, 2}, 1, 1), [&](auto& rank) {
      const auto job = real_task<float>(4);
      trainer trainer{rank, model, sgd{}, job.settings};
      const local_batch<float, std::int32_t> data{job, 0, 0, 1};
      trainer.step(data.view(job));
      if (rank.rank() == 1) throw error{error_kind::io, "reader", "the disk is full"};
      trainer.step(data.view(job));
    });
  });
  CAPTURE(wrong.what());
  CHECK(wrong.kind() == error_kind::io);
  CHECK(wrong.rank() == 1);
  CHECK(says(wrong, "the disk is full"));
  CHECK(says(wrong, "{data 0, tensor 0, pipeline 1}"));
  CHECK(says(wrong, "rank 0 = {data 0, tensor 0, pipeline 0}"));
}

TEST_CASE("a rank that runs out of data first stops the others at once, and the report says who waited for whom") {
  const auto model = real_model();
  const auto begin = std::chrono::steady_clock::now();
  const error wrong = error_of([&] {
    plait::run(threads<host>{.deadline_seconds = 60}, layout_of({2, 1, 2}, 1, 1), [&](auto& rank) {
      const auto job = real_task<float>(4);
      trainer trainer{rank, model, sgd{}, job.settings};
      const int steps = rank.place().data == 0 ? 3 : 2;  // one data rank has a batch less
      for (int step = 0; step < steps; ++step) {
        const local_batch<float, std::int32_t> data{job, static_cast<std::uint64_t>(step), rank.place().data, 2};
        trainer.step(data.view(job));
      }
    });
  });
  CAPTURE(wrong.what());
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{30});  // not only at the deadline
  CHECK(wrong.kind() == error_kind::comm);
  CHECK(wrong.exit_status() == 1);
  CHECK(says(wrong, "before finishing"));
  CHECK(says(wrong, "finished"));
  CHECK(says(wrong, "{data 1, tensor 0, pipeline 0}"));
}

TEST_CASE("data ranks whose rows do not add up to the global batch are told, for the mean would be wrong") {
  const auto model = real_model();
  const error wrong = error_of([&] {
    plait::run(threads<host>{.deadline_seconds = 60}, layout_of({2, 1, 2}, 1, 1), [&](auto& rank) {
      const auto job = real_task<float>(4);
      trainer trainer{rank, model, sgd{}, job.settings};
      const local_batch<float, std::int32_t> data{job, 0, 0, 2 + rank.place().data};  // cut for other ways
      trainer.step(data.view(job));
    });
  });
  CAPTURE(wrong.what());
  CHECK(wrong.kind() == error_kind::usage);
  CHECK(says(wrong, "the batches of all data ranks have 40 samples, and this one was said to be of 48"));
}

/// A layer whose backward pass fails on one rank, with messages of that rank under way.
struct failing : relu {
  template <class Context, class X, class Y, class DX>
  void backward_input(Context& context, X x, Y y, Y dy, DX dx) const {
    if (context.place.ways == 1 && x.extent[1] == 24 && ++passes == 3)
      throw error{error_kind::numerics, "failing", "the kernel of the user failed"};
    relu::backward_input(context, x, y, dy, dx);
  }
  static inline thread_local int passes = 0;
};

TEST_CASE("a layer that throws in the middle of a step stops all ranks at once, and nobody reads memory that is gone") {
  const auto model = stack{column_linear{30, 40},    failing{}, row_linear{40, 24}, failing{}, column_linear{24, 10},
                           softmax_cross_entropy{10}};
  for (int attempt = 0; attempt < 20; ++attempt) {
    const auto begin = std::chrono::steady_clock::now();
    const error wrong = error_of([&] {
      train<float, std::int32_t>(threads{}, layout_of({1, 1, 4}, 1, 0), model, sgd{}, real_task<float>(8));
    });
    CHECK(wrong.kind() == error_kind::numerics);
    CHECK(says(wrong, "the kernel of the user failed"));
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{10});
  }
}

TEST_CASE("a layout of several ranks does not fit an engine of one") {
  const error wrong = error_of([&] {
    train<float, std::int32_t>(serial{}, layout_of({2, 1, 1}, 1, 1), real_model(), sgd{}, real_task<float>(1));
  });
  CAPTURE(wrong.what());
  CHECK(wrong.exit_status() == 2);
}

TEST_CASE("programs in which ranks wait for each other are refused with the first action that waits") {
  auto job = real_task<float>(4);
  job.settings.edit = [](std::vector<program>& all) {
    for (std::size_t i = 0; i < all[0].actions.size(); ++i)
      if (all[0].actions[i].kind == op::send_activation) {
        all[0].actions.erase(all[0].actions.begin() + static_cast<std::ptrdiff_t>(i));
        break;
      }
  };
  const error wrong = error_of([&] { train_with(layout_of({1, 1, 2}, 1, 1), job); });
  CAPTURE(wrong.what());
  CHECK(wrong.kind() == error_kind::schedule);
  CHECK(says(wrong, "rank 1, action 0 (receive_activation stage 1 micro 0"));
}

}  // namespace
