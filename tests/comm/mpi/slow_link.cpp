// SPDX-License-Identifier: Apache-2.0
// Trains on two machines with two ranks each, joined by a slow link, and says how long a step took and was to take. For
// slow_link.py, which starts it.
//
//   slow_link AXIS WIDTH BATCH BYTES_PER_SECOND SECONDS
//                                   AXIS: whose ranks are on different machines, pipeline or data
//                                   the last two: bandwidth and latency of the link, which all ranks share
//
// Prints two numbers: seconds of a step, measured and predicted.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <plait/comm/mpi.hpp>
#include <plait/plait.hpp>

namespace {

using namespace plait;

using layout = mesh<data<2>, pipeline<2, one_f_one_b>>;
constexpr int micro_batches = 4, steps = 9;
constexpr std::int64_t features = 64;

double median(std::vector<double> of) {
  std::nth_element(of.begin(), of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2), of.end());
  return of[of.size() / 2];
}

void compare(const std::string& across, std::int64_t width, std::int64_t rows, plait::link slow) {
  const stack model{column_linear{features, width}, relu{},
                    row_linear{width, width},       relu{},
                    column_linear{width, width},    relu{},
                    row_linear{width, width},       relu{},
                    column_linear{width, 8},        softmax_cross_entropy{8}};
  plait::run<layout>(mpi{.deadline_seconds = 120}, [&](auto& rank) {
    const std::int64_t here = rows / 2;
    std::vector<float> x(static_cast<std::size_t>(here * features));
    std::vector<std::int32_t> labels(static_cast<std::size_t>(here));
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 17) / 17 - 0.5f;
    for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int32_t>(i % 8);
    std::vector<std::int64_t> offsets;
    for (int i = 0; i <= micro_batches; ++i) offsets.push_back(here * i / micro_batches);
    const batch<float, std::int32_t> one{.x = x,
                                         .targets = labels,
                                         .rows = here,
                                         .features = features,
                                         .target_columns = 1,
                                         .global_rows = rows,
                                         .micro_offset = offsets};
    trainer trainer{rank, model, sgd{.learning_rate = 1e-3},
                    training<float>{.features = features, .batch = rows, .micro = micro_batches}};
    std::vector<double> seconds;
    std::vector<timeline_row> recorded;
    for (int step = 0; step < steps; ++step) {
      rank.world().barrier({});
      const auto begin = std::chrono::steady_clock::now();
      trainer.step(one);
      rank.world().barrier({});
      seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
      const measured_step seen = gather_measured(rank, trainer.recorded(), micro_batches);
      recorded.insert(recorded.end(), seen.rows.rows.begin(), seen.rows.rows.end());
    }
    if (rank.rank() != 0) return;

    // Passes and the update cost what they did; what crosses the link costs what the link says. Two pairs of ranks
    // share it, and a sum over two ranks sends as many bytes each way as it has.
    const pipe_shape shape = trainer.programs()[0].shape;
    step_costs costs = calibrate(recorded, {}, shape);
    const double shared = slow.bandwidth.value / 2;
    costs.reduce_loss = costs.reduce_norm = 0;
    costs.reduce_gradients = 0;
    for (stage_costs& stage : costs.stages)
      stage.message = {here / micro_batches * width * static_cast<std::int64_t>(sizeof(float))};
    if (across == "pipeline") {
      costs.between_ranks = plait::link{.latency = slow.latency, .bandwidth = {shared}};
    } else {
      costs.between_ranks = plait::link{.latency = {0}, .bandwidth = {1e12}};
      costs.reduce_gradients =
          2 * slow.latency.value + static_cast<double>(trainer.predicted_memory().gradients) / shared;
    }
    std::printf("%.6f %.6f\n", median(seconds), predicted_timeline(trainer.programs(), costs).makespan());
  });
}

}  // namespace

int main(int count, char** words) {
  try {
    require(count == 6, "slow_link", "five words are needed");
    compare(words[1], std::atoll(words[2]), std::atoll(words[3]),
            plait::link{.latency = {std::atof(words[5])}, .bandwidth = {std::atof(words[4])}});
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "%s\n", wrong.what());
    return 1;
  }
  return 0;
}
