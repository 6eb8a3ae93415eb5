// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include <plait/core/scratch.hpp>
#include <plait/schedule/shape.hpp>

namespace plait::detail {

/// One (rank, chunk) of a pipeline.
struct holder {
  std::int16_t rank = -1;
  std::int16_t chunk = -1;
};

/// Who holds which stage, both ways. Where a stage has copies, they are numbered by chunk and then by rank, and
/// micro-batch i goes through copy i mod copies.
class stage_table {
 public:
  /// stage_of(rank, chunk): a stage, or -1 where the rank has no such chunk. Stages out of range are left out.
  template <class StageOf>
  constexpr stage_table(pipe_shape shape, StageOf&& stage_of)
      : chunks_{shape.chunks},
        stages_{shape.stages()},
        stage_memory_(static_cast<std::size_t>(shape.ranks * shape.chunks)),
        first_memory_(static_cast<std::size_t>(stages_ + 1)),
        holder_memory_(static_cast<std::size_t>(shape.ranks * shape.chunks)),
        stage_{stage_memory_.data()},
        first_{first_memory_.data()},
        holders_{holder_memory_.data()} {
    const int places = shape.ranks * chunks_;
    for (int at = 0; at < places; ++at) {
      const int stage = stage_of(at / chunks_, at % chunks_);
      stage_[at] = static_cast<std::int16_t>(stage < 0 || stage >= stages_ ? -1 : stage);
      if (stage_[at] >= 0) ++first_[stage_[at] + 1];
    }
    for (int stage = 0; stage < stages_; ++stage) first_[stage + 1] += first_[stage];
    for (int chunk = 0; chunk < chunks_; ++chunk)
      for (int rank = 0; rank < shape.ranks; ++rank) {
        const int stage = stage_[rank * chunks_ + chunk];
        if (stage < 0) continue;
        int to = first_[stage];
        while (holders_[to].rank >= 0) ++to;
        holders_[to] = {static_cast<std::int16_t>(rank), static_cast<std::int16_t>(chunk)};
      }
  }

  [[nodiscard]] constexpr int stages() const { return stages_; }
  [[nodiscard]] constexpr int stage_of(int rank, int chunk) const { return stage_[rank * chunks_ + chunk]; }
  [[nodiscard]] constexpr int copies(int stage) const { return first_[stage + 1] - first_[stage]; }
  [[nodiscard]] constexpr holder copy(int stage, int number) const { return holders_[first_[stage] + number]; }
  /// Where a micro-batch goes through a stage. Needs: a stage that somebody holds.
  [[nodiscard]] constexpr holder holder_of(int stage, int micro) const {
    const int count = copies(stage);
    return holders_[first_[stage] + (count == 1 ? 0 : micro % count)];
  }
  /// Which copy of its stage a (rank, chunk) is.
  [[nodiscard]] constexpr int copy_of(int rank, int chunk) const {
    const int stage = stage_of(rank, chunk);
    int number = 0;
    while (copy(stage, number).rank != rank || copy(stage, number).chunk != chunk) ++number;
    return number;
  }
  /// Micro-batches after which the way through the copies repeats: 1 where no stage has any.
  [[nodiscard]] constexpr int lanes() const {
    int all = 1;
    for (int stage = 0; stage < stages_; ++stage) {
      const int count = copies(stage) > 0 ? copies(stage) : 1;
      int least = all;
      while (least % count != 0) least += all;
      all = least;
    }
    return all;
  }

 private:
  int chunks_;
  int stages_;
  scratch<std::int16_t> stage_memory_;
  scratch<std::int32_t> first_memory_;
  scratch<holder> holder_memory_;
  std::int16_t* stage_;  ///< [ranks, chunks]
  std::int32_t* first_;  ///< [stages + 1]: where a stage's copies begin
  holder* holders_;      ///< [all copies]
};

}  // namespace plait::detail
