// SPDX-License-Identifier: Apache-2.0
#pragma once

// What fashion_mnist.cpp, fashion_mnist_mpi.cpp and fashion_mnist_cuda.cu share: the options, the report, and the
// training loop itself, which is the same for every layout, element type and space.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <string>
#include <thread>
#include <type_traits>
#include <unistd.h>
#include <vector>

#include <plait/plait.hpp>

struct fashion_options {
  std::string layout_name{};
  plait::layout_handle layout{};
  int micro = 8;
  std::int64_t batch = 256;
  int epochs = 20;
  std::int64_t steps = 0;  // 0: as many as the epochs have
  double target = 0;       // test accuracy to stop at; 0: none
  std::uint64_t seed = 1;
  std::string data{};
  std::string checkpoint{};           // folder; empty: none
  std::int64_t checkpoint_every = 0;  // steps; 0: at the end only
  bool resume = false;
  bool graph = false;           // record the work of a step, and launch it in later steps
  double deadline = 60;         // seconds
  std::string flight_record{};  // file; empty: none
};

struct fashion_report {
  bool here = false;                    // in the process that has rank 0; others have nothing to report
  std::vector<double> losses{};         // of each step
  std::int64_t first_step = 0;          // steps that had been made when this run began
  std::vector<double> test_accuracy{};  // after each epoch
  double seconds_to_target = -1;        // -1: not reached
  double training_seconds = 0;          // without evaluations
  std::int64_t samples = 0;             // trained on
  plait::timeline measured{};           // one step in the middle of the run
  plait::timeline predicted{};
  double measured_step_seconds = 0;  // medians over the sampled steps
  double measured_bubble = 0;        // idle share of the processors that the ranks have
  double predicted_bubble = 0;
  std::vector<plait::memory_by_class> predicted_memory{};  // of each rank
  std::vector<plait::memory_by_class> measured_memory{};
  std::uint64_t digest = 0;
};

inline auto fashion_model() {
  using namespace plait;
  return stack{column_linear{784, 256}, relu{},
               row_linear{256, 256},    relu{},
               column_linear{256, 256}, relu{},
               row_linear{256, 256},    relu{},
               column_linear{256, 10},  softmax_cross_entropy{10}};
}

/// A progress bar on a terminal; a line for each epoch elsewhere.
class fashion_progress {
 public:
  fashion_progress(const char* what, std::int64_t steps_of_epoch) : what_{what}, steps_{steps_of_epoch} {}

  void step(int epoch, std::int64_t step, double loss) {
    const auto now = std::chrono::steady_clock::now();
    if (!terminal_ || now - last_ < std::chrono::milliseconds{100}) return;
    last_ = now;
    constexpr int width = 30;
    const int filled = static_cast<int>((step + 1) * width / steps_);
    std::fprintf(stderr, "\r%s  epoch %2d  [%-*.*s]  loss %.4f ", what_, epoch + 1, width, filled,
                 "==============================", loss);
  }
  void epoch(int epoch, double loss, double accuracy, double seconds) {
    std::fprintf(stderr, "%s%s  epoch %2d  loss %.4f  test accuracy %.2f %%  %.1f s%s\n", terminal_ ? "\r" : "", what_,
                 epoch + 1, loss, 100 * accuracy, seconds, terminal_ ? "                    " : "");
  }

 private:
  const char* what_;
  std::int64_t steps_;
  bool terminal_ = isatty(STDERR_FILENO) == 1;
  std::chrono::steady_clock::time_point last_{};
};

