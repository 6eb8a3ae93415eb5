// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <plait/core/host_device.hpp>
#include <plait/core/require.hpp>
#include <plait/data/batch.hpp>
#include <plait/kernels/for_each.hpp>
#include <plait/optim/optimizer.hpp>
#include <plait/tensor/ledger.hpp>
#include <plait/train/given_batches.hpp>
#include <plait/train/gradient_sums.hpp>
#include <plait/train/rank.hpp>
#include <plait/train/recorder.hpp>
#include <plait/train/stage.hpp>
#include <plait/train/stage_messages.hpp>
#include <plait/train/step_capture.hpp>
#include <plait/train/step_plan.hpp>
#include <plait/train/updates.hpp>
#include <plait/train/workspace.hpp>

namespace plait {

/// What a step or an evaluation came to, over all data ranks; the same on every rank.
struct step_result {
  double loss = 0;           ///< mean over the samples
  double hits = 0;           ///< samples that were right, in evaluation, where the loss can tell
  std::int64_t rows = 0;     ///< samples
  double gradient_norm = 0;  ///< before clipping; 0 where there is none
};

namespace detail {

/// *to = value
struct put_number {
  double* to;
  double value;
  PLAIT_HD void operator()(std::int64_t) const { *to = value; }
};

}  // namespace detail

/// Carries out programs on one rank: holds its stages and all memory of a step, and does what each action says.
///
/// Work is ordered by one stream, and sums of gradients by another beside it (`gradient_sums`).
template <real T, class Model, class Optimizer, communicator Comm>
class executor {
 public:
  using space = typename Comm::space;
  using target = target_of<typename Model::loss_type, T>;
  using stage_type = stage<T, Model, Comm>;

  /// Takes all memory that the plan says. Model, rank and plan are kept by reference.
  executor(rank_context<Comm>& rank, const Model& model, const step_plan& plan, const training<T>& settings,
           typename space::stream order)
      : rank_{&rank},
        plan_{&plan},
        buckets_{settings.buckets},
        order_{order},
        memory_{std::make_shared<step_arenas<space>>(plan.memory)},
        sums_{plan.my_training(), plan.shape.chunks, settings.buckets},
        stages_{make_stages(rank, model, plan, settings)},
        messages_{rank, stages_, plan, order},
        work_{take_workspace<T>(plan, memory_->workspace)},
        updates_{rank, plan, stages_, work_, memory_->stash, settings.clip_norm, order},
        capture_{plan, settings, *memory_},
        batches_{model.loss(), settings.features, plan.shape.micro, plan.profile.rows, plan.shape.steps} {
    const program &trains = plan.my_training(), &evaluates = plan.my_evaluation();
    memory_->require_used_up();
    if (capture_.on()) updates_.read_numbers(capture_.numbers(), bytes_of_numbers<T, Optimizer>());
    results_.resize(static_cast<std::size_t>(plan.shape.steps));
    rows_.resize(results_.size());
    numbers_.resize(work_.sum_count());
    recorder_.reserve(std::max(trains.actions.size(), evaluates.actions.size()));
    for (arena<space>* one : {&memory_->weights, &memory_->optimizer_state, &memory_->stash})
      space::zero(one->data(), static_cast<std::size_t>(one->size()), order_);
  }

  executor(const executor&) = delete;
  executor& operator=(const executor&) = delete;
  ~executor() {
    if (running_ || std::uncaught_exceptions() > exceptions_) rank_->keep(std::move(memory_));
  }

