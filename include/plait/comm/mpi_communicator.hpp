// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <plait/comm/communicator.hpp>
#include <plait/comm/detail/channel.hpp>
#include <plait/comm/detail/mpi_exchange.hpp>
#include <plait/comm/detail/mpi_messages.hpp>
#include <plait/comm/detail/mpi_world.hpp>
#include <plait/comm/reduce_slices.hpp>
#include <plait/core/ranges.hpp>
#include <plait/core/require.hpp>
#include <plait/tensor/host.hpp>

namespace plait {

/// One rank's end of a group whose ranks are processes, in host memory, over an MPI communicator; made by `mpi::run`
/// and by `split`.
///
/// Sums are taken in rank order by code of plait's own, so they have the bits that `threads` gives; MPI carries bytes.
///
/// Cost, for n bytes and p ranks, per rank: a message is one MPI message. Up to `gathered_in_all` bytes on all ranks a
/// collective is log2(p) messages, of all ranks' values; beyond, all_reduce receives 2 n (p - 1) / p bytes in
/// 2 (p - 1) messages, reduce_scatter and all_gather half of that, and each call begins with p - 1 short messages in
/// which the ranks compare what they call. broadcast sends n to each other rank. Nothing is allocated once each kind of
/// call has been made.
///
/// Throws: `usage` for a rank, channel or size out of range; `comm` for all of law 7.
class mpi_communicator {
 public:
  using space = host;
  using stream = host_stream;

  /// Values that take at most so many bytes on all ranks together go to every rank, which reduces them itself; unless
  /// their parts would be short messages and they are not.
  static constexpr std::size_t gathered_in_all = std::size_t{32} * 1024;
  /// What MPI is taken to send at once, without asking the receiver first: Open MPI 4.1 does so in shared memory with
  /// messages of less than 4 KiB. A wrong number costs time and nothing else.
  static constexpr std::size_t short_message = 4000;

  /// A group of the world over `comm`, which it frees if it owns it. members: ranks of the world. For `mpi::run`.
  mpi_communicator(std::shared_ptr<detail::mpi_world> all, MPI_Comm comm, std::vector<int> members, int rank, bool owns)
      : group_{std::make_unique<group>(std::move(all), comm, std::move(members), rank, owns)} {}

  [[nodiscard]] int rank() const { return group_->rank; }
  [[nodiscard]] int size() const { return static_cast<int>(group_->members.size()); }
  /// The group's own communicator. Messages of others on it would meet those of plait: duplicate it for them.
  [[nodiscard]] MPI_Comm native() const { return group_->comm; }

  /// Hands `values` over to MPI for `peer` and does not wait; they must not change before `wait(ticket)`.
  template <detail::sendable T>
  ticket send(std::span<T> values, int peer, int channel, stream) {
    check_peer("send", peer, channel);
    const std::uint64_t number =
        group_->messages.send(values.data(), values.size(), dtype_of<std::remove_const_t<T>>, peer, channel);
    return {peer, channel, number};
  }

  /// Returns once the buffer may change: when the message has been received, or MPI has its values.
  void wait(ticket sent, stream) {
    if (sent.peer < 0) return;
    check_peer("wait", sent.peer, sent.channel);
    group_->messages.wait(sent);
  }

  /// Fills `values` with the next message of `peer` on `channel`, whose size and type must be equal.
  template <element T>
  void receive(std::span<T> values, int peer, int channel, stream) {
    check_peer("receive", peer, channel);
    group_->messages.receive(values.data(), values.size(), dtype_of<T>, peer, channel);
  }

  template <element T>
  void all_reduce(std::span<T> values, reduction how, stream order) {
    auto& exchange = begin<T>(detail::collective::all_reduce, values.size(), how);
    if (size() == 1) return;
    if (gathers(values.size_bytes())) {
      exchange.gather(values.data(), values.size_bytes());
      reduce_gathered<T>(0, values, how, order);
      return;
    }
    const index_range mine = part<T>(values.size(), rank());
    const std::span<T> own = slice(values, mine);
    reduce_part<T>(values, own, how, order);
    exchange.each_to_each_again([&](int peer) {
      const std::span<T> theirs = slice(values, part<T>(values.size(), peer));
      exchange.receive(peer, theirs.data(), theirs.size_bytes());
      exchange.send(peer, own.data(), own.size_bytes());
    });
  }

