// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <unistd.h>

#include <plait/core/error.hpp>
#include <plait/data/gzip.hpp>

#include <doctest/doctest.h>

#include "refused.hpp"
#include "scratch.hpp"

namespace plait {
namespace {

using namespace plait::testing;

TEST_CASE("a plain file is read byte for byte, whatever its name says") {
  const scratch_directory scratch;
  for (std::size_t size : {0u, 1u, 2u, 1000u, 65535u, 65536u, 65537u, 200000u}) {
    CAPTURE(size);
    const byte_vector bytes = counted_bytes(size);
    CHECK(read_bytes(scratch.write("plain.gz", bytes)) == bytes);
  }
}

TEST_CASE("a missing file and a directory are refused by name") {
  const scratch_directory scratch;
  const std::string missing = scratch.file("missing.idx");
  check_refused(error_kind::io, {missing, "No such file"}, [&] { read_bytes(missing); });
  check_refused(error_kind::io, {scratch.path(), "directory"}, [&] { read_bytes(scratch.path()); });
}

TEST_CASE("a file that may not be read is refused by name" * doctest::skip(::geteuid() == 0))  // root may read all
{
  const scratch_directory scratch;
  const std::string file = scratch.write("secret", bytes_of({1, 2, 3}));
  std::filesystem::permissions(file, std::filesystem::perms::none);
  check_refused(error_kind::io, {file, "Permission denied"}, [&] { read_bytes(file); });
}

TEST_CASE("a file may hold as many bytes as the limit and not one more") {
  const scratch_directory scratch;
  for (std::int64_t limit : {0, 1, 10, 65536, 70000}) {
    CAPTURE(limit);
    const byte_vector bytes = counted_bytes(static_cast<std::size_t>(limit) + 1);
    const std::string fits = scratch.write("fits", std::span{bytes}.first(bytes.size() - 1));
    const std::string over = scratch.write("over", bytes);
    CHECK(std::ssize(read_bytes(fits, limit)) == limit);
    check_refused(error_kind::io, {over, std::to_string(limit) + " bytes"}, [&] { read_bytes(over, limit); });
  }
  check_refused(error_kind::usage, {"limit"}, [&] { read_bytes(scratch.file("any"), -1); });
}

#ifdef PLAIT_USE_ZLIB

TEST_CASE("what was packed is unpacked, whatever the name of the file") {
  const scratch_directory scratch;
  for (std::size_t size : {0u, 1u, 1000u, 65536u, 300000u}) {
    CAPTURE(size);
    const byte_vector bytes = counted_bytes(size);
    CHECK(read_bytes(scratch.write("no-suffix", packed(bytes))) == bytes);
  }
}

TEST_CASE("members in a row are unpacked one after the other") {
  const byte_vector first = counted_bytes(700), second = bytes_of({9, 8, 7});
  byte_vector file = packed(first);
  for (const byte_vector& part : {byte_vector{}, second}) {
    const byte_vector member = packed(part);
    file.insert(file.end(), member.begin(), member.end());
  }
  byte_vector both = first;
  both.insert(both.end(), second.begin(), second.end());
  CHECK(gunzip(file, "members") == both);
}

TEST_CASE("gzip data that were cut anywhere are refused as truncated") {
  const byte_vector file = packed(counted_bytes(600));
  const scratch_directory scratch;
  for (std::size_t length = 2; length < file.size(); ++length) {
    CAPTURE(length);
    check_refused(error_kind::io, {"cut.gz", "truncated"}, [&] { gunzip(std::span{file}.first(length), "cut.gz"); });
  }
  const std::string half = scratch.write("half.gz", std::span{file}.first(file.size() / 2));
  check_refused(error_kind::io, {half, "truncated"}, [&] { read_bytes(half); });
}

TEST_CASE("a second member that was cut is refused as truncated") {
  byte_vector file = packed(counted_bytes(600));
  const byte_vector second = packed(counted_bytes(50));
  for (std::size_t length = 2; length < second.size(); ++length) {
    byte_vector both = file;
    both.insert(both.end(), second.begin(), second.begin() + static_cast<std::ptrdiff_t>(length));
    check_refused(error_kind::io, {"cut.gz", "truncated"}, [&] { gunzip(both, "cut.gz"); });
  }
}

TEST_CASE("no wrong bit after the header of a gzip member changes what is read: it is refused or means nothing") {
  const byte_vector bytes = counted_bytes(600);
  byte_vector file = packed(bytes);
  constexpr std::size_t header = 10, trailer = 8;
  int harmless = 0;
  for (std::size_t at = header; at < file.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      CAPTURE(at);
      CAPTURE(bit);
      file[at] ^= std::byte{1} << bit;
      try {
        const byte_vector read = gunzip(file, "spoilt.gz");
        REQUIRE(read == bytes);
        REQUIRE(at == file.size() - trailer - 1);  // the last byte of the data is filled up with bits without a meaning
        ++harmless;
      } catch (const error& refused) {
        REQUIRE(name_of(refused.kind()) == "io");
        REQUIRE(refused.sentence().starts_with("spoilt.gz"));
      }
      file[at] ^= std::byte{1} << bit;
    }
  }
  CHECK(harmless < 8);

  file[file.size() - trailer] ^= std::byte{1};  // the check sum
  check_refused(error_kind::io, {"spoilt.gz", "corrupted", "incorrect data check"}, [&] { gunzip(file, "spoilt.gz"); });
  file[file.size() - trailer] ^= std::byte{1};
  file[file.size() - 4] ^= std::byte{1};  // the length
  check_refused(error_kind::io, {"spoilt.gz", "corrupted", "incorrect length"}, [&] { gunzip(file, "spoilt.gz"); });
}

TEST_CASE("anything after gzip data that is not gzip data is refused") {
  const byte_vector file = packed(counted_bytes(100));
  for (const byte_vector& rest : {bytes_of({0}), bytes_of({0x1f}), bytes_of({0, 0, 0, 0}), bytes_of({'a', 'b'})}) {
    byte_vector longer = file;
    longer.insert(longer.end(), rest.begin(), rest.end());
    check_refused(error_kind::io, {"long.gz", std::to_string(rest.size()) + " bytes of something else"},
                  [&] { gunzip(longer, "long.gz"); });
  }
}

TEST_CASE("a small file that unpacks to much is stopped at the limit") {
  const byte_vector small = packed(byte_vector(std::size_t{1} << 24));
  REQUIRE(small.size() < 20000);
  const scratch_directory scratch;
  const std::string file = scratch.write("zeros.gz", small);
  check_refused(error_kind::io, {file, "more than the 1000000 bytes"}, [&] { read_bytes(file, 1000000); });
  CHECK(read_bytes(file, std::int64_t{1} << 24).size() == std::size_t{1} << 24);
  check_refused(error_kind::io, {file}, [&] { read_bytes(file, (std::int64_t{1} << 24) - 1); });
}

#else

TEST_CASE("without zlib a gzip file is refused with what to do") {
  const scratch_directory scratch;
  const std::string file = scratch.write("packed", bytes_of({0x1f, 0x8b, 8, 0}));
  check_refused(error_kind::usage, {file, "without zlib", "unpack the file", "PLAIT_USE_ZLIB", "plait::host"},
                [&] { read_bytes(file); });
}

#endif

}  // namespace
}  // namespace plait