  /// Runs a program over global batches, one for each of its steps, of which `batches` hold this data rank's rows.
  ///
  /// step: number of the first step, from 1, for the optimizer. The results are there until the next run. Throws:
  /// usage, where a batch does not fit the settings.
  template <class From>
  std::span<const step_result> run(const program& steps, std::span<const batch<T, target, From>> batches,
                                   const Optimizer& optimizer, std::int64_t step) {
    batches_.take(batches, steps.shape.steps);
    running_ = true;
    updates_.start();
    if (!steps.trains || !capture_.on()) {
      give(steps, optimizer, step);
      if (capture_.on()) messages_.end();
    } else if constexpr (decltype(capture_)::possible) {
      capture_.stage(batches_, optimizer, step, order_);
      capture_.run(batches_, stages_, rank_->world(), recorder_, order_, [&] {
        give(steps, optimizer, step);
        messages_.end();
      });
    }
    if (steps.trains) updates_.finish();
    collect();
    running_ = false;
    rank_->world().doing({"between steps", -1, -1, -1});
    return {results_.data(), batches.size()};
  }

  /// Throws: usage, where a target of the last run cannot be and lies where nothing looked at it. To be called where a
  /// loss is not finite.
  void look_at_targets() const { batches_.look_at_targets(order_); }

  /// Weights were put in place from outside: all versions of them are those.
  void weights_were_set() { updates_.share_newest(order_); }
  /// Whether the last step's update stands. False: gradients were not finite, and it was taken back.
  [[nodiscard]] bool update_stands() const { return updates_.finite(); }

  [[nodiscard]] std::vector<stage_type>& stages() { return stages_; }
  [[nodiscard]] const std::vector<stage_type>& stages() const { return stages_; }
  [[nodiscard]] typename space::stream order() const { return order_; }
  [[nodiscard]] const ledger& memory() const { return memory_->counted; }
  /// What the last run did when.
  [[nodiscard]] const recorder<space>& recorded() const { return recorder_; }

 private:
  /// Gives the work of a program to the streams: all of it, and nothing that is not in their order.
  void give(const program& steps, const Optimizer& optimizer, std::int64_t step) {
    if (steps.trains)
      space::zero(memory_->gradients.data(), static_cast<std::size_t>(memory_->gradients.size()), order_);
    space::zero(work_.sums, work_.sum_count() * sizeof(double), order_);
    std::ranges::fill(rows_, 0);
    recorder_.start(order_);
    for (const action& act : steps.actions) {
      rank_->world().doing({name_of(act.kind).data(), act.stage, act.micro, act.peer});
      if (act.kind == op::optimizer_step || act.kind == op::validate_step)
        update(act, optimizer, step);
      else
        carry_out(act, steps.trains);
      if (act.kind != op::reduce_gradients) recorder_.done(act, bytes_of(act), order_);
    }
    sums_.join(order_);
  }

  std::vector<stage_type> make_stages(rank_context<Comm>& rank, const Model& model, const step_plan& plan,
                                      const training<T>& settings) {
    const program &trains = plan.my_training(), &evaluates = plan.my_evaluation();
    const std::vector<std::int64_t> features = model.features(settings.features);
    std::vector<stage_type> stages;
    stages.reserve(plan.places.size());
    for (std::size_t chunk = 0; chunk < plan.places.size(); ++chunk) {
      const typename stage_type::buffer_counts counts{.slots = std::max(trains.slots[chunk], evaluates.slots[chunk]),
                                                      .messages = trains.messages[chunk],
                                                      .pending = trains.pending[chunk],
                                                      .versions = trains.versions[chunk],
                                                      .skips = trains.skips[chunk]};
      stages.emplace_back(model, features, plan.profile, plan.places[chunk], counts, Optimizer::states,
                          rank.on_tensor_axis(), rank.tensor(), *memory_, plan.shape.all_micro());
      if (counts.pending > 0) stages.back().require_halves();
    }
    return stages;
  }

