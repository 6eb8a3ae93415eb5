// SPDX-License-Identifier: Apache-2.0
#include <plait/core/philox.hpp>

#include <doctest/doctest.h>

namespace {

using plait::philox4x32;
using plait::philox_block;
using plait::philox_key;

// The published answers: Random123, tests/kat_vectors, `philox4x32 10`.
static_assert(philox4x32({{0, 0, 0, 0}}, {{0, 0}}) ==
              philox_block{{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}});
static_assert(philox4x32({{0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu}}, {{0xffffffffu, 0xffffffffu}}) ==
              philox_block{{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}});
static_assert(philox4x32({{0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}}, {{0xa4093822u, 0x299f31d0u}}) ==
              philox_block{{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}});

TEST_CASE("philox gives at run time what it gives at compile time") {
  volatile std::uint32_t pi = 0x243f6a88u;  // not known to the compiler
  CHECK(philox4x32({{pi, 0x85a308d3u, 0x13198a2eu, 0x03707344u}}, {{0xa4093822u, 0x299f31d0u}}) ==
        philox_block{{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}});
}

}  // namespace
