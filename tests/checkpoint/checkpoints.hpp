// SPDX-License-Identifier: Apache-2.0
#pragma once

// A small checkpoint of two shards, whose values say which checkpoint it is.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <plait/checkpoint/folder.hpp>
#include <plait/checkpoint/manifest.hpp>
#include <plait/checkpoint/reader.hpp>
#include <plait/checkpoint/shard.hpp>

namespace plait::testing {

/// Element i of tensor `name` in the checkpoint of a step.
inline float value_of(const std::string& name, std::int64_t step, std::int64_t i) {
  return static_cast<float>(1000 * step + 100 * static_cast<std::int64_t>(name.size()) + i);
}

/// The values of a box of a [rows, columns] tensor.
inline std::vector<float> values_of(const std::string& name, std::int64_t step, std::int64_t columns, const box& of) {
  std::vector<float> values;
  for (std::int64_t row = of.offset[0]; row < of.offset[0] + of.extent[0]; ++row)
    for (std::int64_t column = of.offset[1]; column < of.offset[1] + of.extent[1]; ++column)
      values.push_back(value_of(name, step, row * columns + column));
  return values;
}

inline shard_identity write_pieces(const std::string& path, std::int64_t step, std::vector<tensor_piece> pieces) {
  std::vector<float> values;
  return write_shard(path, pieces, [&](std::size_t i) {
    values = values_of(pieces[i].name, step, pieces[i].shape[1], pieces[i].where);
    return std::as_bytes(std::span{values});
  });
}

/// Tensor "whole" of [2, 3] in shard 0; tensor "parted" of [4, 5] with columns 0-1 in shard 0 and 2-4 in shard 1.
inline manifest write_shards(const std::string& folder, std::int64_t step) {
  const tensor_piece whole{.name = "whole", .shape = {2, 3}, .where = {{0, 0}, {2, 3}}};
  const tensor_piece left{.name = "parted", .shape = {4, 5}, .where = {{0, 0}, {4, 2}}};
  const tensor_piece right{.name = "parted", .shape = {4, 5}, .where = {{0, 2}, {4, 3}}};
  manifest made{.state = json::object{{"steps", step}}};
  made.shards.push_back(
      {"shard-00000.safetensors", write_pieces(folder + "/shard-00000.safetensors", step, {whole, left})});
  made.shards.push_back({"shard-00001.safetensors", write_pieces(folder + "/shard-00001.safetensors", step, {right})});
  return made;
}

/// Saves a checkpoint as its users do; gives its folder.
inline std::string save_small(const std::string& root, std::int64_t step, int keep = 0) {
  new_checkpoint made{root, step};
  try {
    made.commit(write_shards(made.folder(), step));
  } catch (...) {
    made.abandon();
    throw;
  }
  remove_old_checkpoints(root, keep);
  return made.final_folder();
}

/// Whether a checkpoint is there, whole, with the values of that step. Throws what its reader throws.
inline bool holds_step(const std::string& folder, std::int64_t step) {
  const checkpoint_reader from{folder};
  const auto same = [&](const std::string& name, const tensor_shape& shape) {
    std::vector<float> values(static_cast<std::size_t>(*byte_size(shape)));
    from.read(name, box::whole(shape), std::as_writable_bytes(std::span{values}));
    return values == values_of(name, step, shape[1], box::whole(shape));
  };
  return from.state() == json{json::object{{"steps", step}}} && from.tensors().size() == 2 && same("whole", {2, 3}) &&
         same("parted", {4, 5});
}

}  // namespace plait::testing
