// SPDX-License-Identifier: Apache-2.0
#pragma once

// What readers of bytes that need not be trusted must keep, for any bytes: each function says whether the bytes were
// read, and throws std::logic_error where a law is broken. Used by libFuzzer and by the tests alike.

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <plait/checkpoint/json.hpp>
#include <plait/checkpoint/manifest.hpp>
#include <plait/checkpoint/parse_json.hpp>
#include <plait/checkpoint/safetensors.hpp>
#include <plait/core/error.hpp>
#include <plait/data/idx.hpp>

namespace plait::fuzz {

inline void hold(bool law, const char* what) {
  if (!law) throw std::logic_error{what};
}

/// Calls `read`; a refusal must be one sentence about bad input that names the file.
template <class Read>
bool read_or_refused(Read&& read) {
  try {
    read();
    return true;
  } catch (const error& refused) {
    hold(name_of(refused.kind()) == "io", "a refusal is of kind io");
    hold(refused.sentence().find("fuzz") != std::string::npos, "a refusal names the file");
    return false;
  }
}

inline std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// What is written of a value that was read is read as that value again, on one line and on many.
inline bool reads_json(std::span<const std::byte> bytes) {
  return read_or_refused([&] {
    const json value = parse_json(text_of(bytes), "fuzz");
    const std::string line = value.to_text();
    hold(parse_json(line, "fuzz") == value, "JSON written and read is the same value");
    hold(parse_json(value.to_text(2), "fuzz") == value, "indented JSON written and read is the same value");
    hold(parse_json(line, "fuzz").to_text() == line, "a value has one text");
  });
}

/// Tensors tile the data, each has the bytes of its shape, and the header written of them is read as the same.
inline bool reads_safetensors(std::span<const std::byte> bytes) {
  return read_or_refused([&] {
    const safetensors_header header = parse_safetensors(bytes, std::ssize(bytes), "fuzz");
    std::int64_t used = 0;
    for (const safetensors_entry& one : header.tensors) {
      std::int64_t size = safetensors_element_bytes(one.type);
      hold(size > 0, "a type has a size");
      for (const std::int64_t extent : one.shape) size *= extent;
      hold(one.bytes.begin == used && one.bytes.size() == size, "tensors lie one after the other");
      used = one.bytes.end;
    }
    hold(header.bytes + used == std::ssize(bytes), "nothing follows the last tensor");
    const std::string text = safetensors_text(header.tensors, header.metadata);
    const safetensors_header again = parse_safetensors(bytes_of_text(text), std::ssize(text) + used, "fuzz");
    hold(again.tensors == header.tensors && again.metadata == header.metadata, "a header written and read is the same");
  });
}

/// A manifest written of what was read is read as the same.
inline bool reads_manifest(std::span<const std::byte> bytes) {
  return read_or_refused([&] {
    const manifest found = parse_manifest(text_of(bytes), "fuzz");
    const manifest again = parse_manifest(to_text(found), "fuzz");
    hold(again.state == found.state && again.shards.size() == found.shards.size(), "a manifest is read as written");
    for (std::size_t i = 0; i < found.shards.size(); ++i)
      hold(again.shards[i].file == found.shards[i].file && again.shards[i].is == found.shards[i].is,
           "a manifest's shards are read as written");
  });
}

/// The sizes of an array agree with each other and with the file.
inline bool reads_idx(std::span<const std::byte> bytes) {
  return read_or_refused([&] {
    const idx_array array = parse_idx(bytes, "fuzz");
    std::int64_t product = 1;
    for (const std::int64_t extent : array.extents()) product *= extent;
    hold(product == array.size() && array.rank() >= 1 && array.rank() <= 8, "extents multiply to the size");
    hold(std::ssize(array.bytes()) == product * size_of(array.type()), "the bytes are those of the elements");
    hold(array.bytes().size() + 4 + 4 * array.extents().size() == bytes.size(), "nothing follows the elements");
    hold(std::ssize(array.values<double>()) == product, "values can be read");
  });
}

}  // namespace plait::fuzz
