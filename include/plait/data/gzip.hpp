// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/core/require.hpp>

#ifdef PLAIT_USE_ZLIB
#include <new>
#include <zlib.h>
#endif

// PLAIT_USE_ZLIB: define it in all translation units of a program or in none, and link zlib (-lz) where it is defined.
// The CMake target plait::host does both.

namespace plait {

/// How many bytes a file may hold, packed or unpacked, unless the caller says otherwise: 1 GiB.
inline constexpr std::int64_t default_file_limit_bytes = std::int64_t{1} << 30;

/// Whether bytes start as gzip data does, with 1f 8b.
constexpr bool is_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
}

namespace detail {

/// The next size of a buffer whose `used` bytes are full: doubled, and never more than one byte past the limit, which
/// is enough to see that the limit is passed.
constexpr std::size_t grown(std::size_t used, std::int64_t limit_bytes) {
  return std::min(static_cast<std::size_t>(limit_bytes) + 1, std::max(std::size_t{1} << 16, 2 * used));
}

[[noreturn]] inline void too_long(std::string_view call, std::string_view name, std::int64_t limit_bytes) {
  throw error{error_kind::io, std::string{call},
              std::string{name} + " holds more than the " + std::to_string(limit_bytes) +
                  " bytes allowed; give a higher limit if that is meant"};
}

/// All bytes of a file as they are stored.
inline std::vector<std::byte> read_stored(const std::string& file, std::int64_t limit_bytes) {
  const auto fail = [&](std::string_view verb) {
    const std::string reason = std::generic_category().message(errno);
    throw error{error_kind::io, "read_bytes", "cannot " + std::string{verb} + " " + file + ": " + reason};
  };
  constexpr auto close = [](std::FILE* open) { std::fclose(open); };
  const std::unique_ptr<std::FILE, decltype(close)> in{std::fopen(file.c_str(), "rb"), close};
  if (in == nullptr) fail("open");

  std::vector<std::byte> bytes;
  std::size_t used = 0;
  while (used == bytes.size()) {
    bytes.resize(grown(used, limit_bytes));
    used += std::fread(bytes.data() + used, 1, bytes.size() - used, in.get());
    if (std::ferror(in.get()) != 0) fail("read");
    if (used > static_cast<std::size_t>(limit_bytes)) too_long("read_bytes", file, limit_bytes);
  }
  bytes.resize(used);
  return bytes;
}

}  // namespace detail

/// Unpacks gzip data: one member or several in a row, each checked against its own CRC and length.
///
/// `name` is what messages call the data. Memory: at most twice the unpacked size, and `limit_bytes` and one at most.
/// Throws: io where the data are truncated, corrupted, followed by something else, or unpack to more than
/// `limit_bytes`; usage where plait was compiled without zlib. Source: RFC 1952.
#ifdef PLAIT_USE_ZLIB
inline std::vector<std::byte> gunzip(std::span<const std::byte> packed, std::string_view name,
                                     std::int64_t limit_bytes = default_file_limit_bytes) {
  require(limit_bytes >= 0, "gunzip", "the limit counts bytes, so it is at least 0");
  const auto fail = [&](const std::string& what) {
    throw error{error_kind::io, "gunzip", std::string{name} + " " + what};
  };
  z_stream stream{};
  constexpr int largest_window = 15, gzip_only = 16;
  if (inflateInit2(&stream, largest_window + gzip_only) != Z_OK) throw std::bad_alloc{};
  constexpr auto end = [](z_stream* open) { inflateEnd(open); };
  const std::unique_ptr<z_stream, decltype(end)> ends{&stream, end};

  // zlib counts what it is given in 32 bits, so both sides are given in pieces.
  constexpr std::size_t most = std::size_t{1} << 30;
  std::vector<std::byte> out;
  std::size_t used = 0, taken = 0;
  while (true) {
    if (used == out.size()) out.resize(detail::grown(used, limit_bytes));
    const std::size_t give = std::min(packed.size() - taken, most), room = std::min(out.size() - used, most);
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data() + taken));
    stream.avail_in = static_cast<uInt>(give);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    stream.avail_out = static_cast<uInt>(room);
    const int status = inflate(&stream, Z_NO_FLUSH);
    taken += give - stream.avail_in;
    used += room - stream.avail_out;

    if (used > static_cast<std::size_t>(limit_bytes)) detail::too_long("gunzip", name, limit_bytes);
    if (status == Z_STREAM_END) {
      if (taken == packed.size()) break;
      if (!is_gzip(packed.subspan(taken))) {
        fail("has " + std::to_string(packed.size() - taken) + " bytes of something else after its gzip data");
      }
      inflateReset(&stream);
    } else if (status == Z_BUF_ERROR) {  // there is room, so it is input that is missing
      fail("is truncated: it ends in the middle of its gzip data");
    } else if (status == Z_MEM_ERROR) {
      throw std::bad_alloc{};
    } else if (status != Z_OK) {
      fail("is corrupted gzip data: " + std::string{stream.msg != nullptr ? stream.msg : "unknown format"});
    }
  }
  out.resize(used);
  return out;
}
#else
inline std::vector<std::byte> gunzip(std::span<const std::byte>, std::string_view name,
                                     std::int64_t = default_file_limit_bytes) {
  throw error{error_kind::usage, "gunzip",
              std::string{name} +
                  " is packed with gzip and this program was compiled without zlib; unpack the file first, or define "
                  "PLAIT_USE_ZLIB and link zlib, as the CMake target plait::host does"};
}
#endif

/// All bytes of a file; a file that starts as gzip data does, whatever its name, is unpacked.
///
/// Needs: limit_bytes >= 0. Throws: io where the file is missing, is a directory, cannot be read or holds more than
/// `limit_bytes`; and what `gunzip` throws.
inline std::vector<std::byte> read_bytes(const std::string& file, std::int64_t limit_bytes = default_file_limit_bytes) {
  require(limit_bytes >= 0, "read_bytes", "the limit counts bytes, so it is at least 0");
  std::vector<std::byte> bytes = detail::read_stored(file, limit_bytes);
  if (!is_gzip(bytes)) return bytes;
  return gunzip(bytes, file, limit_bytes);
}

}  // namespace plait
