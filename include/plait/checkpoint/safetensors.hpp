// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <plait/checkpoint/box.hpp>
#include <plait/checkpoint/file.hpp>
#include <plait/checkpoint/json.hpp>
#include <plait/checkpoint/parse_json.hpp>
#include <plait/core/error.hpp>
#include <plait/core/ranges.hpp>
#include <plait/tensor/dtype.hpp>

namespace plait {

static_assert(std::endian::native == std::endian::little, "plait: safetensors files are little-endian, as memory is");

/// One tensor of a safetensors file. `bytes`: where it lies, from the begin of the data on.
struct safetensors_entry {
  std::string name{};
  std::string type{};  ///< `F32`, `F64`, `BF16`, ...
  tensor_shape shape{};
  index_range bytes{};

  friend bool operator==(const safetensors_entry&, const safetensors_entry&) = default;
};

/// What a safetensors file says of itself: its tensors in the order in which they lie, and texts by name.
///
///     8 bytes       n, little-endian
///     n bytes       {"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},...,"__metadata__":{"key":"text"}}
///     the rest      the tensors, one after the other without gaps
///
/// Source: "Safetensors", the format's description and validation at https://github.com/huggingface/safetensors
struct safetensors_header {
  std::vector<safetensors_entry> tensors{};
  std::vector<std::pair<std::string, std::string>> metadata{};
  std::int64_t bytes = 0;  ///< of the header, length included: the data begin there

  /// The text by its name, or none.
  [[nodiscard]] const std::string* find(std::string_view key) const {
    for (const auto& [name, text] : metadata)
      if (name == key) return &text;
    return nullptr;
  }
};

/// Headers are no longer than this, by the format.
inline constexpr std::int64_t safetensors_header_limit_bytes = 100'000'000;

/// The name of an element type in safetensors files.
constexpr std::string_view safetensors_name_of(dtype type) {
  constexpr std::string_view names[] = {"F32", "F64", "I32", "I64", "U64"};
  return names[static_cast<int>(type)];
}

/// The element type of that name, or none where plait has no such type.
constexpr std::optional<dtype> dtype_of_safetensors(std::string_view name) {
  for (const dtype one : {dtype::f32, dtype::f64, dtype::i32, dtype::i64, dtype::u64})
    if (name == safetensors_name_of(one)) return one;
  return std::nullopt;
}

/// Bytes of one element of a type of the format; 0 where it is none.
constexpr std::int64_t safetensors_element_bytes(std::string_view type) {
  constexpr std::pair<std::string_view, std::int64_t> all[] = {
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"U16", 2}, {"I16", 2}, {"F16", 2},
      {"BF16", 2}, {"U32", 4}, {"I32", 4}, {"F32", 4},     {"U64", 8},     {"I64", 8}, {"F64", 8}};
  for (const auto& [name, bytes] : all)
    if (name == type) return bytes;
  return 0;
}

/// The header of a file that holds these tensors; padded so that data begin at a multiple of 8 bytes.
///
/// Needs: entries in the order in which they lie, without gaps.
inline std::string safetensors_text(const std::vector<safetensors_entry>& tensors,
                                    const std::vector<std::pair<std::string, std::string>>& metadata) {
  json::object all;
  if (!metadata.empty()) {
    json::object texts;
    for (const auto& [key, text] : metadata) texts.emplace_back(key, text);
    all.emplace_back("__metadata__", std::move(texts));
  }
  for (const safetensors_entry& one : tensors) {
    json::array shape(one.shape.begin(), one.shape.end());
    all.emplace_back(one.name, json::object{{"dtype", one.type},
                                            {"shape", std::move(shape)},
                                            {"data_offsets", json::array{one.bytes.begin, one.bytes.end}}});
  }
  std::string text = json{std::move(all)}.to_text();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const auto length = static_cast<std::uint64_t>(text.size());
  std::string whole(sizeof length, '\0');
  std::memcpy(whole.data(), &length, sizeof length);
  return whole += text;
}

namespace detail {

/// Checks the parts of a header one by one; `name` is the file's.
class safetensors_parser {
 public:
  explicit safetensors_parser(std::string_view name) : name_{name} {}

  [[noreturn]] void fail(std::string_view what) const {
    throw error{error_kind::io, "parse_safetensors",
                std::string{name_}.append(" is not a whole safetensors file: ").append(what)};
  }

  /// Bytes of the JSON text, of which the first 8 bytes of the file tell.
  [[nodiscard]] std::int64_t length(std::span<const std::byte> head, std::int64_t file_bytes) const {
    if (file_bytes < 8 || head.size() < 8)
      fail("the length of its header takes 8 bytes, found " + std::to_string(head.size()));
    std::uint64_t length = 0;
    std::memcpy(&length, head.data(), sizeof length);
    if (length > static_cast<std::uint64_t>(safetensors_header_limit_bytes))
      fail("its header says to be " + std::to_string(length) + " bytes long, and 100 MB are allowed");
    if (length > static_cast<std::uint64_t>(file_bytes) - 8)
      fail("its header says to be " + std::to_string(length) + " bytes long, and " + std::to_string(file_bytes - 8) +
           " follow");
    return static_cast<std::int64_t>(length);
  }

