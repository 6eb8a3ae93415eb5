// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace plait {

/// The numbers of elements along each dimension of a tensor; row-major, so the last is the fastest.
using tensor_shape = std::vector<std::int64_t>;

/// `[256, 784]`
inline std::string to_string(const tensor_shape& shape) {
  std::string text = "[";
  for (std::size_t d = 0; d < shape.size(); ++d) text.append(d > 0 ? ", " : "").append(std::to_string(shape[d]));
  return text += "]";
}

/// The elements of a shape, of `element_bytes` each, in bytes; none where an extent is negative or 64 bits do not count
/// them. With 1 byte each: the elements.
inline std::optional<std::int64_t> byte_size(const tensor_shape& shape, std::int64_t element_bytes = 1) {
  std::int64_t bytes = element_bytes, bound = element_bytes;  // the bound takes an extent of 0 for 1
  for (const std::int64_t extent : shape) {
    if (extent < 0) return std::nullopt;
    const std::int64_t factor = std::max<std::int64_t>(extent, 1);
    if (bound > std::numeric_limits<std::int64_t>::max() / factor) return std::nullopt;
    bound *= factor;
    bytes *= extent;
  }
  return bytes;
}

/// A block of a tensor: `extent[d]` indices from `offset[d]` on, in each dimension d. Tensors are saved and loaded in
/// boxes: whatever boxes one layout wrote, another can put together the boxes it wants.
struct box {
  tensor_shape offset{};
  tensor_shape extent{};

  static box whole(const tensor_shape& shape) { return {tensor_shape(shape.size(), 0), shape}; }

  /// Elements. Needs: a box that lies in a tensor whose elements 64 bits count.
  [[nodiscard]] std::int64_t volume() const {
    std::int64_t elements = 1;
    for (const std::int64_t each : extent) elements *= each;
    return elements;
  }

  friend bool operator==(const box&, const box&) = default;
};

/// Whether a box lies in a tensor of that shape.
inline bool lies_in(const box& one, const tensor_shape& shape) {
  if (one.offset.size() != shape.size() || one.extent.size() != shape.size()) return false;
  for (std::size_t d = 0; d < shape.size(); ++d)
    if (one.offset[d] < 0 || one.extent[d] < 0 || one.offset[d] > shape[d] || one.extent[d] > shape[d] - one.offset[d])
      return false;
  return true;
}

/// What two boxes of one tensor have in common; none where that is nothing.
inline std::optional<box> intersection(const box& a, const box& b) {
  box common;
  for (std::size_t d = 0; d < a.offset.size(); ++d) {
    const std::int64_t begin = std::max(a.offset[d], b.offset[d]);
    const std::int64_t end = std::min(a.offset[d] + a.extent[d], b.offset[d] + b.extent[d]);
    if (begin >= end) return std::nullopt;
    common.offset.push_back(begin);
    common.extent.push_back(end - begin);
  }
  return common;
}

/// What keeps boxes from tiling a tensor, each element in exactly one of them; empty where they do.
///
/// They do exactly if each lies inside, no two overlap, and they have as many elements as the tensor.
/// Cost: a comparison for each pair of boxes.
inline std::string tiling_fault(const std::vector<box>& boxes, const tensor_shape& shape) {
  std::int64_t missing = *byte_size(shape);
  for (const box& one : boxes) {
    if (!lies_in(one, shape)) return "a piece lies outside of it";
    missing -= one.volume();
    if (missing < 0) return "pieces of it overlap";
  }
  for (std::size_t i = 0; i < boxes.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (intersection(boxes[i], boxes[j])) return "pieces of it overlap";
  return missing == 0 ? "" : std::to_string(missing) + " of its elements are in no piece";
}

/// Copies `block` out of a box that lies at `from` into one that lies at `to`; each box is packed, row-major.
///
/// Needs: `block` lies in both boxes, all three in one tensor.
inline void copy_block(const box& block, const std::byte* from, const box& from_box, std::byte* to, const box& to_box,
                       std::int64_t element_bytes) {
  const std::size_t rank = block.extent.size();
  if (block.volume() == 0) return;
  const std::int64_t run = (rank > 0 ? block.extent[rank - 1] : 1) * element_bytes;
  tensor_shape at(rank, 0);  // within the block; the last dimension goes in one run
  while (true) {
    std::int64_t source = 0, sink = 0;
    for (std::size_t d = 0; d < rank; ++d) {
      source = source * from_box.extent[d] + block.offset[d] + at[d] - from_box.offset[d];
      sink = sink * to_box.extent[d] + block.offset[d] + at[d] - to_box.offset[d];
    }
    std::memcpy(to + sink * element_bytes, from + source * element_bytes, static_cast<std::size_t>(run));
    std::size_t d = rank > 0 ? rank - 1 : 0;
    while (d > 0 && ++at[d - 1] == block.extent[d - 1]) at[--d] = 0;
    if (d == 0) return;
  }
}

}  // namespace plait
