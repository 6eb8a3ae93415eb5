// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <plait/checkpoint/crc32.hpp>
#include <plait/checkpoint/file.hpp>
#include <plait/core/random.hpp>

#ifdef PLAIT_USE_ZLIB
#include <zlib.h>
#endif

#include <doctest/doctest.h>

namespace plait {
namespace {

TEST_CASE("the check sum of nine digits is the one that the standard publishes") {
  CHECK(plait::crc32(bytes_of_text("123456789")) == 0xcbf43926u);
  CHECK(plait::crc32({}) == 0u);
  CHECK(crc32_text(0x0a1b2c3du) == "0a1b2c3d");
  constexpr std::byte bytes[] = {std::byte{'a'}, std::byte{'b'}, std::byte{'c'}};
  static_assert(plait::crc32(bytes) == 0x352441c2u);  // also in constant expressions
}

TEST_CASE("a check sum taken in pieces is that of the whole, and zlib's") {
  std::vector<std::byte> bytes(1000);
  const random_stream random{7, "crc", 0};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(random.bits(i));
  for (std::size_t size = 0; size < 40; ++size) {
    const std::span<const std::byte> run = std::span{bytes}.subspan(size, 3 * size);
    for (std::size_t cut = 0; cut <= run.size(); ++cut)
      REQUIRE(plait::crc32(run.subspan(cut), plait::crc32(run.first(cut))) == plait::crc32(run));
#ifdef PLAIT_USE_ZLIB
    CHECK(plait::crc32(run) == ::crc32(0, reinterpret_cast<const Bytef*>(run.data()), static_cast<uInt>(run.size())));
#endif
  }
}

}  // namespace
}  // namespace plait
