// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <utility>

#include "harness.hpp"

namespace harness {

/// Hands every call on to another communicator, but for `split`: what communicators of tests stand on that change some
/// calls, by members of the same names.
template <class Comm>
class forwarding_communicator {
 public:
  using space = typename Comm::space;
  using stream = typename space::stream;

  explicit forwarding_communicator(Comm inner) : inner_{std::move(inner)} {}

  [[nodiscard]] int rank() const { return inner_.rank(); }
  [[nodiscard]] int size() const { return inner_.size(); }
  void doing(activity now) { inner_.doing(now); }
  void keep(std::shared_ptr<void> memory) requires requires(Comm& inner) { inner.keep(memory); }
  { inner_.keep(std::move(memory)); }
  template <class T>
  ticket send(std::span<T> in, int peer, int channel, stream order) {
    return inner_.send(std::span<const T>{in}, peer, channel, order);
  }
  void wait(ticket one, stream order) { inner_.wait(one, order); }
  template <class T>
  void receive(std::span<T> out, int peer, int channel, stream order) {
    inner_.receive(out, peer, channel, order);
  }
  template <class T>
  void all_reduce(std::span<T> data, reduction how, stream order) {
    inner_.all_reduce(data, how, order);
  }
  template <class T>
  void reduce_scatter(std::span<const T> in, std::span<T> out, reduction how, stream order) {
    inner_.reduce_scatter(in, out, how, order);
  }
  template <class T>
  void all_gather(std::span<const T> in, std::span<T> out, stream order) {
    inner_.all_gather(in, out, order);
  }
  template <class T>
  void broadcast(std::span<T> data, int root, stream order) {
    inner_.broadcast(data, root, order);
  }
  void barrier(stream order) { inner_.barrier(order); }

 protected:
  Comm inner_;
};

}  // namespace harness
