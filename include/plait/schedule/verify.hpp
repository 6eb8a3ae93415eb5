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

namespace plait {

/// `rank 1, action 4 (forward stage 1 micro 2): reason`
inline std::string to_string(const verification& found) {
  if (found.valid) return "valid";
  return "rank " + std::to_string(found.rank) + ", action " + std::to_string(found.position) + " (" +
         to_string(found.cell) + "): " + std::string{found.reason};
}

/// Whether the programs of all ranks together do a step: each pass exactly once and in order, each message delivered to
/// the one who waits for it, no rank waiting for ever, no slot overwritten while it is needed, gradients complete
/// before they are summed and used. Names the first offence.
///
/// Cost: one visit of each action, and one look at each waiting rank a round.
/// Queue model: `detail::program_checker`; why it suffices: `docs/design/queues.md`.
constexpr verification verify(const std::vector<program>& programs) {
  if (programs.empty()) return {false, 0, 0, {}, "there is no program"};
  const program& first = programs[0];
  scratch<detail::rank_actions> ranks(programs.size());
  for (std::size_t i = 0; i < programs.size(); ++i) {
    const program& one = programs[i];
    if (one.shape != first.shape || one.rank != static_cast<int>(i) || one.trains != first.trains ||
        one.options != first.options)
      return {false, static_cast<int>(i), 0, {}, "its program is for another rank, shape or kind of step"};
    ranks.data()[i] = {one.actions.data(), one.actions.data() + one.actions.size()};
  }
  if (static_cast<int>(programs.size()) != first.shape.ranks)
    return {false, static_cast<int>(programs.size()), 0, {}, "there must be one program for each rank"};
  return detail::program_checker{ranks.data(), first.shape, first.trains, first.options}.run();
}

/// `verify` for the programs that a schedule makes, at a cost to the compiler that allows it in a `static_assert`: 16
/// ranks, 64 micro-batches and 4 chunks are within the default limits of g++, clang and nvcc.
template <schedule S>
constexpr verification verify_schedule(pipe_shape shape, step_options options = {}) {
  if (const shape_verdict verdict = S::accepts(shape); !verdict.legal) return {false, 0, 0, {}, verdict.reason};
  using builder = detail::program_builder<typename S::placement>;
  const auto passes = static_cast<std::size_t>(S::passes(shape));
  const std::size_t room = builder::room(shape, passes, options);
  scratch<pass> order(passes);
  scratch<action> actions(room * static_cast<std::size_t>(shape.ranks));
  scratch<detail::rank_actions> ranks(static_cast<std::size_t>(shape.ranks));
  bool trains = true;
  for (int rank = 0; rank < shape.ranks; ++rank) {
    action* const begin = actions.data() + room * static_cast<std::size_t>(rank);
    builder build{shape, rank, options};
    const pass* const end = S::order(shape, rank, order.data());
    ranks.data()[rank] = {begin, build.build(order.data(), end, begin)};
    trains = build.trains();
  }
  return detail::program_checker{ranks.data(), shape, trains, options}.run();
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
