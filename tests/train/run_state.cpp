// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>
#include <utility>

#include <plait/checkpoint/parse_json.hpp>
#include <plait/mesh/mesh.hpp>
#include <plait/schedule/one_f_one_b.hpp>
#include <plait/train/run_state.hpp>

#include <doctest/doctest.h>

#include "data/scratch.hpp"
#include "refused.hpp"

namespace {

using namespace plait;
using plait::testing::check_refused;

TEST_CASE("the state of a run is read as it was written, with and without a position") {
  run_state state{
      .steps = 12, .seed = 18446744073709551615u, .type = dtype::f64, .optimizer_states = {"mean", "square"}};
  const layout_handle layout = handle_of_layout<mesh<data<2>>>();
  CHECK(run_state_of(to_json(state, layout), "state") == state);
  state.position = sampler_state{.samples = 10, .global_batch = 3, .seed = 7, .shuffled = false, .epoch = 2, .step = 1};
  CHECK(run_state_of(parse_json(to_json(state, layout).to_text(2), "text"), "state") == state);
}

TEST_CASE("a state that lacks something, or says it otherwise, is refused by the name of what is wrong") {
  const std::string good =
      R"({"steps":12,"seed":"1","dtype":"f32","optimizer_states":["velocity"],"position":{"samples":10,"global_batch":3,)"
      R"("seed":"7","shuffled":true,"epoch":2,"step":1}})";
  const auto refused = [&](const std::string& before, const std::string& after, const std::string& key) {
    CAPTURE(after);
    std::string text = good;
    REQUIRE(text.find(before) != std::string::npos);
    text.replace(text.find(before), before.size(), after);
    check_refused(error_kind::io, {"state does not say what a run needs to go on: " + key},
                  [&] { run_state_of(parse_json(text, "state"), "state"); });
  };
  CHECK_NOTHROW(run_state_of(parse_json(good, "state"), "state"));
  refused(R"("steps":12)", R"("stops":12)", "steps");
  refused(R"("steps":12)", R"("steps":-1)", "steps");
  refused(R"("steps":12)", R"("steps":1.5)", "steps");
  refused(R"("seed":"1")", R"("seed":1)", "seed");
  refused(R"("seed":"1")", R"("seed":"18446744073709551616")", "seed");
  refused(R"("seed":"1")", R"("seed":"1 ")", "seed");
  refused(R"("f32")", R"("f16")", "dtype");
  refused(R"("f32")", R"("i32")", "dtype");
  refused(R"(["velocity"])", R"("velocity")", "optimizer_states");
  refused(R"(["velocity"])", R"([1])", "optimizer_states");
  refused(R"("samples":10,)", "", "samples");
  refused(R"("shuffled":true)", R"("shuffled":1)", "shuffled");
  refused(R"("epoch":2)", R"("epoch":"2")", "epoch");
  check_refused(error_kind::io, {"steps"}, [] { run_state_of(json::array{}, "state"); });
}

}  // namespace
