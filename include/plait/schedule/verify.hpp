// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/core/scratch.hpp>
#include <plait/schedule/detail/checker.hpp>
#include <plait/schedule/program.hpp>
#include <plait/schedule/verification.hpp>

namespace plait {

namespace detail {

/// What is wrong with the fields of an action, apart from what its program and those of other ranks do; empty: nothing.
constexpr std::string_view fault_of_fields(const action& act, const program& one) {
  if (static_cast<int>(act.kind) >= op_count) return "there is no such kind of action";
  if (act.version != 0) return "it reads old weights, which a step that flushes does not keep";
  const bool message = is_send(act.kind) || is_receive(act.kind);
  const bool per_micro = is_compute(act.kind) || message;
  const bool gradient = is_backward(act.kind) || act.kind == op::send_gradient || act.kind == op::receive_gradient;
  const bool per_stage = per_micro || act.kind == op::reduce_gradients;
  if ((act.stage >= 0) != per_stage || (act.chunk >= 0) != per_stage || (act.micro >= 0) != per_micro ||
      (act.slot >= 0) != per_micro || (act.peer >= 0) != message || (act.message >= 0) != gradient ||
      (act.bucket >= 0) != (act.kind == op::reduce_gradients))
    return "it must set the fields that apply to it, and leave the others at -1";
  if (per_stage && act.chunk >= one.shape.chunks) return "there is no such chunk";
  if (per_micro && act.slot >= one.slots[static_cast<std::size_t>(act.chunk)])
    return "its slot is not among those of its chunk";
  if (gradient && act.message >= one.messages[static_cast<std::size_t>(act.chunk)])
    return "its message slot is not among those of its chunk";
  return {};
}

}  // namespace detail

/// Whether the programs of all ranks together do a step: each pass exactly once and in order, each message delivered to
/// the one who waits for it, no rank waiting for ever, no slot overwritten while it is needed, gradients complete
/// before they are summed and used. Names the first offence.
///
/// Cost: two visits of each action, and one look at each waiting rank a round.
/// The models of queues and memory: `detail::pass_rules`; why they suffice: `docs/design/queues.md`.
constexpr verification verify(const std::vector<program>& programs) {
  if (programs.empty()) return {false, 0, 0, {}, "there is no program"};
  const program& first = programs[0];
  if (const shape_verdict verdict = positive_shape(first.shape); !verdict.legal)
    return {false, 0, 0, {}, verdict.reason};
  if (programs.size() != static_cast<std::size_t>(first.shape.ranks))
    return {false, static_cast<int>(programs.size()), 0, {}, "there must be one program for each rank"};
  int most_messages = 0;
  scratch<detail::rank_actions> ranks(programs.size());
  for (std::size_t i = 0; i < programs.size(); ++i) {
    const program& one = programs[i];
    if (one.shape != first.shape || one.rank != static_cast<int>(i) || one.trains != first.trains ||
        one.options != first.options)
      return {false, static_cast<int>(i), 0, {}, "its program is for another rank, shape or kind of step"};
    if (one.slots.size() != static_cast<std::size_t>(first.shape.chunks) || one.messages.size() != one.slots.size())
      return {false, static_cast<int>(i), 0, {}, "its program must state the slots of each chunk"};
    for (int messages : one.messages)
      if (messages > most_messages) most_messages = messages;
    int position = 0;
    for (const action& act : one.actions) {
      if (const std::string_view reason = detail::fault_of_fields(act, one); !reason.empty())
        return {false, static_cast<int>(i), position, act, reason};
      ++position;
    }
    ranks.data()[i] = {one.actions.data(), one.actions.data() + one.actions.size()};
  }
  return detail::program_checker{ranks.data(), first.shape, first.trains, first.options, most_messages}.run();
}

/// `verify` for the programs that a schedule makes, at a cost to the compiler that allows it in a `static_assert`: 16
/// ranks, 64 micro-batches and 4 chunks are within the default limits of g++, clang and nvcc.
template <schedule S>
constexpr verification verify_schedule(pipe_shape shape, step_options options = {}) {
  if (const shape_verdict verdict = S::accepts(shape); !verdict.legal) return {false, 0, 0, {}, verdict.reason};
  using builder = detail::program_builder<S>;
  const auto passes = static_cast<std::size_t>(S::passes(shape));
  const std::size_t room = builder::room(shape, passes, options);
  scratch<pass> order(passes);
  scratch<action> actions(room * static_cast<std::size_t>(shape.ranks));
  scratch<detail::rank_actions> ranks(static_cast<std::size_t>(shape.ranks));
  bool trains = true;
  int most_messages = 0;
  for (int rank = 0; rank < shape.ranks; ++rank) {
    action* const begin = actions.data() + room * static_cast<std::size_t>(rank);
    builder build{shape, rank, options};
    const pass* const end = S::order(shape, rank, order.data());
    ranks.data()[rank] = {begin, build.build(order.data(), end, begin)};
    trains = build.trains();
    for (int chunk = 0; chunk < shape.chunks; ++chunk)
      if (build.messages(chunk) > most_messages) most_messages = build.messages(chunk);
  }
  return detail::program_checker{ranks.data(), shape, trains, options, most_messages}.run();
}

/// \copydoc verify_schedule
template <schedule S>
constexpr bool completes(pipe_shape shape, step_options options = {}) {
  return verify_schedule<S>(shape, options).valid;
}

/// Throws a schedule error that names the first offence, unless the programs are valid.
inline void require_valid(std::string_view call, const std::vector<program>& programs) {
  const verification found = verify(programs);
  if (!found) throw error{error_kind::schedule, std::string{call}, "the programs do not complete: " + to_string(found)};
}

}  // namespace plait
