// SPDX-License-Identifier: Apache-2.0
// Ten lines that train: a small classifier under data x tensor x pipeline parallelism, eight ranks as threads of this
// process. The samples lie on two spirals, which no straight line tells apart. Prints the loss as it falls.
//
//   03_train    takes about a second

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <numbers>
#include <utility>
#include <vector>

#include <plait/plait.hpp>

namespace {

using spiral_points = plait::in_memory_dataset<float, std::int32_t>;

/// Points in the plane: sample i is on spiral i % 2.
spiral_points two_spirals(std::int64_t samples) {
  const plait::random_stream random{1, "two_spirals", 0};
  std::vector<float> x;
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < samples; ++i) {
    const double turn = 0.15 + 0.85 * random.uniform(static_cast<std::uint64_t>(i));
    const double angle = 3.0 * std::numbers::pi * turn, side = i % 2 == 0 ? 1 : -1;
    x.push_back(static_cast<float>(side * turn * std::cos(angle)));
    x.push_back(static_cast<float>(side * turn * std::sin(angle)));
    labels.push_back(static_cast<std::int32_t>(i % 2));
  }
  return {samples, std::move(x), std::move(labels)};
}

void train(const spiral_points& points) {
  using namespace plait;
  int steps = 0;
  const auto watch = [&](const auto& rank, const step_result& done) {
    if (rank.rank() == 0 && ++steps % 32 == 0) std::printf("step %4d   loss %.4f\n", steps, done.loss);
  };

  // [ten lines]
  using layout = mesh<data<2>, tensor<2>, pipeline<2, one_f_one_b>>;  // eight ranks
  static_assert(completes<layout>(micro(4)) && peak_activations<layout>(micro(4)) <= 2);
  const stack model{column_linear{2, 64},    relu{}, row_linear{64, 64}, relu{}, column_linear{64, 2},
                    softmax_cross_entropy{2}};
  run<layout>(threads{}, [&](auto& rank) {
    trainer trainer{rank, model, adamw{.learning_rate = 1e-2}, training<float>{.features = 2, .batch = 64, .micro = 4}};
    const data_shard mine{.data_rank = rank.place().data, .data_ways = rank.mesh().ways.data, .micro = 4};
    auto batches = make_loader<float>(points, sampler{points.samples(), 64, /*seed=*/1}, mine);
    for (int epoch = 0; epoch < 10; ++epoch)
      for (const auto& batch : batches.epoch(epoch)) watch(rank, trainer.step(batch));
  });
  // [ten lines]
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1) {
    const bool help = std::strcmp(arguments[1], "--help") == 0;
    std::fprintf(help ? stdout : stderr, "03_train: trains a small classifier on eight ranks; takes no option\n");
    return help ? 0 : 2;
  }
  try {
    train(two_spirals(2048));
  } catch (const plait::error& wrong) {
    std::fprintf(stderr, "%s\n", wrong.what());
    return wrong.exit_status();
  }
}
