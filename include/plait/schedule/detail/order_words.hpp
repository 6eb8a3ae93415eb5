// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <plait/schedule/detail/stage_table.hpp>
#include <plait/schedule/schedule.hpp>

namespace plait::detail {

/// The orders of all ranks, each as a word of 3 chunks * micro letters; a letter says which part (0 forward, 1 input
/// half, 2 weight half) of which chunk is next: `part * chunks + chunk`. Which micro-batch it is follows: passes of one
/// letter run in the order of micro-batches.
///
/// No order is lost by that. Micro-batches are alike, so in any order the k-th pass of a letter can be given
/// micro-batch k: its k-th input was there no later than the one that it had.
struct order_words {
  pipe_shape shape{};
  int length = 0;                      ///< letters of a rank
  std::vector<std::uint8_t> letter{};  ///< [ranks, length]

  order_words() = default;
  explicit order_words(pipe_shape of)
      : shape{of}, length{3 * of.chunks * of.micro}, letter(static_cast<std::size_t>(of.ranks * length)) {}

  [[nodiscard]] std::span<std::uint8_t> of(int rank) {
    return {letter.data() + rank * length, static_cast<std::size_t>(length)};
  }
  [[nodiscard]] std::span<const std::uint8_t> of(int rank) const {
    return {letter.data() + rank * length, static_cast<std::size_t>(length)};
  }
  friend bool operator==(const order_words&, const order_words&) = default;
};

/// The words of orders; whole backward passes are cut in two.
inline order_words words_of(pipe_shape shape, const std::vector<std::vector<pass>>& passes) {
  order_words words{shape};
  for (int rank = 0; rank < shape.ranks; ++rank) {
    std::uint8_t* next = words.of(rank).data();
    const auto put = [&](int part, int chunk) { *next++ = static_cast<std::uint8_t>(part * shape.chunks + chunk); };
    for (const pass& one : passes[static_cast<std::size_t>(rank)]) {
      if (one.kind == op::forward) put(0, one.chunk);
      if (one.kind == op::backward || one.kind == op::backward_input) put(1, one.chunk);
      if (one.kind == op::backward || one.kind == op::backward_weight) put(2, one.chunk);
    }
  }
  return words;
}

/// The orders that words stand for.
inline std::vector<std::vector<pass>> passes_of_words(const order_words& words) {
  constexpr op kinds[3]{op::forward, op::backward_input, op::backward_weight};
  const auto chunks = static_cast<std::size_t>(words.shape.chunks);
  std::vector<std::vector<pass>> all;
  for (int rank = 0; rank < words.shape.ranks; ++rank) {
    std::vector<std::int16_t> done(3 * chunks);
    std::vector<pass> mine;
    for (const std::uint8_t letter : words.of(rank))
      mine.push_back({kinds[letter / chunks], static_cast<std::int16_t>(letter % chunks), done[letter]++});
    all.push_back(std::move(mine));
  }
  return all;
}

/// One micro-batch through all stages and back after the other: the least memory.
inline order_words one_at_a_time(pipe_shape shape) {
  order_words words{shape};
  for (int rank = 0; rank < shape.ranks; ++rank) {
    std::uint8_t* next = words.of(rank).data();
    for (int micro = 0; micro < shape.micro; ++micro) {
      for (int chunk = 0; chunk < shape.chunks; ++chunk) *next++ = static_cast<std::uint8_t>(chunk);
      for (int chunk = shape.chunks - 1; chunk >= 0; --chunk)
        for (const int part : {1, 2}) *next++ = static_cast<std::uint8_t>(part * shape.chunks + chunk);
    }
  }
  return words;
}

/// Whether a rank's word has the passes of each micro-batch and chunk in order and at most `limit` activations alive.
/// counts: room for one number for each letter.
inline bool is_word(std::span<const std::uint8_t> word, int chunks, int limit, int* counts) {
  for (int i = 0; i < 3 * chunks; ++i) counts[i] = 0;
  int alive = 0;
  for (const std::uint8_t letter : word) {
    const int count = ++counts[letter];
    if (letter < chunks) {
      if (++alive > limit) return false;
    } else if (counts[letter - chunks] < count) {
      return false;
    } else if (letter >= 2 * chunks) {
      --alive;
    }
  }
  return true;
}

/// Most activations alive at once.
inline int peak_of_word(std::span<const std::uint8_t> word, int chunks) {
  int alive = 0, peak = 0;
  for (const std::uint8_t letter : word) {
    if (letter < chunks) peak = ++alive > peak ? alive : peak;
    if (letter >= 2 * chunks) --alive;
  }
  return peak;
}

}  // namespace plait::detail
