// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <plait/core/require.hpp>
#include <plait/data/batch.hpp>
#include <plait/optim/optimizer.hpp>
#include <plait/tensor/buffer.hpp>
#include <plait/tensor/host.hpp>
#include <plait/tensor/ledger.hpp>
#include <plait/train/agreement.hpp>
#include <plait/train/executor.hpp>
#include <plait/train/parameters.hpp>
#include <plait/train/rank.hpp>
#include <plait/train/recorder.hpp>
#include <plait/train/step_capture.hpp>
#include <plait/train/step_plan.hpp>

namespace plait {

/// Trains a model on one rank: holds its stages, and runs the program that the schedule gives it.
///
///     run<layout>(threads{}, [&](auto& rank) {
///       trainer trainer{rank, model, adamw{}, training<float>{.features = 784, .batch = 256, .micro = 8}};
///       for (auto& batch : loader.epoch(0)) trainer.step(batch);
///     });
///
/// All memory is taken at construction. Every rank of the run makes its trainer at the same time, from equal arguments,
/// and calls `step` and `evaluate` in the same order.
///
/// Laws: the losses, gradients and parameters do not depend on the layout (`docs/concepts.md`); two runs are equal to
/// the bit.
template <real T, class Model, class Optimizer, communicator Comm>
class trainer {
 public:
  using space = typename Comm::space;
  using target = target_of<typename Model::loss_type, T>;
  using batch_type = batch<T, target>;

  /// The model is kept by reference. Throws: usage, for a layout, batch or cut that cannot be; schedule, for programs
  /// that do not complete.
  trainer(rank_context<Comm>& rank, const Model& model, Optimizer optimizer, const training<T>& settings,
          typename space::stream order = {})
      : rank_{&rank},
        model_{&model},
        seed_{settings.seed},
        optimizer_{optimizer},
        plan_{plan_step(rank.layout(), rank.place(), model, settings, Optimizer::states,
                        static_cast<std::int64_t>(space::alignment), bytes_of_numbers<T, Optimizer>())},
        executor_{rank, model, plan_, settings, order} {
    for (auto& stage : executor_.stages())
      for (held_parameter<T>& held : stage.parameters()) {
        const std::vector<T> values = initial_values(held, settings.seed);
        space::upload(held.weight, values.data(), values.size() * sizeof(T), order);
      }
    executor_.weights_were_set();
  }

  /// One step of training over a global batch, of which `batch` holds this data rank's rows, in host memory or in the
  /// trainer's space. Throws: usage, where the batch does not fit the settings; numerics, where the loss is not finite,
  /// on every rank alike.
  template <class From>
  step_result step(const batch<T, target, From>& batch) {
    return step_over(std::span{&batch, 1})[0];
  }

  /// As many steps as one program makes (`training::steps`), over as many batches, without draining the pipeline
  /// between them. The results are there until the next call.
  std::span<const step_result> step(std::span<const batch_type> batches) { return step_over(batches); }
  /// \copydoc step
  std::span<const step_result> step(std::span<const batch<T, target, space>> batches) requires(
      !std::same_as<space, host>) {
    return step_over(batches);
  }

  /// The loss and the hits of a batch, by the forward projection of the same program.
  template <class From>
  step_result evaluate(const batch<T, target, From>& batch) {
    const step_result seen = executor_.run(plan_.my_evaluation(), std::span{&batch, 1}, optimizer_, steps_)[0];
    if (!std::isfinite(seen.loss)) look_at_targets();
    return seen;
  }

  [[nodiscard]] Optimizer& optimizer() { return optimizer_; }
  [[nodiscard]] std::int64_t steps() const { return steps_; }
  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  [[nodiscard]] rank_context<Comm>& rank() const { return *rank_; }
  [[nodiscard]] const Model& model() const { return *model_; }
  [[nodiscard]] typename space::stream order() const { return executor_.order(); }
  [[nodiscard]] const std::vector<program>& programs() const { return plan_.training; }  ///< of all pipeline ranks
  [[nodiscard]] const std::vector<int>& cut() const { return plan_.cut; }
  [[nodiscard]] const model_profile& profile() const { return plan_.profile; }
  [[nodiscard]] const step_memory& predicted_memory() const { return plan_.memory; }
  [[nodiscard]] const ledger& memory() const { return executor_.memory(); }

  /// Rows of this rank's last step or evaluation: what it did when. Times are in seconds, on a clock that ranks of one
  /// process share.
  [[nodiscard]] const recorder<space>& recorded() const { return executor_.recorded(); }

