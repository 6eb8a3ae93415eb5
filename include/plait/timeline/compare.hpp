// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <plait/core/require.hpp>
#include <plait/timeline/detail/text.hpp>
#include <plait/timeline/time_unit.hpp>
#include <plait/timeline/timeline.hpp>

namespace plait {

/// A number that was predicted and the same number as measured.
struct compared {
  std::string what;
  double predicted = 0;
  double measured = 0;

  /// measured / predicted; 0 where nothing was predicted.
  [[nodiscard]] double ratio() const { return predicted > 0 ? measured / predicted : 0; }
};

/// A predicted step beside the measured one.
struct comparison {
  std::string predicted_name, measured_name;
  compared makespan{"makespan"};  ///< seconds
  compared bubble{"bubble"};      ///< share of ranks x makespan
  std::vector<compared> kinds{};  ///< seconds of all ranks: forward, backward, communication, optimizer, waiting
  std::vector<compared> ranks{};  ///< seconds that each rank works
};

/// Compares two timelines of one step. Backward counts both halves; communication is the reductions, from when all
/// ranks have come; waiting is the rest of the step: for messages, for others, and before and after the work.
/// Throws: usage, unless both have the same number of ranks, or when their rows cannot be drawn.
inline comparison compare(const timeline& predicted, const timeline& measured) {
  require(predicted.ranks == measured.ranks, "plait::compare", [&] {
    return predicted.name + " has " + std::to_string(predicted.ranks) + " ranks and " + measured.name + " has " +
           std::to_string(measured.ranks) + "; compare timelines of the same ranks";
  });
  comparison result{predicted.name, measured.name};
  result.kinds = {{"forward"}, {"backward"}, {"communication"}, {"optimizer"}, {"waiting"}};
  for (int rank = 0; rank < predicted.ranks; ++rank)
    result.ranks.push_back({"busy, " + detail::rank_name(measured, rank)});
  const auto fill = [&](const timeline& from, double compared::*column) {
    detail::require_drawable({&from, 1}, "plait::compare");
    result.makespan.*column = from.makespan();
    result.bubble.*column = from.bubble();
    for (const timeline_row& row : from.work()) {
      const int kind = row.kind == op::forward ? 0 : is_backward(row.kind) ? 1 : row.kind == op::optimizer_step ? 3 : 2;
      result.kinds[static_cast<std::size_t>(kind)].*column += row.end - row.begin;
    }
    result.kinds.back().*column = from.makespan() * from.ranks - from.busy();
    const std::vector<double> busy = from.busy_of_ranks();
    for (std::size_t rank = 0; rank < busy.size(); ++rank) result.ranks[rank].*column = busy[rank];
  };
  fill(predicted, &compared::predicted);
  fill(measured, &compared::measured);
  return result;
}

/// For a terminal:
///
///                       predicted  measured  ratio
///     makespan            12.3 ms   13.1 ms   1.07
///     bubble               27.3 %    31.0 %   1.14
///     forward             29.1 ms   30.4 ms   1.04
///     ...
inline std::string to_text(const comparison& both, time_unit unit = time_unit::second) {
  std::vector<std::vector<std::string>> table{{"", both.predicted_name, both.measured_name, "ratio"}};
  const auto add = [&](const compared& one, auto&& text) {
    char ratio[32] = "-";
    if (one.predicted > 0) std::snprintf(ratio, sizeof ratio, "%.2f", one.ratio());
    table.push_back({one.what, text(one.predicted), text(one.measured), ratio});
  };
  // One scale for all times, so that they can be compared down a column.
  const time_scale scale = scale_for(std::max(both.makespan.predicted, both.makespan.measured), unit);
  const auto time = [&](double value) { return to_text(value, scale); };
  add(both.makespan, time);
  add(both.bubble, [](double share) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
    return std::string{text};
  });
  for (const compared& one : both.kinds)
    if (one.predicted != 0 || one.measured != 0) add(one, time);
  for (const compared& one : both.ranks) add(one, time);

  std::vector<std::size_t> widths(table[0].size());
  for (const auto& row : table)
    for (std::size_t column = 0; column < row.size(); ++column)
      widths[column] = std::max(widths[column], row[column].size());
  std::string text;
  for (const auto& row : table) {
    text.append(row[0]).append(widths[0] - row[0].size(), ' ');
    for (std::size_t column = 1; column < row.size(); ++column)
      text.append(widths[column] - row[column].size() + 2, ' ').append(row[column]);
    text.append("\n");
  }
  return text;
}

}  // namespace plait
