// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <plait/comm/communicator.hpp>
#include <plait/comm/detail/failure.hpp>
#include <plait/core/error.hpp>
#include <plait/mesh/description.hpp>
#include <plait/tensor/buffer.hpp>
#include <plait/train/rank.hpp>

namespace plait {

namespace detail {

/// Brings a text from one rank to all. All ranks call it together.
template <class Comm>
std::string broadcast_text(rank_context<Comm>& rank, const std::string& text, int root,
                           typename Comm::space::stream order) {
  using space = typename Comm::space;
  const auto broadcast = [&](std::vector<std::uint64_t>& words) {
    buffer<std::uint64_t, space> there{static_cast<std::int64_t>(words.size())};
    space::upload(there.data(), words.data(), words.size() * sizeof(std::uint64_t), order);
    rank.world().broadcast(std::span<std::uint64_t>{there.data(), words.size()}, root, order);
    space::download(words.data(), there.data(), words.size() * sizeof(std::uint64_t), order);
  };
  std::vector<std::uint64_t> length{text.size()};
  broadcast(length);
  if (length[0] == 0) return {};
  std::vector<std::uint64_t> words((length[0] + 7) / 8);
  if (rank.rank() == root) std::memcpy(words.data(), text.data(), text.size());
  broadcast(words);
  std::string brought(length[0], '\0');
  std::memcpy(brought.data(), words.data(), brought.size());
  return brought;
}

/// Values of each rank, gathered on all: [ranks * mine.size()]. All ranks call it together, with as many values.
template <class Comm>
std::vector<std::int64_t> gather_counts(rank_context<Comm>& rank, const std::vector<std::int64_t>& mine,
                                        typename Comm::space::stream order) {
  using space = typename Comm::space;
  const auto ranks = static_cast<std::size_t>(rank.mesh().size());
  std::vector<std::int64_t> all(ranks * mine.size());
  std::memcpy(all.data() + static_cast<std::size_t>(rank.rank()) * mine.size(), mine.data(),
              mine.size() * sizeof(std::int64_t));
  buffer<std::int64_t, space> there{static_cast<std::int64_t>(all.size())};
  space::upload(there.data(), all.data(), all.size() * sizeof(std::int64_t), order);
  rank.world().all_reduce(std::span<std::int64_t>{there.data(), all.size()}, reduction::sum, order);
  space::download(all.data(), there.data(), all.size() * sizeof(std::int64_t), order);
  return all;
}

}  // namespace detail

/// Does a thing that may fail on some ranks so that it succeeds on all or fails on all: calls `body()` on each rank,
/// and, if it threw anywhere, throws on every rank what the first rank that failed threw. Ranks stay in step, so the
/// run can go on. No rank returns before all have been through the body.
///
/// All ranks call it together; the body calls no communicator. Waits as long as the slowest body, within the
/// communicator's deadline.
template <class Comm, class Body>
void all_or_none(rank_context<Comm>& rank, typename Comm::space::stream order, Body&& body) {
  std::optional<error> mine;
  try {
    body();
  } catch (...) {
    mine = detail::error_of(std::current_exception());
  }
  const std::vector<std::int64_t> failed =
      detail::gather_counts(rank, {mine ? 1 + static_cast<int>(mine->kind()) : 0}, order);
  std::size_t first = 0;
  while (first < failed.size() && failed[first] == 0) ++first;
  if (first == failed.size()) return;
  const int root = static_cast<int>(first);
  const bool is_mine = rank.rank() == root;
  const std::string call = detail::broadcast_text(rank, is_mine ? mine->call() : "", root, order);
  const std::string sentence = detail::broadcast_text(rank, is_mine ? mine->sentence() : "", root, order);
  error all = is_mine ? *std::move(mine) : error{static_cast<error_kind>(failed[first] - 1), call, sentence};
  throw all.at_rank(root, to_string(rank.mesh().coordinate_of(root)));
}

}  // namespace plait
