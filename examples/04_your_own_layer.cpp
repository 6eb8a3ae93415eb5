// SPDX-License-Identifier: Apache-2.0
// A layer of your own is one type, in rms_norm.hpp. Here it stands in a model that trains on one rank and then on
// eight, and learns the same. docs/add_a_layer.md goes through it.
//
//   04_your_own_layer    prints both losses side by side, and the gains that were learnt

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <plait/plait.hpp>

#include "rms_norm.hpp"

namespace {

using namespace plait;

/// Points of a cube, and which of their three coordinates is the largest.
in_memory_dataset<double, std::int32_t> points_of_cube(std::int64_t samples) {
  const random_stream random{1, "points", 0};
  std::vector<double> x;
  std::vector<std::int32_t> largest;
  for (std::int64_t i = 0; i < samples; ++i) {
    std::int32_t best = 0;
    for (std::int32_t j = 0; j < 3; ++j) {
      x.push_back(random.uniform(static_cast<std::uint64_t>(3 * i + j)));
      const double* const point = x.data() + 3 * i;
      if (point[j] > point[best]) best = j;
    }
    largest.push_back(best);
  }
  return {samples, std::move(x), std::move(largest)};
}

struct learnt {
  std::vector<double> losses;
  std::vector<double> gains;  // of the first rms_norm
};

template <layout L>
learnt train() {
  const auto points = points_of_cube(1024);
  // [in a stack]
  const stack model{column_linear{3, 24},  relu{},
                    row_linear{24, 24},    rms_norm{24},
                    column_linear{24, 24}, relu{},
                    row_linear{24, 24},    rms_norm{24},
                    column_linear{24, 3},  softmax_cross_entropy{3}};
  // [in a stack]
  learnt result;
  run<L>(threads{}, [&](auto& rank) {
    trainer trainer{rank, model, adamw{.learning_rate = 3e-3},
                    training<double>{.features = 3, .batch = 64, .micro = 4, .clip_norm = 1}};
    const data_shard mine{.data_rank = rank.place().data, .data_ways = rank.mesh().ways.data, .micro = 4};
    auto batches = make_loader<double>(points, sampler{points.samples(), 64, /*seed=*/1}, mine);
    for (int epoch = 0; epoch < 8; ++epoch) {
      double loss = 0;
      for (const auto& batch : batches.epoch(epoch)) loss = trainer.step(batch).loss;
      if (rank.rank() == 0) result.losses.push_back(loss);
    }
    trainer.for_each_parameter([&](const held_parameter<double>& held, std::span<const double> values) {
      if (held.name == "3.rms_norm.gain") result.gains.assign(values.begin(), values.end());
    });
  });
  return result;
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1) {
    const bool help = std::strcmp(arguments[1], "--help") == 0;
    std::fprintf(help ? stdout : stderr, "04_your_own_layer: trains a model with a new layer; takes no option\n");
    return help ? 0 : 2;
  }
  try {
    const learnt one = train<mesh<>>(), eight = train<mesh<data<2>, tensor<2>, pipeline<2>>>();
    std::printf("epoch   one rank           eight ranks\n");
    for (std::size_t epoch = 0; epoch < one.losses.size(); ++epoch)
      std::printf("%5zu   %.14f   %.14f\n", epoch + 1, one.losses[epoch], eight.losses[epoch]);
    std::printf("\ngains of the first rms_norm:");
    for (double gain : eight.gains) std::printf(" %.2f", gain);
    std::printf("\n");
  } catch (const error& wrong) {
    std::fprintf(stderr, "%s\n", wrong.what());
    return wrong.exit_status();
  }
}
