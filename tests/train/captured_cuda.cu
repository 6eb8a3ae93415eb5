// SPDX-License-Identifier: Apache-2.0
// Captured steps on a GPU: one CUDA graph for the whole step of a rank.

#include <plait/plait.cuh>

#include <doctest/doctest.h>

#include "captured_laws.hpp"

namespace {

using namespace harness;
using gpu = plait::cuda;  // the toolkit has a namespace of that name

const serial<gpu> one_rank{};

TEST_CASE("on a GPU captured steps train what steps given anew train, bit for bit") {
  const auto job = real_task<double>(4, 12);
  captured_steps_train_alike<double>(one_rank, layout_of({1, 1, 1}, 1, 1), adamw{.learning_rate = 2e-3}, job);
  captured_steps_train_alike<double>(one_rank, layout_of({1, 1, 1}, 2, 2),
                                     sgd_momentum{.learning_rate = 0.05, .weight_decay = 1e-3}, job);
  captured_steps_train_alike<float>(one_rank, layout_under<zb_h1>({1, 1, 1}), adamw{.learning_rate = 2e-3},
                                    real_task<float>(2, 12));
}

TEST_CASE("on a GPU a class that is not there is named by a captured step") {
  captured_steps_name_a_class_that_is_not_there(one_rank, layout_of({1, 1, 1}, 1, 1));
}

}  // namespace
