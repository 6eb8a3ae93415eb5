// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <plait/comm/detail/flight_record.hpp>
#include <plait/core/error.hpp>

namespace plait::detail {

/// Numbers and texts, one after the other, for another process of the same program on a machine of the same kind.
class wire_writer {
 public:
  template <class T>
  void put(T value) {
    static_assert(std::is_arithmetic_v<T>, "wire_writer: numbers and texts");
    const auto* const from = reinterpret_cast<const char*>(&value);
    bytes_.insert(bytes_.end(), from, from + sizeof value);
  }
  void put(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    bytes_.insert(bytes_.end(), text.begin(), text.end());
  }

  [[nodiscard]] const std::vector<char>& bytes() const { return bytes_; }

 private:
  std::vector<char> bytes_;
};

/// Reads what a `wire_writer` wrote. What ends too early reads as zeros and empty texts, and `whole()` says so.
class wire_reader {
 public:
  explicit wire_reader(std::string_view bytes) : rest_{bytes} {}

  template <class T>
  T get() {
    T value{};
    if (rest_.size() < sizeof value) {
      fail();
      return value;
    }
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  std::string text() {
    const auto size = get<std::uint32_t>();
    if (rest_.size() < size) {
      fail();
      return {};
    }
    std::string found{rest_.substr(0, size)};
    rest_.remove_prefix(size);
    return found;
  }
  [[nodiscard]] bool whole() const { return whole_ && rest_.empty(); }

 private:
  void fail() { rest_ = {}, whole_ = false; }

  std::string_view rest_;
  bool whole_ = true;
};

/// most: of the last activities.
inline void put_record(wire_writer& to, const rank_record& record, std::size_t most) {
  to.put(std::string_view{record.state});
  to.put(std::string_view{record.call});
  to.put(std::string_view{record.with});
  to.put(record.peer);
  to.put(record.channel);
  const std::size_t first = record.last.size() > most ? record.last.size() - most : 0;
  to.put(static_cast<std::uint32_t>(record.last.size() - first));
  for (std::size_t i = first; i < record.last.size(); ++i) {
    const past_activity& one = record.last[i];
    to.put(std::string_view{one.what});
    to.put(one.stage);
    to.put(one.micro);
    to.put(one.peer);
  }
}

/// Fills all but the rank and its coordinates.
inline void get_record(wire_reader& from, rank_record& record) {
  record.state = from.text();
  record.call = from.text();
  record.with = from.text();
  record.peer = from.get<int>();
  record.channel = from.get<int>();
  record.last.clear();
  for (auto left = from.get<std::uint32_t>(); left > 0 && left <= activity_ring::room; --left) {
    past_activity one;
    one.what = from.text();
    one.stage = from.get<int>();
    one.micro = from.get<int>();
    one.peer = from.get<int>();
    record.last.push_back(std::move(one));
  }
}

}  // namespace plait::detail
