// SPDX-License-Identifier: Apache-2.0
// Thousands of programs with one edit each: what `verify` accepts must compute the step all the same, which an oracle
// decides that runs them on symbols. Where an edit only changes the order of actions, the two must agree both ways.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <plait/core/random.hpp>
#include <plait/schedule/verify.hpp>

#include <doctest/doctest.h>

#include "all_schedules.hpp"
#include "symbolic_run.hpp"
#include "test_schedules.hpp"

namespace {

using namespace plait;

/// Random choices that are the same on every machine.
class choices {
 public:
  explicit choices(std::uint64_t seed) : stream_{seed, "mutations", 0} {}
  std::size_t below(std::size_t count) { return stream_.below(next_++, static_cast<std::uint32_t>(count)); }
  /// Another number than `old` among those that a field may hold, and some that it may not.
  std::int16_t other_than(std::int16_t old, int most) {
    for (;;)
      if (const auto value = static_cast<std::int16_t>(static_cast<int>(below(static_cast<std::size_t>(most) + 3)) - 1);
          value != old)
        return value;
  }

 private:
  random_stream stream_;
  std::uint64_t next_ = 0;
};

enum class edit { erase, repeat, swap_neighbours, move, exchange, field, kind, version, pair, room, rename };
constexpr edit all_edits[] = {edit::erase, edit::repeat, edit::swap_neighbours, edit::move, edit::exchange,
                              edit::field, edit::kind,   edit::version,         edit::pair, edit::room,
                              edit::rename};

bool only_reorders(edit what) {
  return what == edit::swap_neighbours || what == edit::move || what == edit::exchange || what == edit::rename;
}

void change_field(action& act, pipe_shape shape, choices& random) {
  const int most = std::max({shape.stages(), shape.all_micro(), shape.ranks});
  std::int16_t* const fields[] = {&act.stage,   &act.chunk,   &act.micro,  &act.peer, &act.slot,
                                  &act.message, &act.pending, &act.bucket, &act.edge, &act.skip};
  // Fields that apply come up more often than those that do not.
  std::int16_t* field = fields[random.below(std::size(fields))];
  if (*field < 0) field = fields[random.below(std::size(fields))];
  *field = random.other_than(*field, most);
}

/// Makes one edit; returns which, for people. False: it changed nothing.
std::pair<bool, std::string> mutate(std::vector<program>& programs, edit what, choices& random) {
  program& one = programs[random.below(programs.size())];
  auto& actions = one.actions;
  const std::size_t at = random.below(actions.size());
  const auto here = actions.begin() + static_cast<std::ptrdiff_t>(at);
  const action old = *here;
  std::string text =
      "rank " + std::to_string(one.rank) + ", action " + std::to_string(at) + " (" + to_string(old) + ")";
  switch (what) {
    case edit::erase:
      actions.erase(here);
      return {true, text + " erased"};
    case edit::repeat: {
      const std::size_t to = at + 1 + random.below(actions.size() - at);
      actions.insert(actions.begin() + static_cast<std::ptrdiff_t>(to), old);
      return {true, text + " repeated at " + std::to_string(to)};
    }
    case edit::swap_neighbours:
      if (at + 1 == actions.size()) return {false, ""};
      std::swap(actions[at], actions[at + 1]);
      return {actions[at] != old, text + " swapped with the next"};
    case edit::move: {
      actions.erase(here);
      const std::size_t to = random.below(actions.size() + 1);
      actions.insert(actions.begin() + static_cast<std::ptrdiff_t>(to), old);
      return {to != at, text + " moved to " + std::to_string(to)};
    }
    case edit::exchange: {
      const std::size_t to = random.below(actions.size());
      std::swap(actions[at], actions[to]);
      return {actions[at] != old, text + " exchanged with " + std::to_string(to)};
    }
    case edit::field:
      change_field(*here, one.shape, random);
      return {true, text + " made " + to_string(*here) + " chunk " + std::to_string(here->chunk) + " slot " +
                        std::to_string(here->slot) + " message slot " + std::to_string(here->message)};
    case edit::kind:
      here->kind = static_cast<op>(random.below(op_count));
      return {here->kind != old.kind, text + " made " + to_string(*here)};
    case edit::version:
      here->version = static_cast<std::int8_t>(random.other_than(old.version, 2));
      return {true, text + " made version " + std::to_string(here->version)};
    case edit::pair:
      here->beside = !old.beside;
      return {true, text + (here->beside ? " run together with the one before" : " run by itself")};
    case edit::room: {
      std::vector<int>* const rooms[] = {&one.slots, &one.messages, &one.pending, &one.versions, &one.skips};
      const std::size_t which = random.below(std::size(rooms)), chunk = random.below(one.slots.size());
      if ((*rooms[which])[chunk] == 0) return {false, ""};
      --(*rooms[which])[chunk];
      return {true, "rank " + std::to_string(one.rank) + ", chunk " + std::to_string(chunk) +
                        ": one fewer of its slots, messages, pending, versions or skips: number " +
                        std::to_string(which)};
    }
    case edit::rename: {  // two micro-batches change places in all programs
      const auto micro = static_cast<std::size_t>(one.shape.all_micro());
      const auto first = static_cast<std::int16_t>(random.below(micro)),
                 second = static_cast<std::int16_t>(random.below(micro));
      for (program& each : programs)
        for (action& act : each.actions)
          act.micro = act.micro == first ? second : act.micro == second ? first : act.micro;
      return {first != second, "micro " + std::to_string(first) + " and " + std::to_string(second) + " exchanged"};
    }
  }
  return {false, ""};
}

struct tally {
  int rejected = 0;
  int accepted = 0;
};

/// What `verify` and the oracle say of a mutant.
template <class Placement>
void judge(const std::vector<program>& mutant, bool reordered, const std::string& text, tally& found) {
  const verification verdict = verify(mutant);
  const bool right = testing::computes_a_step<Placement>(mutant);
  ++(verdict.valid ? found.accepted : found.rejected);
  if (verdict.valid && !right) FAIL_CHECK("accepted, although it does not compute the step: " << text);
  if (!verdict.valid && right && reordered)
    FAIL_CHECK("rejected, although it computes the step: " << text << "; " << to_string(verdict));
  if (!verdict.valid && verdict.reason.empty()) FAIL_CHECK("rejected without a reason: " << text);
}

template <class Placement>
tally run_mutants(const std::vector<program>& programs, int count, std::uint64_t seed) {
  REQUIRE(verify(programs).valid);
  REQUIRE(testing::computes_a_step<Placement>(programs));
  choices random{seed};
  tally found;
  for (int i = 0; i < count; ++i) {
    std::vector<program> mutant = programs;
    const edit what = all_edits[static_cast<std::size_t>(i) % std::size(all_edits)];
    const auto [changed, text] = mutate(mutant, what, random);
    if (!changed) continue;
    judge<Placement>(mutant, only_reorders(what), text, found);
    if (!only_reorders(what)) continue;
    const auto [changed_again, more] = mutate(mutant, edit::swap_neighbours, random);
    if (changed_again) judge<Placement>(mutant, true, text + ", " + more, found);
  }
  return found;
}

constexpr step_options full{.buckets = 2, .clip = true}, passes_only{.optimize = false};

/// What a schedule's programs are tried with. Where weights have versions, there is no global norm.
template <schedule S>
std::vector<std::vector<program>> programs_to_edit(pipe_shape shape) {
  if (versions_of<S>() != weight_versions::flush)
    return {programs_of<S>(shape), programs_of<S>(shape, {.buckets = 2}), forward_programs_of<S>(shape)};
  return {programs_of<S>(shape, full), programs_of<S>(shape, {.buckets = 1, .post_validate = true}),
          programs_of<S>(shape, passes_only), forward_programs_of<S>(shape)};
}

/// Mutants of programs for a model with skip edges: across the pipeline, between neighbours, and two that join the same
/// stages.
template <schedule S>
void check_mutants_with_skips(pipe_shape shape, std::uint64_t seed) {
  REQUIRE(S::accepts(shape).legal);
  const auto last = static_cast<std::int16_t>(shape.stages() - 1);
  const skip_edges skips{{0, last}, {0, 1}, {0, last}, {static_cast<std::int16_t>(last - 1), last}};
  tally all;
  for (const auto& programs :
       {programs_of<S>(shape, {.skips = skips}), forward_programs_of<S>(shape, {.skips = skips})}) {
    const tally one = run_mutants<typename S::placement>(programs, 2000, seed++);
    all.rejected += one.rejected;
    all.accepted += one.accepted;
  }
  CAPTURE(S::name);
  CHECK(all.rejected > 1000);
  CHECK(all.accepted > 0);
}

/// Mutants of one schedule's programs, of a step and of an evaluation. Some of both verdicts must come up.
template <schedule S>
void check_mutants(pipe_shape shape, std::uint64_t seed) {
  REQUIRE(S::accepts(shape).legal);
  tally all;
  for (const auto& programs : programs_to_edit<S>(shape)) {
    const tally one = run_mutants<typename S::placement>(programs, 1000, seed++);
    all.rejected += one.rejected;
    all.accepted += one.accepted;
  }
  CAPTURE(S::name);
  CHECK(all.rejected > 1000);
  if (shape.stages() > 1) CHECK(all.accepted > 0);
}

// What verify accepts of programs with one edit computes the step all the same:

TEST_CASE("edited programs of flushing schedules with whole backward passes are seen through") {
  check_mutants<gpipe>({3, 4, 1}, 100);
  check_mutants<gpipe>({1, 3, 1}, 200);
  check_mutants<one_f_one_b>({4, 6, 1}, 300);
  check_mutants<one_f_one_b>({2, 2, 1}, 400);
  check_mutants<interleaved<2>>({2, 4, 2}, 500);
  check_mutants<interleaved<3>>({3, 5, 3}, 600);
  check_mutants<interleaved<2, 6>>({2, 6, 2}, 700);
  check_mutants<interleaved<3>>({1, 3, 3}, 800);
  check_mutants<interleaved<2, 4>>({1, 4, 2}, 900);
  check_mutants<looped_bfs<2>>({2, 3, 2}, 1000);
  check_mutants<v_1f1b>({3, 4, 2}, 1100);
  check_mutants<hanayo<1>>({3, 4, 2}, 1200);
  check_mutants<hanayo<2>>({2, 3, 4}, 1300);
  check_mutants<testing::few_at_a_time<2>>({2, 4, 2}, 1400);
}

TEST_CASE("edited programs of schedules with split backward passes are seen through") {
  check_mutants<zb_h1>({3, 5, 1}, 2000);
  check_mutants<zb_h2>({2, 5, 1}, 2100);
  check_mutants<interleaved_zb<2>>({2, 4, 2}, 2200);
  check_mutants<zb_v>({2, 4, 2}, 2300);
  check_mutants<zb_v>({3, 3, 2}, 2400);
  check_mutants<v_half>({3, 4, 2}, 2500);
  check_mutants<v_min>({3, 4, 2}, 2600);
  check_mutants<dualpipe_v>({2, 4, 2}, 2700);
}

TEST_CASE("edited programs of schedules with copies of stages are seen through") {
  check_mutants<dualpipe>(shape_of<dualpipe>(2, 4), 3000);
  check_mutants<dualpipe>(shape_of<dualpipe>(4, 8), 3100);
  check_mutants<chimera>(shape_of<chimera>(2, 4), 3200);
  check_mutants<chimera>(shape_of<chimera>(4, 4), 3300);
}

TEST_CASE("edited programs of schedules that keep versions of weights are seen through") {
  check_mutants<pipedream<>>({3, 1, 1, 5}, 4000);
  check_mutants<pipedream<>>({2, 1, 1, 4}, 4100);
  check_mutants<pipedream<weight_versions::synchronised>>({3, 1, 1, 6}, 4200);
  check_mutants<pipedream_2bw>({2, 2, 1, 3}, 4300);
  check_mutants<pipedream_2bw>({3, 4, 1, 2}, 4400);
  check_mutants<pipedream<weight_versions::stash, 2, 1>>(shape_of<pipedream<weight_versions::stash, 2, 1>>(3, 1, 6),
                                                         4500);
  check_mutants<pipedream<weight_versions::stash, 1, 2>>(shape_of<pipedream<weight_versions::stash, 1, 2>>(3, 1, 6),
                                                         4600);
  check_mutants<pipedream<weight_versions::stash, 3>>(shape_of<pipedream<weight_versions::stash, 3>>(3, 1, 6), 4700);
}

TEST_CASE("edited programs of models with skip edges are seen through") {
  check_mutants_with_skips<gpipe>({3, 4, 1}, 5000);
  check_mutants_with_skips<one_f_one_b>({4, 6, 1}, 5100);
  check_mutants_with_skips<interleaved<2>>({2, 4, 2}, 5200);
  check_mutants_with_skips<looped_bfs<2>>({2, 3, 2}, 5300);
  check_mutants_with_skips<zb_h1>({3, 5, 1}, 5400);
  check_mutants_with_skips<zb_v>({2, 4, 2}, 5500);
  check_mutants_with_skips<dualpipe_v>({2, 4, 2}, 5600);
  check_mutants_with_skips<chimera>(shape_of<chimera>(4, 4), 5700);
  check_mutants_with_skips<hanayo<2>>({2, 3, 4}, 5800);
  check_mutants_with_skips<pipedream<>>({3, 1, 1, 5}, 5900);
  check_mutants_with_skips<pipedream_2bw>({3, 4, 1, 2}, 6000);
  check_mutants_with_skips<pipedream<weight_versions::stash, 2, 1>>(
      shape_of<pipedream<weight_versions::stash, 2, 1>>(3, 1, 6), 6100);
}

TEST_CASE("every action of a step is needed, and none may run twice") {
  step_options options = full;
  options.skips = {{0, 3}, {0, 2}};
  const auto programs = programs_of<interleaved<2>>({2, 3, 2}, options);
  for (std::size_t rank = 0; rank < programs.size(); ++rank)
    for (std::size_t at = 0; at < programs[rank].actions.size(); ++at) {
      auto without = programs, twice = programs;
      const auto offset = static_cast<std::ptrdiff_t>(at);
      auto& few = without[rank].actions;
      auto& many = twice[rank].actions;
      few.erase(few.begin() + offset);
      many.insert(many.begin() + offset, many[at]);
      const std::string of_action = to_string(programs[rank].actions[at]);
      CAPTURE(of_action);
      CHECK_FALSE(verify(without).valid);
      CHECK_FALSE(verify(twice).valid);
    }
}

}  // namespace
