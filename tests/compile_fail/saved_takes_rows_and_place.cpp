// expect: plait::layer: saved takes (std::int64_t rows, tensor_place place)
// SPDX-License-Identifier: Apache-2.0
// Otherwise it would be taken for a layer that saves nothing.
#include <cstdint>

#include <plait/layers/activation.hpp>
#include <plait/layers/layer.hpp>

struct keeps_its_input : plait::relu {
  [[nodiscard]] std::int64_t saved(std::int64_t rows) const { return rows; }
};

const std::int64_t elements = plait::saved_of(keeps_its_input{}, 3, {});
