// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <plait/checkpoint/crc32.hpp>
#include <plait/checkpoint/file.hpp>
#include <plait/checkpoint/manifest.hpp>
#include <plait/checkpoint/safetensors.hpp>
#include <plait/core/random.hpp>

#include <doctest/doctest.h>

#include "fuzz/laws.hpp"

namespace plait {
namespace {

class dice {
 public:
  explicit dice(std::uint64_t round) : stream_{2025, "plait.test.fuzz", round} {}
  std::size_t below(std::size_t count) { return stream_.below(next_++, static_cast<std::uint32_t>(count)); }

 private:
  random_stream stream_;
  std::uint64_t next_ = 0;
};

/// The same text with up to three changes: a bit turned, a letter replaced by one that JSON knows, a piece cut out,
/// doubled, or put elsewhere.
std::string mutated(std::string text, dice& roll) {
  constexpr std::string_view letters = "{}[]\",:0123456789.-+eEtrufalsn\\ \n\x80\xff";
  for (std::size_t change = 1 + roll.below(3); change > 0 && !text.empty(); --change) {
    const std::size_t at = roll.below(text.size()),
                      length = 1 + roll.below(std::min<std::size_t>(text.size() - at, 12));
    switch (roll.below(5)) {
      case 0:
        text[at] = static_cast<char>(text[at] ^ 1 << roll.below(8));
        break;
      case 1:
        text[at] = letters[roll.below(letters.size())];
        break;
      case 2:
        text.erase(at, length);
        break;
      case 3:
        text.insert(roll.below(text.size()), text.substr(at, length));
        break;
      case 4:
        text.insert(at, 1, letters[roll.below(letters.size())]);
        break;
    }
  }
  return text;
}

/// Both ways out must have been taken often, or the mutations test nothing.
template <class Reads>
void any_mutation_is_read_or_refused(const std::vector<std::string>& seeds, int rounds, Reads&& reads) {
  int read = 0;
  for (const std::string& seed : seeds) REQUIRE(reads(bytes_of_text(seed)));
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    dice roll{static_cast<std::uint64_t>(round)};
    const std::string text = mutated(seeds[roll.below(seeds.size())], roll);
    bool was_read = false;
    REQUIRE_NOTHROW(was_read = reads(bytes_of_text(text)));
    read += was_read ? 1 : 0;
  }
  CHECK(read > rounds / 200);
  CHECK(read < rounds * 9 / 10);
}

TEST_CASE("any mutation of a JSON text is read as what it says or refused as bad input") {
  any_mutation_is_read_or_refused({R"({"a":[1,2.5e3,-0.0,true,null],"b":{"c":"\u00e4\ud83d\ude42"}})",
                                   "[[[[]]],{\"x\":{}},\"\xc3\xa4\",9223372036854775807,-1e-9]", "\"\\n\\\\\""},
                                  20000, fuzz::reads_json);
}

TEST_CASE("any mutation of a safetensors file is read with tensors that tile its data or refused as bad input") {
  const std::vector<safetensors_entry> some{{"a", "F32", {2, 3}, {0, 24}}, {"b", "U8", {3}, {24, 27}}};
  any_mutation_is_read_or_refused(
      {safetensors_text(some, {{"format", "pt"}}) + std::string(27, 'x'),
       safetensors_text({{"", "F64", {}, {0, 8}}}, {}) + std::string(8, 'x'), safetensors_text({}, {{"a", ""}})},
      20000, fuzz::reads_safetensors);
}

TEST_CASE("any mutation of a manifest is refused, or says what it said") {
  manifest some{.state = json::object{{"steps", 12}, {"seed", "1"}},
                .shards = {{"shard-00000.safetensors", {1234, 0xdeadbeef}}, {"shard-00001.safetensors", {99, 1}}}};
  const std::string text = to_text(some);
  const manifest before = parse_manifest(text, "fuzz");
  int read = 0;
  for (int round = 0; round < 20000; ++round) {
    CAPTURE(round);
    dice roll{static_cast<std::uint64_t>(round)};
    const std::string changed = mutated(text, roll);
    bool was_read = false;
    REQUIRE_NOTHROW(was_read = fuzz::reads_manifest(bytes_of_text(changed)));
    if (!was_read) continue;
    ++read;
    const manifest after = parse_manifest(changed, "fuzz");
    REQUIRE(after.state == before.state);
    REQUIRE(to_text(after) == text);
  }
  CHECK(read > 100);  // blanks come and go
}

}  // namespace
}  // namespace plait
