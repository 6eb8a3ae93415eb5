// SPDX-License-Identifier: Apache-2.0
// Law 1 over NCCL: any layout, with its ranks as processes, trains the model that one rank trains in host memory. The
// queues between stages are those that the trainer opens.

#include <plait/plait.cuh>

#include <doctest/doctest.h>

#include "captured_laws.hpp"
#include "comm/nccl_processes.cuh"
#include "exact_model.hpp"

namespace {

using namespace harness;

template <real T>
void equal_to_one_rank_in_host_memory() {
  const auto model = exact_model();
  const outcome<T> one = train_serial<T, T>(model, exact_optimizer<T>(), exact_task<T>(1));
  for (const layout_handle& layout :
       {layout_of({1, 1, 1}, 1, 1), layout_of({2, 1, 1}, 1, 1), layout_of({1, 2, 1}, 1, 1), layout_of({1, 1, 3}, 1, 1),
        layout_of({1, 1, 2}, 2, 2), layout_of({2, 1, 2}, 1, 1)}) {
    CAPTURE(to_string(layout.mesh.ways));
    CAPTURE(layout.mesh.chunks);
    const auto many = train<T, T>(nccl_test::processes<4>{}, layout, model, exact_optimizer<T>(), exact_task<T>(4));
    if (nccl_test::started_as() != 0) continue;  // rank 0 has the losses, and the digest of all ranks' parameters
    CHECK(many.losses == one.losses);
    CHECK(many.norms == one.norms);
    CHECK(many.digest == one.digest);
    CHECK(many.evaluated_loss == one.evaluated_loss);
    CHECK(many.evaluated_hits == one.evaluated_hits);
  }
}

TEST_CASE("over NCCL every layout trains what one rank trains in host memory, bit for bit: float64") {
  equal_to_one_rank_in_host_memory<double>();
}

TEST_CASE("over NCCL every layout trains what one rank trains in host memory, bit for bit: float32") {
  equal_to_one_rank_in_host_memory<float>();
}

TEST_CASE("over NCCL captured steps train what steps given anew train, bit for bit") {
  for (const layout_handle& layout : {layout_of({2, 1, 1}, 1, 1), layout_of({1, 2, 1}, 1, 1),
                                      layout_of({1, 1, 3}, 1, 1), layout_of({2, 1, 2}, 1, 1)}) {
    auto job = real_task<double>(4, 12);
    job.settings.buckets = 3;
    captured_steps_train_alike<double>(nccl_test::processes<4>{}, layout, adamw{.learning_rate = 2e-3}, job);
  }
}

}  // namespace
