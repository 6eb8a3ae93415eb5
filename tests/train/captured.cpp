// SPDX-License-Identifier: Apache-2.0
// Captured steps, on streams that lag behind their calls and can record what they are given, as a device's do.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

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

}  // namespace
