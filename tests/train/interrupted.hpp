// SPDX-License-Identifier: Apache-2.0
#pragma once

// An engine whose ranks are interrupted at a chosen action: something happens on one rank just before it.

#include <cstdint>
#include <functional>
#include <span>
#include <utility>

#include "real_model.hpp"

namespace harness {

/// Called on every rank before each action with the rank, how many actions it has begun before, and the action.
using interruption = std::function<void(int rank, int number, const plait::activity&)>;

template <class Comm>
class interrupted_communicator {
 public:
  using space = typename Comm::space;
  using stream = typename space::stream;

  explicit interrupted_communicator(Comm inner, interruption happens = {})
      : inner_{std::move(inner)}, happens_{std::move(happens)} {}

  [[nodiscard]] int rank() const { return inner_.rank(); }
  [[nodiscard]] int size() const { return inner_.size(); }
  void doing(const plait::activity& now) {
    inner_.doing(now);
    if (happens_) happens_(rank(), number_++, now);
  }
  template <class T>
  plait::ticket send(std::span<T> in, int peer, int channel, stream order) {
    return inner_.send(in, peer, channel, order);
  }
  void wait(plait::ticket one, stream order) { inner_.wait(one, order); }
  template <class T>
  void receive(std::span<T> out, int peer, int channel, stream order) {
    inner_.receive(out, peer, channel, order);
  }
  template <class T>
  void all_reduce(std::span<T> data, plait::reduction how, stream order) {
    inner_.all_reduce(data, how, order);
  }
  template <class T>
  void reduce_scatter(std::span<const T> in, std::span<T> out, plait::reduction how, stream order) {
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
  interrupted_communicator split(int color, int key) { return interrupted_communicator{inner_.split(color, key)}; }

 private:
  Comm inner_;
  interruption happens_;
  int number_ = 0;
};

/// `engine`, interrupted.
template <class Engine>
struct interrupted {
  Engine engine;
  interruption happens;

  template <class Body, class CoordinatesOf>
  void run(int ranks, Body&& body, CoordinatesOf&& coordinates_of) const {
    engine.run(
        ranks,
        [&](typename Engine::communicator_type& world) {
          interrupted_communicator wrapped{world.split(0, world.rank()), happens};
          body(wrapped);
        },
        coordinates_of);
  }
};

inline layout_handle interrupted_layout() {
  return layout_of({2, 1, 2}, 1, 1);
}

/// What a rank throws to leave its body in the middle of a step as if it were done.
struct left_early {};

/// Trains two steps under data 2 x pipeline 2 with clipping, which have all kinds of actions.
template <class Engine>
void train_interrupted(const Engine& engine, const interruption& happens) {
  const auto model = real_model();
  const auto job = real_task<float>(/*micro=*/2, /*steps=*/2);
  plait::run(interrupted<Engine>{engine, happens}, interrupted_layout(), [&](auto& rank) {
    trainer trainer{rank, model, sgd{}, job.settings};
    try {
      for (std::uint64_t step = 0; step < 2; ++step) {
        const local_batch<float, std::int32_t> data{job, step, rank.place().data, rank.mesh().ways.data};
        trainer.step(data.view(job));
      }
    } catch (const left_early&) {
    }
  });
}

}  // namespace harness
