// SPDX-License-Identifier: Apache-2.0
#pragma once
// The laws of the concept `schedule`, as tests that every model is put through: one call of `laws::schedule<S>()`.

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/schedule/forward_only.hpp>
#include <plait/schedule/orders.hpp>
#include <plait/schedule/placement.hpp>
#include <plait/schedule/program.hpp>
#include <plait/schedule/program_of.hpp>
#include <plait/schedule/verify.hpp>

#include <doctest/doctest.h>

namespace laws {

/// `4 ranks, 8 micro-batches, 2 chunks`
inline std::string text_of(plait::pipe_shape shape) {
  return std::to_string(shape.ranks) + " ranks, " + std::to_string(shape.micro) + " micro-batches, " +
         std::to_string(shape.chunks) + " chunks" +
         (shape.steps > 1 ? ", " + std::to_string(shape.steps) + " steps" : "");
}

/// The shapes that a schedule is put through. A schedule that makes several steps without draining is given 3, and as
/// many steps as there would be micro-batches where its steps have one each.
template <plait::schedule S>
std::vector<plait::pipe_shape> shapes_of(int most_ranks = 8, int most_micro = 32) {
  std::vector<plait::pipe_shape> shapes;
  for (int ranks = 1; ranks <= most_ranks; ++ranks)
    for (int micro = 1; micro <= most_micro; ++micro) {
      if constexpr (plait::versions_of<S>() == plait::weight_versions::flush)
        shapes.push_back(plait::shape_of<S>(ranks, micro));
      else if constexpr (plait::versions_of<S>() == plait::weight_versions::double_buffered)
        shapes.push_back(plait::shape_of<S>(ranks, micro, 3));
      else
        shapes.push_back(plait::shape_of<S>(ranks, 1, micro));
    }
  return shapes;
}

template <plait::schedule S>
std::vector<plait::pass> order_of(plait::pipe_shape shape, int rank) {
  std::vector<plait::pass> order(static_cast<std::size_t>(S::passes(shape)));
  order.resize(static_cast<std::size_t>(S::order(shape, rank, order.data()) - order.data()));
  return order;
}

/// [chunks, micro]: whether a micro-batch goes through a chunk of a rank. Not all do where stages have copies.
template <class Placement>
std::vector<bool> runs_on(plait::pipe_shape shape, int rank) {
  std::vector<bool> runs;
  for (int chunk = 0; chunk < shape.chunks; ++chunk)
    for (int micro = 0; micro < shape.all_micro(); ++micro)
      runs.push_back(plait::rank_of<Placement>(shape, Placement::stage_of(shape, rank, chunk), micro) == rank);
  return runs;
}

/// Law 1, counted from the order itself. Empty: it holds.
inline std::string fault_of_order(const std::vector<plait::pass>& order, plait::pipe_shape shape,
                                  const std::vector<bool>& runs, bool trains = true) {
  std::vector<int> done(runs.size());  // passes of each (chunk, micro)
  for (const plait::pass& one : order) {
    if (one.chunk < 0 || one.chunk >= shape.chunks || one.micro < 0 || one.micro >= shape.all_micro())
      return "out of range";
    const auto cell = static_cast<std::size_t>(one.chunk * shape.all_micro() + one.micro);
    if (!runs[cell]) return "a micro-batch of another copy";
    int& passes = done[cell];
    const bool split = one.kind == plait::op::backward_input || one.kind == plait::op::backward_weight;
    const int expected = one.kind == plait::op::forward ? 0 : one.kind == plait::op::backward_weight ? 2 : 1;
    if (passes != expected) return "a pass out of order, or twice";
    passes = one.kind == plait::op::backward ? 3 : split ? expected + 1 : 1;
  }
  for (std::size_t cell = 0; cell < done.size(); ++cell)
    if (done[cell] != (!runs[cell] ? 0 : trains ? 3 : 1)) return "a pass is missing";
  return "";
}

/// The most micro-batches of one chunk alive at once, from the order itself.
inline int peak_of_chunk(const std::vector<plait::pass>& order, int chunk) {
  int alive = 0, peak = 0;
  for (const plait::pass& one : order) {
    if (one.chunk != chunk) continue;
    if (one.kind == plait::op::forward) peak = std::max(peak, ++alive);
    if (one.kind == plait::op::backward || one.kind == plait::op::backward_weight) --alive;
  }
  return peak;
}

/// The most micro-batches of one chunk between the halves of their backward passes at once.
inline int most_between_halves(const std::vector<plait::pass>& order, int chunk) {
  int waiting = 0, most = 0;
  for (const plait::pass& one : order) {
    if (one.chunk != chunk) continue;
    if (one.kind == plait::op::backward_input) most = std::max(most, ++waiting);
    if (one.kind == plait::op::backward_weight) --waiting;
  }
  return most;
}

/// What the laws are about, for one rank of one shape. The checks are not templates, because they cost the compiler
/// much.
struct stated {
  std::vector<plait::pass> order;
  std::vector<bool> runs;
  int passes = 0;
  int peak = 0;
  std::vector<int> outputs_in_flight;  ///< [chunks]
};

inline void check_training(const std::vector<plait::program>& programs, const std::vector<stated>& said) {
  const plait::verification found = plait::verify(programs);
  CHECK_MESSAGE(found.valid, to_string(found));
  for (const plait::program& one : programs) {
    const stated& mine = said[static_cast<std::size_t>(one.rank)];
    CHECK(one.trains);
    CHECK(plait::peak_activations(one) == mine.peak);
    CHECK(static_cast<int>(mine.order.size()) <= mine.passes);
    CHECK(fault_of_order(mine.order, one.shape, mine.runs) == "");
    for (int chunk = 0; chunk < one.shape.chunks; ++chunk) {
      CHECK(one.slots[static_cast<std::size_t>(chunk)] == peak_of_chunk(mine.order, chunk));
      CHECK(one.pending[static_cast<std::size_t>(chunk)] == most_between_halves(mine.order, chunk));
    }
  }
}

inline void check_evaluation(const std::vector<plait::program>& programs, const std::vector<stated>& said) {
  const plait::verification found = plait::verify(programs);
  CHECK_MESSAGE(found.valid, "forward projection: ", to_string(found));
  for (const plait::program& one : programs) {
    CHECK_FALSE(one.trains);
    for (std::size_t chunk = 0; chunk < one.slots.size(); ++chunk)
      CHECK(one.slots[chunk] <= said[static_cast<std::size_t>(one.rank)].outputs_in_flight[chunk]);
  }
}

/// What a schedule that keeps weight versions is tried with, and what one that flushes is tried with besides.
inline std::vector<plait::step_options> options_of(plait::weight_versions policy) {
  if (policy != plait::weight_versions::flush) return {{}, {.buckets = 3}};
  return {{}, {.buckets = 3, .clip = true}, {.buckets = 1, .post_validate = true}};
}

template <plait::schedule S>
void check_shape(plait::pipe_shape shape) {
  std::vector<stated> said;
  const auto passes = plait::detail::passes_of<S>(shape);
  for (int rank = 0; rank < shape.ranks; ++rank) {
    said.push_back({passes[static_cast<std::size_t>(rank)],
                    runs_on<typename S::placement>(shape, rank),
                    S::passes(shape),
                    S::peak_activations(shape, rank),
                    {}});
    for (int chunk = 0; chunk < shape.chunks; ++chunk)
      if constexpr (plait::states_messages_in_flight<S>)
        said.back().outputs_in_flight.push_back(S::in_flight(shape, rank, chunk, plait::op::send_activation));
      else
        said.back().outputs_in_flight.push_back(std::max(shape.all_micro(), 2));
    // The order of one rank is that among all.
    if (rank == shape.micro % shape.ranks) CHECK(order_of<S>(shape, rank) == said.back().order);
  }
  bool compiled = true;  // what a static_assert would see
  for (const plait::step_options& options : options_of(plait::versions_of<S>())) {
    check_training(plait::programs_of<S>(shape, options), said);
    compiled = compiled && plait::completes<S>(shape, options);
  }
  CHECK(compiled);
  if (plait::versions_of<S>() != plait::weight_versions::flush)  // rather than leaving the clipping out without a word
    CHECK_FALSE(plait::completes<S>(shape, {.clip = true}));
  check_evaluation(plait::forward_programs_of<S>(shape), said);
}

template <plait::schedule S>
void check_refusal(plait::pipe_shape shape, const plait::shape_verdict& verdict) {
  CHECK_FALSE(verdict.reason.empty());
  for (int nearest : {verdict.nearest_below, verdict.nearest_above}) {
    plait::pipe_shape near = shape;
    near.micro = nearest;
    CHECK((nearest == 0 || S::accepts(near).legal));
  }
  CHECK_FALSE(plait::completes<S>(shape));
  CHECK_THROWS_AS(static_cast<void>(plait::program_of<S>(shape, 0)), plait::error);
}

/// Every law for every shape given: a legal one is ordered rightly, an illegal one is refused with legal neighbours.
/// Some must be legal.
template <plait::schedule S>
void schedule(const std::vector<plait::pipe_shape>& shapes = shapes_of<S>()) {
  int legal = 0;
  for (const plait::pipe_shape shape : shapes) {
    const std::string of_shape = text_of(shape);
    CAPTURE(of_shape);
    const plait::shape_verdict verdict = S::accepts(shape);
    verdict.legal ? check_shape<S>(shape) : check_refusal<S>(shape, verdict);
    legal += verdict.legal ? 1 : 0;
  }
  CHECK(legal > 0);
}

/// What `forward_only<S>` runs is what an evaluation of `S` runs.
template <plait::schedule S>
void check_forward_only(plait::pipe_shape shape) {
  using evaluation = plait::forward_only<S>;
  const auto programs = plait::programs_of<evaluation>(shape);
  const auto projected = plait::forward_programs_of<S>(shape);
  const plait::verification found = plait::verify(programs);
  CHECK_MESSAGE(found.valid, to_string(found));
  CHECK(plait::completes<evaluation>(shape));
  for (const plait::program& one : programs) {
    CHECK_FALSE(one.trains);
    CHECK(evaluation::peak_activations(shape, one.rank) == 0);
    const auto runs = runs_on<typename S::placement>(shape, one.rank);
    CHECK(fault_of_order(order_of<evaluation>(shape, one.rank), shape, runs, /*trains=*/false) == "");
    std::string text, text_of_projection;
    for (const plait::action& act : one.actions) text += to_string(act) + "; ";
    for (const plait::action& act : projected[static_cast<std::size_t>(one.rank)].actions)
      text_of_projection += to_string(act) + "; ";
    CHECK(text == text_of_projection);
  }
}

}  // namespace laws
