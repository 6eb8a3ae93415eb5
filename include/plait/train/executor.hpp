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

#include <plait/comm/message_queue.hpp>
#include <plait/core/host_device.hpp>
#include <plait/core/require.hpp>
#include <plait/data/batch.hpp>
#include <plait/kernels/for_each.hpp>
#include <plait/kernels/reduce.hpp>
#include <plait/optim/clip.hpp>
#include <plait/optim/optimizer.hpp>
#include <plait/tensor/ledger.hpp>
#include <plait/train/gradient_sums.hpp>
#include <plait/train/rank.hpp>
#include <plait/train/recorder.hpp>
#include <plait/train/stage.hpp>
#include <plait/train/step_plan.hpp>
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
  using batch_type = batch<T, target_of<typename Model::loss_type, T>>;
  using stage_type = stage<T, Model, Comm>;

  /// Takes all memory that the plan says. Model, rank and plan are kept by reference.
  executor(rank_context<Comm>& rank, const Model& model, const step_plan& plan, const training<T>& settings,
           typename space::stream order)
      : rank_{&rank},
        model_{&model},
        plan_{&plan},
        features_{settings.features},
        buckets_{settings.buckets},
        clip_norm_{settings.clip_norm},
        order_{order},
        memory_{std::make_shared<step_arenas<space>>(plan.memory)},
        sums_{plan.my_training(), plan.shape.chunks, settings.buckets} {
    const program &trains = plan.my_training(), &evaluates = plan.my_evaluation();
    const std::vector<std::int64_t> features = model.features(settings.features);
    stages_.reserve(plan.places.size());
    for (std::size_t chunk = 0; chunk < plan.places.size(); ++chunk)
      stages_.emplace_back(model, features, plan.profile, plan.places[chunk],
                           std::max(trains.slots[chunk], evaluates.slots[chunk]), trains.messages[chunk],
                           Optimizer::states, rank.on_tensor_axis(), rank.tensor(), *memory_, settings.micro);
    open_queues();
    work_ = take_workspace<T>(plan, memory_->workspace);
    memory_->require_used_up();
    const double whole = 1;
    space::upload(work_.gradient_scale, &whole, sizeof whole, order_);
    recorder_.reserve(std::max(trains.actions.size(), evaluates.actions.size()));
    for (arena<space>* one : {&memory_->weights, &memory_->optimizer_state})
      space::zero(one->data(), static_cast<std::size_t>(one->size()), order_);
  }

  executor(const executor&) = delete;
  executor& operator=(const executor&) = delete;
  ~executor() {
    if (std::uncaught_exceptions() > exceptions_) rank_->keep(std::move(memory_));
  }

  /// Runs a program over a global batch, of which `batch` holds this data rank's rows.
  ///
  /// step: number of this step, from 1, for the optimizer. Throws: usage, where the batch does not fit the settings.
  step_result run(const program& steps, const batch_type& batch, const Optimizer& optimizer, std::int64_t step) {
    check(batch);
    if (steps.trains)
      space::zero(memory_->gradients.data(), static_cast<std::size_t>(memory_->gradients.size()), order_);
    space::zero(work_.sums(), shared_workspace<T>::sums_of_a_step * sizeof(double), order_);
    recorder_.start(order_);
    for (const action& act : steps.actions) {
      rank_->world().doing({name_of(act.kind).data(), act.stage, act.micro, act.peer});
      if (act.kind == op::optimizer_step)
        optimizer_step(optimizer, step);
      else
        carry_out(act, batch, steps.trains);
      if (act.kind != op::reduce_gradients) recorder_.done(act, bytes_of(act, batch), order_);
    }
    sums_.join(order_);
    double sums[shared_workspace<T>::sums_of_a_step];
    space::download(sums, work_.sums(), sizeof sums, order_);
    const auto rows = static_cast<std::int64_t>(sums[2]);
    require(rows == batch.global_rows, "plait::trainer", [&] {
      return "the batches of all data ranks have " + std::to_string(rows) +
             " samples, and this one was said to be of " + std::to_string(batch.global_rows) +
             "; every data rank brings its rows of the same global batch";
    });
    rank_->world().doing({"between steps", -1, -1, -1});
    return step_result{.loss = batch.global_rows > 0 ? sums[0] / static_cast<double>(batch.global_rows) : 0,
                       .hits = sums[1],
                       .rows = batch.global_rows,
                       .gradient_norm = std::sqrt(sums[3])};
  }

  [[nodiscard]] std::vector<stage_type>& stages() { return stages_; }
  [[nodiscard]] const std::vector<stage_type>& stages() const { return stages_; }
  [[nodiscard]] typename space::stream order() const { return order_; }
  [[nodiscard]] const ledger& memory() const { return memory_->counted; }
  /// What the last run did when.
  [[nodiscard]] const recorder<space>& recorded() const { return recorder_; }

 private:
  static constexpr int activation_channel = 0;
  static constexpr int gradient_channel = 1;

  /// Prepares the pipeline group for the messages of the programs, where its communicator wants that.
  void open_queues() {
    if constexpr (requires(std::span<const message_queue> queues) { rank_->pipeline().open_queues(queues); }) {
      std::vector<message_queue> queues;
      for (const std::vector<program>* all : {&plan_->training, &plan_->evaluation})
        for (std::size_t rank = 0; rank < all->size(); ++rank)
          for (const action& act : (*all)[rank].actions)
            if (is_send(act.kind))
              queues.push_back({static_cast<int>(rank), act.peer,
                                act.kind == op::send_activation ? activation_channel : gradient_channel});
      rank_->pipeline().open_queues(queues);
    }
  }

  void check(const batch_type& batch) const {
    require(batch.features == features_ && batch.target_columns == model_->loss().target_columns(), "plait::trainer",
            [&] {
              return "the batch has " + std::to_string(batch.features) + " features and " +
                     std::to_string(batch.target_columns) + " targets a sample, and the model takes " +
                     std::to_string(features_) + " and " + std::to_string(model_->loss().target_columns());
            });
    require(batch.micro() == plan_->shape.micro, "plait::trainer", [&] {
      return "the batch has " + std::to_string(batch.micro()) + " micro-batches, and the trainer was made for " +
             std::to_string(plan_->shape.micro);
    });
    for (int micro = 0; micro < batch.micro(); ++micro)
      require(batch.micro_rows(micro) <= plan_->profile.rows, "plait::trainer", [&] {
        return "a micro-batch of " + std::to_string(batch.micro_rows(micro)) + " samples is larger than the " +
               std::to_string(plan_->profile.rows) + " that there is memory for; make the trainer with a larger batch";
      });
  }

  void carry_out(const action& act, const batch_type& batch, bool trains) {
    switch (act.kind) {
      case op::receive_activation:
        return receive_activation(act, batch);
      case op::forward:
        return forward(act, batch, trains);
      case op::send_activation:
        return send_activation(act, batch);
      case op::receive_gradient:
        return receive_gradient(act, batch);
      case op::backward:
        return backward(act, batch);
      case op::send_gradient:
        return send_gradient(act, batch);
      case op::reduce_gradients:
        return reduce_gradients(act, batch);
      case op::reduce_norm:
        return reduce_norm();
      case op::reduce_loss:
        return reduce_loss(batch);
      case op::optimizer_step:
      case op::backward_input:
      case op::backward_weight:
        break;
    }
    throw error{error_kind::usage, "plait::trainer",
                "it runs backward passes whole; the program splits them in halves"};
  }

  void receive_activation(const action& act, const batch_type& batch) {
    auto& stage = stage_of(act);
    const std::int64_t rows = batch.micro_rows(act.micro);
    rank_->pipeline().wait(stage.activation_sent(act.slot), order_);
    stage.open(act, rows, nullptr);
    rank_->pipeline().receive(span_of(stage.input(act.slot), rows * stage.inputs()), act.peer, activation_channel,
                              order_);
  }

  void forward(const action& act, const batch_type& batch, bool trains) {
    auto& stage = stage_of(act);
    const std::int64_t rows = batch.micro_rows(act.micro);
    if (!stage.place().has_before || stage.place().input_is_here) {
      rank_->pipeline().wait(stage.activation_sent(act.slot), order_);
      stage.open(act, rows, stage.place().input_is_here ? before(act).output_of_micro(act.micro) : nullptr);
    }
    if (!stage.place().has_before) {
      const auto samples = batch.micro_x(act.micro);
      space::upload(stage.input(act.slot), samples.data(), samples.size_bytes(), order_);
    }
    if (stage.place().last) {
      const auto targets = batch.micro_targets(act.micro);
      if constexpr (requires { model_->loss().check_targets(targets); }) model_->loss().check_targets(targets);
      space::upload(stage.targets(act.slot), targets.data(), targets.size_bytes(), order_);
    }
    stage.forward(act.slot, work_, !trains, order_);
  }

  void send_activation(const action& act, const batch_type& batch) {
    auto& stage = stage_of(act);
    const std::int64_t count = batch.micro_rows(act.micro) * stage.outputs();
    stage.activation_sent(act.slot) = rank_->pipeline().send(
        std::span<const T>{span_of(stage.output_of_slot(act.slot), count)}, act.peer, activation_channel, order_);
  }

  void receive_gradient(const action& act, const batch_type& batch) {
    auto& stage = stage_of(act);
    rank_->pipeline().receive(span_of(stage.gradient_in(act.message), batch.micro_rows(act.micro) * stage.outputs()),
                              act.peer, gradient_channel, order_);
  }

  void backward(const action& act, const batch_type& batch) {
    auto& stage = stage_of(act);
    const T* dy = nullptr;
    if (stage.place().has_after_elsewhere)
      dy = stage.gradient_in(act.message);
    else if (!stage.place().last)
      dy = after(act).gradient_out(act.message);
    rank_->pipeline().wait(stage.gradient_sent(act.message), order_);
    T* const dx = stage.place().has_before ? stage.gradient_out(act.message) : nullptr;
    int buckets_to_come = sums_.completes(act.chunk, act.micro) ? buckets_ : 0;
    const auto layer_is_done = [&](const T* first_gradient) {
      while (buckets_to_come > 0 && first_gradient <= stage.bucket(buckets_to_come - 1, buckets_).data())
        sums_.ready(act.chunk, --buckets_to_come, order_);
    };
    stage.backward(act.slot, dy, dx, T{1} / static_cast<T>(batch.global_rows), work_, order_, layer_is_done);
  }

  void send_gradient(const action& act, const batch_type& batch) {
    auto& stage = stage_of(act);
    const std::int64_t count = batch.micro_rows(act.micro) * stage.inputs();
    stage.gradient_sent(act.message) = rank_->pipeline().send(
        std::span<const T>{span_of(stage.gradient_out(act.message), count)}, act.peer, gradient_channel, order_);
  }

  void reduce_gradients(const action& act, const batch_type& batch) {
    sums_.sum(act.chunk, act.bucket, stage_of(act).bucket(act.bucket, buckets_), rank_->data(),
              [&](typename space::stream beside) { recorder_.begin_beside(beside); });
    recorder_.done_beside(act, bytes_of(act, batch), sums_.beside(), order_);
  }

  /// Over the ranks that hold the model once; a parameter that every tensor rank has is counted on the first.
  void reduce_norm() {
    sums_.join(order_);
    for (auto& stage : stages_)
      for (const held_parameter<T>& held : stage.parameters())
        if (held.global.sharded_dim >= 0 || rank_->place().tensor == 0)
          add_sum_of_squares(held.gradient, held.size(), work_.square_of_norm, work_.reduce_scratch, order_);
    rank_->model().all_reduce(std::span<double>{work_.square_of_norm, 1}, reduction::sum, order_);
    for_each_element(1, clip_scale{work_.square_of_norm, clip_norm_, work_.gradient_scale}, order_);
  }

  void optimizer_step(const Optimizer& optimizer, std::int64_t step) {
    sums_.join(order_);
    for (auto& stage : stages_)
      for (held_parameter<T>& held : stage.parameters())
        optimizer.apply(update<T>{.weight = held.weight,
                                  .gradient = held.gradient,
                                  .state = held.state.data(),
                                  .size = held.size(),
                                  .gradient_scale = work_.gradient_scale,
                                  .decays = held.global.decays,
                                  .step = step},
                        order_);
  }

  /// Every rank of the tensor axis has the loss; one of them counts. The others, and all but the last stage, add
  /// nothing. Samples are counted as well: a mean over another number of them would be wrong, and nobody would see it.
  void reduce_loss(const batch_type& batch) {
    if (rank_->place().tensor != 0)
      space::zero(work_.loss, 2 * sizeof(double), order_);
    else if (std::ranges::any_of(plan_->places, &stage_place::last))
      for_each_element(1, detail::put_number{work_.rows, static_cast<double>(batch.rows)}, order_);
    rank_->world().all_reduce(std::span<double>{work_.loss, 3}, reduction::sum, order_);
  }

  /// The stage before, and the one after, where they are on this rank.
  auto& before(const action& act) { return stages_[static_cast<std::size_t>(act.chunk - 1)]; }
  auto& after(const action& act) { return stages_[static_cast<std::size_t>(act.chunk + 1)]; }

  std::int64_t bytes_of(const action& act, const batch_type& batch) {
    const auto size = static_cast<std::int64_t>(sizeof(T));
    if (act.kind == op::send_activation || act.kind == op::receive_gradient)
      return batch.micro_rows(act.micro) * stage_of(act).outputs() * size;
    if (act.kind == op::receive_activation || act.kind == op::send_gradient)
      return batch.micro_rows(act.micro) * stage_of(act).inputs() * size;
    if (act.kind == op::reduce_gradients)
      return static_cast<std::int64_t>(stage_of(act).bucket(act.bucket, buckets_).size_bytes());
    return 0;
  }

  static std::span<T> span_of(T* begin, std::int64_t count) { return {begin, static_cast<std::size_t>(count)}; }
  stage_type& stage_of(const action& act) { return stages_[static_cast<std::size_t>(act.chunk)]; }

  rank_context<Comm>* rank_;
  const Model* model_;
  const step_plan* plan_;
  std::int64_t features_;
  int buckets_;
  double clip_norm_;
  typename space::stream order_;
  std::shared_ptr<step_arenas<space>> memory_;
  std::vector<stage_type> stages_;
  shared_workspace<T> work_;
  gradient_sums<Comm> sums_;
  recorder<space> recorder_;
  int exceptions_ = std::uncaught_exceptions();
};

}  // namespace plait
