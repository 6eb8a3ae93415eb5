// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/core/require.hpp>
#include <plait/data/gzip.hpp>

namespace plait {

/// The element types of the IDX format; the values are the bytes that stand for them in a file.
enum class idx_type : std::uint8_t { u8 = 0x08, i8 = 0x09, i16 = 0x0B, i32 = 0x0C, f32 = 0x0D, f64 = 0x0E };

/// Calls `use` with a std::type_identity of the C++ type of `type`. Needs: one of the six.
template <class Use>
constexpr decltype(auto) with_type_of(idx_type type, Use&& use) {
  switch (type) {
    case idx_type::u8:
      return use(std::type_identity<std::uint8_t>{});
    case idx_type::i8:
      return use(std::type_identity<std::int8_t>{});
    case idx_type::i16:
      return use(std::type_identity<std::int16_t>{});
    case idx_type::i32:
      return use(std::type_identity<std::int32_t>{});
    case idx_type::f32:
      return use(std::type_identity<float>{});
    case idx_type::f64:
      return use(std::type_identity<double>{});
  }
  throw error{error_kind::usage, "with_type_of", "not one of the types of the IDX format"};
}

/// Bytes of one element.
constexpr std::int64_t size_of(idx_type type) {
  return with_type_of(type, []<class T>(std::type_identity<T>) { return std::int64_t{sizeof(T)}; });
}

constexpr std::string_view name_of(idx_type type) {
  switch (type) {
    case idx_type::u8:
      return "u8";
    case idx_type::i8:
      return "i8";
    case idx_type::i16:
      return "i16";
    case idx_type::i32:
      return "i32";
    case idx_type::f32:
      return "f32";
    case idx_type::f64:
      return "f64";
  }
  return "unknown";
}

namespace detail {

/// A number stored with its most significant byte first.
template <class T>
constexpr T from_big_endian(const std::byte* at) {
  using word = std::conditional_t<sizeof(T) == 1, std::uint8_t,
                                  std::conditional_t<sizeof(T) == 2, std::uint16_t,
                                                     std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>>;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = value << 8 | std::to_integer<std::uint64_t>(at[i]);
  return std::bit_cast<T>(static_cast<word>(value));
}

/// Whether every value of Stored is a value of T.
template <class T, class Stored>
consteval bool represents_all_of() {
  if (std::is_floating_point_v<Stored> && !std::is_floating_point_v<T>) return false;
  if (std::is_signed_v<Stored> && !std::is_signed_v<T>) return false;
  return std::numeric_limits<T>::digits >= std::numeric_limits<Stored>::digits;
}

}  // namespace detail

/// A dense row-major array of up to 8 dimensions, as the IDX format of the MNIST data sets stores it.
///
/// Invariant: `bytes()` holds exactly the product of `extents()` elements, most significant byte first.
class idx_array {
 public:
  /// Reads the header of a whole IDX file and keeps its bytes; see `parse_idx`.
  idx_array(std::vector<std::byte>&& file, std::string_view name) : idx_array{header_of(file, name), name} {
    file_ = std::move(file);
  }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }  ///< what messages call it: its file
  [[nodiscard]] idx_type type() const noexcept { return header_.type; }
  [[nodiscard]] int rank() const noexcept { return header_.rank; }
  [[nodiscard]] std::span<const std::int64_t> extents() const noexcept {
    return {header_.extent, static_cast<std::size_t>(header_.rank)};
  }

