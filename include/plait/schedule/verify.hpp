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
#include <plait/schedule/program_of.hpp>
#include <plait/schedule/verification.hpp>

namespace plait {

namespace detail {

/// What is wrong with the fields of an action, apart from what its program and those of other ranks do; empty: nothing.
constexpr std::string_view fault_of_fields(const action& act, const program& one) {
  if (static_cast<int>(act.kind) >= op_count) return "there is no such kind of action";
  if (act.version != 0 && one.policy == weight_versions::flush)
    return "it reads old weights, which a step that flushes does not keep";
  const bool message = is_send(act.kind) || is_receive(act.kind);
  const bool per_micro = is_compute(act.kind) || message;
  const bool gradient = is_backward(act.kind) || act.kind == op::send_gradient || act.kind == op::receive_gradient;
  const bool split = act.kind == op::backward_input || act.kind == op::backward_weight;
  const bool skips_on = act.edge >= 0 && act.kind == op::send_gradient;
  bool skips = skips_on;
  if (act.kind == op::backward || act.kind == op::backward_input)
    for (const skip_edge& edge : one.options.skips) skips = skips || edge.to == act.stage;
  const bool per_stage = per_micro || act.kind == op::reduce_gradients ||
                         (act.kind == op::optimizer_step && one.policy != weight_versions::flush);
  if ((act.stage >= 0) != per_stage || (act.chunk >= 0) != per_stage || (act.micro >= 0) != per_micro ||
      (act.slot >= 0) != per_micro || (act.peer >= 0) != message || (act.message >= 0) != (gradient && !skips_on) ||
      (act.skip >= 0) != skips || (act.edge >= 0 && !message) ||
      (act.bucket >= 0) != (act.kind == op::reduce_gradients) || (act.pending >= 0) != split ||
      (act.beside && !is_backward(act.kind)))
    return "it must set the fields that apply to it, and leave the others at -1";
  if (per_stage && act.chunk >= one.shape.chunks) return "there is no such chunk";
  if (per_micro && act.slot >= one.slots[static_cast<std::size_t>(act.chunk)])
    return "its slot is not among those of its chunk";
  if (gradient && act.message >= one.messages[static_cast<std::size_t>(act.chunk)])
    return "its message slot is not among those of its chunk";
  if (skips && act.skip >= one.skips[static_cast<std::size_t>(act.chunk)])
    return "its slot for gradients along skip edges is not among those of its chunk";
  if (act.edge >= one.options.skips.size()) return "there is no such skip edge";
  if (split && act.pending >= one.pending[static_cast<std::size_t>(act.chunk)])
    return "its slot between the halves is not among those of its chunk";
  if (per_stage && (act.version < 0 || act.version >= one.versions[static_cast<std::size_t>(act.chunk)]))
    return "there is no such weight buffer in its chunk";
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
  if (!first.options.skips.fit(first.shape.stages())) return {false, 0, 0, {}, detail::wrong_skips};
  if (programs.size() != static_cast<std::size_t>(first.shape.ranks))
    return {false, static_cast<int>(programs.size()), 0, {}, "there must be one program for each rank"};
  int most_messages = 0, most_versions = 1;
  scratch<detail::rank_actions> ranks(programs.size());
  for (std::size_t i = 0; i < programs.size(); ++i) {
    const program& one = programs[i];
    if (one.shape != first.shape || one.rank != static_cast<int>(i) || one.trains != first.trains ||
        one.options != first.options || one.policy != first.policy)
      return {false, static_cast<int>(i), 0, {}, "its program is for another rank, shape or kind of step"};
    if (one.slots.size() != static_cast<std::size_t>(first.shape.chunks) || one.messages.size() != one.slots.size() ||
        one.pending.size() != one.slots.size() || one.versions.size() != one.slots.size() ||
        one.skips.size() != one.slots.size())
      return {false, static_cast<int>(i), 0, {}, "its program must state the slots of each chunk"};
    for (int messages : one.messages)
      if (messages > most_messages) most_messages = messages;
    for (int versions : one.versions)
      if (versions > most_versions) most_versions = versions;
    int position = 0;
    for (const action& act : one.actions) {
      if (const std::string_view reason = detail::fault_of_fields(act, one); !reason.empty())
        return {false, static_cast<int>(i), position, act, reason};
      ++position;
    }
    ranks.data()[i] = {one.actions.data(), one.actions.data() + one.actions.size()};
  }
  return detail::program_checker{ranks.data(),  first.shape,  first.trains, first.options,
                                 most_messages, first.policy, most_versions}
      .run();
}

/// `verify` for the programs that a schedule makes, at a cost to the compiler that allows it in a `static_assert`: 16
/// ranks, 64 micro-batches and 4 chunks are within the default limits of g++, clang and nvcc.
template <schedule S>
constexpr verification verify_schedule(pipe_shape shape, step_options options = {}) {
  if (const shape_verdict verdict = S::accepts(shape); !verdict.legal) return {false, 0, 0, {}, verdict.reason};
  if (!options.skips.fit(shape.stages())) return {false, 0, 0, {}, detail::wrong_skips};
  const detail::stage_table table{shape,
                                  [&](int rank, int chunk) { return S::placement::stage_of(shape, rank, chunk); }};
  options = detail::with_sums(options, table.lanes() > 1);
  using builder = detail::program_builder;
  const auto passes = static_cast<std::size_t>(S::passes(shape)), ranks = static_cast<std::size_t>(shape.ranks);
  const std::size_t room = builder::room(shape, passes, options);
  // Whether slots follow from the orders of all ranks.
  const bool all_at_once = !states_messages_in_flight<S> || !options.skips.empty();
  scratch<pass> order_memory(all_at_once ? passes * ranks : passes);
  scratch<detail::rank_order_of_passes> orders(ranks);
  scratch<action> actions(room * ranks);
  scratch<detail::rank_actions> made(ranks);
  const detail::message_plan* plan = nullptr;
  if (all_at_once) {
    detail::write_orders<S>(shape, order_memory.data(), orders.data());
    const pass* one = orders.data()[0].begin;
    while (one != orders.data()[0].end && !is_backward(one->kind)) ++one;
    plan = new detail::message_plan{table, shape, orders.data(), one != orders.data()[0].end, options.skips};
  }
  bool trains = true;
  int most_messages = 0, most_versions = 1;
  weight_versions policy = weight_versions::flush;
  for (int rank = 0; rank < shape.ranks; ++rank) {
    action* const begin = actions.data() + room * static_cast<std::size_t>(rank);
    if (!all_at_once) orders.data()[rank] = {order_memory.data(), S::order(shape, rank, order_memory.data())};
    builder build{table, shape, rank, options, versions_of<S>(), plan, [&](int chunk, op kind) {
                    if constexpr (states_messages_in_flight<S>)
                      return S::in_flight(shape, rank, chunk, kind);
                    else
                      return static_cast<int>(kind) - chunk;  // never asked for
                  }};
    made.data()[rank] = {begin, build.build(orders.data()[rank].begin, orders.data()[rank].end, begin)};
    trains = build.trains();
    policy = build.policy();
    for (int chunk = 0; chunk < shape.chunks; ++chunk) {
      if (build.messages(chunk) > most_messages) most_messages = build.messages(chunk);
      if (build.versions(chunk) > most_versions) most_versions = build.versions(chunk);
    }
  }
  delete plan;
  return detail::program_checker{made.data(), shape, trains, options, most_messages, policy, most_versions}.run();
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