  /// The results of the steps, from the sums over all ranks.
  void collect() {
    space::download(numbers_.data(), work_.sums, numbers_.size() * sizeof(double), order_);
    if constexpr (requires { rank_->world().check(); }) rank_->world().check();
    for (std::size_t i = 0; i < batches_.steps(); ++i) {
      const double* const sums = numbers_.data() + shared_workspace<T>::sums_of_a_step * i;
      const std::int64_t rows = static_cast<std::int64_t>(sums[2]), all = batches_.global_rows(i);
      require(rows == all, "plait::trainer", [&] {
        return "the batches of all data ranks have " + std::to_string(rows) +
               " samples, and this one was said to be of " + std::to_string(all) +
               "; every data rank brings its rows of the same global batch";
      });
      results_[i] = step_result{.loss = all > 0 ? sums[0] / static_cast<double>(all) : 0,
                                .hits = sums[1],
                                .rows = all,
                                .gradient_norm = std::sqrt(numbers_.back())};
    }
  }

  [[nodiscard]] std::int64_t rows_of(const action& act) const { return batches_.rows_of(act); }

  void carry_out(const action& act, bool trains) {
    switch (act.kind) {
      case op::receive_activation:
      case op::send_activation:
      case op::receive_gradient:
      case op::send_gradient:
        return messages_.carry(act, rows_of(act));
      case op::forward:
        return forward(act, trains);
      case op::backward:
      case op::backward_input:
        return backward(act);
      case op::backward_weight:
        return backward_weight(act);
      case op::reduce_gradients:
        return reduce_gradients(act);
      case op::reduce_norm:
        sums_.join(order_);
        return updates_.reduce_norm(order_);
      case op::reduce_loss:
        return reduce_loss();
      case op::optimizer_step:
      case op::validate_step:
        break;
    }
  }

  void update(const action& act, const Optimizer& optimizer, std::int64_t step) {
    sums_.join(order_);
    if (act.kind == op::validate_step)
      updates_.validate(optimizer, step, order_);
    else if (act.chunk >= 0)
      updates_.update_chunk(act, optimizer, step, order_);
    else
      updates_.update_all(optimizer, step, order_);
  }

  void forward(const action& act, bool trains) {
    auto& stage = stage_of(act);
    if (!stage.place().has_before || stage.place().input_is_here) {
      messages_.wait_for_slot(act);
      stage.open(act, rows_of(act), stage.place().input_is_here ? before(stage).output_of_micro(act.micro) : nullptr);
    }
    if (!stage.place().has_before) batches_.bring_inputs(act, stage.input(act.slot), order_);
    if (stage.place().last) {
      batches_.bring_targets(act, stage.targets(act.slot), order_);
      rows_[static_cast<std::size_t>(batches_.step_of(act))] += rows_of(act);
    }
    read_skips(act);
    stage.forward(act.slot, act.version, batches_.step_of(act), work_, !trains, order_);
  }

  void backward(const action& act) {
    auto& stage = stage_of(act);
    T* dy = nullptr;
    if (stage.place().has_after_elsewhere)
      dy = stage.gradient_in(act.message);
    else if (!stage.place().last)
      dy = after(stage).gradient_out(act.message);
    messages_.wait_for_gradients(act);
    T* const dx = stage.place().has_before ? stage.gradient_out(act.message) : nullptr;
    read_skips(act);
    add_skips(act);
    const T scale = T{1} / static_cast<T>(batches_.global_rows_of(act));
    if (act.kind == op::backward_input)
      stage.backward_input(act.slot, act.pending, act.version, dy, dx, scale, work_, order_);
    else
      stage.backward(act.slot, act.version, dy, dx, scale, work_, order_, buckets_of(act));
  }
  void backward_weight(const action& act) {
    stage_of(act).backward_weight(act.slot, act.pending, act.version, work_, order_, buckets_of(act));
  }
  /// Says of buckets whose gradients are complete that they can be summed.
  auto buckets_of(const action& act) {
    return [this, &stage = stage_of(act), chunk = act.chunk,
            to_come = sums_.completes(act.chunk, act.micro) ? buckets_ : 0](const T* first_gradient) mutable {
      while (to_come > 0 && first_gradient <= stage.bucket(to_come - 1, buckets_).data())
        sums_.ready(chunk, --to_come, order_);
    };
  }

