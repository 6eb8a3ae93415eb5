// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <plait/schedule/simulate.hpp>

namespace plait {

/// Which of a rank's activities a row belongs to.
enum class lane : std::uint8_t { compute, communication };

constexpr lane lane_of(op kind) {
  return is_compute(kind) || kind == op::optimizer_step ? lane::compute : lane::communication;
}

/// One action that was run or simulated: the one schema of all timelines.
struct timeline_row {
  int rank = 0;  ///< of the pipeline, or of the whole mesh
  op kind = op::forward;
  int stage = -1;
  int chunk = -1;
  int micro = -1;
  double begin = 0;  ///< seconds from the start of the step
  double end = 0;
  std::int64_t bytes = 0;  ///< that the action moved between ranks
  bool beside = false;     ///< a backward pass that ran together with the forward pass before it
  int edge = -1;           ///< skip edge that a message went along; -1: it went between neighbouring stages

  friend bool operator==(const timeline_row&, const timeline_row&) = default;
};

/// What happened in one step, on every rank.
struct timeline {
  std::string name{};  ///< `predicted`, `measured`
  int ranks = 0;
  int stages = 0;
  int chunks = 1;
  int micro = 0;
  std::vector<std::string> rank_names{};  ///< [ranks], for people; may be empty
  std::vector<timeline_row> rows{};

  /// From the first begin to the last end.
  [[nodiscard]] double makespan() const {
    if (rows.empty()) return 0;
    double first = rows[0].begin, last = rows[0].end;
    for (const timeline_row& row : rows) {
      if (row.begin < first) first = row.begin;
      if (row.end > last) last = row.end;
    }
    return last - first;
  }

  /// The rows that are work: passes, reductions and updates that take time. Waiting is not work: receives are left out,
  /// as are sends, which wait for nobody, and a collective over all ranks begins when the last of them has come.
  [[nodiscard]] std::vector<timeline_row> work() const {
    double all_here[op_count]{};
    for (double& latest : all_here) latest = -std::numeric_limits<double>::infinity();
    for (const timeline_row& row : rows)
      if (row.kind == op::reduce_norm || row.kind == op::reduce_loss)
        all_here[static_cast<int>(row.kind)] = later(all_here[static_cast<int>(row.kind)], row.begin);
    std::vector<timeline_row> result;
    for (timeline_row row : rows) {
      row.begin = later(row.begin, all_here[static_cast<int>(row.kind)]);
      if (!is_receive(row.kind) && !is_send(row.kind) && row.begin < row.end) result.push_back(row);
    }
    return result;
  }

  /// [ranks]: time in which each rank works. What overlaps on a rank, such as a reduction under a pass, counts once.
  [[nodiscard]] std::vector<double> busy_of_ranks() const {
    std::vector<double> busy(static_cast<std::size_t>(ranks)), until(busy.size());
    std::vector<timeline_row> ordered = work();
    // Insertion sort: rows of a rank come in order but for a few, and <algorithm> would cost every includer.
    for (std::size_t i = 1; i < ordered.size(); ++i)
      for (std::size_t j = i; j > 0 && before(ordered[j], ordered[j - 1]); --j) std::swap(ordered[j], ordered[j - 1]);
    for (double& end : until) end = -std::numeric_limits<double>::infinity();
    for (const timeline_row& row : ordered) {
      const auto rank = static_cast<std::size_t>(row.rank);
      if (row.end <= until[rank]) continue;
      busy[rank] += row.end - later(row.begin, until[rank]);
      until[rank] = row.end;
    }
    return busy;
  }

  /// [ranks]: most activations alive at once, in chunks, each from the start of its forward pass to the end of its
  /// backward pass or of its weight half. Empty, where there is no backward pass.
  [[nodiscard]] std::vector<int> peaks_of_ranks() const {
    std::vector<int> alive(static_cast<std::size_t>(ranks)), peak(alive.size());
    bool trains = false;
    for (const timeline_row& row : rows) {  // a rank's passes come in the order in which it runs them
      const auto rank = static_cast<std::size_t>(row.rank);
      trains = trains || is_backward(row.kind);
      if (row.kind == op::forward && ++alive[rank] > peak[rank]) peak[rank] = alive[rank];
      if (row.kind == op::backward || row.kind == op::backward_weight) --alive[rank];
    }
    return trains ? peak : std::vector<int>{};
  }

  /// Time in which ranks work, summed over all of them.
  [[nodiscard]] double busy() const {
    double sum = 0;
    for (const double each : busy_of_ranks()) sum += each;
    return sum;
  }

  /// Idle share of ranks x makespan.
  [[nodiscard]] double bubble() const {
    const double span = makespan();
    return span > 0 && ranks > 0 ? 1 - busy() / (span * ranks) : 0;
  }

 private:
  static double later(double a, double b) { return a < b ? b : a; }
  static bool before(const timeline_row& a, const timeline_row& b) {
    return a.rank != b.rank ? a.rank < b.rank : a.begin < b.begin;
  }
};

/// The row of an action that was run or simulated.
inline timeline_row row_of(int rank, const action& act, double begin, double end, byte_count moved) {
  return timeline_row{.rank = rank,
                      .kind = act.kind,
                      .stage = act.stage,
                      .chunk = act.chunk,
                      .micro = act.micro,
                      .begin = begin,
                      .end = end,
                      .bytes = moved.value,
                      .beside = act.beside,
                      .edge = act.edge};
}

/// The timeline that `simulate` predicts for the programs of all ranks.
inline timeline predicted_timeline(const std::vector<program>& programs, const step_costs& costs) {
  timeline result{.name = "predicted", .ranks = static_cast<int>(programs.size())};
  if (programs.empty()) return result;
  result.stages = programs[0].shape.stages();
  result.chunks = programs[0].shape.chunks;
  result.micro = programs[0].shape.all_micro();
  simulate(programs, costs, [&](int rank, const action& act, double begin, double end) {
    result.rows.push_back(row_of(rank, act, begin, end, costs.message_of(act, programs[0].options.skips)));
  });
  return result;
}

}  // namespace plait
