// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <plait/comm/communicator.hpp>
#include <plait/comm/detail/group.hpp>
#include <plait/comm/reduce_slices.hpp>
#include <plait/core/ranges.hpp>
#include <plait/core/require.hpp>
#include <plait/tensor/host.hpp>

namespace plait {

/// One rank's end of a group whose ranks are threads of one process; made by `threads<Space>::run` and by `split`.
///
/// Nothing is copied twice: a receiver copies straight out of the sender's buffer, and in a reduction rank i reduces
/// part i out of all buffers and writes it into all. Only values of a few KiB go through a staging buffer, which saves
/// a meeting.
///
/// Cost, for n bytes and p ranks, per rank: send: nothing, receive: n; all_reduce: n read and n written;
/// reduce_scatter: n read, n/p written; all_gather and broadcast: n read and written. Two meetings (one if staged), no
/// allocation.
///
/// Declare it after the buffers that it sends: when an exception ends a body while messages are under way, its
/// destructor stops the world and waits until nobody copies out of them.
///
/// Throws: `usage` for a rank, channel or size out of range; `comm` for all of law 7.
template <class Space>
class threads_communicator {
 public:
  using space = Space;
  using stream = typename Space::stream;

  threads_communicator(std::shared_ptr<detail::group<Space>> group, int rank) : group_{std::move(group)}, rank_{rank} {
    const auto ranks = static_cast<std::size_t>(group_->size());
    sources_.reserve(ranks);
    sinks_.reserve(ranks);
  }
  threads_communicator(threads_communicator&&) noexcept = default;
  threads_communicator& operator=(threads_communicator&&) noexcept = default;
  ~threads_communicator() {
    if (group_ == nullptr || std::uncaught_exceptions() <= exceptions_) return;
    if (world().untaken(world_rank()) > 0) {
      world().stop(world_rank(), std::nullopt);
      world().quiesce(world_rank());
    }
  }

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return group_->size(); }

  /// Hands `values` over to `peer` and does not wait for it; they must not change before `wait(ticket)`.
  template <detail::sendable T>
  ticket send(std::span<T> values, int peer, int channel, stream order) {
    check_peer("send", peer, channel);
    auto& queue = group_->channel_between(rank_, peer, channel);
    world().sent(world_rank());
    const std::uint64_t number =
        queue.post(values.data(), static_cast<std::int64_t>(values.size()), dtype_of<std::remove_const_t<T>>, order);
    world().wake(group_->world_rank(peer));
    return {peer, channel, number};
  }

  /// Returns once the message has been received: what follows in `order` may change its buffer.
  void wait(ticket sent, stream order) {
    if (sent.peer < 0) return;
    check_peer("wait", sent.peer, sent.channel);
    auto& queue = group_->channel_between(rank_, sent.peer, sent.channel);
    require(sent.number >= 1 && sent.number <= queue.posted(), "communicator::wait",
            "the ticket is of another group or another rank");
    const int peer = group_->world_rank(sent.peer);
    world().wait(world_rank(), {"wait", "for", peer, sent.channel}, passed{*this, queue, sent.number, peer, false});
    queue.complete(sent.number, order);
  }

  /// Fills `values` with the next message of `peer` on `channel`, whose size and type must be equal.
  template <element T>
  void receive(std::span<T> values, int peer, int channel, stream order) {
    check_peer("receive", peer, channel);
    auto& queue = group_->channel_between(peer, rank_, channel);
    const int from = group_->world_rank(peer);
    world().wait(world_rank(), {"receive", "from", from, channel}, passed{*this, queue, queue.taken() + 1, from, true});
    {
      const detail::world::touch guard{world(), world_rank(), "receive"};
      auto& message = queue.front();
      if (message.size == static_cast<std::int64_t>(values.size()) && message.type == dtype_of<T>) {
        message.ready.wait(order);
        Space::copy(values.data(), message.data, values.size_bytes(), order);
        message.done.record(order);
        world().taken(from);  // before the sender can see that it is taken, and finish
        queue.take();
        world().wake(from);
        return;
      }
    }
    const auto& message = queue.front();
    world().fail(world_rank(), detail::not_alike(from, world_rank(), channel, message.number, message.size,
                                                 message.type, static_cast<std::int64_t>(values.size()), dtype_of<T>));
  }

  template <element T>
  void all_reduce(std::span<T> values, reduction how, stream order) {
    const auto call = call_of<T>(detail::collective::all_reduce, values.size(), how);
    void* const mine = values.data();
    together(call, mine, values.size_bytes(), mine, values.size_bytes(), order, [&](int turn, bool staged) {
      if (staged) return reduce_slices(Space{}, slices<T>{sources(turn), 0, {&mine, 1}, 0, call.size, how}, order);
      const index_range part = balanced_part(call.size, size(), rank_);
      reduce_slices(Space{}, slices<T>{sources(turn), part.begin, sinks(turn), part.begin, part.size(), how}, order);
    });
  }

