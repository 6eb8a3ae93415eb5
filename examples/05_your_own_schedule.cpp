// SPDX-License-Identifier: Apache-2.0
// A schedule of your own is one type, in breadth_first.hpp. Here it is proved by the compiler, held against interleaved
// 1F1B as messages become slower, and trains. docs/add_a_schedule.md goes through it.
//
//   05_your_own_schedule    breadth first and interleaved 1F1B take equally long where messages cost nothing; as they
//                           become slower, breadth first wins, and pays with memory

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include <plait/plait.hpp>

#include "breadth_first.hpp"

namespace {

using namespace plait;

using layout = mesh<data<2>, pipeline<2, breadth_first<2>>>;
static_assert(completes<layout>(micro(8)));

// [compare]
template <schedule S>
double step_time(double latency) {
  constexpr pipe_shape shape{.ranks = 4, .micro = 8, .chunks = 2};
  step_costs costs = step_costs::uniform(shape);
  costs.between_ranks.latency = {latency};
  return simulate(programs_of<S>(shape, {.optimize = false}), costs).makespan;
}
// [compare]

void compare() {
  std::printf("4 ranks, 8 micro-batches, 2 stages a rank; a forward pass takes 1, a backward pass 2\n\n");
  std::printf("%-20s %14s %14s\n", "a message takes", "breadth first", "interleaved");
  for (const double latency : {0.0, 0.125, 0.25, 0.5, 1.0})
    std::printf("%-20g %14g %14g\n", latency, step_time<breadth_first<2>>(latency), step_time<interleaved<2>>(latency));
  constexpr pipe_shape shape{.ranks = 4, .micro = 8, .chunks = 2};
  std::printf("%-20s %14d %14d\n\n", "activations kept", breadth_first<2>::peak_activations(shape, 0),
              interleaved<2>::peak_activations(shape, 0));
}

/// Learns to tell which of two numbers is the larger, on four ranks.
void train() {
  const random_stream random{1, "pairs", 0};
  std::vector<float> x;
  std::vector<std::int32_t> larger;
  for (std::uint64_t i = 0; i < 1024; ++i) {
    const double first = random.uniform(2 * i), second = random.uniform(2 * i + 1);
    x.push_back(static_cast<float>(first));
    x.push_back(static_cast<float>(second));
    larger.push_back(first < second ? 1 : 0);
  }
  const in_memory_dataset<float, std::int32_t> pairs{1024, std::move(x), std::move(larger)};
  const stack model{column_linear{2, 16},  relu{},
                    row_linear{16, 16},    relu{},
                    column_linear{16, 16}, relu{},
                    row_linear{16, 16},    relu{},
                    column_linear{16, 2},  softmax_cross_entropy{2}};
  run<layout>(threads{}, [&](auto& rank) {
    trainer trainer{rank, model, adamw{.learning_rate = 1e-2}, training<float>{.features = 2, .batch = 64, .micro = 8}};
    const data_shard mine{.data_rank = rank.place().data, .data_ways = rank.mesh().ways.data, .micro = 8};
    auto batches = make_loader<float>(pairs, sampler{pairs.samples(), 64, /*seed=*/1}, mine);
    for (int epoch = 0; epoch < 4; ++epoch) {
      double loss = 0;
      for (const auto& batch : batches.epoch(epoch)) loss = trainer.step(batch).loss;
      if (rank.rank() == 0) std::printf("epoch %d   loss %.4f\n", epoch + 1, loss);
    }
  });
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1) {
    const bool help = std::strcmp(arguments[1], "--help") == 0;
    std::fprintf(help ? stdout : stderr, "05_your_own_schedule: compares a new schedule and trains; takes no option\n");
    return help ? 0 : 2;
  }
  try {
    compare();
    train();
  } catch (const error& wrong) {
    std::fprintf(stderr, "%s\n", wrong.what());
    return wrong.exit_status();
  }
}
