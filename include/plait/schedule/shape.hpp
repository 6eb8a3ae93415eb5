// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <plait/core/require.hpp>

namespace plait {

/// The size of a pipeline: how many ranks, how many micro-batches a step, how many stages on each rank.
struct pipe_shape {
  int ranks = 1;
  int micro = 1;
  int chunks = 1;
  int steps = 1;         ///< that one program makes without draining between them; schedules that flush make 1
  int model_stages = 0;  ///< 0: ranks * chunks; fewer where several ranks hold a copy of a stage

  [[nodiscard]] constexpr int stages() const { return model_stages > 0 ? model_stages : ranks * chunks; }
  /// Micro-batches of all steps; they are numbered through.
  [[nodiscard]] constexpr int all_micro() const { return micro * steps; }
  [[nodiscard]] constexpr bool has_copies() const { return stages() < ranks * chunks; }
  friend constexpr bool operator==(const pipe_shape&, const pipe_shape&) = default;
};

/// Whether a schedule can order a shape and, where not, why, and which numbers of micro-batches nearby it could.
struct shape_verdict {
  bool legal = true;
  std::string_view reason{};
  int nearest_below = 0;  ///< a legal number of micro-batches; 0: none below
  int nearest_above = 0;
};

/// What no schedule can do without.
constexpr shape_verdict positive_shape(pipe_shape shape) {
  if (shape.ranks < 1) return {false, "a pipeline has at least 1 rank", 0, 0};
  if (shape.chunks < 1) return {false, "a rank has at least 1 chunk", 0, 0};
  if (shape.micro < 1) return {false, "a step has at least 1 micro-batch", 0, 1};
  if (shape.steps < 1) return {false, "a program has at least 1 step", 0, 0};
  if (shape.stages() > 32767 || shape.micro > 32767 / shape.steps)
    return {false, "stages and micro-batches count up to 32767", 0, 0};
  if (shape.stages() > shape.ranks * shape.chunks) return {false, "there are more stages than ranks have chunks", 0, 0};
  return {};
}

/// Throws usage with the schedule's reason and the nearest legal numbers of micro-batches, unless `verdict` is legal.
constexpr void require_legal(std::string_view schedule, pipe_shape shape, const shape_verdict& verdict) {
  require(verdict.legal, "plait::program_of", [&] {
    std::string text{schedule};
    text.append(": ").append(verdict.reason).append("; it was given ").append(std::to_string(shape.ranks));
    text.append(" ranks, ").append(std::to_string(shape.micro)).append(" micro-batches and ");
    text.append(std::to_string(shape.chunks)).append(" chunks");
    if (verdict.nearest_below > 0 && verdict.nearest_above > 0)
      text.append("; the nearest legal numbers of micro-batches are ")
          .append(std::to_string(verdict.nearest_below))
          .append(" and ")
          .append(std::to_string(verdict.nearest_above));
    else if (verdict.nearest_below > 0 || verdict.nearest_above > 0)
      text.append("; the nearest legal number of micro-batches is ")
          .append(std::to_string(verdict.nearest_below > 0 ? verdict.nearest_below : verdict.nearest_above));
    return text;
  });
}

}  // namespace plait