  /// in: the whole, out: part `rank()` of `size()` of it; out may be that part of in.
  template <element T>
  void reduce_scatter(std::span<const std::type_identity_t<T>> in, std::span<T> out, reduction how, stream order) {
    const auto call = call_of<T>(detail::collective::reduce_scatter, in.size(), how);
    const index_range part = part_of("reduce_scatter: out", in.size(), out.size());
    together(call, in.data(), in.size_bytes(), nullptr, in.size_bytes(), order, [&](int turn, bool) {
      void* const mine = out.data();
      reduce_slices(Space{}, slices<T>{sources(turn), part.begin, {&mine, 1}, 0, part.size(), how}, order);
    });
  }

  /// in: part `rank()` of `size()` of the whole, out: the whole; in may be that part of out.
  template <element T>
  void all_gather(std::span<const std::type_identity_t<T>> in, std::span<T> out, stream order) {
    const auto call = call_of<T>(detail::collective::all_gather, out.size());
    part_of("all_gather: in", out.size(), in.size());
    together(call, in.data(), in.size_bytes(), nullptr, out.size_bytes(), order, [&](int turn, bool) {
      for (int index = 0; index < size(); ++index) {
        const index_range part = balanced_part(call.size, size(), index);
        Space::copy(out.data() + part.begin, group_->offer_of(index, turn).source,
                    static_cast<std::size_t>(part.size()) * sizeof(T), order);
      }
    });
  }

  template <element T>
  void broadcast(std::span<T> values, int root, stream order) {
    require(root >= 0 && root < size(), "communicator::broadcast",
            [&] { return "root is a rank of the group, so less than " + std::to_string(size()); });
    auto call = call_of<T>(detail::collective::broadcast, values.size());
    call.root = group_->world_rank(root);
    const std::size_t brought = rank_ == root ? values.size_bytes() : 0;
    together(call, values.data(), brought, nullptr, values.size_bytes(), order, [&](int turn, bool) {
      if (rank_ != root) Space::copy(values.data(), group_->offer_of(root, turn).source, values.size_bytes(), order);
    });
  }

  void barrier(stream order) { open({detail::collective::barrier}, nullptr, 0, nullptr, false, order); }

  /// Collective. The new group's ranks are those that give the same color, ordered by key and then by rank.
  [[nodiscard]] threads_communicator split(int color, int key) {
    require(color >= 0, "communicator::split", "color is not negative: every rank becomes part of one group");
    const int turn =
        enter({detail::collective::split}, "split", [&](auto& mine) { mine.color = color, mine.key = key; });
    std::vector<std::tuple<int, int>> same;  // (key, rank)
    for (int index = 0; index < size(); ++index) {
      const auto& other = group_->offer_of(index, turn);
      if (other.color == color) same.emplace_back(other.key, index);
    }
    std::sort(same.begin(), same.end());
    const int leader = std::get<1>(same.front());
    if (leader == rank_) {
      std::vector<int> members;
      for (const auto& [_, index] : same) members.push_back(group_->world_rank(index));
      group_->offer_of(rank_, turn).made =
          std::make_shared<detail::group<Space>>(group_->shared_world(), std::move(members));
    }
    group_->meet(rank_, "split");
    auto made = group_->offer_of(leader, turn).made;
    group_->meet(rank_, "split");
    group_->offer_of(rank_, turn).made.reset();
    const auto mine = std::find(same.begin(), same.end(), std::tuple{key, rank_});
    return {std::move(made), static_cast<int>(mine - same.begin())};
  }

  /// Says what this rank is about to do, for the report; costs a few stores.
  void doing(const activity& now) noexcept { world().doing(world_rank(), now); }
  /// Keeps memory that other ranks may still read until all have ended.
  void keep(std::shared_ptr<void> memory) { world().keep(std::move(memory)); }

 private:
  /// That message `number` of a queue has been posted, or taken, by `peer`.
  struct passed {
    const threads_communicator& mine;
    const detail::channel<Space>& queue;
    std::uint64_t number;
    int peer;
    bool posted;

    [[nodiscard]] bool done() const { return (posted ? queue.posted() : queue.taken()) >= number; }
    [[nodiscard]] bool hopeless() const {
      return peer == mine.world_rank() || (mine.world().any_finished() && mine.world().finished(peer));
    }
    [[nodiscard]] std::string complaint() const {
      return "rank " + std::to_string(peer) + (posted ? " sent no message " : " did not receive message ") +
             std::to_string(number) + (posted ? " to" : " of") + " rank " + std::to_string(mine.world_rank()) +
             " on channel " + std::to_string(queue.id());
    }
    [[nodiscard]] std::string reason() const {
      return peer == mine.world_rank() ? " before it began to wait for itself" : " before finishing";
    }
  };

