// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <plait/comm/communicator.hpp>
#include <plait/comm/detail/channel.hpp>
#include <plait/comm/detail/failure.hpp>
#include <plait/comm/detail/flight_record.hpp>
#include <plait/core/error.hpp>
#include <plait/core/require.hpp>
#include <plait/tensor/host.hpp>

namespace plait {

/// The group of one rank. Collectives copy or do nothing; the rank may send to itself and receives in order.
///
/// Waiting would last for ever, so it is an error at once: a receive before its send, a wait for a message not
/// received. Throws: `usage` for a rank, channel or size out of range; `comm` for a wait without end and for sizes that
/// differ.
template <class Space>
class serial_communicator {
 public:
  using space = Space;
  using stream = typename Space::stream;
  static constexpr bool capturable = true;

  [[nodiscard]] int rank() const { return 0; }
  [[nodiscard]] int size() const { return 1; }

  /// `values` must not change before `wait(ticket)`.
  template <detail::sendable T>
  ticket send(std::span<T> values, int peer, int channel, stream order) {
    check_peer("send", peer, channel);
    ++state_->untaken;
    const std::uint64_t number = state_->channels[channel].post(values.data(), static_cast<std::int64_t>(values.size()),
                                                                dtype_of<std::remove_const_t<T>>, order);
    return {peer, channel, number};
  }

  void wait(ticket sent, stream order) {
    if (sent.peer < 0) return;
    check_peer("wait", sent.peer, sent.channel);
    auto& queue = state_->channels[sent.channel];
    require(sent.number >= 1 && sent.number <= queue.posted(), "communicator::wait", "the ticket is of another group");
    if (queue.taken() < sent.number) {
      throw error{error_kind::comm, "wait",
                  "rank 0 did not receive message " + std::to_string(sent.number) + " of rank 0 on channel " +
                      std::to_string(sent.channel) + " before it began to wait for itself"};
    }
    queue.complete(sent.number, order);
  }

  template <element T>
  void receive(std::span<T> values, int peer, int channel, stream order) {
    check_peer("receive", peer, channel);
    auto& queue = state_->channels[channel];
    if (queue.posted() == queue.taken()) {
      throw error{error_kind::comm, "receive",
                  "rank 0 sent no message " + std::to_string(queue.taken() + 1) + " to rank 0 on channel " +
                      std::to_string(channel) + " before it began to wait for itself"};
    }
    auto& message = queue.front();
    if (message.size != static_cast<std::int64_t>(values.size()) || message.type != dtype_of<T>) {
      throw detail::not_alike(0, 0, channel, message.number, message.size, message.type,
                              static_cast<std::int64_t>(values.size()), dtype_of<T>);
    }
    message.ready.wait(order);
    Space::copy(values.data(), message.data, values.size_bytes(), order);
    message.done.record(order);
    queue.take();
    --state_->untaken;
  }

  template <element T>
  void all_reduce(std::span<T>, reduction, stream) {}

  template <element T>
  void reduce_scatter(std::span<const std::type_identity_t<T>> in, std::span<T> out, reduction, stream order) {
    copy_whole("reduce_scatter", in, out, order);
  }

  template <element T>
  void all_gather(std::span<const std::type_identity_t<T>> in, std::span<T> out, stream order) {
    copy_whole("all_gather", in, out, order);
  }

  template <element T>
  void broadcast(std::span<T>, int root, stream) {
    require(root == 0, "communicator::broadcast", "root is a rank of the group, so less than 1");
  }

  void barrier(stream) {}

  [[nodiscard]] serial_communicator split(int color, int /*key*/) {
    require(color >= 0, "communicator::split", "color is not negative: every rank becomes part of one group");
    return {};
  }

  void doing(const activity& now) noexcept { state_->now = now; }

  /// For the report: what the rank said last, and how many of its messages it has not received.
  [[nodiscard]] const activity& now() const { return state_->now; }
  [[nodiscard]] std::int64_t untaken() const { return state_->untaken; }

 private:
  struct state {
    detail::channel_list<Space> channels;
    activity now;
    std::int64_t untaken = 0;
  };

  static void check_peer(const char* call, int peer, int channel) {
    require(peer == 0 && channel >= 0, "communicator", [&] {
      return std::string{call} + ": peer " + std::to_string(peer) + ", channel " + std::to_string(channel) +
             "; peer is a rank of the group, so less than 1, and channel is not negative";
    });
  }

  template <class T>
  static void copy_whole(const char* call, std::span<const T> in, std::span<T> out, stream order) {
    require(in.size() == out.size(), "communicator", [&] {
      return std::string{call} + ": in has " + std::to_string(in.size()) + " elements and out " +
             std::to_string(out.size()) + ", but on one rank the part is the whole";
    });
    Space::copy(out.data(), in.data(), in.size_bytes(), order);
  }

  std::unique_ptr<state> state_ = std::make_unique<state>();
};

static_assert(communicator<serial_communicator<host>>);

/// Runs a body that is written for ranks as the only rank, on the thread that calls.
template <class Space = host>
struct serial {
  using communicator_type = serial_communicator<Space>;

  /// Needs: ranks == 1. Throws: `usage` for more ranks; otherwise what the body threw, with what it was doing.
  template <std::invocable<communicator_type&> Body>
  void run(int ranks, Body&& body) const {
    run(ranks, body, [](int) { return std::string{}; });
  }

  /// coordinates_of(rank): the rank's place in the layout as text, for the report.
  template <std::invocable<communicator_type&> Body, std::invocable<int> CoordinatesOf>
  void run(int ranks, Body&& body, CoordinatesOf&& coordinates_of) const {
    require(ranks == 1, "serial::run",
            [&] { return "serial runs 1 rank, not " + std::to_string(ranks) + "; plait::threads runs any number"; });
    communicator_type mine;
    try {
      body(mine);
      if (mine.untaken() > 0) throw detail::not_received(0, mine.untaken());
    } catch (...) {
      const std::string coordinates{coordinates_of(0)};
      throw detail::reported(detail::error_of(std::current_exception()),
                             "\n  " + detail::rank_text(0, coordinates) + ": " +
                                 detail::describe(detail::past_activity{mine.now().what, mine.now().stage,
                                                                        mine.now().micro, mine.now().peer}),
                             0, coordinates.empty() ? "0 of 1" : coordinates);
    }
  }
};

serial()->serial<host>;

}  // namespace plait
