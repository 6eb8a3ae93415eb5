// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>
#include <string>
#include <vector>

#include <plait/alloc/allocation.hpp>
#include <plait/timeline/detail/text.hpp>

namespace plait {

/// Draws an allocation as one self-contained picture (SVG 1.1): a bar of time for each job, cut by the types that it
/// runs on, alone in full colour and beside another job in light; below, how much of each type is in use, and its
/// price. Boxes tell more when pointed at. Of many jobs those with the first `most_jobs` numbers are drawn.
inline void write_svg(std::ostream& out, const instance& given, const allocation& found, const std::string& title,
                      int most_jobs = 60) {
  static constexpr const char* colours[] = {"#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9"};
  static constexpr const char* light[] = {"#99c6df", "#f5d799", "#99d8c7", "#ebc9dc", "#eebf99", "#bbe1f6"};
  constexpr int left = 120, width = 520, lane = 16, top = 64;
  const int shown = std::min(found.jobs, most_jobs), types = found.types;
  const double below = top + shown * lane + 40, height = below + types * 26 + 20;
  const auto number = [](double v) { return detail::two_digits(v); };
  const auto text = [&](double x, double y, const std::string& words, const char* more = "") {
    out << "<text x=\"" << number(x) << "\" y=\"" << number(y) << "\" font-size=\"11\" " << more << '>'
        << detail::xml_escaped(words) << "</text>\n";
  };
  const auto box = [&](double x, double y, double w, double h, const char* fill, const std::string& inside) {
    out << "<rect x=\"" << number(x) << "\" y=\"" << number(y) << "\" width=\"" << number(w) << "\" height=\""
        << number(h) << "\" fill=\"" << fill << "\"><title>" << detail::xml_escaped(inside) << "</title></rect>\n";
  };
  const auto percent = [](double part) { return detail::two_digits(100 * part).append(" %"); };
  out << "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"" << left + width + 200 << "\" height=\""
      << number(height) << "\" font-family=\"Helvetica, Arial, sans-serif\" fill=\"#111111\">\n<title>"
      << detail::xml_escaped(title) << "</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
  text(12, 24, title, "font-weight=\"bold\"");
  for (int j = 0; j < types; ++j) {
    box(left + j * 110, 36, 12, 12, colours[j % 6], "alone");
    box(left + 12 + j * 110, 36, 12, 12, light[j % 6], "beside another job");
    text(left + 28 + j * 110, 46, given.cluster.types[j].name);
  }
  // Time beside other jobs, of each group.
  std::vector<double> beside(static_cast<std::size_t>(found.groups.size() * types), 0.0);
  for (const pair_share& one : found.pairs) {
    const bool same = one.first_group == one.second_group;
    beside[static_cast<std::size_t>(one.first_group * types + one.type)] +=
        one.share * (found.groups.count[one.second_group] - (same ? 1 : 0));
    if (!same)
      beside[static_cast<std::size_t>(one.second_group * types + one.type)] +=
          one.share * found.groups.count[one.first_group];
  }
  for (int i = 0; i < shown; ++i) {
    const double y = top + i * lane;
    const std::string name = std::string{"job "}.append(std::to_string(i));
    text(12, y + 11, name);
    box(left, y + 1, width, lane - 3, "#eeeeee", name + " waits");
    double x = left;
    for (int pass = 0; pass < 2; ++pass) {
      for (int j = 0; j < types; ++j) {
        double part = found.share(i, j);
        if (pass == 1)
          part = beside.empty() ? 0 : beside[static_cast<std::size_t>(found.groups.group_of[i] * types + j)];
        if (part <= 0) continue;
        box(x, y + 1, width * part, lane - 3, pass == 0 ? colours[j % 6] : light[j % 6],
            name + (pass == 0 ? " on " : " beside another job on ") + given.cluster.types[j].name + ": " +
                percent(part));
        x += width * part;
      }
    }
  }
  if (shown < found.jobs) text(left, below - 22, "and " + std::to_string(found.jobs - shown) + " jobs more");
  for (int j = 0; j < types; ++j) {
    const double y = below + j * 26, all = given.cluster.types[j].num_workers;
    const double used = all > 0 ? workers_used(given, found, j) / all : 0;
    text(12, y + 13, given.cluster.types[j].name);
    box(left, y, width, 18, "#eeeeee", "idle");
    box(left, y, width * std::min(1.0, used), 18, colours[j % 6], percent(used) + " in use");
    std::string words = percent(used).append(" of ").append(number(all));
    if (!found.prices.empty()) {
      char price[40];
      std::snprintf(price, sizeof price, ", price %.3g", found.prices[j]);
      words.append(price);
    }
    text(left + width + 8, y + 13, words);
  }
  out << "</svg>\n";
}

}  // namespace plait