  /// Where a pass finds what came along skip edges: in its slot, or where a stage of this rank made it.
  void read_skips(const action& act) {
    auto& skips = stage_of(act).skips();
    for (std::size_t k = 0; k < skips.in().size(); ++k) {
      const skip_end& one = skips.in()[k];
      if (one.chunk_there < 0) {
        skips.read_from(k, skips.value_buffer(act.slot, k));
      } else {
        const stage_type& there = stages_[static_cast<std::size_t>(one.chunk_there)];
        skips.read_from(k, there.output_of_layer(there.slot_of_micro(act.micro), one.source));
      }
    }
  }
  /// Where a backward pass finds gradients along skip edges, and where it leaves those that it makes.
  void add_skips(const action& act) {
    auto& skips = stage_of(act).skips();
    for (std::size_t k = 0; k < skips.out().size(); ++k) {
      const skip_end& one = skips.out()[k];
      skips.add_from(k, one.chunk_there < 0
                            ? skips.came_buffer(act.message, k)
                            : stages_[static_cast<std::size_t>(one.chunk_there)].skips().made_for(act.micro, one.edge));
    }
    if (!skips.in().empty()) skips.write_to(act.micro, act.skip);
  }

  void reduce_gradients(const action& act) {
    sums_.sum(act.chunk, act.bucket, stage_of(act).bucket(act.bucket, buckets_), rank_->gradients(),
              [&](typename space::stream beside) { recorder_.begin_beside(beside); });
    recorder_.done_beside(act, bytes_of(act), sums_.beside(), order_);
  }

  /// Every rank of the tensor axis has the loss; one of them counts. The others, and all that do not hold the last
  /// stage, add nothing. Samples are counted as well: a mean over another number of them would be wrong, and nobody
  /// would see it.
  void reduce_loss() {
    if (rank_->place().tensor != 0)
      space::zero(work_.sums, (work_.sum_count() - 1) * sizeof(double), order_);
    else
      for (std::size_t step = 0; step < batches_.steps(); ++step)
        for_each_element(1, detail::put_number{work_.rows(static_cast<int>(step)), static_cast<double>(rows_[step])},
                         order_);
    rank_->world().all_reduce(std::span<double>{work_.sums, work_.sum_count() - 1}, reduction::sum, order_);
  }

  /// The stage before, and the one after, where they are on this rank.
  stage_type& before(const stage_type& one) { return stages_[static_cast<std::size_t>(one.place().chunk_before)]; }
  stage_type& after(const stage_type& one) { return stages_[static_cast<std::size_t>(one.place().chunk_after)]; }

  std::int64_t bytes_of(const action& act) {
    if (is_send(act.kind) || is_receive(act.kind)) return messages_.bytes_of(act, rows_of(act));
    if (act.kind == op::reduce_gradients)
      return static_cast<std::int64_t>(stage_of(act).bucket(act.bucket, buckets_).size_bytes());
    return 0;
  }

  stage_type& stage_of(const action& act) { return stages_[static_cast<std::size_t>(act.chunk)]; }

  rank_context<Comm>* rank_;
  const step_plan* plan_;
  int buckets_;
  typename space::stream order_;
  std::shared_ptr<step_arenas<space>> memory_;
  gradient_sums<Comm> sums_;
  std::vector<stage_type> stages_;
  stage_messages<T, stage_type, Comm> messages_;
  shared_workspace<T> work_;
  updates<T, stage_type, Optimizer, Comm> updates_;
  step_capture<T, target, Optimizer, Comm> capture_;
  recorder<space> recorder_;
  given_batches<T, typename Model::loss_type, target, space> batches_;  ///< of the run at hand
  std::vector<std::int64_t> rows_{};    ///< [steps]: samples whose loss this rank has added
  std::vector<double> numbers_{};       ///< the sums of all ranks
  std::vector<step_result> results_{};  ///< [steps]
  bool running_ = false;                ///< or a run that ended by an exception, which may have been caught
  int exceptions_ = std::uncaught_exceptions();
};

}  // namespace plait
