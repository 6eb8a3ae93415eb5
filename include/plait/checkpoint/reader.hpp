// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <plait/checkpoint/box.hpp>
#include <plait/checkpoint/crc32.hpp>
#include <plait/checkpoint/file.hpp>
#include <plait/checkpoint/manifest.hpp>
#include <plait/checkpoint/shard.hpp>
#include <plait/core/error.hpp>
#include <plait/core/require.hpp>
#include <plait/tensor/dtype.hpp>

namespace plait {

/// A tensor of a checkpoint: its pieces, whoever wrote them, which tile it.
struct stored_tensor {
  struct piece {
    box where{};
    std::size_t shard = 0;  ///< of the manifest
    std::int64_t at = 0;    ///< first byte in the shard
    std::uint32_t crc = 0;
  };

  dtype type = dtype::f32;
  tensor_shape shape{};
  std::vector<piece> pieces{};
};

/// Reads a checkpoint, under whatever layout it was saved: any box of any tensor, whole and checked or not at all.
///
/// When it is made it reads the manifest and the headers of all shards, and proves that the pieces of each tensor tile
/// it. `read` then reads the pieces that the box meets, whole, since their check sums are of the whole.
class checkpoint_reader {
 public:
  /// Throws: io, where a file is missing, truncated, corrupted or of another checkpoint, or an element is missing.
  explicit checkpoint_reader(std::string folder) : folder_{std::move(folder)}, manifest_{read_manifest(folder_)} {
    for (std::size_t number = 0; number < manifest_.shards.size(); ++number)
      for (tensor_piece& one : read_shard(path_of(number), manifest_.shards[number].is)) add(one, number);
    for (const auto& [name, tensor] : tensors_) {
      std::vector<box> boxes;
      for (const stored_tensor::piece& one : tensor.pieces) boxes.push_back(one.where);
      if (const std::string fault = tiling_fault(boxes, tensor.shape); !fault.empty())
        throw error{error_kind::io, "checkpoint_reader",
                    folder_ + " does not hold the whole of tensor " + name + ": " + fault};
    }
  }

  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] const json& state() const { return manifest_.state; }
  [[nodiscard]] const std::map<std::string, stored_tensor>& tensors() const { return tensors_; }

  /// Fills `to` with a box of a tensor, packed, row-major. Needs: a tensor that is there, a box that lies in it, and as
  /// many bytes. Throws: usage; io, where a piece cannot be read or its check sum differs, and `to` is then undefined.
  void read(const std::string& name, const box& wanted, std::span<std::byte> to) const {
    const auto found = tensors_.find(name);
    require(found != tensors_.end(), "checkpoint_reader::read", [&] { return folder_ + " has no tensor " + name; });
    const stored_tensor& tensor = found->second;
    const std::int64_t element = size_of(tensor.type);
    require(
        lies_in(wanted, tensor.shape) && std::ssize(to) == wanted.volume() * element, "checkpoint_reader::read",
        [&] { return "the box asked for does not lie in tensor " + name + " of shape " + to_string(tensor.shape); });
    std::vector<std::byte> whole_piece;
    for (const stored_tensor::piece& one : tensor.pieces) {
      const auto common = intersection(one.where, wanted);
      if (!common) continue;
      const input_file file{path_of(one.shard)};
      const auto bytes = static_cast<std::size_t>(one.where.volume() * element);
      const bool in_place = one.where == wanted;
      if (!in_place) whole_piece.resize(bytes);
      const std::span<std::byte> read = in_place ? to : std::span{whole_piece}.first(bytes);
      file.read(read, one.at);
      if (crc32(read) != one.crc)
        throw error{error_kind::io, "checkpoint_reader::read",
                    file.path() + " is corrupted: the check sum of tensor " + name + " differs"};
      if (!in_place) copy_block(*common, read.data(), one.where, to.data(), wanted, element);
    }
  }

 private:
  [[nodiscard]] std::string path_of(std::size_t shard) const { return folder_ + "/" + manifest_.shards[shard].file; }

  void add(tensor_piece& one, std::size_t shard) {
    const auto [place, is_new] = tensors_.try_emplace(one.name, stored_tensor{one.type, one.shape, {}});
    stored_tensor& tensor = place->second;
    if (tensor.type != one.type || tensor.shape != one.shape)
      throw error{error_kind::io, "checkpoint_reader",
                  folder_ + " holds pieces of tensor " + one.name + " that differ in type or shape"};
    tensor.pieces.push_back({std::move(one.where), shard, one.at, one.crc});
  }

  std::string folder_;
  manifest manifest_;
  std::map<std::string, stored_tensor> tensors_;
};

}  // namespace plait
