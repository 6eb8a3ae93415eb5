// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <plait/comm/message_queue.hpp>
#include <plait/core/require.hpp>
#include <plait/cost/cut.hpp>
#include <plait/cost/memory.hpp>
#include <plait/data/batch.hpp>
#include <plait/kernels/for_each.hpp>
#include <plait/kernels/reduce.hpp>
#include <plait/optim/clip.hpp>
#include <plait/optim/optimizer.hpp>
#include <plait/schedule/verify.hpp>
#include <plait/tensor/ledger.hpp>
#include <plait/train/rank.hpp>
#include <plait/train/recorder.hpp>
#include <plait/train/stage.hpp>

namespace plait {

/// What a training run needs to know besides model, optimizer and layout. T is what it computes in.
template <real T>
struct training {
  std::int64_t features = 1;  ///< of a sample
  std::int64_t batch = 1;     ///< samples of a step, over all data ranks; no step may have more
  int micro = 1;              ///< micro-batches of a step
  std::uint64_t seed = 0;     ///< of the initial values
  double clip_norm = 0;       ///< limit of the global norm of gradients; 0: none
  int buckets = 1;            ///< parts in which each chunk's gradients are summed over the data axis
  std::vector<int> cut{};     ///< first layer of each stage, and the number of layers; empty: balanced by FLOP
  /// Called with the programs of all pipeline ranks before they are checked: a place for orders of one's own.
  std::function<void(std::vector<program>&)> edit{};
  bool check = true;  ///< whether programs must pass `verify`
};

/// What a step or an evaluation came to, over all data ranks; the same on every rank.
struct step_result {
  double loss = 0;           ///< mean over the samples
  double hits = 0;           ///< samples that were right, in evaluation, where the loss can tell
  std::int64_t rows = 0;     ///< samples
  double gradient_norm = 0;  ///< before clipping; 0 where there is none
};

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
  trainer(rank_context<Comm>& rank, const Model& model, Optimizer optimizer, training<T> settings,
          typename space::stream order = {})
      : rank_{&rank}, model_{&model}, optimizer_{optimizer}, settings_{std::move(settings)}, order_{order} {
    const mesh_description& mesh = rank.mesh();
    require(settings_.batch >= 1 && settings_.micro >= 1, "plait::trainer", "batch and micro are at least 1");
    require(settings_.buckets >= 1 && settings_.buckets <= 30, "plait::trainer", "buckets are 1 to 30");
    require(settings_.clip_norm >= 0, "plait::trainer", "clip_norm is 0, for none, or a limit above 0");
    shape_ = pipe_shape{.ranks = mesh.ways.pipeline, .micro = settings_.micro, .chunks = mesh.chunks};
    require_legal(rank.layout().schedule.name, shape_, rank.layout().schedule.accepts(shape_));
    make_programs();

    const std::int64_t cells = std::int64_t{mesh.ways.data} * settings_.micro;
    const std::int64_t rows = (settings_.batch + cells - 1) / cells;
    profile_ = profile_of<T>(model, settings_.features, rows, rank.on_tensor_axis());
    if (settings_.cut.empty()) settings_.cut = balanced_cut(balance_weights(profile_), shape_.stages());
    require_cut(settings_.cut, Model::layers, shape_.stages());
    const std::vector<stage_place> places =
        rank.layout().schedule.stages_of_rank(shape_, pipeline_rank(), settings_.cut);
    need_ = predict_memory(profile_, places, mine(programs_), mine(forward_programs_), Optimizer::states,
                           static_cast<std::int64_t>(space::alignment));
    memory_ = std::make_shared<step_arenas<space>>(need_);
    const std::vector<std::int64_t> features = model.features(settings_.features);
    stages_.reserve(places.size());
    for (std::size_t chunk = 0; chunk < places.size(); ++chunk)
      stages_.emplace_back(model, features, profile_, places[chunk],
                           std::max(mine(programs_).slots[chunk], mine(forward_programs_).slots[chunk]),
                           mine(programs_).messages[chunk], Optimizer::states, rank.on_tensor_axis(), rank.tensor(),
                           *memory_, settings_.micro);
    take_workspace(places);
    initialise();
  }

  trainer(const trainer&) = delete;
  trainer& operator=(const trainer&) = delete;
  ~trainer() {
    if (std::uncaught_exceptions() > exceptions_) rank_->keep(std::move(memory_));
  }