  /// in: the whole, out: part `rank()` of `size()` of it; out may be that part of in.
  template <element T>
  void reduce_scatter(std::span<const std::type_identity_t<T>> in, std::span<T> out, reduction how, stream order) {
    check_part("reduce_scatter: out", in.size(), out.size());
    auto& exchange = begin<T>(detail::collective::reduce_scatter, in.size(), how);
    if (gathers(in.size_bytes())) {
      exchange.gather(in.data(), in.size_bytes());
      reduce_gathered<T>(part<T>(in.size(), rank()).begin, out, how, order);
    } else {
      reduce_part<T>(in, out, how, order);
    }
  }

  /// in: part `rank()` of `size()` of the whole, out: the whole; in may be that part of out.
  template <element T>
  void all_gather(std::span<const std::type_identity_t<T>> in, std::span<T> out, stream order) {
    check_part("all_gather: in", out.size(), in.size());
    auto& exchange = begin<T>(detail::collective::all_gather, out.size());
    if (gathers(out.size_bytes())) {
      const auto largest = static_cast<std::size_t>(part<T>(out.size(), 0).size()) * sizeof(T);
      char* const padded = exchange.arrivals(largest);
      if (!in.empty()) std::memcpy(padded, in.data(), in.size_bytes());
      exchange.gather(padded, largest);
      for (int index = 0; index < size(); ++index) {
        const std::span<T> theirs = slice(out, part<T>(out.size(), index));
        if (!theirs.empty()) std::memcpy(theirs.data(), exchange.values_of(index), theirs.size_bytes());
      }
      return;
    }
    host::copy(slice(out, part<T>(out.size(), rank())).data(), in.data(), in.size_bytes(), order);
    exchange.each_to_each([&](int peer) {
      const std::span<T> theirs = slice(out, part<T>(out.size(), peer));
      exchange.receive(peer, theirs.data(), theirs.size_bytes());
      exchange.send(peer, in.data(), in.size_bytes());
    });
  }

  template <element T>
  void broadcast(std::span<T> values, int root, stream) {
    require(root >= 0 && root < size(), "communicator::broadcast",
            [&] { return "root is a rank of the group, so less than " + std::to_string(size()); });
    auto& exchange = begin<T>(detail::collective::broadcast, values.size(), reduction::sum, root);
    exchange.gather(nullptr, 0);
    if (rank() != root) exchange.receive(root, values.data(), values.size_bytes());
    for (int i = 1; rank() == root && i < size(); ++i)
      exchange.send((root + i) % size(), values.data(), values.size_bytes());
    exchange.finish_step();
  }

  void barrier(stream) {
    group_->exchange.begin({.call = {detail::collective::barrier}});
    group_->exchange.gather(nullptr, 0);
  }

