// SPDX-License-Identifier: Apache-2.0
#pragma once

// Time that is counted, not measured: layers say how long they take, messages carry the time at which they were sent,
// and every rank has a clock of its own. So steps of any number of ranks can be timed exactly, whatever the machine.

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>

#include "forwarding_communicator.hpp"

namespace harness {

inline thread_local double virtual_now = 0;

/// y = x, for a time: counted on the rank's clock, or spent spinning where a unit has a length in seconds. Its weight
/// half has something to do because it has a parameter.
struct takes_time {
  static constexpr std::string_view name = "takes_time";
  using takes = whole_features;
  using gives = whole_features;

  double forward_units = 1, input_units = 1, weight_units = 1;
  double unit_seconds = 0;

  void spend(double units) const {
    virtual_now += units;
    if (unit_seconds == 0) return;
    const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>{units * unit_seconds};
    while (std::chrono::steady_clock::now() < until) {
    }
  }
  [[nodiscard]] std::int64_t outputs(std::int64_t inputs) const { return inputs; }
  template <class Sink>
  void parameters(Sink&& sink) const {
    sink(parameter{.name = "unused"});
  }
  template <class Context>
  void forward(Context& context, typename Context::template in<takes> x,
               typename Context::template out<gives> y) const {
    Context::space::copy(y.data, x.data, static_cast<std::size_t>(x.size()) * sizeof(*x.data), context.stream);
    spend(forward_units);
  }
  template <class Context>
  void backward(Context& context, typename Context::template in<takes> x, typename Context::template in<gives> y,
                typename Context::template in<gives> dy, typename Context::template out<takes> dx) const {
    if (dx.data != nullptr) backward_input(context, x, y, dy, dx);
    backward_weight(context, x, y, dy);
  }
  template <class Context>
  void backward_input(Context& context, typename Context::template in<takes>, typename Context::template in<gives>,
                      typename Context::template in<gives> dy, typename Context::template out<takes> dx) const {
    Context::space::copy(dx.data, dy.data, static_cast<std::size_t>(dy.size()) * sizeof(*dy.data), context.stream);
    spend(input_units);
  }
  template <class Context>
  void backward_weight(Context&, typename Context::template in<takes>, typename Context::template in<gives>,
                       typename Context::template in<gives>) const {
    spend(weight_units);
  }
};

/// When messages were taken, by (sender, receiver, channel, number).
struct taken_messages {
  std::mutex guard;
  std::map<std::tuple<int, int, int, std::uint64_t>, double> at;
};

/// A communicator whose messages take `latency` units of time.
template <class Comm>
class timed_communicator : public forwarding_communicator<Comm> {
  using base = forwarding_communicator<Comm>;
  using base::inner_;

 public:
  using base::rank;
  using typename base::space;
  using typename base::stream;

  timed_communicator(Comm inner, double latency, std::shared_ptr<taken_messages> taken)
      : base{std::move(inner)}, latency_{latency}, taken_{std::move(taken)} {}

  template <class T>
  ticket send(std::span<T> in, int peer, int channel, stream order) {
    times_.push_back(std::make_unique<double>(virtual_now));
    inner_.send(std::span<const double>{times_.back().get(), 1}, peer, channel + 2, order);
    return inner_.send(std::span<const T>{in}, peer, channel, order);
  }
  template <class T>
  void receive(std::span<T> out, int peer, int channel, stream order) {
    double sent = 0;
    inner_.receive(std::span<double>{&sent, 1}, peer, channel + 2, order);
    inner_.receive(out, peer, channel, order);
    virtual_now = std::max(virtual_now, sent + latency_);
    const std::lock_guard lock{taken_->guard};
    taken_->at[{peer, rank(), channel, ++received_[{peer, channel}]}] = virtual_now;
  }
  /// Whoever writes a buffer again goes on when the message out of it has been taken.
  void wait(ticket one, stream order) {
    inner_.wait(one, order);
    if (one.peer < 0) return;
    for (;; std::this_thread::yield()) {
      const std::lock_guard lock{taken_->guard};
      const auto found = taken_->at.find({rank(), one.peer, one.channel, one.number});
      if (found == taken_->at.end()) continue;
      virtual_now = std::max(virtual_now, found->second);
      return;
    }
  }
  template <class T>
  void all_reduce(std::span<T> data, reduction how, stream order) {
    inner_.all_reduce(std::span<double>{&virtual_now, 1}, reduction::max, order);
    inner_.all_reduce(data, how, order);
  }
  timed_communicator split(int color, int key) {
    return {inner_.split(color, key), latency_, std::make_shared<taken_messages>(), *this};
  }

 private:
  /// Ranks of a group share what they know of messages taken: the first of them made it.
  timed_communicator(Comm inner, double latency, std::shared_ptr<taken_messages> mine, timed_communicator&)
      : base{std::move(inner)}, latency_{latency}, taken_{std::move(mine)} {
    auto address = reinterpret_cast<std::uintptr_t>(&taken_);
    std::uint64_t shared = address;
    inner_.broadcast(std::span<std::uint64_t>{&shared, 1}, 0, stream{});
    if (shared != address) taken_ = *reinterpret_cast<std::shared_ptr<taken_messages>*>(shared);
    inner_.barrier(stream{});
  }

  double latency_;
  std::shared_ptr<taken_messages> taken_;
  std::map<std::pair<int, int>, std::uint64_t> received_;
  std::vector<std::unique_ptr<double>> times_;
};

/// `threads` in counted time.
struct timed_threads {
  double latency = 0;

  template <class Body, class CoordinatesOf>
  void run(int ranks, Body&& body, CoordinatesOf&& coordinates_of) const {
    threads<host>{}.run(
        ranks,
        [&](threads_communicator<host>& world) {
          timed_communicator<threads_communicator<host>> timed{world.split(0, world.rank()), latency,
                                                               std::make_shared<taken_messages>()};
          body(timed);
        },
        coordinates_of);
  }
};

}  // namespace harness