  /// One step of training over a global batch, of which `batch` holds this data rank's rows. Throws: usage, where the
  /// batch does not fit the settings; numerics, where the loss is not finite, on every rank alike.
  step_result step(const batch_type& batch) {
    ++steps_;
    space::zero(memory_->gradients.data(), static_cast<std::size_t>(memory_->gradients.size()), order_);
    const step_result result = run(mine(programs_), batch);
    if (!std::isfinite(result.loss))
      throw error{error_kind::numerics, "plait::trainer::step",
                  "the loss of step " + std::to_string(steps_) +
                      " is not finite; try a smaller learning rate, or a limit on the norm of gradients"};
    return result;
  }

  /// The loss and the hits of a batch, by the forward projection of the same program.
  step_result evaluate(const batch_type& batch) { return run(mine(forward_programs_), batch); }

  [[nodiscard]] Optimizer& optimizer() { return optimizer_; }
  [[nodiscard]] std::int64_t steps() const { return steps_; }
  [[nodiscard]] const std::vector<program>& programs() const { return programs_; }  ///< of all pipeline ranks
  [[nodiscard]] const std::vector<int>& cut() const { return settings_.cut; }
  [[nodiscard]] const model_profile& profile() const { return profile_; }
  [[nodiscard]] const step_memory& predicted_memory() const { return need_; }
  [[nodiscard]] const ledger& memory() const { return memory_->counted; }

  /// Rows of this rank's last step or evaluation: what it did when. Times are in seconds, on a clock that ranks of one
  /// process share.
  [[nodiscard]] const recorder<space>& recorded() const { return recorder_; }

  /// Calls `seen(held_parameter, values)` for each parameter that this rank answers for, so that over all ranks each
  /// element is seen once: values: [size()], in host memory. `gradients` shows those instead of the weights.
  template <class Seen>
  void for_each_parameter(Seen&& seen, bool gradients = false) const {
    if (rank_->place().data != 0) return;
    std::vector<T> values;
    for (const auto& stage : stages_)
      for (const held_parameter<T>& held : stage.parameters()) {
        if (held.global.sharded_dim < 0 && rank_->place().tensor != 0) continue;
        values.resize(static_cast<std::size_t>(held.size()));
        space::download(values.data(), gradients ? held.gradient : held.weight, values.size() * sizeof(T), order_);
        seen(held, std::span<const T>{values});
      }
  }

  /// Sets every parameter: `value_of(held_parameter, global element index)`, which must not depend on the rank. For
  /// models whose weights come from elsewhere.
  template <class ValueOf>
  void fill_parameters(ValueOf&& value_of) {
    std::vector<T> values;
    for (auto& stage : stages_)
      for (held_parameter<T>& held : stage.parameters()) {
        values.resize(static_cast<std::size_t>(held.size()));
        for (std::int64_t i = 0; i < held.size(); ++i)
          values[static_cast<std::size_t>(i)] = value_of(held, held.global_index(i));
        space::upload(held.weight, values.data(), values.size() * sizeof(T), order_);
      }
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
    space::upload(sum.data(), &part, sizeof part, order_);
    rank_->world().all_reduce(std::span<std::uint64_t>{sum.data(), 1}, reduction::sum, order_);
    std::uint64_t whole = 0;
    space::download(&whole, sum.data(), sizeof whole, order_);
    return whole;
  }

 private:
  static constexpr int activation_channel = 0;
  static constexpr int gradient_channel = 1;
  static constexpr std::size_t scalars_of_a_step = 3;  ///< loss, hits and norm; the scale of gradients stays

  [[nodiscard]] int pipeline_rank() const { return rank_->place().pipeline; }
  [[nodiscard]] const program& mine(const std::vector<program>& all) const {
    return all[static_cast<std::size_t>(pipeline_rank())];
  }
  auto& stage_of(const action& act) { return stages_[static_cast<std::size_t>(act.chunk)]; }

