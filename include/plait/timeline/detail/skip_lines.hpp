// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include <plait/timeline/timeline.hpp>

namespace plait::detail {

/// A message along a skip edge in a timeline: the forward pass that made it, and the one that reads it.
struct skip_line {
  int edge = 0;
  timeline_row from{};
  timeline_row to{};
};

/// The messages along skip edges, each with its two forward passes. Where both ends of an edge are on one rank there is
/// no message, and no line.
///
/// A timeline of a whole mesh has a message of each edge and micro-batch in every one of its pipelines: the k-th rank
/// that sends it is taken to be in one pipeline with the k-th that receives it, as ranks of a mesh are.
inline std::vector<skip_line> skip_lines(const timeline& of) {
  using message = std::pair<int, int>;                                   // edge, micro-batch
  std::map<std::tuple<int, int, int>, const timeline_row*> passes;       // rank, stage, micro-batch
  std::map<message, std::map<int, const timeline_row*>> sent, received;  // by rank
  for (const timeline_row& row : of.rows) {
    if (row.kind == op::forward) passes[{row.rank, row.stage, row.micro}] = &row;
    if (row.edge < 0) continue;
    if (row.kind == op::send_activation) sent[{row.edge, row.micro}][row.rank] = &row;
    if (row.kind == op::receive_activation) received[{row.edge, row.micro}][row.rank] = &row;
  }
  const auto pass_of = [&](const timeline_row& row) {
    const auto found = passes.find({row.rank, row.stage, row.micro});
    return found == passes.end() ? nullptr : found->second;
  };
  std::vector<skip_line> lines;
  for (const auto& [which, senders] : sent) {
    const auto receivers = received.find(which);
    if (receivers == received.end() || receivers->second.size() != senders.size()) continue;
    auto receiver = receivers->second.begin();
    for (const auto& [rank, row] : senders) {
      const timeline_row *from = pass_of(*row), *to = pass_of(*receiver->second);
      if (from != nullptr && to != nullptr) lines.push_back({which.first, *from, *to});
      ++receiver;
    }
  }
  return lines;
}

}  // namespace plait::detail
