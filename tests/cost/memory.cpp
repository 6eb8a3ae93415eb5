// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <vector>

#include <plait/cost/layer_profile.hpp>
#include <plait/cost/memory.hpp>
#include <plait/schedule/one_f_one_b.hpp>
#include <plait/schedule/program.hpp>
#include <plait/schedule/program_of.hpp>

#include <doctest/doctest.h>

namespace {

using plait::pipe_shape;
using plait::step_memory;

/// Micro-batches of 3 samples: 4 -> 6 features, then a layer that keeps 5 elements and scribbles on 7, then 6 -> 2
/// features, and a loss.
plait::model_profile small_model() {
  return {
      .rows = 3,
      .element_bytes = 4,
      .target_bytes = 4,
      .target_columns = 1,
      .layers = {{.inputs = 4, .outputs = 6, .parameters = {24, 6}},
                 {.inputs = 6, .outputs = 6, .saved = 5, .scratch = 7},
                 {.inputs = 6, .outputs = 2, .parameters = {12, 2}}},
      .loss = {.inputs = 2, .saved = 3, .scratch = 9},
  };
}

constexpr std::int64_t scalars = (8 + 1024) * 8;  // doubles beside the data, 7 of which are not for sums, rounded up
static_assert(plait::step_scalars(1) == 7 && plait::step_reduce_scratch == 1024);

step_memory memory_of(pipe_shape shape, int rank, const std::vector<int>& cut, std::int64_t alignment = 16) {
  using schedule = plait::one_f_one_b;
  return predict_memory(small_model(), plait::stages_of_rank<schedule::placement>(shape, rank, cut),
                        plait::program_of<schedule>(shape, rank), plait::forward_program_of<schedule>(shape, rank),
                        /*states=*/2, alignment);
}

TEST_CASE("the memory of one rank is what a reader adds up, each buffer rounded up to 16 bytes") {
  // Two slots, because evaluation has as many in turn as outputs may be under way, which are 2. A slot: input 3 * 4,
  // outputs 3 * 6, 3 * 6 and 3 * 2, and 5 and 3 elements that are kept.
  const std::int64_t slot = 48 + 80 + 80 + 32 + 32 + 16;
  const step_memory wanted{.weights = 96 + 32 + 48 + 16,
                           .gradients = 192,
                           .optimizer_state = 2 * 192,
                           .activations = 2 * slot,
                           .stash = 0,
                           // Two gradients of 3 * 6, scratch of 9 elements, loss and hit of 3 rows.
                           .workspace = 2 * 80 + 48 + 2 * 16 + scalars,
                           .communication = 2 * 16};  // the targets of 3 rows
  CHECK(memory_of({.ranks = 1, .micro = 2}, 0, {0, 3}) == wanted);
}

TEST_CASE("of two ranks each has its layers, and message buffers for what lies between them") {
  const pipe_shape shape{.ranks = 2, .micro = 4};
  CHECK(memory_of(shape, 0, {0, 2, 3}) == step_memory{.weights = 128,
                                                      .gradients = 128,
                                                      .optimizer_state = 256,
                                                      .activations = 2 * (48 + 80 + 80 + 32),
                                                      .workspace = 2 * 80 + 32 + 2 * 16 + scalars,
                                                      .communication = 2 * 80});  // gradients of 3 * 6
  CHECK(memory_of(shape, 1, {0, 2, 3}) == step_memory{.weights = 64,
                                                      .gradients = 64,
                                                      .optimizer_state = 128,
                                                      .activations = 2 * (80 + 32 + 16),
                                                      .workspace = 2 * 80 + 48 + 2 * 16 + scalars,
                                                      .communication = 2 * 16 + 2 * 80});
}

TEST_CASE("a rank without layers still has the input of the loss") {
  CHECK(memory_of({.ranks = 2, .micro = 4}, 1, {0, 3, 3}) == step_memory{.activations = 2 * (32 + 16),
                                                                         .workspace = 2 * 32 + 48 + 2 * 16 + scalars,
                                                                         .communication = 2 * 16 + 2 * 32});
}

TEST_CASE("ranks keep one slot for each micro-batch in flight") {
  // The first of four ranks has 4 micro-batches in flight, the second 3.
  const pipe_shape shape{.ranks = 4, .micro = 8};
  CHECK(memory_of(shape, 0, {0, 1, 2, 3, 3}).activations == 4 * (48 + 80));
  CHECK(memory_of(shape, 1, {0, 1, 2, 3, 3}).activations == 3 * (80 + 80 + 32));
  CHECK(memory_of(shape, 2, {0, 1, 2, 3, 3}).activations == 2 * (80 + 32));
  CHECK(memory_of(shape, 1, {0, 1, 2, 3, 3}).communication == 2 * 80 + 2 * 80);  // to both neighbours
}

TEST_CASE("two stages of one rank share what lies between them") {
  const std::vector<plait::stage_place> places =
      plait::stages_of_rank<plait::loop_placement>({.ranks = 1, .micro = 2, .chunks = 2}, 0, {0, 2, 3});
  REQUIRE(places.size() == 2);
  CHECK(places[0].layers == plait::index_range{0, 2});
  CHECK_FALSE(places[0].last);
  CHECK_FALSE(places[0].input_is_here);
  CHECK_FALSE(places[0].has_before);
  CHECK_FALSE(places[0].has_after_elsewhere);
  CHECK(places[1].layers == plait::index_range{2, 3});
  CHECK(places[1].last);
  CHECK(places[1].input_is_here);
  CHECK(places[1].has_before);
  // Of each chunk the larger number of slots counts: 3 and 2.
  const plait::program trains{.shape = {}, .slots = {3, 1}, .messages = {5, 3}, .pending = {0, 0}, .versions = {1, 1}};
  const plait::program evaluates{.shape = {}, .trains = false, .slots = {2, 2}};
  CHECK(predict_memory(small_model(), places, trains, evaluates, 1, 16) ==
        step_memory{.weights = 192,
                    .gradients = 192,
                    .optimizer_state = 192,
                    .activations = 3 * (48 + 80 + 80 + 32) + 2 * (32 + 16),
                    .workspace = 2 * 80 + 48 + 2 * 16 + scalars,
                    .communication = 2 * 16 + 3 * 80});
}

TEST_CASE("stages go round the ranks") {
  const pipe_shape shape{.ranks = 2, .micro = 2, .chunks = 2};
  const auto first = plait::stages_of_rank<plait::loop_placement>(shape, 0, {0, 1, 2, 3, 5});
  const auto second = plait::stages_of_rank<plait::loop_placement>(shape, 1, {0, 1, 2, 3, 5});
  CHECK(first[0].layers == plait::index_range{0, 1});
  CHECK(first[1].layers == plait::index_range{2, 3});
  CHECK(second[0].layers == plait::index_range{1, 2});
  CHECK(second[1].layers == plait::index_range{3, 5});
  CHECK((first[0].has_after_elsewhere && first[1].has_after_elsewhere && second[0].has_after_elsewhere));
  CHECK_FALSE(second[1].has_after_elsewhere);
  CHECK((second[1].last && !first[1].last));
  CHECK((!first[0].has_before && first[1].has_before && second[0].has_before));
  CHECK_FALSE((first[1].input_is_here || second[0].input_is_here));
}

TEST_CASE("with an alignment of 256 bytes no buffer is smaller than that") {
  const step_memory found = memory_of({.ranks = 1, .micro = 2}, 0, {0, 3}, 256);
  CHECK(found.weights == 4 * 256);
  CHECK(found.activations == 2 * 6 * 256);
  CHECK(found.communication == 2 * 256);
  CHECK(found.workspace == 5 * 256 + 8448);
}

}  // namespace