/// Trains under the layout of the options on an engine: plait::threads<plait::host>, plait::mpi, ... Ranks may be
/// processes, so what rank 0 reports of the others comes through the communicator.
template <class T, class Engine>
fashion_report train_fashion(const Engine& engine, const fashion_options& options, const char* what) {
  using namespace plait;
  using clock = std::chrono::steady_clock;
  const auto seconds_since = [](clock::time_point begin) {
    return std::chrono::duration<double>(clock::now() - begin).count();
  };
  classified_images train = load_fashion_mnist(options.data, data_split::train);
  classified_images test = load_fashion_mnist(options.data, data_split::test);
  const pixel_scale scale = pixel_scale_of(train.pixels());
  train.rescale(scale);
  test.rescale(scale);
  require(options.batch <= train.samples(), "fashion_mnist", "--batch is larger than the data set");

  const auto model = fashion_model();
  const int ranks = options.layout.mesh.size();
  fashion_report report;
  const auto begin = clock::now();

  // Ranks may share processors: what counts is how much of those they have stands idle.
  const int processors = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const auto idle_share = [&](const std::vector<double>& work, double step_seconds) {
    const double had = std::min(ranks, processors) * step_seconds;
    return std::max(0.0, 1 - std::accumulate(work.begin(), work.end(), 0.0) / had);
  };

  run(engine, options.layout, [&](auto& rank) {
    using space = typename std::remove_cvref_t<decltype(rank)>::space;
    const data_shard shard{.data_rank = rank.place().data, .data_ways = rank.mesh().ways.data, .micro = options.micro};
    auto batches = make_loader<T>(train, sampler{train.samples(), options.batch, options.seed}, shard);
    auto tests = make_loader<T>(test, sampler::sequential(test.samples(), options.batch), shard);
    typename space::owned_stream stream;
    trainer trainer{rank, model, sgd_momentum{.learning_rate = 0.03, .momentum = 0.9, .weight_decay = 1e-4},
                    training<T>{.features = 784,
                                .batch = options.batch,
                                .micro = options.micro,
                                .seed = options.seed,
                                .capture = options.graph},
                    stream};
    const bool talks = rank.rank() == 0;
    fashion_progress progress{what, batches.batches_per_epoch()};

    std::vector<double> step_seconds, bubbles;
    std::vector<timeline_row> calibration;
    std::vector<double> calibration_work;
    std::int64_t steps = 0;  // of this run
    sampler_state next = batches.order().state_before(0, 0);
    if (options.resume) {
      const auto loaded = load_latest_checkpoint(trainer, options.checkpoint, &batches.order());
      require(loaded.has_value(), "fashion_mnist",
              [&] { return "--resume: there is no checkpoint in " + options.checkpoint; });
      next = *loaded->position;
      if (talks) report.first_step = loaded->steps;
    }
    const auto save = [&] { save_checkpoint(trainer, {options.checkpoint, /*keep=*/3, next}); };
    require((options.steps == 0 || trainer.steps() < options.steps) && next.epoch < options.epochs, "fashion_mnist",
            [&] {
              return "--resume: the " + std::to_string(trainer.steps()) +
                     " steps of the checkpoint are all that was asked for; "
                     "give more --epochs or --steps";
            });
    bool going = true;
    for (int epoch = static_cast<int>(next.epoch); going && epoch < options.epochs; ++epoch) {
      const auto epoch_begin = clock::now();
      double loss = 0;
      std::int64_t in_epoch = next.step;
      const std::int64_t first_in_epoch = in_epoch;
      for (const auto& batch : batches.epoch(epoch, first_in_epoch)) {
        const step_result done = trainer.step(batch);
        loss += done.loss;
        if (talks) {
          report.losses.push_back(done.loss);
          report.samples += done.rows;
          progress.step(epoch, in_epoch, done.loss);
        }
        // Steps 8 to 17 calibrate the prediction; from 18 on every eighth is held against it.
        if (steps >= 8 && (steps < 18 || steps % 8 == 0)) {
          measured_step seen = gather_measured(rank, trainer.recorded(), options.micro, stream);
          if (steps < 18) {
            calibration.insert(calibration.end(), seen.rows.rows.begin(), seen.rows.rows.end());
            calibration_work.insert(calibration_work.end(), seen.work.begin(), seen.work.end());
          } else if (talks) {
            step_seconds.push_back(seen.rows.makespan());
            bubbles.push_back(idle_share(seen.work, seen.rows.makespan()));
            if (report.measured.rows.empty() || steps % 64 == 0) report.measured = std::move(seen.rows);
          }
        }
        ++steps;
        next = batches.order().state_before(epoch, ++in_epoch);
        if (options.checkpoint_every > 0 && trainer.steps() % options.checkpoint_every == 0) save();
        if (trainer.steps() == options.steps) break;
      }
      if (talks) report.training_seconds += seconds_since(epoch_begin);

      double hits = 0, tested = 0;
      for (const auto& batch : tests.epoch(0)) {
        const step_result seen = trainer.evaluate(batch);
        hits += seen.hits;
        tested += static_cast<double>(seen.rows);
      }
      const double accuracy = hits / tested;
      if (talks) {
        report.test_accuracy.push_back(accuracy);
        progress.epoch(epoch, loss / static_cast<double>(in_epoch - first_in_epoch), accuracy, seconds_since(begin));
        if (options.target > 0 && accuracy >= options.target) report.seconds_to_target = seconds_since(begin);
      }
      going = !(options.target > 0 && accuracy >= options.target) && trainer.steps() != options.steps;
    }
    // The end of the run, unless its last step has just been saved.
    if (!options.checkpoint.empty() && steps > 0 &&
        (options.checkpoint_every == 0 || trainer.steps() % options.checkpoint_every != 0))
      save();

    const step_memory need = trainer.predicted_memory();
    std::vector<std::int64_t> memory{need.weights, need.gradients, need.optimizer_state, need.activations,
                                     need.stash,   need.workspace, need.communication};
    for (const std::int64_t bytes : trainer.memory().peak().of) memory.push_back(bytes);
    memory = gather_values(rank.world(), memory, stream);
    const std::uint64_t digest = trainer.digest();
    if (!talks) return;
    report.here = true;
    report.digest = digest;
    for (auto of_rank = memory.begin(); of_rank != memory.end(); of_rank += 2 * memory_classes) {
      memory_by_class predicted, measured;
      std::copy_n(of_rank, memory_classes, predicted.of.begin());
      std::copy_n(of_rank + memory_classes, memory_classes, measured.of.begin());
      report.predicted_memory.push_back(predicted);
      report.measured_memory.push_back(measured);
    }
    if (calibration.empty()) return;

    const auto median = [](std::vector<double> of) {
      if (of.empty()) return 0.0;
      std::nth_element(of.begin(), of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2), of.end());
      return of[of.size() / 2];
    };
    report.measured_step_seconds = median(step_seconds);
    report.measured_bubble = median(bubbles);
    const pipe_shape shape = trainer.programs().front().shape;
    const step_costs costs = calibrate(calibration, calibration_work, shape);
    report.predicted = predicted_timeline(trainer.programs(), costs, rank.mesh(), processors);
    std::vector<double> work;
    for (const program& one : trainer.programs())
      for (const action& act : one.actions)
        work.push_back(costs.of(act) * static_cast<double>(ranks) / static_cast<double>(shape.ranks));
    report.predicted_bubble = idle_share(work, report.predicted.makespan());
  });
  return report;
}

#if defined(PLAIT_EXAMPLE_MPI)
/// In fashion_mnist_mpi.cpp.
fashion_report train_fashion_on_mpi(const fashion_options& options, bool f64, const char* what);
#endif
#if defined(PLAIT_EXAMPLE_NCCL)
/// In fashion_mnist_nccl.cu.
fashion_report train_fashion_on_nccl(const fashion_options& options, bool f64, const char* what);
#endif
#if defined(PLAIT_EXAMPLE_CUDA)
/// In fashion_mnist_cuda.cu.
fashion_report train_fashion_on_cuda(const fashion_options& options, bool f64, const char* what);
#endif