  [[nodiscard]] detail::world& world() const { return group_->all(); }
  [[nodiscard]] int world_rank() const { return group_->world_rank(rank_); }

  void check_peer(const char* call, int peer, int channel) const {
    world().check(world_rank(), call);
    require(peer >= 0 && peer < size() && channel >= 0, "communicator", [&] {
      return std::string{call} + ": peer " + std::to_string(peer) + ", channel " + std::to_string(channel) +
             "; peer is a rank of the group, so less than " + std::to_string(size()) + ", and channel is not negative";
    });
  }

  template <element T>
  static detail::collective_call call_of(detail::collective kind, std::size_t size, reduction how = reduction::sum) {
    return {kind, dtype_of<T>, static_cast<std::int64_t>(size), how, -1};
  }

  /// This rank's part of `whole`; throws unless it has `size` elements.
  index_range part_of(const char* what, std::size_t whole, std::size_t size) const {
    const index_range part = balanced_part(static_cast<std::int64_t>(whole), this->size(), rank_);
    require(part.size() == static_cast<std::int64_t>(size), "communicator", [&] {
      return std::string{what} + " has " + std::to_string(size) + " elements, but part " + std::to_string(rank_) +
             " of " + std::to_string(this->size()) + " of " + std::to_string(whole) + " has " +
             std::to_string(part.size());
    });
    return part;
  }

  /// Writes this rank's offer and meets the others. Returns where the offers are.
  template <class Write>
  int enter(const detail::collective_call& call, const char* name, const Write& write) {
    world().check(world_rank(), name);
    const int turn = static_cast<int>(calls_++ % 2);
    auto& mine = group_->offer_of(rank_, turn);
    mine.call = call;
    write(mine);
    group_->meet(rank_, name, turn);
    return turn;
  }

  /// Begins a collective: when it returns, what the others offer may be read in `order`.
  int open(const detail::collective_call& call, const void* source, std::size_t bytes, void* sink, bool staged,
           stream order) {
    const int turn = enter(call, detail::name_of(call.kind), [&](auto& mine) {
      const int next = static_cast<int>((calls_ - 1) % 2);
      if (staged) {
        for (int index = 0; index < size(); ++index) group_->offer_of(index, next).done.wait(order);
        Space::copy(group_->staging_of(rank_, next), source, bytes, order);
        source = group_->staging_of(rank_, next);
      }
      mine.source = source;
      mine.sink = sink;
      mine.ready.record(order);
    });
    for (int index = 0; index < size(); ++index) {
      if (index != rank_) group_->offer_of(index, turn).ready.wait(order);
    }
    return turn;
  }

  /// A whole collective: offers `bytes` at `source`, and `sink`, waits for the offers of the others, and works on them.
  /// `whole` bytes, the same number on every rank, decide whether the sources are staged.
  template <class Work>
  void together(const detail::collective_call& call, const void* source, std::size_t bytes, void* sink,
                std::size_t whole, stream order, const Work& work) {
    const bool staged = group_->staged(whole);
    const int turn = open(call, source, bytes, sink, staged, order);
    auto& mine = group_->offer_of(rank_, turn);
    if (staged) {  // nobody reads or writes the callers' memory, so it is this rank's again
      work(turn, true);
      mine.done.record(order);
      return;
    }
    const char* const name = detail::name_of(call.kind);
    {
      const detail::world::touch guard{world(), world_rank(), name};
      work(turn, false);
      mine.done.record(order);
    }
    group_->meet(rank_, name);
    for (int index = 0; index < size(); ++index) {
      if (index != rank_) group_->offer_of(index, turn).done.wait(order);
    }
  }

  std::span<const void* const> sources(int turn) {
    sources_.clear();
    for (int index = 0; index < size(); ++index) sources_.push_back(group_->offer_of(index, turn).source);
    return sources_;
  }
  std::span<void* const> sinks(int turn) {
    sinks_.clear();
    for (int index = 0; index < size(); ++index) sinks_.push_back(group_->offer_of(index, turn).sink);
    return sinks_;
  }

  std::shared_ptr<detail::group<Space>> group_;
  int rank_ = 0;
  int exceptions_ = std::uncaught_exceptions();
  std::uint64_t calls_ = 0;
  std::vector<const void*> sources_;  // room for one pointer a rank, so that no call allocates
  std::vector<void*> sinks_;
};

static_assert(communicator<threads_communicator<host>>);

}  // namespace plait