  /// The elements as they are stored, most significant byte first.
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    return file_.empty() ? std::span<const std::byte>{} : std::span{file_}.subspan(header_.bytes());
  }

  /// How many elements there are.
  [[nodiscard]] std::int64_t size() const noexcept {
    return static_cast<std::int64_t>(bytes().size()) / size_of(header_.type);
  }

  /// Element `index` in row-major order.
  ///
  /// Needs: 0 <= index < size(), and a T that holds every value of `type()`. Throws: usage otherwise.
  template <class T>
    requires std::is_arithmetic_v<T>
  [[nodiscard]] T as(std::int64_t index) const {
    require(0 <= index && index < size(), "idx_array::as", [&] {
      return name_ + " has " + std::to_string(size()) + " elements, so there is none at " + std::to_string(index);
    });
    T value{};
    convert(bytes().subspan(static_cast<std::size_t>(index * size_of(type()))), std::span{&value, 1});
    return value;
  }

  /// All elements in row-major order. Throws: usage where T does not hold every value of `type()`.
  template <class T>
    requires std::is_arithmetic_v<T>
  [[nodiscard]] std::vector<T> values() const {
    std::vector<T> all(static_cast<std::size_t>(size()));
    convert(bytes(), std::span{all});
    return all;
  }

 private:
  static constexpr int max_rank = 8;

  struct header {
    idx_type type{};
    int rank = 0;
    std::int64_t extent[max_rank]{};
    [[nodiscard]] std::size_t bytes() const { return 4 + 4 * static_cast<std::size_t>(rank); }
  };

  idx_array(header checked, std::string_view name) : name_{name}, header_{checked} {}

  static header header_of(std::span<const std::byte> file, std::string_view name);

  template <class T>
  void convert(std::span<const std::byte> stored, std::span<T> out) const {
    with_type_of(type(), [&]<class Stored>(std::type_identity<Stored>) {
      if constexpr (detail::represents_all_of<T, Stored>()) {
        for (std::size_t i = 0; i < out.size(); ++i) {
          out[i] = static_cast<T>(detail::from_big_endian<Stored>(stored.data() + i * sizeof(Stored)));
        }
      } else {
        throw error{error_kind::usage, "idx_array::as",
                    name_ + " holds " + std::string{name_of(type())} +
                        ", whose values do not all fit the type asked for; ask for a wider one"};
      }
    });
  }

  std::string name_;
  header header_;
  std::vector<std::byte> file_;
};

inline idx_array::header idx_array::header_of(std::span<const std::byte> file, std::string_view name) {
  const auto fail = [&](const std::string& what) {
    throw error{error_kind::io, "parse_idx", std::string{name} + " is not a whole IDX file: " + what};
  };
  const auto found = [&] { return ", found " + std::to_string(file.size()); };
  const auto hex = [&](std::size_t at) {
    const auto value = std::to_integer<unsigned>(file[at]);
    return std::string{"0123456789abcdef"[value / 16], "0123456789abcdef"[value % 16]};
  };
  if (file.size() < 4) fail("the magic number takes 4 bytes" + found());
  if (file[0] != std::byte{0} || file[1] != std::byte{0}) {
    fail("it must start with bytes 00 00, found " + hex(0) + " " + hex(1));
  }
  header read{.type = static_cast<idx_type>(file[2]), .rank = std::to_integer<int>(file[3])};
  if (name_of(read.type) == "unknown") {
    fail("the third byte says the type and must be 08, 09, 0b, 0c, 0d or 0e, found " + hex(2));
  }
  if (read.rank < 1 || read.rank > max_rank) {
    fail("the fourth byte says the number of dimensions and must be 1 to 8, found " + std::to_string(read.rank));
  }
  if (file.size() < read.bytes()) {
    fail("a header of " + std::to_string(read.rank) + " dimensions takes " + std::to_string(read.bytes()) + " bytes" +
         found());
  }
  // An extent of 0 counts as 1 in the check against overflow, so that the product of any of the extents is safe.
  const std::int64_t most = std::numeric_limits<std::int64_t>::max() - static_cast<std::int64_t>(read.bytes());
  std::int64_t expected = size_of(read.type), bound = expected;
  for (int i = 0; i < read.rank; ++i) {
    const std::int64_t extent = detail::from_big_endian<std::uint32_t>(file.data() + 4 + 4 * i);
    const std::int64_t factor = extent > 1 ? extent : 1;
    if (bound > most / factor) {
      fail("its dimensions multiply to more bytes than 64 bits can count");
    }
    bound *= factor;
    expected *= extent;
    read.extent[i] = extent;
  }
  expected += static_cast<std::int64_t>(read.bytes());
  if (std::cmp_not_equal(file.size(), expected))
    fail("its header promises " + std::to_string(expected) + " bytes" + found());
  return read;
}

/// Reads an IDX array from the bytes of a whole file; `name` is what messages call it.
///
/// The bytes need not be trusted: memory is taken only for bytes that are there.
/// Throws: io, with what was expected and found, where magic number, type, number of dimensions or length is wrong.
/// Source: "the IDX file format", at the end of the page of MNIST, http://yann.lecun.com/exdb/mnist/
inline idx_array parse_idx(std::span<const std::byte> file, std::string_view name) {
  return {std::vector<std::byte>(file.begin(), file.end()), name};
}

/// Reads an IDX file, plain or packed with gzip. Throws: io and usage as `read_bytes` and `parse_idx` do.
inline idx_array read_idx(const std::string& file, std::int64_t limit_bytes = default_file_limit_bytes) {
  return {read_bytes(file, limit_bytes), file};
}

}  // namespace plait
