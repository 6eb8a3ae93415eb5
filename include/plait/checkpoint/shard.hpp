// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <plait/checkpoint/box.hpp>
#include <plait/checkpoint/crc32.hpp>
#include <plait/checkpoint/file.hpp>
#include <plait/checkpoint/json.hpp>
#include <plait/checkpoint/parse_json.hpp>
#include <plait/checkpoint/safetensors.hpp>
#include <plait/core/error.hpp>
#include <plait/core/require.hpp>
#include <plait/tensor/dtype.hpp>

namespace plait {

/// A box of a tensor as one rank saves it. `name` and `shape` are global: equal in every layout.
struct tensor_piece {
  std::string name{};
  dtype type = dtype::f32;
  tensor_shape shape{};  ///< of the whole tensor
  box where{};
  std::uint32_t crc = 0;  ///< of its bytes; written by `write_shard`, read by `read_shard`
  std::int64_t at = 0;    ///< its first byte in the file; likewise

  [[nodiscard]] std::int64_t bytes() const { return where.volume() * size_of(type); }
};

/// What tells one shard from any other.
struct shard_identity {
  std::int64_t bytes = 0;        ///< of the file
  std::uint32_t header_crc = 0;  ///< of its header, which holds the check sums of its pieces

  friend bool operator==(const shard_identity&, const shard_identity&) = default;
};

namespace detail {

/// The name of the text that tells, for a piece, of which tensor it is and where.
inline std::string piece_key(std::string_view name) {
  return std::string{"piece:"}.append(name);
}

inline std::string shard_header(const std::vector<tensor_piece>& pieces) {
  std::vector<safetensors_entry> tensors;
  std::vector<std::pair<std::string, std::string>> texts{{"format", "plait shard 1"}};
  std::int64_t used = 0;
  for (const tensor_piece& one : pieces) {
    tensors.push_back(
        {one.name, std::string{safetensors_name_of(one.type)}, one.where.extent, {used, used + one.bytes()}});
    used += one.bytes();
    const json place = json::object{{"shape", json::array(one.shape.begin(), one.shape.end())},
                                    {"offset", json::array(one.where.offset.begin(), one.where.offset.end())},
                                    {"crc32", crc32_text(one.crc)}};
    texts.emplace_back(piece_key(one.name), place.to_text());
  }
  return safetensors_text(tensors, texts);
}

}  // namespace detail

/// Writes pieces to a new safetensors file, on the disk when it returns: each under its tensor's name with the piece's
/// extents, and a text `piece:<name>` of global shape, offset and check sum. A piece that is the whole tensor reads as
/// that tensor in any tool.
///
/// bytes_of_piece(i): the bytes of pieces[i], valid until the next call. Fills in `crc` and `at` of each.
/// Needs: no name twice. Throws: io.
template <class BytesOfPiece>
shard_identity write_shard(const std::string& path, std::vector<tensor_piece>& pieces, BytesOfPiece&& bytes_of_piece) {
  output_file file{path};
  // Check sums have a fixed width, so the header's place can be kept until they are known.
  file.append(bytes_of_text(std::string(detail::shard_header(pieces).size(), '\0')));
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::span<const std::byte> bytes = bytes_of_piece(i);
    require(std::ssize(bytes) == pieces[i].bytes(), "plait::write_shard",
            [&] { return "piece " + pieces[i].name + " has " + std::to_string(bytes.size()) + " bytes"; });
    pieces[i].at = file.size();
    pieces[i].crc = crc32(bytes);
    file.append(bytes);
  }
  const std::string header = detail::shard_header(pieces);
  file.write(bytes_of_text(header), 0);
  file.finish();
  return {file.size(), crc32(bytes_of_text(header))};
}

/// The pieces of a shard, which must be the file that `wanted` was made of; of the data nothing is read.
///
/// Throws: io, where the file is missing, truncated or another.
inline std::vector<tensor_piece> read_shard(const std::string& path, const shard_identity& wanted) {
  const input_file file{path};
  const auto fail = [&](const std::string& what) { throw error{error_kind::io, "read_shard", path + what}; };
  if (file.size() != wanted.bytes)
    fail(" has " + std::to_string(file.size()) + " bytes, and its checkpoint was written with " +
         std::to_string(wanted.bytes));
  const std::vector<std::byte> head = read_safetensors_head(file);
  if (crc32(head) != wanted.header_crc) fail(" is corrupted, or of another checkpoint: its header's check sum differs");
  const safetensors_header header = parse_safetensors(head, file.size(), path);
  std::vector<tensor_piece> pieces;
  for (const safetensors_entry& one : header.tensors) {
    const std::string* const text = header.find(detail::piece_key(one.name));
    const auto unclear = [&] { fail(" does not say where its piece of " + one.name + " lies in the tensor"); };
    if (text == nullptr) unclear();
    const json place = parse_json(*text, path);
    const json *shape = place.find("shape"), *offset = place.find("offset"), *sum = place.find("crc32");
    const std::optional<dtype> type = dtype_of_safetensors(one.type);
    if (shape == nullptr || offset == nullptr || sum == nullptr || sum->string() == nullptr || !type) unclear();
    const auto counts = [&](const json& list) {
      tensor_shape all;
      if (list.elements() == nullptr) unclear();
      for (const json& each : *list.elements()) {
        if (each.integer() == nullptr) unclear();
        all.push_back(*each.integer());
      }
      return all;
    };
    tensor_piece piece{
        one.name, *type, counts(*shape), {counts(*offset), one.shape}, 0, header.bytes + one.bytes.begin};
    for (const char digit : *sum->string()) {
      const std::size_t value = std::string_view{"0123456789abcdef"}.find(digit);
      if (value > 15 || sum->string()->size() != 8) unclear();
      piece.crc = piece.crc << 4 | static_cast<std::uint32_t>(value);
    }
    if (!byte_size(piece.shape, size_of(*type)) || !lies_in(piece.where, piece.shape)) unclear();
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

}  // namespace plait
