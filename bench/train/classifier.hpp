// SPDX-License-Identifier: Apache-2.0
#pragma once

// The job of the training benchmarks: a classifier of 784 numbers with four hidden layers, on made-up samples.

#include <cstdint>
#include <random>
#include <vector>

#include <plait/plait.hpp>

namespace classifier {

inline constexpr std::int64_t features = 784, classes = 10;

struct samples {
  std::vector<float> x{};
  std::vector<std::int32_t> labels{};
  explicit samples(std::int64_t rows) {
    std::mt19937 random{1};
    std::uniform_real_distribution<float> pixel{-1, 1};
    for (std::int64_t i = 0; i < rows * features; ++i) x.push_back(pixel(random));
    for (std::int64_t i = 0; i < rows; ++i) labels.push_back(static_cast<std::int32_t>(random() % classes));
  }
};

inline auto model(std::int64_t width) {
  using namespace plait;
  return stack{column_linear{features, width}, relu{},
               row_linear{width, width},       relu{},
               column_linear{width, width},    relu{},
               row_linear{width, width},       relu{},
               column_linear{width, classes},  softmax_cross_entropy{classes}};
}

}  // namespace classifier
