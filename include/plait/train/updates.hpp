// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <plait/kernels/for_each.hpp>
#include <plait/kernels/reduce.hpp>
#include <plait/optim/clip.hpp>
#include <plait/optim/optimizer.hpp>
#include <plait/train/parameters.hpp>
#include <plait/train/rank.hpp>
#include <plait/train/step_plan.hpp>
#include <plait/train/workspace.hpp>

namespace plait {

/// What happens to a rank's parameters in a step: the norm of their gradients, the update of all of them or of one
/// chunk, weight versions, and updates that are taken back.
template <real T, class Stage, class Optimizer, communicator Comm>
class updates {
 public:
  using space = typename Comm::space;
  using stream = typename space::stream;

  /// Takes from `stash` what updates that may be taken back need. Everything is kept by reference.
  updates(rank_context<Comm>& rank, const step_plan& plan, std::vector<Stage>& stages, const shared_workspace<T>& work,
          arena<space>& stash, double clip_norm, stream order)
      : rank_{&rank}, plan_{&plan}, stages_{&stages}, work_{&work}, clip_norm_{clip_norm} {
    const program& steps = plan.my_training();
    const auto chunks = stages.size();
    newest_.assign(chunks, newest_at_start());
    done_.resize(chunks);
    for (const action& act : steps.actions)
      if (act.kind == op::optimizer_step && act.chunk >= 0) newest_[static_cast<std::size_t>(act.chunk)] = act.version;
    for (Stage& stage : stages)
      if (stage.versions() > newest_at_start()) stage.rename_versions(newest_at_start(), newest_at_start());
    if (steps.options.post_validate)
      for (Stage& stage : stages)
        for (const held_parameter<T>& held : stage.parameters())
          for (std::size_t array = 0; array <= held.state.size(); ++array)
            before_.push_back(stash.template take<T>(held.size()));
    double scale = 1;
    space::upload(work.gradient_scale, &scale, sizeof scale, order);
    if (steps.policy != weight_versions::flush && plan.shape.has_copies())
      scale = 1.0 / static_cast<double>(rank.gradients().size() / plan.data_ways);
    space::upload(work.unclipped_scale, &scale, sizeof scale, order);
  }

  /// The version before is the newest one too: for weights that were put in place from outside.
  void share_newest(stream order) {
    for (Stage& stage : *stages_)
      for (held_parameter<T>& held : stage.parameters())
        if (held.previous != nullptr) space::copy(held.previous, held.weight, bytes(held), order);
  }

  /// From now on updates read the optimizer's numbers there, in the space: those of each step of a program.
  void read_numbers(const void* at, std::int64_t bytes_of_step) {
    numbers_ = static_cast<const std::byte*>(at);
    bytes_of_numbers_ = bytes_of_step;
  }

  void start() {
    finite_ = true;
    for (int& one : done_) one = 0;
  }

  /// Over the ranks that hold the model once; a parameter that every tensor rank has is counted on the first.
  void reduce_norm(stream order) {
    for (std::size_t chunk = 0; chunk < stages_->size(); ++chunk)
      for (const held_parameter<T>& held : (*stages_)[chunk].parameters())
        if (plan_->places[chunk].copy == 0 && (held.global.sharded_dim >= 0 || rank_->place().tensor == 0))
          add_sum_of_squares(held.gradient, held.size(), work_->square_of_norm, work_->reduce_scratch, order);
    rank_->model().all_reduce(std::span<double>{work_->square_of_norm, 1}, reduction::sum, order);
    const double limit = clip_norm_ > 0 ? clip_norm_ : std::numeric_limits<double>::infinity();
    for_each_element(1, clip_scale{work_->square_of_norm, limit, work_->gradient_scale}, order);
  }

  /// Updates all parameters of the rank. Where that is to be validated, as if nothing were clipped.
  void update_all(const Optimizer& optimizer, std::int64_t step, stream order) {
    if (!before_.empty()) {
      std::size_t next = 0;
      for_each_array([&](T* now, std::size_t size) { space::copy(before_[next++], now, size, order); });
    }
    const double* const scale = before_.empty() ? work_->gradient_scale : work_->unclipped_scale;
    for (Stage& stage : *stages_)
      for (held_parameter<T>& held : stage.parameters()) apply(optimizer, held, held.weight, scale, step, order);
  }