  /// Calls `seen(held_parameter, values)` for each parameter that this rank answers for, so that over all ranks each
  /// element is seen once: values: [size()], in host memory. `gradients` shows those instead of the weights.
  template <class Seen>
  void for_each_parameter(Seen&& seen, bool gradients = false) const {
    if (rank_->place().data != 0) return;
    std::vector<T> values;
    for (const auto& stage : executor_.stages())
      for (const held_parameter<T>& held : stage.parameters()) {
        if (held.copy != 0) continue;
        if (held.global.sharded_dim < 0 && rank_->place().tensor != 0) continue;
        values.resize(static_cast<std::size_t>(held.size()));
        space::download(values.data(), gradients ? held.gradient : held.weight, values.size() * sizeof(T),
                        executor_.order());
        seen(held, std::span<const T>{values});
      }
  }

  /// Sets every parameter: `value_of(held_parameter, global element index)`, which must not depend on the rank. For
  /// models whose weights come from elsewhere.
  template <class ValueOf>
  void fill_parameters(ValueOf&& value_of) {
    std::vector<T> values;
    for (auto& stage : executor_.stages())
      for (held_parameter<T>& held : stage.parameters()) {
        values.resize(static_cast<std::size_t>(held.size()));
        for (std::int64_t i = 0; i < held.size(); ++i)
          values[static_cast<std::size_t>(i)] = value_of(held, held.global_index(i));
        space::upload(held.weight, values.data(), values.size() * sizeof(T), executor_.order());
      }
    executor_.weights_were_set();
  }

  /// Calls `seen(held_parameter&)` for each parameter that this rank holds, in a fixed order: to save its weights,
  /// those of the version before where there is one, and optimizer state, or to put others in their place, which must
  /// be the same on every rank that holds them.
  template <class Seen>
  void for_each_held(Seen&& seen) {
    for (auto& stage : executor_.stages())
      for (held_parameter<T>& held : stage.parameters()) seen(held);
  }

  /// Goes on as if `steps` steps had been made from that seed: for weights and optimizer state that were put in place.
  void restore(std::int64_t steps, std::uint64_t seed) {
    steps_ = steps;
    seed_ = seed;
  }

  /// A hash of all parameters of the model, the same on every rank and for every layout. All ranks call it together.
  std::uint64_t digest() {
    parameters_digest mine;
    for_each_parameter([&](const held_parameter<T>& held, std::span<const T> values) {
      for (std::int64_t i = 0; i < held.size(); ++i)
        mine.add(held.name, held.global_index(i), values[static_cast<std::size_t>(i)]);
    });
    buffer<std::uint64_t, space> sum{1};
    const std::uint64_t part = mine.value();
    space::upload(sum.data(), &part, sizeof part, executor_.order());
    rank_->world().all_reduce(std::span<std::uint64_t>{sum.data(), 1}, reduction::sum, executor_.order());
    std::uint64_t whole = 0;
    space::download(&whole, sum.data(), sizeof whole, executor_.order());
    return whole;
  }

 private:
  /// Throws: usage, on every rank, where a target of the last run cannot be on any.
  void look_at_targets() {
    all_or_none(*rank_, executor_.order(), [&] { executor_.look_at_targets(); });
  }

  template <class From>
  std::span<const step_result> step_over(std::span<const batch<T, target, From>> batches) {
    const std::span<const step_result> results = executor_.run(plan_.my_training(), batches, optimizer_, steps_ + 1);
    for (const step_result& result : results) {
      ++steps_;
      if (!std::isfinite(result.loss)) look_at_targets();
      if (!std::isfinite(result.loss) || !executor_.update_stands())
        throw error{error_kind::numerics, "plait::trainer::step",
                    (std::isfinite(result.loss) ? "the gradients of step " : "the loss of step ") +
                        std::to_string(steps_) + (std::isfinite(result.loss) ? " are" : " is") +
                        " not finite; try a smaller learning rate, or a limit on the norm of gradients" +
                        (executor_.update_stands() ? "" : "; the update has been taken back")};
    }
    return results;
  }

  rank_context<Comm>* rank_;
  const Model* model_;
  std::uint64_t seed_;  ///< of the initial values
  Optimizer optimizer_;
  step_plan plan_;
  executor<T, Model, Optimizer, Comm> executor_;
  std::int64_t steps_ = 0;
};

}  // namespace plait
