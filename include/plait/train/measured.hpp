// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <plait/mesh/description.hpp>
#include <plait/timeline/timeline.hpp>
#include <plait/train/gather.hpp>
#include <plait/train/rank.hpp>
#include <plait/train/recorder.hpp>

namespace plait {

/// What all ranks of a run did in their last step, and for how long a processor worked on each row.
struct measured_step {
  timeline rows;             ///< times from the first begin on any rank
  std::vector<double> work;  ///< [rows], seconds
};

/// Gathers the recorded steps of all ranks on every rank. All ranks call it together; it is not for use inside a step.
template <class Comm>
measured_step gather_measured(rank_context<Comm>& rank, const recorder<typename Comm::space>& mine, int micro,
                              typename Comm::space::stream order = {}) {
  constexpr std::size_t columns = 9;  // kind, stage, chunk, micro, begin, end, bytes, work, skip edge
  const auto ranks = static_cast<std::size_t>(rank.mesh().size());
  std::size_t room = 0;
  for (const double size : gather_values<double>(rank.world(), {static_cast<double>(mine.size())}, order))
    room = std::max(room, static_cast<std::size_t>(size));
  std::vector<double> own(1 + room * columns);
  own[0] = static_cast<double>(mine.size());
  for (std::size_t i = 0; i < mine.size(); ++i) {
    const auto& entry = mine[i];
    double* const row = own.data() + 1 + i * columns;
    row[0] = static_cast<double>(entry.what.kind);
    row[1] = entry.what.stage;
    row[2] = entry.what.chunk;
    row[3] = entry.what.micro;
    row[4] = mine.begin_of(i);
    row[5] = mine.end_of(i);
    row[6] = static_cast<double>(entry.bytes);
    row[7] = mine.work_of(i);
    row[8] = entry.what.edge;
  }
  const std::vector<double> table = gather_values(rank.world(), own, order);

  measured_step found{.rows = timeline{.name = "measured",
                                       .ranks = rank.mesh().size(),
                                       .stages = rank.mesh().stages(),
                                       .chunks = rank.mesh().chunks,
                                       .micro = micro},
                      .work = {}};
  double first = 0;
  for (std::size_t r = 0; r < ranks; ++r) {
    const double* const from = table.data() + r * (1 + room * columns);
    if (from[0] > 0 && (r == 0 || from[1 + 4] < first)) first = from[1 + 4];
  }
  for (std::size_t r = 0; r < ranks; ++r) {
    found.rows.rank_names.push_back(rank_name(rank.mesh(), static_cast<int>(r)));
    const double* row = table.data() + r * (1 + room * columns);
    const auto count = static_cast<std::size_t>(*row++);
    for (std::size_t i = 0; i < count; ++i, row += columns) {
      found.rows.rows.push_back(timeline_row{.rank = static_cast<int>(r),
                                             .kind = static_cast<op>(static_cast<int>(row[0])),
                                             .stage = static_cast<int>(row[1]),
                                             .chunk = static_cast<int>(row[2]),
                                             .micro = static_cast<int>(row[3]),
                                             .begin = row[4] - first,
                                             .end = row[5] - first,
                                             .bytes = static_cast<std::int64_t>(row[6]),
                                             .edge = static_cast<int>(row[8])});
      found.work.push_back(row[7]);
    }
  }
  return found;
}

}  // namespace plait