  /// Updates one chunk: makes the newest version into the one of the buffer that the action names.
  void update_chunk(const action& act, const Optimizer& optimizer, std::int64_t first_step, stream order) {
    const auto chunk = static_cast<std::size_t>(act.chunk);
    Stage& stage = (*stages_)[chunk];
    for (std::size_t i = 0; i < stage.parameters().size(); ++i) {
      held_parameter<T>& held = stage.parameters()[i];
      T* const next = stage.weight(i, act.version);
      if (next != held.weight) space::copy(next, held.weight, bytes(held), order);
      held.weight = next;
      apply(optimizer, held, next, work_->unclipped_scale, first_step, order, done_[chunk]);
    }
    ++done_[chunk];
    stage.clear_gradients(order);
  }

  /// Takes the update back where the norm of all gradients says that it was wrong, and makes it again, clipped, where
  /// that helps. Waits for the norm.
  void validate(const Optimizer& optimizer, std::int64_t step, stream order) {
    double norm_and_scale[2];
    space::download(norm_and_scale, work_->square_of_norm, sizeof norm_and_scale, order);
    finite_ = std::isfinite(norm_and_scale[0]);
    if (finite_ && norm_and_scale[1] >= 1) return;
    std::size_t next = 0;
    for_each_array([&](T* now, std::size_t size) { space::copy(now, before_[next++], size, order); });
    if (!finite_) return;
    for (Stage& stage : *stages_)
      for (held_parameter<T>& held : stage.parameters())
        apply(optimizer, held, held.weight, work_->gradient_scale, step, order);
  }
  /// Whether the update of the last step stands, as far as it was validated.
  [[nodiscard]] bool finite() const { return finite_; }

  /// After a program: its next run calls the buffers of versions by the same names.
  void finish() {
    if (plan_->my_training().policy == weight_versions::flush) return;
    for (std::size_t chunk = 0; chunk < stages_->size(); ++chunk)
      (*stages_)[chunk].rename_versions(newest_[chunk], newest_at_start());
  }

 private:
  /// Double buffers hold the version before in buffer 0.
  [[nodiscard]] int newest_at_start() const {
    return plan_->my_training().policy == weight_versions::double_buffered ? 1 : 0;
  }
  static std::size_t bytes(const held_parameter<T>& held) { return static_cast<std::size_t>(held.size()) * sizeof(T); }

  void apply(const Optimizer& optimizer, held_parameter<T>& held, T* weight, const double* scale,
             std::int64_t first_step, stream order, int done = 0) {
    optimizer.apply(update<T>{.weight = weight,
                              .gradient = held.gradient,
                              .state = held.state.data(),
                              .size = held.size(),
                              .gradient_scale = scale,
                              .decays = held.global.decays,
                              .step = first_step + done,
                              .numbers = numbers_ == nullptr ? nullptr : numbers_ + done * bytes_of_numbers_},
                    order);
  }

  /// Calls seen(array, bytes) for the weights and the optimizer's states of each parameter.
  template <class Seen>
  void for_each_array(Seen&& seen) {
    for (Stage& stage : *stages_)
      for (held_parameter<T>& held : stage.parameters()) {
        seen(held.weight, bytes(held));
        for (T* const state : held.state) seen(state, bytes(held));
      }
  }

  rank_context<Comm>* rank_;
  const step_plan* plan_;
  std::vector<Stage>* stages_;
  const shared_workspace<T>* work_;
  double clip_norm_;
  std::vector<int> newest_;   ///< [chunks]: buffer of the newest version at the end of a program
  std::vector<int> done_;     ///< [chunks]: updates of this program so far
  std::vector<T*> before_{};  ///< weights and states as they were before the update
  const std::byte* numbers_ = nullptr;
  std::int64_t bytes_of_numbers_ = 0;
  bool finite_ = true;
};

}  // namespace plait
