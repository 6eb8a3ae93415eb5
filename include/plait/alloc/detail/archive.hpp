// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <istream>
#include <ostream>
#include <string>
#include <type_traits>
#include <vector>

#include <plait/core/require.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// Writes what is put into it as words, numbers to the last bit. What has parts says which by `visit(archive)`; the
/// same function serves both ways.
class archive_writer {
 public:
  explicit archive_writer(std::ostream& out) : out_{out} {}

  template <class... Ts>
  void operator()(Ts&... values) {
    (put(values), ...);
  }

 private:
  template <class T>
  void put(T& value) {
    if constexpr (std::is_enum_v<T>) {
      out_ << static_cast<std::int64_t>(value) << ' ';
    } else if constexpr (std::integral<T>) {
      out_ << static_cast<std::int64_t>(value) << ' ';
    } else if constexpr (std::floating_point<T>) {
      char text[40];
      std::snprintf(text, sizeof text, "%a", static_cast<double>(value));
      out_ << text << ' ';
    } else {
      value.visit(*this);
    }
  }
  template <class T>
  void put(std::vector<T>& values) {
    out_ << values.size() << ' ';
    for (T& one : values) put(one);
    out_ << '\n';
  }
  template <class T>
  void put(table<T>& values) {
    out_ << values.size() << ' ';
    for (T& one : values) put(one);
    out_ << '\n';
  }

  std::ostream& out_;
};

/// Reads what `archive_writer` wrote. Throws: io, where a word is missing or is no number.
class archive_reader {
 public:
  explicit archive_reader(std::istream& in) : in_{in} {}

  template <class... Ts>
  void operator()(Ts&... values) {
    (get(values), ...);
  }

 private:
  template <class T>
  void get(T& value) {
    if constexpr (std::is_enum_v<T> || std::integral<T>) {
      std::int64_t read = 0;
      check(static_cast<bool>(in_ >> read));
      value = static_cast<T>(read);
    } else if constexpr (std::floating_point<T>) {
      std::string word;
      check(static_cast<bool>(in_ >> word));
      char* end = nullptr;
      value = std::strtod(word.c_str(), &end);
      check(*end == 0);
    } else {
      value.visit(*this);
    }
  }
  template <class T>
  void get(std::vector<T>& values) {
    values.resize(count());
    for (T& one : values) get(one);
  }
  template <class T>
  void get(table<T>& values) {
    values.resize(static_cast<int>(count()));
    for (T& one : values) get(one);
  }
  std::size_t count() {
    std::int64_t size = 0;
    get(size);
    check(0 <= size && size <= 1'000'000'000);
    return static_cast<std::size_t>(size);
  }
  static void check(bool readable) {
    if (!readable)
      throw error{error_kind::io, "plait::simulator::load",
                  "this is no saved simulation, or it was cut off; begin anew"};
  }

  std::istream& in_;
};

}  // namespace plait::detail
