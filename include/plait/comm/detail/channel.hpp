// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include <plait/tensor/dtype.hpp>

namespace plait::detail {

/// What a span may have for element type to be sent: an element, const or not.
template <class T>
concept sendable = element<std::remove_const_t<T>>;

/// The messages of one (sender, receiver, channel): a queue of places in the sender's memory, in the order they were
/// sent.
///
/// One thread posts and one takes, without a lock. The queue is a ring; when it is full, a ring of twice the size takes
/// over from the next message on and the old one stays, so what the other side holds never moves and a queue that has
/// seen its deepest load allocates no more.
///
/// Messages are numbered from 1. Message n is taken once `taken() >= n`.
template <class Space>
class channel {
 public:
  struct message {
    const void* data = nullptr;
    std::int64_t size = 0;  ///< elements
    dtype type = dtype::f32;
    std::uint64_t number = 0;
    typename Space::fence ready;  ///< the values are there; recorded by the sender
    typename Space::fence done;   ///< the values have been copied; recorded by the receiver
  };

  explicit channel(int id) : id_{id} {
    rings_.push_back(std::make_unique<ring>(1, 16));
    reading_ = rings_.back().get();
  }

  [[nodiscard]] int id() const { return id_; }
  [[nodiscard]] std::uint64_t posted() const { return posted_.load(); }
  [[nodiscard]] std::uint64_t taken() const { return taken_.load(); }

  /// For the sender: hands over `size` elements at `data`; returns the message's number.
  std::uint64_t post(const void* data, std::int64_t size, dtype type, typename Space::stream order) {
    const std::uint64_t number = posted_.load(std::memory_order_relaxed) + 1;
    ring* writing = rings_.back().get();
    message* place = &writing->at(number);
    if (place->number != 0) {
      if (taken_.load(std::memory_order_acquire) < place->number) {
        rings_.push_back(std::make_unique<ring>(number, writing->places.size() * 2));
        writing->newer.store(rings_.back().get(), std::memory_order_release);
        place = &rings_.back()->at(number);
      } else {
        place->done.wait(order);  // so that `ready`, recorded below, comes after it: see `complete`
      }
    }
    place->data = data;
    place->size = size;
    place->type = type;
    place->number = number;
    place->ready.record(order);
    posted_.store(number);
    return number;
  }

  /// For the sender, once `number` is taken: orders its stream behind the receiver's copy.
  void complete(std::uint64_t number, typename Space::stream order) {
    auto holder = rings_.rbegin();
    while ((*holder)->first > number) ++holder;
    message& place = (*holder)->at(number);
    if (place.number == number) {
      place.done.wait(order);
    } else {
      place.ready.wait(order);  // the place has a later message, whose `ready` was ordered behind this one's `done`
    }
  }

  /// For the receiver, once `posted() > taken()`: the message to take next.
  [[nodiscard]] message& front() {
    const std::uint64_t number = taken_.load(std::memory_order_relaxed) + 1;
    for (ring* newer = reading_->newer.load(std::memory_order_acquire); newer != nullptr && newer->first <= number;
         newer = reading_->newer.load(std::memory_order_acquire)) {
      reading_ = newer;
    }
    return reading_->at(number);
  }

  /// For the receiver: message `front()` has been copied and its `done` recorded.
  void take() { taken_.store(taken_.load(std::memory_order_relaxed) + 1); }

 private:
  struct ring {
    ring(std::uint64_t begin, std::size_t size) : first{begin}, places(size) {}
    message& at(std::uint64_t number) { return places[number & (places.size() - 1)]; }

    std::uint64_t first;  ///< the number of the first message that went here
    std::vector<message> places;
    std::atomic<ring*> newer{nullptr};
  };

  int id_;
  std::vector<std::unique_ptr<ring>> rings_;  // the sender's
  alignas(64) std::atomic<std::uint64_t> posted_{0};
  alignas(64) std::atomic<std::uint64_t> taken_{0};
  ring* reading_ = nullptr;  // the receiver's
};

/// The channels of one (sender, receiver), found by their number. Any thread may ask; a channel is made when it is
/// first asked for and stays.
template <class Space>
class channel_list {
 public:
  channel_list() = default;
  channel_list(const channel_list&) = delete;
  channel_list& operator=(const channel_list&) = delete;
  ~channel_list() {
    for (node* at = first_.load(); at != nullptr;) delete std::exchange(at, at->next);
  }

  channel<Space>& operator[](int id) {
    node* seen = first_.load(std::memory_order_acquire);
    if (channel<Space>* known = find(seen, id)) return *known;
    auto fresh = std::make_unique<node>(id, seen);
    while (!first_.compare_exchange_weak(fresh->next, fresh.get(), std::memory_order_acq_rel)) {
      if (channel<Space>* known = find(fresh->next, id)) return *known;  // the peer was faster
    }
    return fresh.release()->one;
  }

 private:
  struct node {
    node(int id, node* after) : one{id}, next{after} {}
    channel<Space> one;
    node* next;
  };
  static channel<Space>* find(node* at, int id) {
    while (at != nullptr && at->one.id() != id) at = at->next;
    return at == nullptr ? nullptr : &at->one;
  }

  std::atomic<node*> first_{nullptr};
};

}  // namespace plait::detail
