// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/data/idx.hpp>

#include <doctest/doctest.h>

#include "refused.hpp"
#include "scratch.hpp"

namespace plait {
namespace {

using namespace plait::testing;

std::vector<std::int64_t> extents_of(const idx_array& array) {
  return {array.extents().begin(), array.extents().end()};
}

static_assert(size_of(idx_type::u8) == 1 && size_of(idx_type::i8) == 1 && size_of(idx_type::i16) == 2);
static_assert(size_of(idx_type::i32) == 4 && size_of(idx_type::f32) == 4 && size_of(idx_type::f64) == 8);

TEST_CASE("a file written by hand reads as its type, extents and values") {
  const idx_array array = parse_idx(idx_bytes(0x08, {2, 3}, bytes_of({0, 1, 2, 253, 254, 255})), "hand");
  CHECK(array.name() == "hand");
  CHECK(array.type() == idx_type::u8);
  CHECK(array.rank() == 2);
  CHECK(extents_of(array) == std::vector<std::int64_t>{2, 3});
  CHECK(array.size() == 6);
  CHECK(array.values<int>() == std::vector<int>{0, 1, 2, 253, 254, 255});
  CHECK(array.as<float>(3) == 253.0f);
}

TEST_CASE("every type is read with its most significant byte first") {
  CHECK(parse_idx(idx_bytes(0x09, {2}, bytes_of({0x80, 0x7f})), "i8").values<std::int8_t>() ==
        std::vector<std::int8_t>{-128, 127});
  CHECK(parse_idx(idx_bytes(0x0B, {3}, bytes_of({0x01, 0x02, 0xff, 0xfe, 0x80, 0x00})), "i16").values<int>() ==
        std::vector<int>{258, -2, -32768});
  CHECK(parse_idx(idx_bytes(0x0C, {2}, bytes_of({1, 2, 3, 4, 0x80, 0, 0, 0})), "i32").values<std::int32_t>() ==
        std::vector<std::int32_t>{0x01020304, std::numeric_limits<std::int32_t>::min()});
  CHECK(parse_idx(idx_bytes(0x0D, {2}, bytes_of({0x3f, 0xc0, 0, 0, 0xc1, 0x20, 0, 0})), "f32").values<float>() ==
        std::vector<float>{1.5f, -10.0f});
  CHECK(parse_idx(idx_bytes(0x0E, {1}, bytes_of({0x40, 0x09, 0x21, 0xfb, 0x54, 0x44, 0x2d, 0x18})), "f64")
            .as<double>(0) == 3.141592653589793);
}

TEST_CASE("a conversion that could change a value is refused") {
  const idx_array i32 = parse_idx(idx_bytes(0x0C, {1}, bytes_of({1, 0, 0, 1})), "numbers");
  CHECK(i32.as<double>(0) == 16777217.0);
  check_refused(error_kind::usage, {"numbers", "i32"}, [&] { (void)i32.as<float>(0); });
  check_refused(error_kind::usage, {"numbers", "i32"}, [&] { (void)i32.as<std::uint64_t>(0); });
  check_refused(error_kind::usage, {"numbers", "i32"}, [&] { (void)i32.values<std::int16_t>(); });

  const idx_array f32 = parse_idx(idx_bytes(0x0D, {1}, bytes_of({0x3f, 0xc0, 0, 0})), "reals");
  CHECK(f32.as<double>(0) == 1.5);
  check_refused(error_kind::usage, {"reals", "f32"}, [&] { (void)f32.as<std::int64_t>(0); });
}

TEST_CASE("an element outside of the array is refused") {
  const idx_array array = parse_idx(idx_bytes(0x08, {2}, bytes_of({5, 6})), "pair");
  for (std::int64_t index : {std::int64_t{-1}, std::int64_t{2}, std::numeric_limits<std::int64_t>::max()}) {
    check_refused(error_kind::usage, {"pair", "2 elements"}, [&] { (void)array.as<int>(index); });
  }
}

TEST_CASE("all dimensions from 1 to 8 are read, and extents of 0") {
  CHECK(parse_idx(idx_bytes(0x08, {1, 1, 1, 2, 1, 1, 2, 1}, counted_bytes(4)), "eight").size() == 4);
  const idx_array empty = parse_idx(idx_bytes(0x0E, {0, 28}, {}), "empty");
  CHECK(empty.size() == 0);
  CHECK(extents_of(empty) == std::vector<std::int64_t>{0, 28});
  CHECK(empty.values<double>().empty());
}

TEST_CASE("a file cut at any length is refused with the expected and the found number of bytes") {
  const byte_vector whole = idx_bytes(0x0B, {2, 3}, counted_bytes(12));
  CHECK(parse_idx(whole, "whole").size() == 6);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    const std::string expected = length < 4 ? "4 bytes" : length < 12 ? "12 bytes" : "24 bytes";
    check_refused(error_kind::io, {"cut", expected, "found " + std::to_string(length)},
                  [&] { parse_idx(std::span{whole}.first(length), "cut"); });
  }
}

TEST_CASE("a file with surplus bytes is refused with the expected and the found number of bytes") {
  byte_vector longer = idx_bytes(0x08, {2, 3}, counted_bytes(7));
  check_refused(error_kind::io, {"long", "18 bytes", "found 19"}, [&] { parse_idx(longer, "long"); });
}

TEST_CASE("each byte of the header, set to each other value, is refused or means another shape of as many bytes") {
  const byte_vector whole = idx_bytes(0x08, {3, 4}, counted_bytes(12));
  for (std::size_t at = 0; at < 12; ++at) {
    for (int value = 0; value < 256; ++value) {
      byte_vector spoilt = whole;
      spoilt[at] = static_cast<std::byte>(value);
      CAPTURE(at);
      CAPTURE(value);
      const bool same_size = spoilt == whole || (at == 2 && value == 0x09);  // i8 is as wide as u8
      if (same_size) {
        CHECK(parse_idx(spoilt, "spoilt").size() == 12);
      } else {
        check_refused(error_kind::io, {"spoilt"}, [&] { parse_idx(spoilt, "spoilt"); });
      }
    }
  }
}

TEST_CASE("a wrong magic number, type or number of dimensions is named as found") {
  check_refused(error_kind::io, {"text", "50 4b"}, [] { parse_idx(bytes_of({0x50, 0x4b, 8, 1}), "text"); });
  check_refused(error_kind::io, {"type", "found 0a"}, [] { parse_idx(bytes_of({0, 0, 0x0a, 1, 0, 0, 0, 0}), "type"); });
  check_refused(error_kind::io, {"flat", "found 0"}, [] { parse_idx(bytes_of({0, 0, 8, 0, 7}), "flat"); });
  check_refused(error_kind::io, {"deep", "found 9"}, [] {
    parse_idx(idx_bytes(0x08, {1, 1, 1, 1, 1, 1, 1, 1, 1}, counted_bytes(1)), "deep");
  });
}

TEST_CASE("extents whose product overflows are refused, with or without an extent of 0") {
  constexpr std::uint32_t most = 0xffffffff;
  const auto refused = [](const byte_vector& file) {
    check_refused(error_kind::io, {"vast", "64 bits"}, [&] { parse_idx(file, "vast"); });
  };
  refused(idx_bytes(0x08, {most, most, most}, counted_bytes(10)));
  refused(idx_bytes(0x0E, {most, 0x80000000}, {}));
  refused(idx_bytes(0x08, {most, most, most, 0}, {}));
  refused(idx_bytes(0x08, {0, most, most, most}, {}));
  refused(idx_bytes(0x08, {65536, 65536, 65536, 65536}, {}));  // 2^64: 0 where it wraps
  refused(idx_bytes(0x08, {65536, 65536, 65536, 32768}, {}));  // 2^63: negative where it wraps
  // 2^62 bytes can be counted; they are just not there.
  check_refused(error_kind::io, {"vast", "4611686018427387924 bytes", "found 20"}, [] {
    parse_idx(idx_bytes(0x08, {65536, 65536, 1u << 30, 1}, {}), "vast");
  });
}

TEST_CASE("a moved-from array is empty and a copy is equal") {
  idx_array array = parse_idx(idx_bytes(0x08, {3}, bytes_of({1, 2, 3})), "array");
  const idx_array copy = array;
  const idx_array moved = std::move(array);
  CHECK(array.size() == 0);  // NOLINT(bugprone-use-after-move): this is what is tested
  CHECK(copy.values<int>() == std::vector<int>{1, 2, 3});
  CHECK(moved.values<int>() == copy.values<int>());
}

TEST_CASE("an IDX file is read from disk, and its name stands in what is wrong with it") {
  const scratch_directory scratch;
  const byte_vector whole = idx_bytes(0x08, {2}, bytes_of({3, 4}));
  CHECK(read_idx(scratch.write("whole", whole)).values<int>() == std::vector<int>{3, 4});
  const std::string cut = scratch.write("cut", std::span{whole}.first(9));
  check_refused(error_kind::io, {cut, "10 bytes", "found 9"}, [&] { read_idx(cut); });
  const std::string empty = scratch.write("empty", {});
  check_refused(error_kind::io, {empty, "found 0"}, [&] { read_idx(empty); });
#ifdef PLAIT_USE_ZLIB
  CHECK(read_idx(scratch.write("packed", packed(whole))).values<int>() == std::vector<int>{3, 4});
#endif
}

}  // namespace
}  // namespace plait
