// SPDX-License-Identifier: Apache-2.0
// Programs that are wrong in one way each, small enough to follow by hand, and the sentence that names the first
// offence.
#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/schedule/gpipe.hpp>
#include <plait/schedule/interleaved.hpp>
#include <plait/schedule/one_f_one_b.hpp>
#include <plait/schedule/verify.hpp>
#include <plait/schedule/zb_h1.hpp>

#include <doctest/doctest.h>

#include "test_schedules.hpp"

namespace {

using namespace plait;

using programs = std::vector<program>;

/// 1F1B on 2 ranks with 2 micro-batches (F, B: passes; S, R: send and receive; a, g: activation and gradient):
///     rank 0:   0 F0   1 Sa0  2 F1   3 Sa1  4 Rg0  5 B0   6 Rg1  7 B1
///     rank 1:   0 Ra0  1 F0   2 B0   3 Sg0  4 Ra1  5 F1   6 B1   7 Sg1
programs two_ranks() {
  return programs_of<one_f_one_b>({2, 2, 1}, {.optimize = false});
}

action& at(programs& all, std::size_t rank, std::size_t position) {
  return all[rank].actions.at(position);
}
void erase(programs& all, std::size_t rank, std::ptrdiff_t position) {
  all[rank].actions.erase(all[rank].actions.begin() + position);
}
void insert(programs& all, std::size_t rank, std::ptrdiff_t position, action one) {
  all[rank].actions.insert(all[rank].actions.begin() + position, one);
}
void move(programs& all, std::size_t rank, std::ptrdiff_t from, std::ptrdiff_t to) {
  const action one = at(all, rank, static_cast<std::size_t>(from));
  erase(all, rank, from);
  insert(all, rank, to, one);
}
/// The position of the first action of a kind on a rank.
std::ptrdiff_t find(const programs& all, std::size_t rank, op kind) {
  const auto& actions = all[rank].actions;
  return std::find_if(actions.begin(), actions.end(), [&](const action& one) { return one.kind == kind; }) -
         actions.begin();
}
std::string verdict(const programs& all) {
  return to_string(verify(all));
}

TEST_CASE("programs of a schedule are valid") {
  CHECK(verdict(two_ranks()) == "valid");
  CHECK(verify(two_ranks()));
}

TEST_CASE("a receive whose message is not sent is named, not those who wait because of it") {
  auto all = two_ranks();
  erase(all, 0, 3);
  CHECK(verdict(all) ==
        "rank 1, action 4 (receive_activation stage 1 micro 1 from rank 0): "
        "waits for ever for a message that is not sent");
}

TEST_CASE("of two ranks that wait for each other the first is named") {
  auto all = two_ranks();
  move(all, 0, 4, 1);  // asks for the gradient before it has sent the activation
  CHECK(verdict(all) ==
        "rank 0, action 1 (receive_gradient stage 0 micro 0 from rank 1): "
        "waits for ever for a message whose sender waits as well");
}

TEST_CASE("a pass that runs too early, twice or not at all is named") {
  auto early = two_ranks();
  std::swap(at(early, 1, 1), at(early, 1, 2));
  CHECK(verdict(early) == "rank 1, action 1 (backward stage 1 micro 0): its forward pass has not run");

  auto unreceived = two_ranks();
  std::swap(at(unreceived, 1, 0), at(unreceived, 1, 1));
  CHECK(verdict(unreceived) == "rank 1, action 0 (forward stage 1 micro 0): its input has not been received");

  auto without_gradient = two_ranks();
  std::swap(at(without_gradient, 0, 4), at(without_gradient, 0, 5));
  CHECK(verdict(without_gradient) ==
        "rank 0, action 4 (backward stage 0 micro 0): the gradient of its output has not been received");

  auto twice = two_ranks();
  insert(twice, 0, 1, at(twice, 0, 0));
  CHECK(verdict(twice) == "rank 0, action 1 (forward stage 0 micro 0): it has already run");

  auto backward_twice = two_ranks();
  insert(backward_twice, 1, 3, at(backward_twice, 1, 2));
  CHECK(verdict(backward_twice) == "rank 1, action 3 (backward stage 1 micro 0): it has already run");

  auto missing = two_ranks();
  erase(missing, 0, 7);
  CHECK(verdict(missing) == "rank 0, action 7 (backward stage 0 micro 1): it is missing");

  auto never = two_ranks();
  for (program& one : never) std::erase_if(one.actions, [](const action& act) { return act.micro == 1; });
  CHECK(verdict(never) == "rank 0, action 4 (forward stage 0 micro 1): it is missing");

  auto stageless = two_ranks();
  stageless[1].actions.clear();
  CHECK(verdict(stageless) == "rank 0, action 8 (forward stage 1): it is missing");
}

TEST_CASE("the halves of a backward pass are run once each, the input half first") {
  using plait::zb_h1;
  const auto good = programs_of<zb_h1>({2, 2, 1}, {.optimize = false});
  REQUIRE(verdict(good) == "valid");
  const auto weight = find(good, 0, op::backward_weight);

  auto without = good;
  erase(without, 0, weight);
  CHECK(
      verdict(without).ends_with("(backward_input stage 0 micro 1): its slot between the halves is still held by "
                                 "another micro-batch"));
  without = good;
  erase(without, 0, static_cast<std::ptrdiff_t>(good[0].actions.size()) - 1);
  CHECK(verdict(without).ends_with("(backward_weight stage 0 micro 1): it is missing"));

  auto early = good;
  move(early, 0, weight, find(good, 0, op::backward_input));
  CHECK(verdict(early).ends_with("(backward_weight stage 0 micro 0): its input half has not run"));

  auto whole = good;
  at(whole, 0, static_cast<std::size_t>(weight)).kind = op::backward;
  CHECK(verdict(whole).ends_with("leave the others at -1"));
  at(whole, 0, static_cast<std::size_t>(weight)).pending = -1;
  CHECK(verdict(whole).ends_with("(backward stage 0 micro 0): it has already run"));
}

TEST_CASE("a message that comes to the wrong receive is named") {
  auto swapped = two_ranks();
  std::swap(at(swapped, 0, 1), at(swapped, 0, 2));  // F0 F1 Sa0 Sa1
  REQUIRE(verdict(swapped) == "valid");
  std::swap(at(swapped, 0, 2), at(swapped, 0, 3));
  CHECK(verdict(swapped) ==
        "rank 1, action 0 (receive_activation stage 1 micro 0 from rank 0): "
        "the next message of its queue is for another stage or micro-batch");

  auto elsewhere = two_ranks();
  at(elsewhere, 0, 1).peer = 0;
  CHECK(verdict(elsewhere) == "rank 0, action 1 (send_activation stage 0 micro 0 to rank 0): it names the wrong peer");

  auto again = two_ranks();
  insert(again, 0, 2, at(again, 0, 1));
  CHECK(verdict(again) == "rank 0, action 2 (send_activation stage 0 micro 0 to rank 1): it has already been sent");

  auto uncomputed = two_ranks();
  std::swap(at(uncomputed, 0, 0), at(uncomputed, 0, 1));
  CHECK(verdict(uncomputed) ==
        "rank 0, action 0 (send_activation stage 0 micro 0 to rank 1): what it sends has not been computed");

  auto received_twice = two_ranks();
  insert(received_twice, 1, 1, at(received_twice, 1, 0));
  CHECK(verdict(received_twice) ==
        "rank 1, action 1 (receive_activation stage 1 micro 0 from rank 0): it has already been received");
}

TEST_CASE("a stage or chunk in the wrong place is named") {
  auto two_places = two_ranks();
  at(two_places, 1, 5).stage = 0;
  CHECK(verdict(two_places) == "rank 1, action 5 (forward stage 0 micro 1): its stage is on another rank");

  auto no_stage = two_ranks();
  at(no_stage, 1, 5).stage = 2;
  CHECK(verdict(no_stage) == "rank 1, action 5 (forward stage 2 micro 1): there is no such stage");

  auto no_micro = two_ranks();
  at(no_micro, 1, 5).micro = 2;
  CHECK(verdict(no_micro) == "rank 1, action 5 (forward stage 1 micro 2): there is no such micro-batch");

  auto wrong_chunk = programs_of<interleaved<2>>({2, 2, 2}, {.buckets = 1});
  const auto last = static_cast<std::size_t>(find(wrong_chunk, 0, op::reduce_gradients)) - 1;
  at(wrong_chunk, 0, last).chunk = static_cast<std::int16_t>(1 - at(wrong_chunk, 0, last).chunk);
  CHECK(verdict(wrong_chunk).ends_with("its stage is another chunk"));

  auto one_chunk = programs_of<interleaved<2>>({2, 2, 2});
  for (action& act : one_chunk[0].actions)
    if (act.chunk == 1) act.chunk = 0;
  CHECK(verdict(one_chunk).ends_with("its chunk is that of another stage"));
}

TEST_CASE("memory that is overwritten while it is needed is named") {
  auto held = two_ranks();
  at(held, 0, 2).slot = at(held, 0, 3).slot = at(held, 0, 7).slot = 0;  // both micro-batches in slot 0
  CHECK(verdict(held) == "rank 0, action 2 (forward stage 0 micro 1): its slot is still held by another micro-batch");

  auto wrong_slot = two_ranks();
  at(wrong_slot, 0, 5).slot = 1;
  CHECK(verdict(wrong_slot) == "rank 0, action 5 (backward stage 0 micro 0): its slot holds another micro-batch");

  auto beyond = two_ranks();
  at(beyond, 1, 1).slot = 1;
  CHECK(verdict(beyond) == "rank 1, action 1 (forward stage 1 micro 0): its slot is not among those of its chunk");

  // gpipe, rank 1: ... B0 Sg0 B1 Sg1 B2 Sg2, in message slots 0, 1, 0.
  const auto drains = programs_of<gpipe>({2, 3, 1}, {.optimize = false});
  auto unsent = drains;
  const auto send = find(unsent, 1, op::send_gradient);
  move(unsent, 1, send, send + 3);  // B0 B1 Sg1 B2 Sg0
  CHECK(verdict(unsent).ends_with(
      "(backward stage 1 micro 2): its message slot still holds a gradient that has not been passed on"));

  auto wrong_message = drains;
  at(wrong_message, 1, static_cast<std::size_t>(send)).message = 1;
  CHECK(verdict(wrong_message)
            .ends_with("(send_gradient stage 1 micro 0 to rank 0): its message slot holds another "
                       "gradient"));
  at(wrong_message, 1, static_cast<std::size_t>(send)).message = 2;
  CHECK(verdict(wrong_message).ends_with("its message slot is not among those of its chunk"));

  auto unread = drains;  // rank 0: ... Rg0 B0 Rg1 B1 Rg2 B2
  const auto receive = find(unread, 0, op::receive_gradient);
  move(unread, 0, receive + 1, receive + 4);  // Rg0 Rg1 B1 Rg2 B0
  CHECK(
      verdict(unread).ends_with("(receive_gradient stage 0 micro 2 from rank 1): "
                                "its message slot still holds a gradient that is needed"));
}

TEST_CASE("gradients that stay on their rank are not overwritten either") {
  using testing::few_at_a_time;
  // Three at a time: on the last rank stage 2 leaves three gradients for stage 1. It has a slot for each, unless it
  // says that two are enough.
  REQUIRE(verdict(programs_of<few_at_a_time<3>>({2, 6, 2})) == "valid");
  struct too_few : few_at_a_time<3> {
    static constexpr int in_flight(pipe_shape, int, int, op) { return 2; }
  };
  CHECK(verdict(programs_of<too_few>({2, 6, 2}))
            .ends_with("(backward stage 2 micro 2): its message slot still holds a gradient that has not been "
                       "passed on"));
}

TEST_CASE("ranks that wait for each other's message slots are named") {
  auto all = programs_of<interleaved<3, 8>>({2, 8, 3}, {.optimize = false});
  REQUIRE(verdict(all) == "valid");
  for (program& one : all) {
    one.messages = {2, 2, 2};
    for (action& act : one.actions)
      if (act.message >= 0) act.message = static_cast<std::int16_t>(act.micro % 2);
  }
  CHECK(verdict(all).ends_with("(backward stage 4 micro 2): waits for ever for a message from its slot to be taken"));

  programs evaluation;
  for (int rank = 0; rank < 2; ++rank) evaluation.push_back(forward_program_of<interleaved<3, 8>>({2, 8, 3}, rank));
  REQUIRE(verdict(evaluation) == "valid");
  for (program& one : evaluation)
    for (action& act : one.actions)
      if (act.slot >= 0) act.slot = static_cast<std::int16_t>(act.micro % 2);
  CHECK(verdict(evaluation).ends_with("waits for ever for a message from its slot to be taken"));
}

TEST_CASE("an evaluation keeps outputs until they have gone on") {
  programs good;
  for (int rank = 0; rank < 2; ++rank) good.push_back(forward_program_of<one_f_one_b>({2, 3, 1}, rank));
  REQUIRE(verdict(good) == "valid");  // rank 0: F0 Sa0 F1 Sa1 F2 Sa2 in slots 0, 1, 0

  auto overwritten = good;
  move(overwritten, 0, 1, 4);  // F0 F1 Sa1 F2 Sa0 Sa2
  CHECK(verdict(overwritten) ==
        "rank 0, action 3 (forward stage 0 micro 2): its slot is still held by another micro-batch");

  auto trained = good;
  insert(trained, 0, 1, {.kind = op::backward, .stage = 0, .chunk = 0, .micro = 0, .slot = 0, .message = 0});
  CHECK(verdict(trained) == "rank 0, action 1 (backward stage 0 micro 0): its program is one of forward passes");

  auto updated = good;
  updated[1].actions.push_back({.kind = op::optimizer_step});
  CHECK(verdict(updated).ends_with("(optimizer_step): the options of the step leave it out"));
}

/// 1F1B on 2 ranks with 2 micro-batches, two buckets and clipping: 8 passes and messages, then at
///     8 reduce bucket 1   9 reduce bucket 0   10 norm   11 update   12 loss
programs with_update() {
  return programs_of<one_f_one_b>({2, 2, 1}, {.buckets = 2, .clip = true});
}

TEST_CASE("a reduction or an update that comes too early, twice or not at all is named") {
  REQUIRE(verdict(with_update()) == "valid");
  const auto edited = [](auto&& edit) {
    auto all = with_update();
    edit(all);
    return verdict(all);
  };
  CHECK(edited([](programs& all) { move(all, 0, 8, 7); }) ==
        "rank 0, action 7 (reduce_gradients stage 0 bucket 1): not every micro-batch has added to these gradients");
  CHECK(edited([](programs& all) { insert(all, 0, 9, at(all, 0, 8)); }) ==
        "rank 0, action 9 (reduce_gradients stage 0 bucket 1): it has already run");
  CHECK(edited([](programs& all) { erase(all, 0, 8); }) ==
        "rank 0, action 9 (reduce_norm): not all gradients of this rank are complete");
  CHECK(edited([](programs& all) { at(all, 0, 8).bucket = 2; }) ==
        "rank 0, action 8 (reduce_gradients stage 0 bucket 2): there is no such bucket");
  CHECK(edited([](programs& all) { at(all, 0, 8).stage = 1; }) ==
        "rank 0, action 8 (reduce_gradients stage 1 bucket 1): its stage or chunk is not on this rank");
  CHECK(edited([](programs& all) { move(all, 0, 11, 8); }) ==
        "rank 0, action 8 (optimizer_step): not all gradients of this rank are complete");
  CHECK(edited([](programs& all) { move(all, 0, 11, 10); }) ==
        "rank 0, action 10 (optimizer_step): the norm has not been reduced");
  CHECK(edited([](programs& all) { erase(all, 1, 11); }) == "rank 1, action 12 (optimizer_step): it is missing");
  CHECK(edited([](programs& all) { insert(all, 1, 12, at(all, 1, 11)); }) ==
        "rank 1, action 12 (optimizer_step): it has already run");
  CHECK(edited([](programs& all) { erase(all, 1, 10); }) ==
        "rank 1, action 10 (optimizer_step): the norm has not been reduced");
  CHECK(edited([](programs& all) { erase(all, 1, 12); }) ==
        "rank 0, action 12 (reduce_loss): waits for ever for a rank that does not come");
  CHECK(edited([](programs& all) { erase(all, 0, 12), erase(all, 1, 12); }) ==
        "rank 0, action 12 (reduce_loss): it is missing");
  CHECK(edited([](programs& all) { move(all, 1, 12, 5); }) ==
        "rank 1, action 5 (reduce_loss): not every micro-batch has come to the loss");
  // On other ranks than the last the loss may be asked for at any time after the last message has left ...
  CHECK(edited([](programs& all) { move(all, 0, 12, 11); }) == "valid");
  // ... but all ranks must come to collectives in one order.
  CHECK(edited([](programs& all) { move(all, 0, 12, 10); }) ==
        "rank 0, action 10 (reduce_loss): waits for ever for a rank that does not come");
}

TEST_CASE("what the options of a step leave out must not be in it") {
  auto no_clip = programs_of<one_f_one_b>({1, 2, 1});
  no_clip[0].actions.insert(no_clip[0].actions.end() - 2, action{.kind = op::reduce_norm});
  CHECK(verdict(no_clip) == "rank 0, action 4 (reduce_norm): the options of the step leave it out");

  auto no_buckets = programs_of<one_f_one_b>({1, 2, 1});
  no_buckets[0].actions.insert(no_buckets[0].actions.end() - 2,
                               action{.kind = op::reduce_gradients, .stage = 0, .chunk = 0, .bucket = 0});
  CHECK(verdict(no_buckets) == "rank 0, action 4 (reduce_gradients stage 0 bucket 0): there is no such bucket");

  auto no_update = two_ranks();
  no_update[0].actions.push_back({.kind = op::optimizer_step});
  CHECK(verdict(no_update) == "rank 0, action 8 (optimizer_step): the options of the step leave it out");

  auto too_many = programs_of<one_f_one_b>({1, 2, 1}, {.buckets = 30});
  CHECK(verdict(too_many) == "valid");
  too_many = programs_of<one_f_one_b>({1, 2, 1}, {.buckets = 31});
  CHECK(verdict(too_many).ends_with("a chunk has at most 30 buckets"));
}

TEST_CASE("an action sets the fields that apply to it and no others") {
  const auto edited = [](std::size_t position, auto&& edit) {
    auto all = with_update();
    edit(at(all, 0, position));
    return verdict(all);
  };
  const std::string sentence = "it must set the fields that apply to it, and leave the others at -1";
  CHECK(edited(0, [](action& act) { act.peer = 1; }).ends_with(sentence));
  CHECK(edited(0, [](action& act) { act.message = 0; }).ends_with(sentence));
  CHECK(edited(0, [](action& act) { act.bucket = 0; }).ends_with(sentence));
  CHECK(edited(0, [](action& act) { act.micro = -1; }).ends_with(sentence));
  CHECK(edited(1, [](action& act) { act.peer = -1; }).ends_with(sentence));
  CHECK(edited(5, [](action& act) { act.message = -1; }).ends_with(sentence));
  CHECK(edited(8, [](action& act) { act.slot = 0; }).ends_with(sentence));
  CHECK(edited(11, [](action& act) { act.stage = 0; }).ends_with(sentence));
  CHECK(edited(0, [](action& act) { act.chunk = 1; }).ends_with("there is no such chunk"));
  CHECK(edited(0, [](action& act) { act.version = 1; }).find("old weights") != std::string::npos);
  CHECK(edited(0, [](action& act) { act.kind = static_cast<op>(op_count); }) ==
        "rank 0, action 0 (no such action stage 0 micro 0): there is no such kind of action");
}

TEST_CASE("programs that do not belong together are refused") {
  CHECK(verify({}).reason == "there is no program");
  auto few = two_ranks();
  few.pop_back();
  CHECK(verify(few).reason == "there must be one program for each rank");
  auto swapped = two_ranks();
  std::swap(swapped[0], swapped[1]);
  CHECK(verify(swapped).reason == "its program is for another rank, shape or kind of step");
  auto other_options = two_ranks();
  other_options[1].options.clip = true;
  CHECK(verify(other_options).reason == "its program is for another rank, shape or kind of step");
  auto slotless = two_ranks();
  slotless[1].slots.clear();
  CHECK(verify(slotless).reason == "its program must state the slots of each chunk");
  auto shapeless = two_ranks();
  for (program& one : shapeless) one.shape.micro = 0;
  CHECK(verify(shapeless).reason == "a step has at least 1 micro-batch");
}

TEST_CASE("require_valid throws a schedule error that names the first offence") {
  CHECK_NOTHROW(require_valid("a caller", two_ranks()));
  auto all = two_ranks();
  erase(all, 0, 7);
  try {
    require_valid("a caller", all);
    FAIL("nothing was thrown");
  } catch (const error& caught) {
    CHECK(caught.kind() == error_kind::schedule);
    CHECK(caught.call() == "a caller");
    CHECK(caught.sentence() ==
          "the programs do not complete: rank 0, action 7 (backward stage 0 micro 1): it is missing");
  }
}

}  // namespace
