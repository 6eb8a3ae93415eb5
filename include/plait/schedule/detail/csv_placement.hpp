// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/schedule/detail/csv_cell.hpp>

namespace plait::detail {

/// A cell, and where it stands in its row, counted from 0.
struct csv_place {
  csv_cell cell{};
  int column = 0;
  bool beside = false;
};

/// [ranks]: which stages a rank holds, as its chunks in order, found from the passes that it runs.
///
/// A stage that several ranks run has copies, and a micro-batch goes through copy number (micro-batch mod copies). A
/// rank's chunks are ordered by the number of the copy and then by stage, so that placements come out as they went in.
/// A rank that runs less than half as many passes of a stage as another does not hold it: the cell is a slip.
/// Throws: schedule, with the first such cell.
inline std::vector<std::vector<int>> stages_of_rows(const std::vector<std::vector<csv_place>>& rows, int stages) {
  std::vector<std::map<int, int>> counts(rows.size());  // of each rank: passes of each stage it runs
  std::vector<std::map<int, int>> firsts(rows.size());  // the first micro-batch
  std::vector<int> most(static_cast<std::size_t>(stages));
  for (std::size_t rank = 0; rank < rows.size(); ++rank)
    for (const csv_place& one : rows[rank]) {
      if (!is_compute(one.cell.kind)) continue;
      firsts[rank].try_emplace(one.cell.stage, one.cell.micro);
      int& here = most[static_cast<std::size_t>(one.cell.stage)];
      here = std::max(here, ++counts[rank][one.cell.stage]);
    }
  const auto holds = [&](std::size_t rank, int stage) {
    const auto found = counts[rank].find(stage);
    return found != counts[rank].end() && 2 * found->second >= most[static_cast<std::size_t>(stage)];
  };
  for (std::size_t rank = 0; rank < rows.size(); ++rank)
    for (const csv_place& one : rows[rank])
      if (!holds(rank, one.cell.stage)) {
        std::string text{"rank "};
        text.append(std::to_string(rank)).append(", position ").append(std::to_string(one.column)).append(" (");
        text.append(csv_text(one.cell.kind, one.cell.stage, one.cell.micro));
        throw error{error_kind::schedule, "plait::read_csv", text.append("): its stage is on another rank")};
      }
  std::vector<std::vector<int>> held;
  for (std::size_t rank = 0; rank < rows.size(); ++rank) {
    std::vector<std::pair<int, int>> order;  // number of the copy, stage
    for (const auto& [stage, count] : counts[rank]) {
      int copies = 0;
      for (std::size_t other = 0; other < rows.size(); ++other) copies += holds(other, stage) ? 1 : 0;
      order.emplace_back(firsts[rank].at(stage) % copies, stage);
    }
    std::sort(order.begin(), order.end());
    held.emplace_back();
    for (const auto& [copy, stage] : order) held.back().push_back(stage);
  }
  return held;
}

}  // namespace plait::detail
