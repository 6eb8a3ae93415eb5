// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <string_view>

#include <plait/timeline/detail/text.hpp>

// What pictures are made of. Lengths are in pixels; `more` is attributes as they stand, `inside` is what a shape tells
// when pointed at.
namespace plait::detail {

inline void svg_text(std::ostream& out, double x, double y, double size, std::string_view words,
                     std::string_view more = {}) {
  out << R"(<text x=")" << two_digits(x) << R"(" y=")" << two_digits(y) << R"(" font-size=")" << two_digits(size) << '"'
      << (more.empty() ? "" : " ") << more << '>' << xml_escaped(words) << "</text>\n";
}

inline void svg_line(std::ostream& out, double x1, double y1, double x2, double y2, std::string_view more) {
  out << R"(<line x1=")" << two_digits(x1) << R"(" y1=")" << two_digits(y1) << R"(" x2=")" << two_digits(x2)
      << R"(" y2=")" << two_digits(y2) << "\" " << more << "/>\n";
}

inline void svg_box(std::ostream& out, double x, double y, double width, double height, std::string_view fill,
                    std::string_view more, std::string_view inside = {}) {
  out << R"(<rect x=")" << two_digits(x) << R"(" y=")" << two_digits(y) << R"(" width=")" << two_digits(width)
      << R"(" height=")" << two_digits(height) << R"(" fill=")" << fill << '"' << (more.empty() ? "" : " ") << more;
  if (inside.empty())
    out << "/>\n";
  else
    out << "><title>" << xml_escaped(inside) << "</title></rect>\n";
}

/// A triangle whose middle is at (x, y).
inline void svg_triangle(std::ostream& out, double x, double y, std::string_view inside) {
  out << R"(<path d="M)" << two_digits(x - 4) << ',' << two_digits(y + 4) << " L" << two_digits(x + 4) << ','
      << two_digits(y + 4) << " L" << two_digits(x) << ',' << two_digits(y - 4) << R"( Z" fill="#111111">)";
  if (!inside.empty()) out << "<title>" << xml_escaped(inside) << "</title>";
  out << "</path>\n";
}

/// A line that leaves (x1, y1) and reaches (x2, y2) level, and bends between.
inline void svg_curve(std::ostream& out, double x1, double y1, double x2, double y2, std::string_view more,
                      std::string_view inside) {
  const double bend = (x2 - x1) / 4;
  out << R"(<path d="M)" << two_digits(x1) << ',' << two_digits(y1) << " C" << two_digits(x1 + bend) << ','
      << two_digits(y1) << ' ' << two_digits(x2 - bend) << ',' << two_digits(y2) << ' ' << two_digits(x2) << ','
      << two_digits(y2) << R"(" fill="none" )" << more << '>';
  if (!inside.empty()) out << "<title>" << xml_escaped(inside) << "</title>";
  out << "</path>\n";
}

}  // namespace plait::detail
