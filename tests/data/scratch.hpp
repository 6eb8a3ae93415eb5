// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <new>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#ifdef PLAIT_USE_ZLIB
#include <zlib.h>
#endif

namespace plait::testing {

using byte_vector = std::vector<std::byte>;

/// A new directory under the system's temporary one, removed with all it holds at the end of the scope.
class scratch_directory {
 public:
  scratch_directory() {
    std::random_device random;
    do {
      path_ = std::filesystem::temp_directory_path() / ("plait-test-" + std::to_string(random()));
    } while (!std::filesystem::create_directory(path_));
  }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;
  ~scratch_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::string path() const { return path_.string(); }
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

  /// Writes a file and gives its path.
  std::string write(const std::string& name, std::span<const std::byte> bytes) const {
    std::ofstream out{path_ / name, std::ios::binary};
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (!out) throw std::runtime_error{"cannot write " + file(name)};
    return file(name);
  }

 private:
  std::filesystem::path path_;
};

inline byte_vector bytes_of(std::initializer_list<int> values) {
  byte_vector bytes;
  for (int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

/// The bytes of an IDX file: header as given, true or not, and then the payload.
inline byte_vector idx_bytes(int type, std::initializer_list<std::uint32_t> extents, const byte_vector& payload) {
  byte_vector bytes = bytes_of({0, 0, type, static_cast<int>(extents.size())});
  for (std::uint32_t extent : extents) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::byte>(extent >> shift & 0xff));
  }
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

/// 0, 1, 2, ... modulo 251, so that neighbours and rows differ.
inline byte_vector counted_bytes(std::size_t count) {
  byte_vector bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(i % 251);
  return bytes;
}

#ifdef PLAIT_USE_ZLIB
/// The same bytes as one member of gzip data.
inline byte_vector packed(std::span<const std::byte> bytes) {
  z_stream stream{};
  constexpr int largest_window = 15, gzip = 16;
  if (deflateInit2(&stream, 9, Z_DEFLATED, largest_window + gzip, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc{};
  byte_vector out(deflateBound(&stream, static_cast<uLong>(bytes.size())));
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) throw std::runtime_error{"deflate did not finish"};
  return out;
}
#endif

}  // namespace plait::testing
