// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <plait/core/error.hpp>

namespace plait {

/// A model read from a text, and what a person should know about how it was read.
template <class Model>
struct model_text {
  Model model;
  std::vector<std::string> notes;  ///< one sentence each, with the line number
};

namespace detail {

/// The lines of a text, without line ends (LF or CR LF), with their numbers.
class line_reader {
 public:
  explicit line_reader(std::string_view text) : rest_{text} {}
  bool next(std::string_view& line) {
    if (rest_.empty()) return false;
    const auto end = rest_.find('\n');
    line = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view{} : rest_.substr(end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    ++number_;
    return true;
  }
  /// Of the line that was read last; 1 before that, and where there is none.
  [[nodiscard]] int number() const { return number_ == 0 ? 1 : number_; }

 private:
  std::string_view rest_;
  int number_ = 0;
};

inline bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
inline std::string_view trimmed(std::string_view s) {
  while (!s.empty() && is_blank(s.front())) s.remove_prefix(1);
  while (!s.empty() && is_blank(s.back())) s.remove_suffix(1);
  return s;
}
inline bool same_word(std::string_view a, std::string_view upper) {
  if (a.size() != upper.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char c = a[i] >= 'a' && a[i] <= 'z' ? static_cast<char>(a[i] - 'a' + 'A') : a[i];
    if (c != upper[i]) return false;
  }
  return true;
}

/// The whole of `text` as a number: decimal, with an exponent by e, E, d or D, or inf and infinity with a sign.
inline bool parse_number(std::string_view text, double& value) {
  std::string_view s = text;
  bool negative = false;
  if (!s.empty() && (s.front() == '+' || s.front() == '-')) {
    negative = s.front() == '-';
    s.remove_prefix(1);
  }
  if (same_word(s, "INF") || same_word(s, "INFINITY")) {
    value = negative ? -1e300 * 1e300 : 1e300 * 1e300;
    return true;
  }
  if (s.empty() || !((s.front() >= '0' && s.front() <= '9') || s.front() == '.')) return false;
  char copy[64];
  std::string_view digits = s;
  if (s.find_first_of("dD") != std::string_view::npos) {
    if (s.size() >= sizeof copy) return false;
    for (std::size_t i = 0; i < s.size(); ++i) copy[i] = s[i] == 'd' || s[i] == 'D' ? 'e' : s[i];
    digits = {copy, s.size()};
  }
  const char* const end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, value, std::chars_format::general);
  if (read.ec == std::errc::result_out_of_range) {
    // Too small is zero; too large is no number that a model can hold.
    const auto e = digits.find_first_of("eE");
    if (e == std::string_view::npos || digits[e + 1] != '-' || read.ptr != end) return false;
    value = 0;
  } else if (read.ec != std::errc{} || read.ptr != end) {
    return false;
  }
  if (negative) value = -value;
  return true;
}

/// A number so that reading it gives the same bits. Cost: a buffer of 32 bytes.
inline std::string number_text(double value) {
  if (value > 1.7976931348623157e308) return "1e30";  // no bound
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return {buffer, end};
}

[[noreturn]] inline void fail_at(std::string_view call, std::string_view name, int line, const std::string& what) {
  std::string sentence{name};
  sentence.append(" line ").append(std::to_string(line)).append(": ").append(what);
  throw error{error_kind::io, std::string{call}, sentence};
}

}  // namespace detail

/// The whole of a file. Throws: io where it cannot be read.
inline std::string read_text(const std::string& file) {
  std::FILE* const from = std::fopen(file.c_str(), "rb");
  if (from == nullptr) throw error{error_kind::io, "read_text", file + " cannot be opened; check its name"};
  std::string text;
  char block[65536];
  while (const std::size_t got = std::fread(block, 1, sizeof block, from)) text.append(block, got);
  const bool bad = std::ferror(from) != 0;
  std::fclose(from);
  if (bad) throw error{error_kind::io, "read_text", file + " cannot be read to its end"};
  return text;
}

/// Writes a whole file. Throws: io where it cannot be written.
inline void write_text(const std::string& file, std::string_view text) {
  std::FILE* const to = std::fopen(file.c_str(), "wb");
  if (to == nullptr) throw error{error_kind::io, "write_text", file + " cannot be opened for writing"};
  const bool whole = std::fwrite(text.data(), 1, text.size(), to) == text.size();
  if (std::fclose(to) != 0 || !whole) throw error{error_kind::io, "write_text", file + " cannot be written"};
}

}  // namespace plait
