// SPDX-License-Identifier: Apache-2.0
// Law 1 on a GPU: any layout, with its ranks as threads that share one GPU, trains the model that one rank trains in
// host memory.

#include <plait/plait.cuh>

#include <doctest/doctest.h>

#include "exact_model.hpp"
#include "real_model.hpp"
#include "resident_laws.hpp"

namespace {

using namespace harness;
using gpu = plait::cuda;  // the toolkit has a namespace of that name

std::vector<layout_handle> layouts() {
  return {layout_of({1, 1, 1}, 1, 1),        layout_of({4, 1, 1}, 1, 1),        layout_of({1, 4, 1}, 1, 1),
          layout_of({1, 1, 4}, 1, 1),        layout_of({1, 1, 4}, 1, 0),        layout_of({2, 2, 2}, 1, 1),
          layout_of({1, 1, 2}, 2, 2),        layout_of({2, 2, 2}, 2, 2),        layout_of({3, 1, 2}, 1, 1),
          layout_of({1, 3, 2}, 2, 2),        layout_under<zb_h1>({1, 1, 3}),    layout_under<zb_v>({2, 1, 2}),
          layout_under<v_half>({1, 2, 2}),   layout_under<dualpipe>({1, 1, 2}), layout_under<chimera>({1, 1, 4}),
          layout_under<hanayo<2>>({1, 1, 2})};
}

template <real T>
void equal_to_one_rank_in_host_memory() {
  const auto model = exact_model();
  const outcome<T> one = train_serial<T, T>(model, exact_optimizer<T>(), exact_task<T>(1));
  for (const layout_handle& layout : layouts()) {
    CAPTURE(to_string(layout.mesh.ways));
    CAPTURE(layout.mesh.chunks);
    CHECK(equal_bits(train<T, T>(threads<gpu>{}, layout, model, exact_optimizer<T>(), exact_task<T>(4)), one));
  }
}

TEST_CASE("on a GPU every layout trains what one rank trains in host memory, bit for bit: float64") {
  equal_to_one_rank_in_host_memory<double>();
}

TEST_CASE("on a GPU every layout trains what one rank trains in host memory, bit for bit: float32") {
  equal_to_one_rank_in_host_memory<float>();
}

TEST_CASE("on a GPU a model with skips trains what one rank trains in host memory, bit for bit") {
  const auto model = exact_u_net();
  const auto one = train_serial<double, double>(model, exact_optimizer<double>(), exact_task<double>(1));
  for (const layout_handle& layout : layouts()) {
    CAPTURE(to_string(layout.mesh.ways));
    CAPTURE(layout.mesh.chunks);
    CHECK(equal_bits(
        train<double, double>(threads<gpu>{}, layout, model, exact_optimizer<double>(), exact_task<double>(4)), one));
  }
}

TEST_CASE(
    "on a GPU real data in float64 gives the host's losses to 1e-10, and the same run twice is equal to the bit") {
  const auto model = real_model();
  const auto optimizer = adamw{.learning_rate = 2e-3};
  const auto one = train_serial<double, std::int32_t>(model, optimizer, real_task<double>(1));
  for (const layout_handle& layout : layouts()) {
    CAPTURE(to_string(layout.mesh.ways));
    const auto many = train<double, std::int32_t>(threads<gpu>{}, layout, model, optimizer, real_task<double>(4));
    CHECK(loss_difference(many, one) <= 1e-10);
    CHECK(many.evaluated_hits == one.evaluated_hits);
    CHECK(
        equal_bits(train<double, std::int32_t>(threads<gpu>{}, layout, model, optimizer, real_task<double>(4)), many));
  }
}

TEST_CASE("on a GPU versions of weights, and updates that are validated afterwards, are those of the host: 1e-10") {
  const auto model = real_model();
  const auto same = [&](const layout_handle& layout, const auto& job) {
    const auto on_host = train<double, std::int32_t>(threads{}, layout, model, adamw{}, job);
    CHECK(loss_difference(train<double, std::int32_t>(threads<gpu>{}, layout, model, adamw{}, job), on_host) <= 1e-10);
  };
  auto job = real_task<double>(4, 5);
  job.settings.post_validate = true;
  same(layout_under<zb_v>({1, 1, 2}), job);
  job.settings.post_validate = false;
  job.settings.clip_norm = 0;
  same(layout_under<pipedream_2bw>({1, 1, 3}), job);
}

TEST_CASE("on a GPU data that lies there trains what data in host memory trains, bit for bit") {
  for (const layout_handle& layout : layouts()) trains_alike_on_resident_data(threads<gpu>{}, layout);
  names_a_class_that_is_not_there(threads<gpu>{}, layout_of({2, 1, 2}, 1, 1));
}

TEST_CASE("on a GPU the ledger's peak is what was predicted from the program, on every rank") {
  const auto model = real_model();
  for (const layout_handle& layout : layouts()) {
    const auto job = real_task<float>(4);
    plait::run(threads<gpu>{}, layout, [&](auto& rank) {
      gpu::owned_stream stream;
      trainer trainer{rank, model, adamw{}, job.settings, stream};
      const local_batch<float, std::int32_t> data{job, 1, rank.place().data, rank.mesh().ways.data};
      trainer.step(data.view(job));
      const step_memory need = trainer.predicted_memory();
      const memory_by_class expected{{need.weights, need.gradients, need.optimizer_state, need.activations, need.stash,
                                      need.workspace, need.communication}};
      if (!(trainer.memory().peak() == expected))
        throw error{error_kind::numerics, "memory", "the ledger and the prediction differ"};
    });
  }
}

}  // namespace