  void make_programs() {
    const schedule_handle& schedule = rank_->layout().schedule;
    const step_options options{.buckets = rank_->mesh().ways.data > 1 ? settings_.buckets : 0,
                               .clip = settings_.clip_norm > 0};
    for (int rank = 0; rank < shape_.ranks; ++rank) {
      programs_.push_back(schedule.program_of(shape_, rank, options));
      forward_programs_.push_back(schedule.forward_program_of(shape_, rank, options));
    }
    if (settings_.edit) settings_.edit(programs_);
    if (settings_.check) {
      require_valid("plait::trainer", programs_);
      require_valid("plait::trainer", forward_programs_);
    }
    open_queues();
    recorder_.reserve(std::max(mine(programs_).actions.size(), mine(forward_programs_).actions.size()));
  }

  /// Prepares the pipeline group for the messages of the programs, where its communicator wants that.
  void open_queues() {
    if constexpr (requires(std::span<const message_queue> queues) { rank_->pipeline().open_queues(queues); }) {
      std::vector<message_queue> queues;
      for (const std::vector<program>* all : {&programs_, &forward_programs_}) {
        for (std::size_t rank = 0; rank < all->size(); ++rank) {
          for (const action& act : (*all)[rank].actions) {
            if (is_send(act.kind))
              queues.push_back({static_cast<int>(rank), act.peer,
                                act.kind == op::send_activation ? activation_channel : gradient_channel});
          }
        }
      }
      rank_->pipeline().open_queues(queues);
    }
  }

  void take_workspace(const std::vector<stage_place>& places) {
    std::int64_t widest = 0, scratch = 0;
    for (const stage_place& place : places) {
      for (std::int64_t i = place.layers.begin; i < place.layers.end; ++i) {
        const layer_profile& one = profile_.layers[static_cast<std::size_t>(i)];
        widest = std::max({widest, one.inputs, one.outputs});
        scratch = std::max(scratch, one.scratch);
      }
      if (place.last) {
        widest = std::max(widest, profile_.loss.inputs);
        scratch = std::max(scratch, profile_.loss.scratch);
      }
    }
    arena<space>& from = memory_->workspace;
    for (T*& one : work_.gradient) one = from.template take<T>(profile_.rows * widest);
    work_.scratch = from.template take<T>(scratch);
    work_.row_loss = from.template take<T>(profile_.rows);
    work_.row_hit = from.template take<T>(profile_.rows);
    scalars_ = from.template take<double>(step_scalars + step_reduce_scratch);
    work_.loss = scalars_;
    work_.hits = scalars_ + 1;
    work_.square_of_norm = scalars_ + 2;
    work_.gradient_scale = scalars_ + 3;
    static_assert(step_reduce_scratch == reduce_scratch);
    work_.reduce_scratch = scalars_ + step_scalars;
    for (const arena<space>* one : {&memory_->weights, &memory_->gradients, &memory_->optimizer_state,
                                    &memory_->activations, &memory_->workspace, &memory_->communication})
      require(one->used() == one->size(), "plait::trainer",
              "the plan of memory and its use differ; this is a fault of plait");
  }

  void initialise() {
    space::zero(memory_->weights.data(), static_cast<std::size_t>(memory_->weights.size()), order_);
    const double whole = 1;
    space::upload(work_.gradient_scale, &whole, sizeof whole, order_);
    space::zero(memory_->optimizer_state.data(), static_cast<std::size_t>(memory_->optimizer_state.size()), order_);
    for (auto& stage : stages_)
      for (held_parameter<T>& held : stage.parameters()) {
        const std::vector<T> values = initial_values(held, settings_.seed);
        space::upload(held.weight, values.data(), values.size() * sizeof(T), order_);
      }
  }

  step_result run(const program& steps, const batch_type& batch) {
    check(batch);
    space::zero(scalars_, scalars_of_a_step * sizeof(double), order_);
    recorder_.start(order_);
    for (const action& act : steps.actions) {
      rank_->world().doing({name_of(act.kind).data(), act.stage, act.micro, act.peer});
      carry_out(act, batch, steps.trains);
      recorder_.done(act, bytes_of(act, batch), order_);
    }
    double scalars[scalars_of_a_step];
    space::download(scalars, scalars_, sizeof scalars, order_);
    rank_->world().doing({"between steps", -1, -1, -1});
    return step_result{.loss = batch.global_rows > 0 ? scalars[0] / static_cast<double>(batch.global_rows) : 0,
                       .hits = scalars[1],
                       .rows = batch.global_rows,
                       .gradient_norm = std::sqrt(scalars[2])};
  }

