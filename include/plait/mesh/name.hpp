// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <plait/mesh/mesh.hpp>

namespace plait {

/// The name of a layout on command lines and in reports, made of what it is: its axes of more than one way, and its
/// schedule where that is not 1F1B. A layout type may state another as `static constexpr std::string_view name`.
///
///     serial   data4   data2_tensor2_pipeline2   pipeline4_gpipe   pipeline2_interleaved2
///     data2_tensor2_data_tensor_fastest
template <layout L>
std::string name_of_layout() {
  if constexpr (requires { std::string{L::name}; }) {
    return std::string{L::name};
  } else {
    constexpr mesh_description shape = L::description();
    std::string name;
    const auto append = [&](std::string_view word) { name.append(name.empty() ? "" : "_").append(word); };
    for (axis which : {axis::data, axis::tensor, axis::pipeline}) {
      // A pipeline of one rank is still one where that rank has several chunks.
      if (shape.ways[which] > 1 || (which == axis::pipeline && shape.chunks > 1))
        append(std::string{name_of(which)} + std::to_string(shape.ways[which]));
    }
    if constexpr (requires { L::schedule::suffix; }) {
      if (shape.stages() > 1 && !L::schedule::suffix.empty()) {
        append(L::schedule::suffix);
        if (shape.chunks > 1) name.append(std::to_string(shape.chunks));
      }
    }
    if (shape.order != default_rank_order)
      append(std::string{name_of(shape.order[0])}.append("_").append(name_of(shape.order[1])) + "_fastest");
    return name.empty() ? "serial" : name;
  }
}

}  // namespace plait
