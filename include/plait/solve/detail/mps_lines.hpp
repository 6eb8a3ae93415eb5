// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/solve/text.hpp>

namespace plait::detail {

/// The lines of an MPS text or a basis file, their fields, and what is said about them.
class mps_lines {
 protected:
  mps_lines(std::string_view text, std::string_view name, bool fixed, const char* call = "read_mps")
      : lines_{text}, name_{name}, call_{call}, fixed_{fixed} {}

  struct fields {
    std::string_view at[6];
    int count = 0;
  };

  [[noreturn]] void fail(const std::string& what) const { fail_at(call_, name_, lines_.number(), what); }
  void note(const std::string& what) { note_at(lines_.number(), what); }
  void note_at(int line, const std::string& what) {
    notes_.push_back(std::string{"line "} + std::to_string(line) + ": " + what);
  }
  static std::string quoted(std::string_view s) { return std::string{"'"}.append(s.substr(0, 60)).append("'"); }

  /// Fields of a data line: free by blanks, fixed by columns. A tab makes a fixed line free.
  fields split(std::string_view line) const {
    if (fixed_ && line.find('\t') == std::string_view::npos) {
      fields found;
      static constexpr std::size_t begin[] = {1, 4, 14, 24, 39, 49}, length[] = {2, 8, 8, 12, 8, 12};
      for (int f = 0; f < 6; ++f) {
        if (line.size() <= begin[f]) break;
        found.at[f] = trimmed(line.substr(begin[f], length[f]));
        found.count = f + 1;
      }
      // Anything between the fields is a line that is not in fixed format.
      static constexpr std::size_t gap[] = {3, 12, 13, 22, 23, 36, 37, 38, 47, 48};
      for (const std::size_t g : gap)
        if (g < line.size() && line[g] != ' ') fail("there is text between the fields of the fixed format");
      while (found.count > 0 && found.at[found.count - 1].empty()) --found.count;
      return found;
    }
    return split_by_blanks(line);
  }
  fields split_by_blanks(std::string_view line) const {
    fields found;
    std::string_view rest = trimmed(line);
    while (!rest.empty()) {
      const auto end = rest.find_first_of(" \t");
      if (found.count == 6) fail("there are more than six fields");
      found.at[found.count++] = rest.substr(0, end);
      rest = end == std::string_view::npos ? std::string_view{} : trimmed(rest.substr(end));
    }
    return found;
  }
  [[nodiscard]] double number(std::string_view text) const {
    double value = 0;
    if (!parse_number(text, value)) fail(quoted(text) + " is not a number");
    return value;
  }
  [[nodiscard]] double finite(std::string_view text) const {
    const double value = number(text);
    if (value - value != 0) fail(quoted(text) + " is not finite");
    return value;
  }

  line_reader lines_;
  std::string_view name_;
  const char* call_;
  bool fixed_;
  std::vector<std::string> notes_;
};

/// What either reader of one text makes of it, the free one first. Where neither can, the error is of the one that came
/// further, for what it read is what was meant.
template <class Reader>
auto read_either(Reader by_blanks, Reader by_columns) {
  try {
    return by_blanks.read();
  } catch (const error& as_free) {
    try {
      return by_columns.read();
    } catch (const error&) {
      if (by_columns.line() > by_blanks.line()) throw;
      throw as_free;
    }
  }
}

}  // namespace plait::detail
