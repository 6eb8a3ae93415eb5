// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <plait/comm/communicator.hpp>
#include <plait/tensor/buffer.hpp>
#include <plait/tensor/dtype.hpp>

namespace plait {

/// What every rank of a group brings, on every rank: result[rank * mine.size() + i]. All bring equally many values and
/// call it together, whatever they are: threads, processes, devices. It allocates, so it is not for use inside a step.
template <element T, communicator Comm>
std::vector<T> gather_values(Comm& group, const std::vector<T>& mine, typename Comm::space::stream order = {}) {
  using space = typename Comm::space;
  const auto each = static_cast<std::int64_t>(mine.size());
  std::vector<T> all(mine.size() * static_cast<std::size_t>(group.size()));
  buffer<T, space> whole{each * group.size()};
  const std::span<T> there{whole.data(), all.size()};
  const std::span<T> part = there.subspan(static_cast<std::size_t>(each * group.rank()), mine.size());
  space::upload(part.data(), mine.data(), mine.size() * sizeof(T), order);
  group.all_gather(std::span<const T>{part}, there, order);
  space::download(all.data(), there.data(), all.size() * sizeof(T), order);
  return all;
}

}  // namespace plait
