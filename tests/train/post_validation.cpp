// SPDX-License-Identifier: Apache-2.0
// Updates that are made at once and validated afterwards are, in the end, the updates that wait for the norm.

#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "real_model.hpp"

namespace {

using namespace harness;

std::vector<layout_handle> layouts() {
  return {layout_under<one_f_one_b>({1, 1, 1}), layout_under<zb_h1>({1, 1, 3}),  layout_under<zb_h2>({2, 1, 2}),
          layout_under<zb_v>({1, 2, 2}),        layout_under<v_half>({2, 2, 2}), layout_under<dualpipe>({1, 1, 2})};
}

TEST_CASE("an update that is validated afterwards is the one that waits for the norm, to the bit") {
  const auto model = real_model();
  const auto check = [&](auto optimizer, double limit) {
    for (const layout_handle& layout : layouts()) {
      CAPTURE(std::string{layout.schedule.name});
      auto job = real_task<double>(4, 12);
      job.settings.clip_norm = limit;
      const auto waits = train<double, std::int32_t>(threads{}, layout, model, optimizer, job);
      job.settings.post_validate = true;
      const auto validates = train<double, std::int32_t>(threads{}, layout, model, optimizer, job);
      CHECK(equal_bits(waits, validates));
      // The test would be empty if no step were clipped, or all.
      int clipped = 0;
      for (const double norm : waits.norms) clipped += norm > limit ? 1 : 0;
      CAPTURE(clipped);
      CHECK(clipped > 0);
      CHECK(clipped < 12);
    }
  };
  const auto norms = train_serial<double, std::int32_t>(model, adamw{}, real_task<double>(4, 12)).norms;
  double lowest = norms[0], highest = norms[0];
  for (const double norm : norms) lowest = std::min(lowest, norm), highest = std::max(highest, norm);
  check(adamw{.learning_rate = 2e-3}, (lowest + highest) / 2);
  check(sgd_momentum{.learning_rate = 0.05}, (lowest + highest) / 2);
}

TEST_CASE("without clipping, validation lets every finite update stand") {
  const auto model = real_model();
  auto job = real_task<float>(4, 5);
  job.settings.clip_norm = 0;
  const auto plain = train<float, std::int32_t>(threads{}, layout_under<zb_h1>({1, 1, 2}), model, adamw{}, job);
  job.settings.post_validate = true;
  auto validated = train<float, std::int32_t>(threads{}, layout_under<zb_h1>({1, 1, 2}), model, adamw{}, job);
  CHECK(validated.norms.back() > 0);  // it comes with the validation
  validated.norms = plain.norms;
  CHECK(equal_bits(plain, validated));
}

TEST_CASE("an update with gradients that are not finite is taken back, to the bit, and training can go on") {
  const auto model = real_model();
  for (const layout_handle& layout : layouts()) {
    CAPTURE(std::string{layout.schedule.name});
    auto job = real_task<double>(4, 1);
    job.settings.post_validate = true;
    plait::run(threads{}, layout, [&](auto& rank) {
      trainer trainer{rank, model, adamw{}, job.settings};
      const local_batch<double, std::int32_t> good{job, 0, rank.place().data, rank.mesh().ways.data};
      local_batch<double, std::int32_t> bad = good;
      bad.x[0] = std::numeric_limits<double>::infinity();
      trainer.step(good.view(job));
      const std::uint64_t before = trainer.digest();
      std::string said;
      try {
        trainer.step(bad.view(job));
      } catch (const error& caught) {
        said = caught.sentence();
      }
      const std::uint64_t after = trainer.digest();
      const double next = trainer.step(good.view(job)).loss;
      if (after != before || said.find("the update has been taken back") == std::string::npos || !(next < 10))
        throw error{error_kind::numerics, "test", "the update was not taken back; the trainer said: " + said};
    });
  }
}

TEST_CASE("schedules that do not drain have no global norm, and say so") {
  const auto model = real_model();
  auto job = real_task<double>(2, 1);
  const auto sentence = [&](const layout_handle& layout) {
    try {
      train<double, std::int32_t>(threads{}, layout, model, sgd{}, job);
    } catch (const error& caught) {
      return caught.sentence();
    }
    return std::string{"accepted"};
  };
  CHECK(job.settings.clip_norm > 0);
  CHECK(sentence(layout_under<pipedream_2bw>({1, 1, 2})).find("no global norm to clip by") != std::string::npos);
  job.settings.clip_norm = 0;
  job.settings.steps = 3;
  CHECK(sentence(layout_under<zb_h1>({1, 1, 2})).find("so steps is 1") != std::string::npos);
  job.settings.steps = 1;
  job.settings.micro = 1;
  CHECK(sentence(layout_under<pipedream_2bw>({1, 1, 2})).find("at least as many micro-batches as there are ranks") !=
        std::string::npos);
}

}  // namespace
