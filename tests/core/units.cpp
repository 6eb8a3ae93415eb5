// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <type_traits>

#include <plait/core/units.hpp>

#include <doctest/doctest.h>

namespace {

using plait::byte_count;
using plait::bytes_per_second;
using plait::seconds;

template <class A, class B>
concept add_up = requires(A a, B b) {
  a + b;
};
static_assert(add_up<byte_count, byte_count> && !add_up<byte_count, seconds> && !add_up<seconds, bytes_per_second>);

static_assert(byte_count{3} + byte_count{4} == byte_count{7} && byte_count{3} - byte_count{4} == byte_count{-1} &&
              byte_count{3} * 4 == byte_count{12});
static_assert(byte_count{3} < byte_count{4} && !(byte_count{4} < byte_count{4}));
static_assert((byte_count{2} += byte_count{5}) == byte_count{7});
static_assert(byte_count{3000} / bytes_per_second{1000} == seconds{3});
static_assert(byte_count{0} / bytes_per_second{0} == seconds{0});

TEST_CASE("bytes are printed with three figures and a unit") {
  CHECK(to_string(byte_count{0}) == "0 B");
  CHECK(to_string(byte_count{1000}) == "1000 B");
  CHECK(to_string(byte_count{1000 * 1024}) == "1000 KiB");  // and not 1e+03
  CHECK(to_string(byte_count{1023}) == "1023 B");
  CHECK(to_string(byte_count{1024}) == "1 KiB");
  CHECK(to_string(byte_count{1536 * 1024}) == "1.5 MiB");
  CHECK(to_string(byte_count{-2048}) == "-2 KiB");
  CHECK(to_string(byte_count{std::int64_t{3} << 40}) == "3 TiB");
}

TEST_CASE("seconds are printed with three figures and a unit") {
  CHECK(to_string(seconds{0}) == "0 s");
  CHECK(to_string(seconds{12}) == "12 s");
  CHECK(to_string(seconds{4000}) == "4000 s");  // and not 4e+03
  CHECK(to_string(seconds{0.0125}) == "12.5 ms");
  CHECK(to_string(seconds{840e-6}) == "840 us");
  CHECK(to_string(seconds{-3e-9}) == "-3 ns");
}

}  // namespace
