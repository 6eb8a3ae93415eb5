// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

#include <plait/schedule/action.hpp>

namespace plait::detail {

/// What looks alike in a picture.
enum class look : std::uint8_t { forward, backward, input_half, weight_half, communication, optimizer };

constexpr look look_of(op kind) {
  switch (kind) {
    case op::forward:
      return look::forward;
    case op::backward:
      return look::backward;
    case op::backward_input:
      return look::input_half;
    case op::backward_weight:
      return look::weight_half;
    case op::optimizer_step:
      return look::optimizer;
    default:
      return look::communication;
  }
}

struct rgb {
  int red = 0, green = 0, blue = 0;
};

/// Colours that people who see no red or no green can tell apart (after Okabe and Ito), lightened so that black numbers
/// stand out; `mark` is a pattern on top, which tells the kinds apart in grey as well.
struct style {
  std::string_view name;  ///< in the legend
  std::string_view id;
  rgb light, dark;        ///< of the first and of the last chunk; where there are many, the last goes beyond
  std::string_view mark;  ///< what is drawn in a tile of 6 by 6
};

inline constexpr std::array<style, 6> styles{{
    {"forward", "forward", {198, 226, 247}, {124, 184, 230}, ""},
    {"backward",
     "backward",
     {253, 212, 156},
     {240, 170, 84},
     R"(<path d="M-1,1 L1,-1 M0,6 L6,0 M5,7 L7,5" stroke="#a35f00" stroke-width="0.7"/>)"},
    {"input half of backward",
     "input",
     {250, 200, 184},
     {232, 146, 118},
     R"(<path d="M-1,5 L1,7 M0,0 L6,6 M5,-1 L7,1" stroke="#a33a10" stroke-width="0.7"/>)"},
    {"weight half of backward",
     "weight",
     {186, 228, 204},
     {110, 196, 158},
     R"(<circle cx="1.5" cy="1.5" r="0.8" fill="#1c7a5c"/><circle cx="4.5" cy="4.5" r="0.8" fill="#1c7a5c"/>)"},
    {"communication",
     "communication",
     {226, 200, 226},
     {226, 200, 226},
     R"(<path d="M0,1.5 H6 M0,4.5 H6" stroke="#6b2f6b" stroke-width="1"/>)"},
    {"optimizer", "optimizer", {90, 90, 90}, {90, 90, 90}, ""},
}};

constexpr const style& style_of(look which) {
  return styles[static_cast<std::size_t>(which)];
}

/// `#bedef5`: between the colours of the first and of the last chunk.
inline std::string colour(const style& one, int chunk, int chunks) {
  constexpr std::string_view hexadecimal = "0123456789abcdef";
  const double range = chunks > 4 ? 1.4 : 1;
  const double part =
      chunks > 1 && chunk > 0 ? range * static_cast<double>(std::min(chunk, chunks - 1)) / (chunks - 1) : 0;
  std::string text = "#";
  const auto append = [&](int light, int dark) {
    const auto value = static_cast<unsigned>(std::max(0.0, light + (dark - light) * part + 0.5));
    text += hexadecimal[value >> 4 & 15u];
    text += hexadecimal[value & 15u];
  };
  append(one.light.red, one.dark.red);
  append(one.light.green, one.dark.green);
  append(one.light.blue, one.dark.blue);
  return text;
}

/// What boxes of a look and chunk are filled with: a colour, or a reference to the pattern of that name.
inline std::string fill_of(look which, int chunk, int chunks) {
  const style& one = style_of(which);
  if (one.mark.empty()) return colour(one, chunk, chunks);
  return "url(#plait-" + std::string{one.id} + "-" + std::to_string(std::max(chunk, 0)) + ")";
}

inline void write_pattern(std::ostream& out, std::string_view id, std::string_view ground, std::string_view mark) {
  out << R"(<pattern id="plait-)" << id << R"(" width="6" height="6" patternUnits="userSpaceOnUse">)"
      << R"(<rect width="6" height="6" fill=")" << ground << R"("/>)" << mark << "</pattern>\n";
}

/// The patterns that `fill_of` refers to, and that of idle time.
inline void write_patterns(std::ostream& out, int chunks) {
  out << "<defs>\n";
  for (const style& one : styles)
    for (int chunk = 0; chunk < std::max(chunks, 1) && !one.mark.empty(); ++chunk)
      write_pattern(out, std::string{one.id} + "-" + std::to_string(chunk), colour(one, chunk, chunks), one.mark);
  write_pattern(out, "idle", "#ffffff",
                R"(<path d="M-1,1 L1,-1 M0,6 L6,0 M5,7 L7,5" stroke="#cccccc" stroke-width="0.6"/>)");
  out << "</defs>\n";
}

}  // namespace plait::detail
