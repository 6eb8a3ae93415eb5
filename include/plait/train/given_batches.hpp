// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <plait/core/require.hpp>
#include <plait/data/batch.hpp>
#include <plait/schedule/action.hpp>
#include <plait/tensor/dtype.hpp>
#include <plait/tensor/host.hpp>

namespace plait {

/// The global batches that a run was given, one for each of its steps: whose rows an action is about, and how they get
/// into the buffers of a stage.
template <real T, class Loss, class Target, class Space>
class given_batches {
 public:
  /// What all batches must be. micro: micro-batches of a step; most_rows: of a micro-batch. Keeps the loss by
  /// reference.
  given_batches(const Loss& loss, std::int64_t features, int micro, std::int64_t most_rows, int steps)
      : loss_{&loss}, features_{features}, micro_{micro}, most_rows_{most_rows} {
    batches_.reserve(static_cast<std::size_t>(steps));
  }

  /// The batches of the next run, in host memory or in the space; they are not copied, and stay until it ends. Throws:
  /// usage, where they do not fit.
  template <class From>
  void take(std::span<const batch<T, Target, From>> batches, int steps) {
    static_assert(std::same_as<From, host> || std::same_as<From, Space>,
                  "plait: a trainer takes batches that lie in host memory or in the space of its communicator");
    require(static_cast<int>(batches.size()) == steps, "plait::trainer", [&] {
      return "it makes " + std::to_string(steps) + " steps at a time, and was given " + std::to_string(batches.size()) +
             " batches";
    });
    batches_.clear();
    for (const batch<T, Target, From>& one : batches) {
      batches_.push_back({one.x, one.targets, one.rows, one.features, one.target_columns, one.global_rows,
                          one.micro_offset, one.first_row});
      check(batches_.back());
    }
    inputs_in_space_ = targets_in_space_ = !std::same_as<From, host>;
  }

  /// Puts them at addresses in the space that are the same in every run, from where they are taken from then on. x:
  /// room for the rows of all steps, [steps, rows, features]; targets: likewise; none: those stay where they are.
  /// Throws: what the loss says of targets in host memory.
  void move_to(T* x, Target* targets, typename Space::stream order) {
    const std::int64_t rows = micro_ * most_rows_;  // of a step, at most
    for (std::size_t step = 0; step < batches_.size(); ++step) {
      shown& one = batches_[step];
      require(one.micro_offset.front() == 0, "plait::trainer", "micro_offset begins with row 0");
      const auto at = static_cast<std::int64_t>(step) * rows;
      const auto move = [&]<class Value>(std::span<const Value>& from, Value* to, std::int64_t columns, bool there) {
        const auto all = from.first(static_cast<std::size_t>(one.micro_offset.back() * columns));
        bring(to + at * columns, all, there, order);
        from = {to + at * columns, all.size()};
      };
      if (x != nullptr) move(one.x, x, features_, inputs_in_space_);
      if (targets == nullptr) continue;
      for (int micro = 0; micro < micro_ && !targets_in_space_; ++micro) look_at(one.micro_targets(micro));
      move(one.targets, targets, one.target_columns, targets_in_space_);
    }
    inputs_in_space_ = inputs_in_space_ || x != nullptr;
    targets_in_space_ = targets_in_space_ || targets != nullptr;
  }

  /// Appends what the work of a step depends on, but for the values: how many samples there are, and in which
  /// micro-batches.
  void describe(std::vector<std::int64_t>& to) const {
    for (const shown& one : batches_) {
      to.push_back(one.global_rows);
      to.insert(to.end(), one.micro_offset.begin(), one.micro_offset.end());
    }
  }

  [[nodiscard]] std::size_t steps() const { return batches_.size(); }
  [[nodiscard]] std::int64_t global_rows(std::size_t step) const { return batches_[step].global_rows; }

  // Micro-batches are numbered through all steps of a program.
  [[nodiscard]] int step_of(const action& act) const { return act.micro / micro_; }
  [[nodiscard]] std::int64_t rows_of(const action& act) const { return batch_of(act).micro_rows(micro_of(act)); }
  [[nodiscard]] std::int64_t global_rows_of(const action& act) const { return batch_of(act).global_rows; }

  /// to: [rows_of(act), features], in the space
  void bring_inputs(const action& act, T* to, typename Space::stream order) const {
    bring(to, batch_of(act).micro_x(micro_of(act)), inputs_in_space_, order);
  }

  /// to: [rows_of(act), target columns], in the space. Throws: what the loss says of targets in host memory.
  void bring_targets(const action& act, Target* to, typename Space::stream order) const {
    const std::span<const Target> targets = batch_of(act).micro_targets(micro_of(act));
    if (!targets_in_space_) look_at(targets);
    bring(to, targets, targets_in_space_, order);
  }

  /// Brings targets that lie in the space to where they can be looked at: to be called where a loss is not finite.
  /// Throws: what the loss says of them.
  void look_at_targets(typename Space::stream order) const {
    if (!targets_in_space_) return;
    std::vector<Target> here;
    for (const auto& one : batches_) {
      here.resize(one.targets.size());
      Space::download(here.data(), one.targets.data(), one.targets.size_bytes(), order);
      look_at(std::span<const Target>{here});
    }
  }

 private:
  using shown = batch<T, Target>;  ///< of a batch in any space

  [[nodiscard]] const shown& batch_of(const action& act) const {
    return batches_[static_cast<std::size_t>(step_of(act))];
  }
  [[nodiscard]] int micro_of(const action& act) const { return act.micro % micro_; }

  template <class Value>
  static void bring(Value* to, std::span<const Value> from, bool in_space, typename Space::stream order) {
    if (in_space)
      Space::copy(to, from.data(), from.size_bytes(), order);
    else
      Space::upload(to, from.data(), from.size_bytes(), order);
  }

  void look_at(std::span<const Target> targets) const {
    if constexpr (requires { loss_->check_targets(targets); }) loss_->check_targets(targets);
  }

  void check(const shown& batch) const {
    require(batch.features == features_ && batch.target_columns == loss_->target_columns(), "plait::trainer", [&] {
      return "the batch has " + std::to_string(batch.features) + " features and " +
             std::to_string(batch.target_columns) + " targets a sample, and the model takes " +
             std::to_string(features_) + " and " + std::to_string(loss_->target_columns());
    });
    require(batch.micro() == micro_, "plait::trainer", [&] {
      return "the batch has " + std::to_string(batch.micro()) + " micro-batches, and the trainer was made for " +
             std::to_string(micro_);
    });
    for (int micro = 0; micro < batch.micro(); ++micro)
      require(batch.micro_rows(micro) <= most_rows_, "plait::trainer", [&] {
        return "a micro-batch of " + std::to_string(batch.micro_rows(micro)) + " samples is larger than the " +
               std::to_string(most_rows_) + " that there is memory for; make the trainer with a larger batch";
      });
  }

  const Loss* loss_;
  std::int64_t features_;
  int micro_;
  std::int64_t most_rows_;
  std::vector<shown> batches_;
  bool inputs_in_space_ = false;
  bool targets_in_space_ = false;
};

}  // namespace plait
