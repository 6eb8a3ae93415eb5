// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include <plait/core/error.hpp>
#include <plait/core/json_escaped.hpp>
#include <plait/core/require.hpp>
#include <plait/timeline/timeline.hpp>

namespace plait::detail {

/// The shortest digits that give the number back, with a point whatever the locale.
inline std::string digits(double number) {
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

/// With at most two digits after the point, for pictures.
inline std::string two_digits(double number) {
  return digits(std::round(number * 100) / 100 + 0.0);
}

/// In the text or an attribute of XML, which has no way to write most control characters: they become spaces.
inline std::string xml_escaped(std::string_view text) {
  std::string result;
  for (char letter : text) {
    switch (letter) {
      case '&':
        result.append("&amp;");
        break;
      case '<':
        result.append("&lt;");
        break;
      case '>':
        result.append("&gt;");
        break;
      case '"':
        result.append("&quot;");
        break;
      case '\'':
        result.append("&#39;");
        break;
      default:
        result += static_cast<unsigned char>(letter) < 0x20 ? ' ' : letter;
    }
  }
  return result;
}

/// The name of a rank: its own, or `rank 3`.
inline std::string rank_name(const timeline& one, int rank) {
  const auto index = static_cast<std::size_t>(rank);
  return index < one.rank_names.size() ? one.rank_names[index] : "rank " + std::to_string(rank);
}

/// Throws usage unless every row can be drawn: on a rank that there is, with finite times that do not run backwards.
inline void require_drawable(std::span<const timeline> timelines, std::string_view call) {
  for (const timeline& one : timelines)
    for (const timeline_row& row : one.rows)
      require(row.rank >= 0 && row.rank < one.ranks && std::isfinite(row.begin) && std::isfinite(row.end) &&
                  row.begin <= row.end,
              call, [&] {
                return "timeline " + one.name + ": a row of rank " + std::to_string(row.rank) + " (" +
                       std::string{name_of(row.kind)} + ") runs from " + digits(row.begin) + " to " + digits(row.end) +
                       "; times must be finite and in order, ranks below " + std::to_string(one.ranks);
              });
}

/// Opens a file, lets `write(stream)` fill it and makes sure that all of it is there. Throws: io.
template <class Write>
void save(const std::string& file, std::string_view call, Write&& write) {
  errno = 0;
  std::ofstream out{file, std::ios::binary};
  if (!out) throw error{error_kind::io, std::string{call}, "cannot write " + file + ": " + std::strerror(errno)};
  write(out);
  out.close();
  if (!out) throw error{error_kind::io, std::string{call}, "cannot write all of " + file + "; is the disk full?"};
}

}  // namespace plait::detail
