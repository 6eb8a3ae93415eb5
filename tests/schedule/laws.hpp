// SPDX-License-Identifier: Apache-2.0
#pragma once
// The laws of the concept `schedule`, as tests that every model is put through: one call of `laws::schedule<S>()`.

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/schedule/program.hpp>
#include <plait/schedule/verify.hpp>

#include <doctest/doctest.h>

namespace laws {

/// `4 ranks, 8 micro-batches, 2 chunks`
inline std::string text_of(plait::pipe_shape shape) {
  return std::to_string(shape.ranks) + " ranks, " + std::to_string(shape.micro) + " micro-batches, " +
         std::to_string(shape.chunks) + " chunks";
}

/// Up to 8 ranks and 32 micro-batches.
inline std::vector<plait::pipe_shape> small_shapes(int chunks) {
  std::vector<plait::pipe_shape> shapes;
  for (int ranks = 1; ranks <= 8; ++ranks)
    for (int micro = 1; micro <= 32; ++micro) shapes.push_back({ranks, micro, chunks});
  return shapes;
}

template <plait::schedule S>
std::vector<plait::pass> order_of(plait::pipe_shape shape, int rank) {
  std::vector<plait::pass> order(static_cast<std::size_t>(S::passes(shape)));
  order.resize(static_cast<std::size_t>(S::order(shape, rank, order.data()) - order.data()));
  return order;
}

/// Law 1, counted from the order itself. Empty: it holds.
inline std::string fault_of_order(const std::vector<plait::pass>& order, plait::pipe_shape shape) {
  std::vector<int> done(static_cast<std::size_t>(shape.chunks * shape.micro));  // passes of each (chunk, micro)
  for (const plait::pass& one : order) {
    if (one.chunk < 0 || one.chunk >= shape.chunks || one.micro < 0 || one.micro >= shape.micro) return "out of range";
    int& passes = done[static_cast<std::size_t>(one.chunk * shape.micro + one.micro)];
    const bool split = one.kind == plait::op::backward_input || one.kind == plait::op::backward_weight;
    const int expected = one.kind == plait::op::forward ? 0 : one.kind == plait::op::backward_weight ? 2 : 1;
    if (passes != expected) return "a pass out of order, or twice";
    passes = one.kind == plait::op::backward ? 3 : split ? expected + 1 : 1;
  }
  return std::all_of(done.begin(), done.end(), [](int passes) { return passes == 3; }) ? "" : "a pass is missing";
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

/// What the laws are about, for one rank of one shape. The checks are not templates, because they cost the compiler
/// much.
struct stated {
  std::vector<plait::pass> order;
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
    CHECK(static_cast<int>(mine.order.size()) == mine.passes);
    CHECK(fault_of_order(mine.order, one.shape) == "");
    for (int chunk = 0; chunk < one.shape.chunks; ++chunk)
      CHECK(one.slots[static_cast<std::size_t>(chunk)] == peak_of_chunk(mine.order, chunk));
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

template <plait::schedule S>
void check_shape(plait::pipe_shape shape) {
  std::vector<stated> said;
  std::vector<plait::program> evaluation;
  for (int rank = 0; rank < shape.ranks; ++rank) {
    said.push_back({order_of<S>(shape, rank), S::passes(shape), S::peak_activations(shape, rank), {}});
    for (int chunk = 0; chunk < shape.chunks; ++chunk)
      if constexpr (plait::states_messages_in_flight<S>)
        said.back().outputs_in_flight.push_back(S::in_flight(shape, rank, chunk, plait::op::send_activation));
      else
        said.back().outputs_in_flight.push_back(shape.micro);
    evaluation.push_back(plait::forward_program_of<S>(shape, rank));
  }
  bool compiled = true;  // what a static_assert would see
  for (const plait::step_options& options : {plait::step_options{}, plait::step_options{.buckets = 3, .clip = true}}) {
    check_training(plait::programs_of<S>(shape, options), said);
    compiled = compiled && plait::completes<S>(shape, options);
  }
  CHECK(compiled);
  check_evaluation(evaluation, said);
}

template <plait::schedule S>
void check_refusal(plait::pipe_shape shape, const plait::shape_verdict& verdict) {
  for (int nearest : {verdict.nearest_below, verdict.nearest_above})
    CHECK((nearest == 0 || S::accepts({shape.ranks, nearest, shape.chunks}).legal));
  CHECK_FALSE(plait::completes<S>(shape));
  CHECK_THROWS_AS(plait::program_of<S>(shape, 0), plait::error);
}

/// Every law for every small shape: a legal one is ordered rightly, an illegal one is refused with legal neighbours.
template <plait::schedule S>
void schedule(int chunks) {
  for (const plait::pipe_shape shape : small_shapes(chunks)) {
    const std::string of_shape = text_of(shape);
    CAPTURE(of_shape);
    const plait::shape_verdict verdict = S::accepts(shape);
    verdict.legal ? check_shape<S>(shape) : check_refusal<S>(shape, verdict);
  }
}

}  // namespace laws
