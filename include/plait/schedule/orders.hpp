// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <plait/core/scratch.hpp>
#include <plait/schedule/program_of.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait {

/// A schedule as a value: where the stages are and the order of every rank. What a file, a search or a hand brings; a
/// schedule as a type makes one too.
struct orders {
  std::string name{};
  pipe_shape shape{};
  std::vector<std::int16_t> stage_of{};     ///< [ranks, chunks]; -1: a rank that has no such chunk
  std::vector<std::vector<pass>> passes{};  ///< [ranks]; with sends and receives only if it has all of them
  weight_versions versions = weight_versions::flush;
  /// [ranks, chunks]: gradients of a chunk that may be under way at once, where the orders know the times that passes
  /// take; none: as many as nobody waits for when all passes take equally long. Neighbouring stages of one rank have
  /// equal numbers. For models with skip edges it counts only where the next is there too.
  std::vector<int> in_flight{};
  /// [ranks, chunks]: the same of the gradients that a chunk sends along skip edges, one for all edges that lead to it;
  /// none: as many as nobody waits for when all passes take equally long.
  std::vector<int> skips_in_flight{};

  [[nodiscard]] constexpr int stage(int rank, int chunk) const {
    return stage_of[static_cast<std::size_t>(rank * shape.chunks + chunk)];
  }
};

namespace detail {

/// [ranks]: the orders of a schedule.
template <schedule S>
constexpr std::vector<std::vector<pass>> passes_of(pipe_shape shape) {
  scratch<pass> memory(static_cast<std::size_t>(S::passes(shape) * shape.ranks));
  scratch<rank_order_of_passes> orders(static_cast<std::size_t>(shape.ranks));
  write_orders<S>(shape, memory.data(), orders.data());
  std::vector<std::vector<pass>> all;
  for (int rank = 0; rank < shape.ranks; ++rank) all.emplace_back(orders.data()[rank].begin, orders.data()[rank].end);
  return all;
}

}  // namespace detail

/// The orders of a schedule for a shape. Throws: usage, for a shape that it does not accept.
template <schedule S>
constexpr orders orders_of(pipe_shape shape) {
  require_legal(S::name, shape, S::accepts(shape));
  orders all{.name = std::string{S::name}, .shape = shape, .versions = versions_of<S>()};
  for (int rank = 0; rank < shape.ranks; ++rank)
    for (int chunk = 0; chunk < shape.chunks; ++chunk)
      all.stage_of.push_back(static_cast<std::int16_t>(S::placement::stage_of(shape, rank, chunk)));
  all.passes = detail::passes_of<S>(shape);
  return all;
}

namespace detail {

constexpr void require_room_for_skips(const orders& all, const stage_table& table, const skip_edges& skips) {
  require(skips.fit(all.shape.stages()), "plait::programs_of", [] { return std::string{wrong_skips}; });
  require(all.skips_in_flight.size() == all.stage_of.size(), "plait::programs_of",
          "there must be a number of gradients along skip edges under way for each chunk of each rank, or none");
  for (const skip_edge& edge : skips)
    for (int copy = 0; copy < table.copies(edge.to); ++copy) {
      const holder at = table.copy(edge.to, copy);
      require(all.skips_in_flight[static_cast<std::size_t>(at.rank * all.shape.chunks + at.chunk)] > 0,
              "plait::programs_of", [&] {
                return "the orders have no room for gradients along the skip edge from stage " +
                       std::to_string(edge.from) + " to stage " + std::to_string(edge.to) +
                       "; find them again with the edges of the model";
              });
    }
}

}  // namespace detail

/// The programs of all ranks for orders that were brought, with the messages, reductions and updates that follow from
/// them. Throws: usage, where they name what the shape lacks, or no rank holds a stage.
constexpr std::vector<program> programs_of(const orders& all, step_options options = {}, bool forward_only = false) {
  const pipe_shape shape = all.shape;
  require(positive_shape(shape).legal && all.passes.size() == static_cast<std::size_t>(shape.ranks) &&
              all.stage_of.size() == static_cast<std::size_t>(shape.ranks * shape.chunks),
          "plait::programs_of", "there must be an order for each rank, and a stage or -1 for each of its chunks");
  const detail::stage_table table{shape, [&](int rank, int chunk) { return all.stage(rank, chunk); }};
  for (int stage = 0; stage < shape.stages(); ++stage)
    require(table.copies(stage) > 0, "plait::programs_of",
            [&] { return "no rank holds stage " + std::to_string(stage) + " of " + std::to_string(shape.stages()); });
  require(all.in_flight.empty() || all.in_flight.size() == all.stage_of.size(), "plait::programs_of",
          "there must be a number of gradients under way for each chunk of each rank, or none");
  std::vector<std::vector<pass>> kept = all.passes;
  if (!all.in_flight.empty() && !forward_only && (options.skips.empty() || !all.skips_in_flight.empty())) {
    if (!options.skips.empty()) detail::require_room_for_skips(all, table, options.skips);
    std::vector<program> programs;
    for (int rank = 0; rank < shape.ranks; ++rank) {
      const std::vector<pass>& mine = kept[static_cast<std::size_t>(rank)];
      programs.push_back(detail::build_program(
          table, shape, rank, {mine.data(), mine.data() + mine.size()}, detail::with_sums(options, table.lanes() > 1),
          all.versions, nullptr,
          [&](int chunk, op) { return all.in_flight[static_cast<std::size_t>(rank * shape.chunks + chunk)]; },
          /*others_train=*/false, options.skips.empty() ? nullptr : all.skips_in_flight.data() + rank * shape.chunks));
    }
    return programs;
  }
  scratch<detail::rank_order_of_passes> orders(kept.size());
  for (std::size_t rank = 0; rank < kept.size(); ++rank) {
    pass* const begin = kept[rank].data();
    const pass* const end = begin + kept[rank].size();
    orders.data()[rank] = {begin, forward_only ? detail::keep_forward(begin, end) : end};
  }
  return detail::build_programs(table, shape, orders.data(), options, all.versions);
}

}  // namespace plait
