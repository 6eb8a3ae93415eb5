// SPDX-License-Identifier: Apache-2.0
// Defects that other systems have had in their schedules, each rebuilt as a small order, and the sentence that names
// the first offence: which rank, which action, why.
// Source: torch.distributed.pipelining 2.14, Chimera's generator, PipeDream, as read in 2026.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/schedule/makespan.hpp>
#include <plait/schedule/orders.hpp>
#include <plait/schedule/verify.hpp>

#include <doctest/doctest.h>

#include "all_schedules.hpp"

namespace {

using namespace plait;

constexpr step_options passes_only{.optimize = false};
constexpr op F = op::forward, B = op::backward, I = op::backward_input, W = op::backward_weight;
constexpr op Ra = op::receive_activation, Sa = op::send_activation, Rg = op::receive_gradient, Sg = op::send_gradient;

/// A pass of chunk 0.
constexpr pass of(op kind, int micro) {
  return {kind, 0, static_cast<std::int16_t>(micro)};
}

/// One stage on each rank, in any order of passes.
orders hand_written(int micro, std::vector<std::vector<pass>> passes) {
  orders all{.name = "by hand", .shape = {static_cast<int>(passes.size()), micro, 1}};
  for (int rank = 0; rank < all.shape.ranks; ++rank) all.stage_of.push_back(static_cast<std::int16_t>(rank));
  all.passes = std::move(passes);
  return all;
}
std::string verdict(const std::vector<program>& programs) {
  return to_string(verify(programs));
}
std::string verdict(const orders& all) {
  return verdict(programs_of(all, passes_only));
}
/// The sentence of the error with which orders are refused.
std::string refusal(const orders& all) {
  try {
    static_cast<void>(programs_of(all));
  } catch (const error& caught) {
    CHECK(caught.kind() == error_kind::usage);
    return caught.sentence();
  }
  return "accepted";
}
/// The position of a pass in a rank's order.
std::size_t find(const orders& all, std::size_t rank, pass one) {
  const auto& order = all.passes[rank];
  const auto found = std::find(order.begin(), order.end(), one);
  REQUIRE(found != order.end());
  return static_cast<std::size_t>(found - order.begin());
}

// ---- passes

TEST_CASE("a table whose last rank counts one too far is refused: F1 .. Fm instead of F0 .. Fm-1") {
  // torch's Schedule1F1B for 2 ranks and 3 micro-batches.
  const std::vector<pass> first{of(F, 0), of(F, 1), of(B, 0), of(F, 2), of(B, 1), of(B, 2)};
  CHECK(refusal(hand_written(3, {first, {of(F, 1), of(B, 0), of(F, 2), of(B, 1), of(F, 3), of(B, 2)}}))
            .find("names a chunk or micro-batch that the shape lacks") != std::string::npos);
  // Without the micro-batch that does not exist: the first message is not the one that is waited for.
  CHECK(verdict(hand_written(3, {first, {of(F, 1), of(B, 0), of(F, 2), of(B, 1), of(B, 2)}})) ==
        "rank 1, action 0 (receive_activation stage 1 micro 1 from rank 0): "
        "the next message of its queue is for another stage or micro-batch");
  // Where the last rank is the only one, its first backward pass has nothing to go back through.
  CHECK(verdict(hand_written(3, {{of(F, 1), of(B, 0), of(F, 2), of(B, 1), of(B, 2)}})) ==
        "rank 0, action 1 (backward stage 0 micro 0): its forward pass has not run");
}

TEST_CASE("a forward pass, a whole backward pass or a weight half that runs twice is named") {
  orders twice = orders_of<one_f_one_b>({2, 3, 1});
  twice.passes[1].insert(twice.passes[1].begin() + 1, of(F, 0));
  CHECK(verdict(twice) ==
        "rank 1, action 2 (receive_activation stage 1 micro 0 from rank 0): it has already been received");
  twice = orders_of<one_f_one_b>({2, 3, 1});
  twice.passes[0].insert(twice.passes[0].begin() + 1, of(F, 0));
  CHECK(verdict(twice) == "rank 0, action 2 (forward stage 0 micro 0): it has already run");

  // F0 I0 F1 I1 W0 ... on rank 1 of ZB-H1: the gradient would be added twice.
  twice = orders_of<zb_h1>({2, 3, 1});
  const std::size_t weight = find(twice, 1, of(W, 0));
  twice.passes[1].insert(twice.passes[1].begin() + static_cast<std::ptrdiff_t>(weight) + 1, of(W, 0));
  CHECK(verdict(twice) == "rank 1, action 9 (backward_weight stage 1 micro 0): it has already run");
}

TEST_CASE("of 8 micro-batches, number 6 backward twice and number 7 never is named") {
  orders all = orders_of<one_f_one_b>({2, 8, 1});
  all.passes[1][find(all, 1, of(B, 7))].micro = 6;
  CHECK(verdict(all) == "rank 1, action 30 (backward stage 1 micro 6): it has already run");
  all = orders_of<one_f_one_b>({2, 8, 1});
  all.passes[0][find(all, 0, of(B, 7))].micro = 6;
  CHECK(verdict(all) ==
        "rank 0, action 30 (receive_gradient stage 0 micro 6 from rank 1): it has already been received");
  // The pass is right and only the message is not.
  auto programs = programs_of<one_f_one_b>({2, 8, 1}, passes_only);
  action& last = programs[1].actions.back();
  REQUIRE(to_string(last) == "send_gradient stage 1 micro 7 to rank 0");
  last.micro = 6;
  CHECK(verdict(programs) == "rank 1, action 31 (send_gradient stage 1 micro 6 to rank 0): it has already been sent");
}

TEST_CASE("surplus micro-batches are refused, and too few are missing") {
  orders all = orders_of<zb_v>({2, 3, 2});
  all.shape.micro = 2;
  CHECK(refusal(all).find("names a chunk or micro-batch that the shape lacks") != std::string::npos);
  all.shape.micro = 4;
  CHECK(verdict(all) == "rank 0, action 30 (forward stage 0 micro 3): it is missing");
}

TEST_CASE("with 16 ranks and 16 micro-batches ZB-V takes 111, not the 126 of an order that is cut down") {
  CHECK(makespan<zb_v>({16, 16, 2}) == 111);
}

TEST_CASE("Chimera keeps every pass: 256 forward and 256 backward for 8 ranks and 32 micro-batches") {
  for (const auto& [ranks, micro] : {std::pair{8, 32}, {2, 4}, {2, 8}, {6, 24}, {16, 64}}) {
    const orders all = orders_of<chimera>(shape_of<chimera>(ranks, micro));
    int forward = 0, backward = 0;
    for (const auto& order : all.passes)
      for (const pass& one : order) ++(one.kind == F ? forward : backward);
    CHECK(forward == ranks * micro);
    CHECK(backward == ranks * micro);
  }
  // Of two passes that want one slot of time the later wins: its rank has no use for the message of the other.
  orders all = orders_of<chimera>(shape_of<chimera>(4, 8));
  const pass lost{F, 1, 5};
  all.passes[2].erase(all.passes[2].begin() + static_cast<std::ptrdiff_t>(find(all, 2, lost)));
  CHECK(verdict(all) ==
        "rank 2, action 27 (receive_activation stage 1 micro 7 from rank 3): "
        "the next message of its queue is for another stage or micro-batch");
  all = orders_of<chimera>(shape_of<chimera>(4, 8));
  for (auto& order : all.passes) std::erase_if(order, [](const pass& one) { return one.micro == 5 && one.kind == B; });
  CHECK(verdict(all) == "rank 3, action 30 (backward stage 0 micro 5): it is missing");
}

// ---- messages

TEST_CASE("a receive that is put off until nobody can send is named") {
  // Each rank waits for the other's message before it sends its own.
  const std::vector<pass> last{of(Ra, 0), of(F, 0), of(B, 0), of(Sg, 0), of(Ra, 1), of(F, 1), of(B, 1), of(Sg, 1)};
  const orders good =
      hand_written(2, {{of(F, 0), of(Sa, 0), of(F, 1), of(Sa, 1), of(Rg, 0), of(B, 0), of(Rg, 1), of(B, 1)}, last});
  CHECK(verdict(good) == "valid");
  orders bad = good;
  bad.passes[0] = {of(F, 0), of(Sa, 0), of(F, 1), of(Rg, 0), of(B, 0), of(Rg, 1), of(Sa, 1), of(B, 1)};
  CHECK(verdict(bad) ==
        "rank 0, action 5 (receive_gradient stage 0 micro 1 from rank 1): "
        "waits for ever for a message whose sender waits as well");
}

TEST_CASE("receives in another order than the sends are named, though each message would find a buffer") {
  orders all = hand_written(2, {{of(F, 0), of(Sa, 0), of(F, 1), of(Sa, 1), of(Rg, 0), of(B, 0), of(Rg, 1), of(B, 1)},
                                {of(Ra, 1), of(Ra, 0), of(F, 0), of(B, 0), of(Sg, 0), of(F, 1), of(B, 1), of(Sg, 1)}});
  CHECK(verdict(all) ==
        "rank 1, action 0 (receive_activation stage 1 micro 1 from rank 0): "
        "the next message of its queue is for another stage or micro-batch");
}

TEST_CASE("an activation cannot land in a gradient's buffer: they come through queues of their own") {
  // Rank 0 receives both kinds from rank 1.
  auto programs = programs_of<interleaved<2>>({2, 4, 2}, passes_only);
  auto& actions = programs[0].actions;
  int crossings = 0;
  for (std::size_t at = 0; at + 1 < actions.size(); ++at) {
    if (actions[at].kind != Ra) continue;
    std::size_t gradient = at + 1;
    while (gradient < actions.size() && actions[gradient].kind != Rg) ++gradient;
    if (gradient == actions.size()) continue;
    // The receive of the activation asks for the gradient instead.
    auto crossed = programs;
    crossed[0].actions[at] = actions[gradient];
    const verification found = verify(crossed);
    CHECK_FALSE(found.valid);
    CHECK(found.rank == 0);
    ++crossings;
  }
  CHECK(crossings > 0);
}

// ---- weight versions

/// PipeDream on 2 ranks, 3 steps. Rank 0 (v: the buffer that is read or written):
///     0 F0 v0  1 Sa0  2 F1 v0  3 Sa1  4 Rg0  5 B0 v0  6 update v1
///     7 F2 v1  8 Sa2  9 Rg1   10 B1 v0      11 update v0  12 Rg2  13 B2 v1  14 update v0  15 loss
std::vector<program> asynchronous() {
  return programs_of<pipedream<>>({2, 1, 1, 3});
}

/// The verdict on programs after an edit of those of rank 0.
std::string edited(std::vector<program> programs, auto&& edit) {
  REQUIRE(verdict(programs) == "valid");
  edit(programs[0]);
  return verdict(programs);
}

TEST_CASE("PipeDream without stashing, whose backward passes read the newest weights, is refused") {
  const std::string sentence =
      "rank 0, action 10 (backward stage 0 micro 1): it reads another version of the weights than its forward pass did";
  CHECK(edited(asynchronous(), [](program& one) { one.actions[10].version = 1; }) == sentence);
  // One buffer for all versions: it is the newest that every pass reads.
  CHECK(edited(asynchronous(), [](program& one) {
          one.versions = {1};
          for (action& act : one.actions) act.version = 0;
        }) == sentence);
}

TEST_CASE("a forward pass that reads weights from before the last update is named") {
  CHECK(edited(asynchronous(), [](program& one) { one.actions[7].version = 0; }) ==
        "rank 0, action 7 (forward stage 0 micro 2): it reads another version of the weights than its policy says");
}

TEST_CASE("weights that are overwritten while a backward pass needs them are named") {
  CHECK(edited(asynchronous(), [](program& one) { one.actions[6].version = one.actions[7].version = 0; }) ==
        "rank 0, action 10 (backward stage 0 micro 1): "
        "it reads another version of the weights than its forward pass did");
  // In 2BW the update of step 0 writes the buffer that step 1 reads. Rank 0: ... 10 update v0  11 F3 v1 ...
  CHECK(edited(programs_of<pipedream_2bw>({2, 2, 1, 3}), [](program& one) { one.actions[10].version = 1; }) ==
        "rank 0, action 11 (forward stage 0 micro 3): it reads another version of the weights than its policy says");
}

TEST_CASE("with vertical sync a stage that reads the newest weights it has is named") {
  auto programs = programs_of<pipedream<weight_versions::synchronised>>({2, 1, 1, 3});
  REQUIRE(verdict(programs) == "valid");
  programs[1].actions = asynchronous()[1].actions;  // Ra0 F0 B0 Sg0 update Ra1 F1 ...
  CHECK(verdict(programs) ==
        "rank 1, action 6 (forward stage 1 micro 1): it reads another version of the weights than its policy says");
}

TEST_CASE("gradients of one step are not added to those of another") {
  CHECK(edited(asynchronous(), [](program& one) { one.actions.erase(one.actions.begin() + 6); }) ==
        "rank 0, action 6 (forward stage 0 micro 2): it reads another version of the weights than its policy says");
  CHECK(edited(asynchronous(), [](program& one) { one.actions.erase(one.actions.begin() + 11); }) ==
        "rank 0, action 12 (backward stage 0 micro 2): it would add to gradients that wait for their update");
  CHECK(edited(programs_of<pipedream_2bw>({2, 2, 1, 3}), [](program& one) {
          std::swap(one.actions[9], one.actions[10]);  // the update before the second backward pass of its step
        }) == "rank 0, action 9 (optimizer_step stage 0): not all gradients of this chunk are complete");
}

TEST_CASE("asynchronous schedules are not clipped without a word: that option is refused") {
  CHECK(verdict(programs_of<pipedream_2bw>({2, 2, 1, 3}, {.clip = true}))
            .ends_with("weights that have versions are updated stage by stage, so there is no norm of all gradients"));
}

/// The sentence of the error with which a shape is refused.
template <schedule S>
std::string refusal(pipe_shape shape) {
  try {
    static_cast<void>(program_of<S>(shape, 0));
  } catch (const error& caught) {
    CHECK(caught.kind() == error_kind::usage);
    return caught.sentence();
  }
  return "accepted";
}

TEST_CASE("shapes that a schedule cannot order are refused when they are given, with what would do") {
  CHECK(refusal<pipedream_2bw>({4, 3, 1, 2}) ==
        "pipedream_2bw: a step must have at least as many micro-batches as there are ranks; it was given 4 ranks, "
        "3 micro-batches and 1 chunks; the nearest legal number of micro-batches is 4");
  CHECK(refusal<pipedream<>>({4, 3, 1, 2}).ends_with("the nearest legal number of micro-batches is 1"));
  CHECK(refusal<chimera>(shape_of<chimera>(4, 10)).ends_with("are 8 and 12"));
  CHECK(refusal<chimera>(shape_of<chimera>(3, 6)).find("the number of ranks must be even") != std::string::npos);
  CHECK(refusal<dualpipe>(shape_of<dualpipe>(4, 11)).ends_with("are 10 and 12"));
  CHECK(refusal<dualpipe_v>({4, 7, 2}).ends_with("the nearest legal number of micro-batches is 8"));
  using copied = pipedream<weight_versions::stash, 2, 1>;
  CHECK(refusal<copied>(shape_of<copied>(3, 1, 5)).find("the steps must divide by the copies") != std::string::npos);
  CHECK(refusal<copied>(shape_of<copied>(4, 1, 4)).find("as many as the copies of all stages") != std::string::npos);
}

}  // namespace
