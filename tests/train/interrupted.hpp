// SPDX-License-Identifier: Apache-2.0
#pragma once

// An engine whose ranks are interrupted at a chosen action: something happens on one rank just before it.

#include <cstdint>
#include <functional>
#include <span>
#include <utility>

#include "forwarding_communicator.hpp"
#include "real_model.hpp"

namespace harness {

/// Called on every rank before each action with the rank, how many actions it has begun before, and the action.
using interruption = std::function<void(int rank, int number, const plait::activity&)>;

template <class Comm>
class interrupted_communicator : public forwarding_communicator<Comm> {
  using base = forwarding_communicator<Comm>;
  using base::inner_;

 public:
  using base::rank;

  explicit interrupted_communicator(Comm inner, interruption happens = {})
      : base{std::move(inner)}, happens_{std::move(happens)} {}

  void doing(const plait::activity& now) {
    inner_.doing(now);
    if (happens_) happens_(rank(), number_++, now);
  }
  interrupted_communicator split(int color, int key) { return interrupted_communicator{inner_.split(color, key)}; }

 private:
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
