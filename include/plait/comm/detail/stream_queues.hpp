// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <plait/comm/communicator.hpp>
#include <plait/comm/detail/channel.hpp>
#include <plait/comm/detail/failure.hpp>
#include <plait/comm/detail/stream_group.hpp>
#include <plait/comm/message_queue.hpp>
#include <plait/core/error.hpp>
#include <plait/core/require.hpp>

namespace plait::detail {

/// The message queues of one rank of a group: for each that leads to or from another rank a handle of the two and,
/// where it sends, a stream; those to itself need neither.
template <class Library>
class stream_queues {
 public:
  using space = typename Library::space;
  using stream = typename space::stream;
  using handle = typename Library::handle;

  explicit stream_queues(stream_group<Library>& group) : group_{group} {}
  stream_queues(const stream_queues&) = delete;
  stream_queues& operator=(const stream_queues&) = delete;
  ~stream_queues() {
    for (auto& [_, queue] : outgoing_) world().retire(queue->native, queue);
    for (auto& [_, queue] : incoming_) world().retire(queue, nullptr);
  }

  /// Messages to itself that this rank has not received.
  [[nodiscard]] std::int64_t untaken() const { return untaken_; }

  /// Collective: opens the queues that are not open yet. All ranks give the same queues. Waits for all ranks.
  void open(std::span<const message_queue> queues) {
    std::vector<message_queue> missing;
    for (const message_queue& one : queues) {
      require(one.sender >= 0 && one.sender < size() && one.receiver >= 0 && one.receiver < size() && one.channel >= 0,
              "communicator::open_queues", "a queue leads from a rank of the group to another, on a channel from 0 on");
      if (one.sender != one.receiver && !known_.contains(one)) missing.push_back(one);
    }
    std::sort(missing.begin(), missing.end());
    missing.erase(std::unique(missing.begin(), missing.end()), missing.end());
    while (!missing.empty()) {  // as many at once as have no rank in common: one split
      std::vector<bool> busy(static_cast<std::size_t>(size()));
      std::vector<message_queue> round, later;
      for (const message_queue& one : missing) {
        const auto from = static_cast<std::size_t>(one.sender), to = static_cast<std::size_t>(one.receiver);
        const bool free = !busy[from] && !busy[to];
        if (free) busy[from] = busy[to] = true;
        (free ? round : later).push_back(one);
      }
      open_round(round);
      missing = std::move(later);
    }
  }

  /// Puts the message into its queue's stream, behind what `order` has so far; `values` must not change before
  /// `wait(ticket)`.
  template <sendable T>
  ticket send(std::span<T> values, int peer, int channel, stream order) {
    using element_type = std::remove_const_t<T>;
    check_peer("send", peer, channel);
    if (peer == rank()) {
      world().check();
      ++untaken_;
      return {peer, channel,
              to_self_[channel].post(values.data(), static_cast<std::int64_t>(values.size()), dtype_of<element_type>,
                                     order)};
    }
    outgoing& queue = *find(outgoing_, peer, channel, "to");
    const std::uint64_t number = ++queue.sent;
    if (values.empty()) return {peer, channel, number};
    typename Library::event done = Library::capturing(order) ? typename Library::event{} : take_event(queue);
    done.record(order);
    done.wait(queue.line);
    world().work(queue.native, {"send", "to", member(peer), channel}, queue.line, [&] {
      Library::send(values.data(), values.size(), dtype_of<element_type>, /*receiver*/ 1, queue.native, queue.line);
    });
    done.record(queue.line);
    queue.pending.push_back({number, std::move(done)});
    return {peer, channel, number};
  }

  /// What follows in `order` comes after the message has been read.
  void wait(ticket sent, stream order) {
    if (sent.peer < 0) return;
    check_peer("wait", sent.peer, sent.channel);
    world().check();
    const auto known = [&](std::uint64_t so_far) {
      require(sent.number >= 1 && sent.number <= so_far, "communicator::wait",
              "the ticket is of another group or another rank");
    };
    if (sent.peer == rank()) {
      auto& queue = to_self_[sent.channel];
      known(queue.posted());
      if (queue.taken() < sent.number) fail_alone("wait", "did not receive", sent.number, sent.channel);
      return queue.complete(sent.number, order);
    }
    outgoing& queue = *find(outgoing_, sent.peer, sent.channel, "to");
    known(queue.sent);
    const auto one = std::find_if(queue.pending.begin(), queue.pending.end(),
                                  [&](const unread& each) { return each.number == sent.number; });
    if (one == queue.pending.end()) return;
    one->done.wait(order);
    if (Library::capturing(order)) queue.pending.erase(one);  // whether it is done can never be asked
  }

  /// Fills `values`, in the order of the stream, with the next message of `peer` on `channel`, whose size and type must
  /// be equal.
  template <element T>
  void receive(std::span<T> values, int peer, int channel, stream order) {
    check_peer("receive", peer, channel);
    if (peer == rank()) return receive_from_self(values, channel, order);
    const handle queue = find(incoming_, peer, channel, "from");
    if (values.empty()) return;
    world().work(queue, {"receive", "from", member(peer), channel}, order,
                 [&] { Library::receive(values.data(), values.size(), dtype_of<T>, /*sender*/ 0, queue, order); });
  }

