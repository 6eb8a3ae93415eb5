// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <plait/checkpoint/crc32.hpp>
#include <plait/checkpoint/file.hpp>
#include <plait/checkpoint/json.hpp>
#include <plait/checkpoint/parse_json.hpp>
#include <plait/checkpoint/shard.hpp>
#include <plait/core/error.hpp>

namespace plait {

/// What makes files a checkpoint: which shards belong to it, and whatever state its writer adds.
///
///     {"format": "plait checkpoint 1", "state": {...}, "shards": [{"file": "shard-00000.safetensors", ...}],
///      "crc32": "0a1b2c3d"}
///
/// Written last, so that a checkpoint without one is none. Its own check sum is that of what stands before it, written
/// on one line.
struct manifest {
  struct shard {
    std::string file{};  ///< name within the checkpoint's folder
    shard_identity is{};
  };

  json state{};
  std::vector<shard> shards{};
};

inline constexpr std::string_view manifest_name = "manifest.json";
inline constexpr std::int64_t manifest_limit_bytes = 100'000'000;

inline std::string to_text(const manifest& from) {
  json::array shards;
  for (const manifest::shard& one : from.shards)
    shards.push_back(
        json::object{{"file", one.file}, {"bytes", one.is.bytes}, {"header_crc32", crc32_text(one.is.header_crc)}});
  json::object all{{"format", "plait checkpoint 1"}, {"state", from.state}, {"shards", std::move(shards)}};
  const std::string line = json{all}.to_text();
  all.emplace_back("crc32", crc32_text(crc32(bytes_of_text(line))));
  return json{std::move(all)}.to_text(2) + "\n";
}

/// Reads what `to_text` wrote; `name` is what messages call the text, which need not be trusted. Throws: io.
inline manifest parse_manifest(std::string_view text, std::string_view name) {
  const auto fail = [&](std::string_view what) {
    throw error{error_kind::io, "parse_manifest", std::string{name}.append(" ").append(what)};
  };
  json whole = parse_json(text, name);
  const json* const format = whole.find("format");
  if (format == nullptr || format->string() == nullptr || !format->string()->starts_with("plait checkpoint "))
    fail("is not of a checkpoint of plait: it lacks a \"format\" of that name");
  if (*format->string() != "plait checkpoint 1")
    fail("is of another version of the format, " + *format->string() + "; this program reads plait checkpoint 1");
  // The check sum stands last, over all that is before it.
  json::object all = *whole.members();
  const auto [last_key, last_value] = std::move(all.back());
  all.pop_back();
  const std::string sum = crc32_text(crc32(bytes_of_text(json{all}.to_text())));
  if (last_key != "crc32" || last_value != json{sum}) fail("is corrupted: its check sum is not that of its content");
  const json *state = whole.find("state"), *shards = whole.find("shards");
  if (state == nullptr || shards == nullptr || shards->elements() == nullptr)
    fail("lacks a state, or a list of shards");
  manifest found{.state = *state};
  for (const json& one : *shards->elements()) {
    const json *file = one.find("file"), *bytes = one.find("bytes"), *crc = one.find("header_crc32");
    if (file == nullptr || bytes == nullptr || crc == nullptr || file->string() == nullptr ||
        bytes->integer() == nullptr || crc->string() == nullptr || crc->string()->size() != 8)
      fail("has a shard without file, bytes and header_crc32");
    if (file->string()->empty() || file->string()->find('/') != std::string::npos || file->string()->front() == '.')
      fail("has a shard that does not lie beside it");
    std::uint32_t header_crc = 0;
    const char* const end = crc->string()->data() + 8;
    if (std::from_chars(crc->string()->data(), end, header_crc, 16).ptr != end) fail("has a check sum that is none");
    found.shards.push_back({*file->string(), {*bytes->integer(), header_crc}});
  }
  return found;
}

/// The manifest of a checkpoint's folder. Throws: io, where there is none, or it is not whole.
inline manifest read_manifest(const std::string& folder) {
  const input_file file{folder + "/" + std::string{manifest_name}};
  if (file.size() > manifest_limit_bytes)
    throw error{error_kind::io, "read_manifest", file.path() + " is longer than a manifest may be, 100 MB"};
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read({reinterpret_cast<std::byte*>(text.data()), text.size()}, 0);
  return parse_manifest(text, file.path());
}

}  // namespace plait