  void check(const batch_type& batch) const {
    require(batch.features == settings_.features && batch.target_columns == model_->loss().target_columns(),
            "plait::trainer", [&] {
              return "the batch has " + std::to_string(batch.features) + " features and " +
                     std::to_string(batch.target_columns) + " targets a sample, and the model takes " +
                     std::to_string(settings_.features) + " and " + std::to_string(model_->loss().target_columns());
            });
    require(batch.micro() == settings_.micro, "plait::trainer", [&] {
      return "the batch has " + std::to_string(batch.micro()) + " micro-batches, and the trainer was made for " +
             std::to_string(settings_.micro);
    });
    for (int micro = 0; micro < batch.micro(); ++micro)
      require(batch.micro_rows(micro) <= profile_.rows, "plait::trainer", [&] {
        return "a micro-batch of " + std::to_string(batch.micro_rows(micro)) + " samples is larger than the " +
               std::to_string(profile_.rows) + " that there is memory for; make the trainer with a larger batch";
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
        return reduce_gradients(act);
      case op::reduce_norm:
        return reduce_norm();
      case op::optimizer_step:
        return optimizer_step();
      case op::reduce_loss:
        return reduce_loss();
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
    stage.backward(act.slot, dy, dx, T{1} / static_cast<T>(batch.global_rows), work_, order_);
  }

  void send_gradient(const action& act, const batch_type& batch) {
    auto& stage = stage_of(act);
    const std::int64_t count = batch.micro_rows(act.micro) * stage.inputs();
    stage.gradient_sent(act.message) = rank_->pipeline().send(
        std::span<const T>{span_of(stage.gradient_out(act.message), count)}, act.peer, gradient_channel, order_);
  }

  void reduce_gradients(const action& act) {
    rank_->data().all_reduce(stage_of(act).bucket(act.bucket, settings_.buckets), reduction::sum, order_);
  }

  /// Over the ranks that hold the model once; a parameter that every tensor rank has is counted on the first.
  void reduce_norm() {
    for (auto& stage : stages_)
      for (const held_parameter<T>& held : stage.parameters())
        if (held.global.sharded_dim >= 0 || rank_->place().tensor == 0)
          add_sum_of_squares(held.gradient, held.size(), work_.square_of_norm, work_.reduce_scratch, order_);
    rank_->model().all_reduce(std::span<double>{work_.square_of_norm, 1}, reduction::sum, order_);
    for_each_element(1, clip_scale{work_.square_of_norm, settings_.clip_norm, work_.gradient_scale}, order_);
  }

  void optimizer_step() {
    for (auto& stage : stages_)
      for (held_parameter<T>& held : stage.parameters())
        optimizer_.apply(update<T>{.weight = held.weight,
                                   .gradient = held.gradient,
                                   .state = held.state.data(),
                                   .size = held.size(),
                                   .gradient_scale = work_.gradient_scale,
                                   .decays = held.global.decays,
                                   .step = steps_},
                         order_);
  }

  /// Every rank of the tensor axis has the loss; one of them counts. The others, and all but the last stage, add
  /// nothing.
  void reduce_loss() {
    if (rank_->place().tensor != 0) space::zero(work_.loss, 2 * sizeof(double), order_);
    rank_->world().all_reduce(std::span<double>{work_.loss, 2}, reduction::sum, order_);
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
      return static_cast<std::int64_t>(stage_of(act).bucket(act.bucket, settings_.buckets).size_bytes());
    return 0;
  }

  static std::span<T> span_of(T* begin, std::int64_t count) { return {begin, static_cast<std::size_t>(count)}; }

  rank_context<Comm>* rank_;
  const Model* model_;
  Optimizer optimizer_;
  training<T> settings_;
  typename space::stream order_;
  pipe_shape shape_{};
  std::vector<program> programs_;  ///< of all pipeline ranks
  std::vector<program> forward_programs_;
  model_profile profile_;
  step_memory need_;
  std::shared_ptr<step_arenas<space>> memory_;
  std::vector<stage<T, Model, Comm>> stages_;
  shared_workspace<T> work_;
  double* scalars_ = nullptr;  ///< [step_scalars]
  recorder<space> recorder_;
  std::int64_t steps_ = 0;
  int exceptions_ = std::uncaught_exceptions();
};

}  // namespace plait