  /// Collective. The new group's ranks are those that give the same color, ordered by key and then by rank.
  [[nodiscard]] mpi_communicator split(int color, int key) {
    require(color >= 0, "communicator::split", "color is not negative: every rank becomes part of one group");
    auto& exchange = group_->exchange;
    exchange.begin({.call = {detail::collective::split}, .color = color, .key = key});
    exchange.gather(nullptr, 0);
    std::vector<std::tuple<int, int>> same;  // (key, rank)
    for (int index = 0; index < size(); ++index)
      if (const auto other = exchange.head_of(index); other.color == color) same.emplace_back(other.key, index);
    std::sort(same.begin(), same.end());
    std::vector<int> members;
    for (const auto& [_, index] : same) members.push_back(group_->members[static_cast<std::size_t>(index)]);
    const auto mine = std::find(same.begin(), same.end(), std::tuple{key, rank()});
    MPI_Comm made = MPI_COMM_NULL;  // every rank is in this call, so it does not block for long
    detail::mpi_check(MPI_Comm_split(group_->comm, color, key, &made), "MPI_Comm_split");
    detail::mpi_check(MPI_Comm_set_errhandler(made, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    return {group_->all, made, std::move(members), static_cast<int>(mine - same.begin()), true};
  }

  /// Says what this rank is about to do, for the report; costs a few stores.
  void doing(const activity& now) noexcept { group_->all->doing(now); }
  /// Keeps memory that messages may still be read from until all ranks have ended.
  void keep(std::shared_ptr<void> memory) { group_->all->keep(std::move(memory)); }

 private:
  struct group {
    group(std::shared_ptr<detail::mpi_world> world, MPI_Comm over, std::vector<int> ranks, int self, bool owned)
        : all{std::move(world)},
          comm{over},
          members{std::move(ranks)},
          rank{self},
          owns{owned},
          messages{*all, comm, members, rank},
          exchange{*all, comm, members, rank, all->keep("of " + detail::ranks_text(members))} {}
    group(const group&) = delete;
    group& operator=(const group&) = delete;
    ~group() {
      if (owns && !all->stopped()) MPI_Comm_free(&comm);
    }

    std::shared_ptr<detail::mpi_world> all;
    MPI_Comm comm;
    std::vector<int> members;  ///< ranks of the world
    int rank;
    bool owns;
    detail::mpi_messages messages;
    detail::mpi_exchange exchange;
    std::vector<const void*> sources;  ///< room for one pointer a rank
  };

  void check_peer(const char* call, int peer, int channel) const {
    group_->all->check(call);
    require(peer >= 0 && peer < size() && channel >= 0 && channel < detail::mpi_messages::channels, "communicator",
            [&] {
              return std::string{call} + ": peer " + std::to_string(peer) + ", channel " + std::to_string(channel) +
                     "; peer is a rank of the group, so less than " + std::to_string(size()) +
                     ", and channel is not negative and less than " + std::to_string(detail::mpi_messages::channels);
            });
  }

  template <element T>
  detail::mpi_exchange& begin(detail::collective kind, std::size_t size, reduction how = reduction::sum,
                              int root = -1) {
    const int world_root = root < 0 ? root : group_->members[static_cast<std::size_t>(root)];
    group_->exchange.begin({.call = {kind, dtype_of<T>, static_cast<std::int64_t>(size), how, world_root}});
    return group_->exchange;
  }

  [[nodiscard]] bool gathers(std::size_t bytes) const {
    const auto ranks = static_cast<std::size_t>(size());
    const bool parts_are_short = bytes > short_message && bytes / ranks < short_message;
    return bytes * ranks <= gathered_in_all && !parts_are_short;
  }

  template <element T>
  [[nodiscard]] index_range part(std::size_t whole, int index) const {
    return balanced_part(static_cast<std::int64_t>(whole), size(), index);
  }
  template <class T>
  static std::span<T> slice(std::span<T> values, index_range range) {
    return values.subspan(static_cast<std::size_t>(range.begin), static_cast<std::size_t>(range.size()));
  }

  /// Throws unless this rank's part of `whole` has `size` elements.
  void check_part(const char* what, std::size_t whole, std::size_t size) const {
    const index_range mine = balanced_part(static_cast<std::int64_t>(whole), this->size(), rank());
    require(mine.size() == static_cast<std::int64_t>(size), "communicator", [&] {
      return std::string{what} + " has " + std::to_string(size) + " elements, but part " + std::to_string(rank()) +
             " of " + std::to_string(this->size()) + " of " + std::to_string(whole) + " has " +
             std::to_string(mine.size());
    });
  }

  /// Reduces what a gather brought, from element `begin` on, into `out`.
  template <element T>
  void reduce_gathered(std::int64_t begin, std::span<T> out, reduction how, stream order) {
    auto& sources = group_->sources;
    sources.clear();
    for (int index = 0; index < size(); ++index) sources.push_back(group_->exchange.values_of(index));
    void* const to = out.data();
    reduce_slices(host{}, slices<T>{sources, begin, {&to, 1}, 0, static_cast<std::int64_t>(out.size()), how}, order);
  }

  /// Sends each peer its part of `in`, and reduces this rank's part of all into `out`, which may be that part.
  template <element T>
  void reduce_part(std::span<const T> in, std::span<T> out, reduction how, stream order) {
    auto& exchange = group_->exchange;
    auto& sources = group_->sources;
    char* const arrivals = exchange.arrivals(out.size_bytes() * static_cast<std::size_t>(size()));
    const auto place = [&](int peer) { return arrivals + out.size_bytes() * static_cast<std::size_t>(peer); };
    exchange.each_to_each([&](int peer) {
      const std::span<const T> theirs = slice(in, part<T>(in.size(), peer));
      exchange.receive(peer, place(peer), out.size_bytes());
      exchange.send(peer, theirs.data(), theirs.size_bytes());
    });
    const std::span<const T> own = slice(in, part<T>(in.size(), rank()));
    sources.clear();
    for (int index = 0; index < size(); ++index)
      sources.push_back(index == rank() ? static_cast<const void*>(own.data()) : place(index));
    void* const to = out.data();
    reduce_slices(host{}, slices<T>{sources, 0, {&to, 1}, 0, static_cast<std::int64_t>(out.size()), how}, order);
  }
  template <element T>
  void reduce_part(std::span<T> in, std::span<T> out, reduction how, stream order) {
    reduce_part<T>(std::span<const T>{in}, out, how, order);
  }

  std::unique_ptr<group> group_;
};

static_assert(communicator<mpi_communicator>);

}  // namespace plait
