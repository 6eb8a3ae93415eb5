// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <plait/checkpoint/crc32.hpp>
#include <plait/core/error.hpp>

#include "laws.hpp"

/// As it is, and once more with the check sum that it should have, which no fuzzer would find.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plait;
  const std::span<const std::byte> bytes{reinterpret_cast<const std::byte*>(data), size};
  fuzz::reads_manifest(bytes);
  std::string text;
  if (!fuzz::read_or_refused([&] { text = parse_json(fuzz::text_of(bytes), "fuzz").to_text(); })) return 0;
  const json value = parse_json(text, "fuzz");
  if (value.members() == nullptr) return 0;
  json::object all = *value.members();
  std::erase_if(all, [](const auto& member) { return member.first == "crc32"; });
  all.emplace_back("crc32", crc32_text(crc32(bytes_of_text(json{all}.to_text()))));
  fuzz::reads_manifest(bytes_of_text(json{std::move(all)}.to_text()));
  return 0;
}