 private:
  struct unread {
    std::uint64_t number;
    typename Library::event done;
  };
  struct outgoing {
    handle native{};
    typename space::owned_stream line;
    std::uint64_t sent = 0;
    std::deque<unread> pending;
  };
  using queue_key = std::pair<int, int>;  ///< peer, channel

  [[nodiscard]] stream_world<Library>& world() const { return group_.world(); }
  [[nodiscard]] int rank() const { return group_.rank(); }
  [[nodiscard]] int size() const { return group_.size(); }
  [[nodiscard]] int member(int rank) const { return group_.member(rank); }

  void check_peer(const char* call, int peer, int channel) const {
    require(peer >= 0 && peer < size() && channel >= 0, "communicator", [&] {
      return std::string{call} + ": peer " + std::to_string(peer) + ", channel " + std::to_string(channel) +
             "; peer is a rank of the group, so less than " + std::to_string(size()) + ", and channel is not negative";
    });
  }
  [[noreturn]] void fail_alone(const char* call, const char* what, std::uint64_t number, int channel) {
    world().fail(error{error_kind::comm, call,
                       "rank " + std::to_string(member(rank())) + " " + what + " message " + std::to_string(number) +
                           " of itself on channel " + std::to_string(channel) + " before it began to wait for itself"});
  }
  template <class Queues>
  auto& find(Queues& queues, int peer, int channel, const char* way) {
    const auto found = queues.find({peer, channel});
    require(found != queues.end(), "communicator", [&] {
      return "the queue " + std::string{way} + " rank " + std::to_string(peer) + " on channel " +
             std::to_string(channel) +
             " is not open; call open_queues on all ranks of the group before, or give the "
             "engine a number of channels to open between all pairs";
    });
    return found->second;
  }

  template <element T>
  void receive_from_self(std::span<T> values, int channel, stream order) {
    world().check();
    auto& queue = to_self_[channel];
    if (queue.posted() == queue.taken()) fail_alone("receive", "sent no", queue.taken() + 1, channel);
    auto& message = queue.front();
    if (message.size != static_cast<std::int64_t>(values.size()) || message.type != dtype_of<T>)
      world().fail(not_alike(member(rank()), member(rank()), channel, message.number, message.size, message.type,
                             static_cast<std::int64_t>(values.size()), dtype_of<T>));
    message.ready.wait(order);
    space::copy(values.data(), message.data, values.size_bytes(), order);
    message.done.record(order);
    queue.take();
    --untaken_;
  }

  /// An event for the next message: that of an old one which has been read, or a new one.
  typename Library::event take_event(outgoing& queue) {
    if (!queue.pending.empty() && queue.pending.front().done.done()) {
      typename Library::event old = std::move(queue.pending.front().done);
      queue.pending.pop_front();
      return old;
    }
    return {};
  }

  /// Opens queues no two of which have a rank in common. One element is sent through each, since the first message
  /// makes both sides connect, and `send` must not wait for that.
  void open_round(const std::vector<message_queue>& round) {
    int color = -1;
    for (std::size_t i = 0; i < round.size(); ++i) {
      if (round[i].sender == rank() || round[i].receiver == rank()) color = static_cast<int>(i);
      known_.insert(round[i]);
    }
    const message_queue mine = color >= 0 ? round[static_cast<std::size_t>(color)] : message_queue{};
    const bool sends = mine.sender == rank();
    const std::string name = group_.name() + " " + std::to_string(mine.sender) + ">" + std::to_string(mine.receiver) +
                             "." + std::to_string(mine.channel);
    const waiting_note note{"open_queues", group_.label(), -1, -1};
    const handle made = group_.split(color, sends ? 0 : 1, name, note);
    if (color < 0) return;
    world().adopt(made);
    auto queue = std::make_shared<outgoing>();
    const stream order = queue->line;
    const typename stream_group<Library>::scratch first{sizeof(std::int32_t), order};
    world().work(made, note, order, [&] {
      if (sends) {
        Library::send(first.data(), 1, dtype::i32, 1, made, order);
      } else {
        Library::receive(first.data(), 1, dtype::i32, 0, made, order);
      }
    });
    if (sends) {
      queue->native = made;
      outgoing_[{mine.receiver, mine.channel}] = std::move(queue);
    } else {
      world().drain(made);  // its stream goes
      incoming_[{mine.sender, mine.channel}] = made;
    }
  }

  stream_group<Library>& group_;
  std::set<message_queue> known_;  ///< of all ranks
  std::map<queue_key, std::shared_ptr<outgoing>> outgoing_;
  std::map<queue_key, handle> incoming_;
  channel_list<space> to_self_;
  std::int64_t untaken_ = 0;
};

}  // namespace plait::detail
