// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <plait/comm/communicator.hpp>
#include <plait/core/require.hpp>
#include <plait/optim/optimizer.hpp>
#include <plait/tensor/dtype.hpp>
#include <plait/train/captured_steps.hpp>
#include <plait/train/recorder.hpp>
#include <plait/train/step_plan.hpp>
#include <plait/train/workspace.hpp>

namespace plait {

/// Why steps over a communicator with an optimizer cannot be captured; empty: they can.
template <real T, class Optimizer, communicator Comm>
constexpr const char* why_not_captured() {
  if constexpr (!requires { typename Comm::space::graph; })
    return "work in this memory is done before a call returns, so there is nothing to capture";
  else if constexpr (!capturable_communicator<Comm>)
    return "a rank's host waits for the other ranks in every step; capture steps of one rank, or of ranks over NCCL";
  else if constexpr (!capturable_optimizer<Optimizer, T>)
    return "the optimizer has no numbers<T>(step), so what it takes from the step's number would be captured with it "
           "(optim/optimizer.hpp)";
  else
    return "";
}

/// Bytes of an optimizer's numbers for one step; 0: it has none.
template <real T, class Optimizer>
constexpr std::int64_t bytes_of_numbers() {
  if constexpr (capturable_optimizer<Optimizer, T>)
    return static_cast<std::int64_t>(sizeof(std::declval<const Optimizer&>().template numbers<T>(1)));
  else
    return 0;
}

/// Capturing for trainers that cannot: says why where it is asked for.
template <real T, class Target, class Optimizer, communicator Comm>
class step_capture {
 public:
  static constexpr bool possible = false;

  step_capture(const step_plan& /*plan*/, const training<T>& settings, step_arenas<typename Comm::space>& /*memory*/) {
    require(!settings.capture, "plait::trainer", [] {
      return std::string{"these steps cannot be captured: "}.append(why_not_captured<T, Optimizer, Comm>());
    });
  }
  [[nodiscard]] static constexpr bool on() { return false; }
  [[nodiscard]] static constexpr const void* numbers() { return nullptr; }
};

/// Captures the steps of a rank: whatever changes from one step to the next is put where the recorded work finds it,
/// and steps that differ in more than that are told apart.
template <real T, class Target, class Optimizer, communicator Comm>
  requires(why_not_captured<T, Optimizer, Comm>()[0] == '\0')
class step_capture<T, Target, Optimizer, Comm> {
 public:
  using space = typename Comm::space;
  using stream = typename space::stream;
  using numbers_type = decltype(std::declval<const Optimizer&>().template numbers<T>(1));
  static constexpr bool possible = true;

  /// Takes the room that the plan says from `memory`. Throws: usage, for settings with which steps cannot be captured.
  step_capture(const step_plan& plan, const training<T>& settings, step_arenas<space>& memory)
      : on_{settings.capture}, steps_{static_cast<std::size_t>(plan.shape.steps)} {
    if (!on_) return;
    require(!settings.post_validate, "plait::trainer",
            "these steps cannot be captured: where an update is validated afterwards the host decides in the midst of "
            "the step; leave out capture or post_validate");
    if (plan.staged.inputs > 0) inputs_ = memory.communication.template take<T>(plan.staged.inputs);
    if (plan.staged.targets > 0) targets_ = memory.communication.template take<Target>(plan.staged.targets);
    numbers_ = memory.communication.template take<numbers_type>(plan.shape.steps);
    next_numbers_.resize(steps_);
  }

  [[nodiscard]] bool on() const { return on_; }
  /// Where the optimizer's numbers lie, those of each step of a program; none: steps are not captured.
  [[nodiscard]] const void* numbers() const { return numbers_; }

  /// Puts the batches of a run and the numbers of its steps, the first of which is `step`, where its work finds them.
  /// Throws: what the loss says of targets in host memory.
  template <class Batches>
  void stage(Batches& batches, const Optimizer& optimizer, std::int64_t step, stream order) {
    batches.move_to(inputs_, targets_, order);
    for (std::size_t i = 0; i < steps_; ++i)
      next_numbers_[i] = optimizer.template numbers<T>(step + static_cast<std::int64_t>(i));
    space::upload(numbers_, next_numbers_.data(), steps_ * sizeof(numbers_type), order);
  }

  /// give(): gives the work of the run to `order`. It is done so, or recorded, or what was recorded is launched.
  template <class Batches, class Stages, class Give>
  void run(const Batches& batches, const Stages& stages, Comm& world, recorder<space>& rows, stream order,
           const Give& give) {
    key_.clear();
    batches.describe(key_);
    for (const auto& stage : stages) key_.push_back(stage.first_version());
    recorded_.run(key_, rows, order, give, [&](const auto& start) {
      world.doing({"captured step", -1, -1, -1});
      launch(world, order, start);
    });
  }

 private:
  /// Where the communicator watches its work, it watches this too.
  template <class Start>
  static void launch(Comm& world, stream order, const Start& start) {
    if constexpr (requires { world.launch(order, start); })
      world.launch(order, start);
    else
      start();
  }

  bool on_;
  std::size_t steps_;
  T* inputs_ = nullptr;  ///< [steps, rows, features]; none: no stage of this rank reads samples
  Target* targets_ = nullptr;
  numbers_type* numbers_ = nullptr;         ///< [steps]
  std::vector<numbers_type> next_numbers_;  ///< [steps], on the host
  std::vector<std::int64_t> key_{};
  captured_steps<space> recorded_{};
};

}  // namespace plait