  [[nodiscard]] safetensors_header header(std::string_view text, std::int64_t file_bytes) const {
    if (!text.starts_with('{')) fail("its header does not start with {");
    const json whole = parse_json(text, std::string{"the header of "}.append(name_));
    safetensors_header found{.bytes = static_cast<std::int64_t>(text.size()) + 8};
    for (const auto& [key, value] : *whole.members()) {
      if (key == "__metadata__")
        metadata(value, found);
      else
        found.tensors.push_back(entry(key, value));
    }
    // The sort is stable and empty tensors stand before those that begin where they do.
    std::stable_sort(found.tensors.begin(), found.tensors.end(), [](const auto& a, const auto& b) {
      return a.bytes.begin != b.bytes.begin ? a.bytes.begin < b.bytes.begin : a.bytes.end < b.bytes.end;
    });
    std::int64_t used = 0;
    for (const safetensors_entry& one : found.tensors) {
      if (one.bytes.begin != used)
        fail("tensor " + one.name + " begins at byte " + std::to_string(one.bytes.begin) +
             " of the data, and those before it end at " + std::to_string(used));
      used = one.bytes.end;
    }
    if (used != file_bytes - found.bytes)
      fail("its tensors take " + std::to_string(used) + " bytes, and " + std::to_string(file_bytes - found.bytes) +
           " follow its header");
    return found;
  }

 private:
  void metadata(const json& value, safetensors_header& found) const {
    if (value.members() == nullptr) fail("__metadata__ is no object");
    for (const auto& [key, text] : *value.members()) {
      if (text.string() == nullptr) fail("__metadata__ holds something that is no text: " + key);
      found.metadata.emplace_back(key, *text.string());
    }
  }

  [[nodiscard]] safetensors_entry entry(const std::string& key, const json& value) const {
    const json *type = value.find("dtype"), *shape = value.find("shape"), *offsets = value.find("data_offsets");
    if (type == nullptr || shape == nullptr || offsets == nullptr || value.members()->size() != 3)
      fail("tensor " + key + " has dtype, shape and data_offsets, and nothing else");
    if (type->string() == nullptr || safetensors_element_bytes(*type->string()) == 0)
      fail("tensor " + key + " is of a type that is not known");
    const std::vector<std::int64_t> extents = counts(*shape, key), range = counts(*offsets, key);
    if (range.size() != 2 || range[0] > range[1]) fail("the data_offsets of tensor " + key + " are a begin and an end");
    const std::optional<std::int64_t> bytes = byte_size(extents, safetensors_element_bytes(*type->string()));
    if (bytes != range[1] - range[0])
      fail("tensor " + key + " of shape " + to_string(extents) + " does not take " +
           std::to_string(range[1] - range[0]) + " bytes");
    return {key, *type->string(), extents, {range[0], range[1]}};
  }

  [[nodiscard]] std::vector<std::int64_t> counts(const json& list, const std::string& key) const {
    if (list.elements() == nullptr) fail("tensor " + key + " has a shape or offsets that are no list");
    std::vector<std::int64_t> all;
    for (const json& one : *list.elements()) {
      if (one.integer() == nullptr || *one.integer() < 0)
        fail("tensor " + key + " has a shape or offsets that are no counts");
      all.push_back(*one.integer());
    }
    return all;
  }

  std::string_view name_;
};

}  // namespace detail

/// The header of a safetensors file from its first bytes; `name` is what messages call the file.
///
///   head: at least the header.   file_bytes: of the whole file
///
/// The bytes need not be trusted. Checked: the lengths, the JSON text, each type and shape, that every byte of the data
/// belongs to exactly one tensor, and that no name stands twice. Throws: io, with what was expected and found.
inline safetensors_header parse_safetensors(std::span<const std::byte> head, std::int64_t file_bytes,
                                            std::string_view name) {
  const detail::safetensors_parser parser{name};
  const auto length = static_cast<std::size_t>(parser.length(head, file_bytes));
  if (head.size() - 8 < length) parser.fail("its header is cut off");
  return parser.header({reinterpret_cast<const char*>(head.data()) + 8, length}, file_bytes);
}

/// The first bytes of an open file, which are its header: length and text. Throws: io, where that cannot be one.
inline std::vector<std::byte> read_safetensors_head(const input_file& file) {
  std::vector<std::byte> head(static_cast<std::size_t>(std::min<std::int64_t>(8, file.size())));
  file.read(head, 0);
  const std::int64_t length = detail::safetensors_parser{file.path()}.length(head, file.size());
  head.resize(static_cast<std::size_t>(8 + length));
  file.read(std::span{head}.subspan(8), 8);
  return head;
}

}  // namespace plait
