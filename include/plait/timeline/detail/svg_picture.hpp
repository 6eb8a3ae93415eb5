// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <plait/timeline/detail/skip_lines.hpp>
#include <plait/timeline/detail/svg_shapes.hpp>
#include <plait/timeline/detail/svg_style.hpp>
#include <plait/timeline/detail/text.hpp>
#include <plait/timeline/svg_options.hpp>
#include <plait/timeline/time_unit.hpp>
#include <plait/timeline/timeline.hpp>

namespace plait::detail {

/// One picture of one or more timelines: title, legend, a panel of lanes for each timeline, a common axis of time.
/// Lengths are in pixels.
class svg_picture {
 public:
  svg_picture(std::span<const timeline> timelines, const svg_options& options) : options_{options} {
    std::size_t longest_name = 0;
    int lanes = 0;
    for (const timeline& one : timelines) {
      panels_.push_back({&one, one.work(), first_of(one), one.peaks_of_ranks(), skip_lines(one)});
      if (!panels_.back().peaks.empty()) right_ = 44;
      span_ = std::max(span_, one.makespan());
      chunks_ = std::max(chunks_, one.chunks);
      lanes += one.ranks;
      for (int rank = 0; rank < one.ranks; ++rank) longest_name = std::max(longest_name, rank_name(one, rank).size());
    }
    left_ = 16 + std::ceil(letter * label_size * static_cast<double>(longest_name));
    lane_ = lanes <= 20 ? 24 : lanes <= 40 ? 18 : 14;
    plot_ = options.plot_width > 0 ? options.plot_width : wide_enough();
    scale_ = scale_for(span_, options.unit);
  }

  void write(std::ostream& out) {
    const double legend_top = options_.title.empty() ? 8 : 36;
    place_legend();
    double y = legend_top + legend_row * legend_rows_ + 10;
    for (panel& one : panels_) {
      one.top = y + panel_title;
      y = one.top + one.line->ranks * (lane_ + gap) + 12;
    }
    bottom_ = y - 6;
    const double width = left_ + plot_ + right_, height = bottom_ + 40;
    out << R"(<svg xmlns="http://www.w3.org/2000/svg" version="1.1" width=")" << two_digits(width) << R"(" height=")"
        << two_digits(height) << R"(" viewBox="0 0 )" << two_digits(width) << ' ' << two_digits(height)
        << R"(" font-family="Helvetica, Arial, sans-serif" fill="#111111">)" << '\n';
    if (!options_.title.empty()) out << "<title>" << xml_escaped(options_.title) << "</title>\n";
    write_patterns(out, chunks_);
    out << R"(<rect width=")" << two_digits(width) << R"(" height=")" << two_digits(height) << R"(" fill="#ffffff"/>)"
        << '\n';
    if (!options_.title.empty()) svg_text(out, 12, 24, 16, options_.title, R"(font-weight="bold")");
    write_legend(out, legend_top);
    write_axis(out);
    for (const panel& one : panels_) write_panel(out, one);
    out << "</svg>\n";
  }

 private:
  struct panel {
    const timeline* line = nullptr;
    std::vector<timeline_row> work;
    double first = 0;        ///< begin of the first row
    std::vector<int> peaks;  ///< [ranks]: activations alive; empty, where none are kept
    std::vector<skip_line> skips;
    double top = 0;  ///< of the first lane
  };

  static constexpr double gap = 3, panel_title = 24, legend_row = 18, label_size = 11;
  static constexpr double letter = 0.56;          ///< width of a letter / size of the font, about
  static constexpr double smallest_number = 5.5;  ///< size of the font below which numbers are left out

  static double first_of(const timeline& one) {
    double first = one.rows.empty() ? 0 : one.rows[0].begin;
    for (const timeline_row& row : one.rows) first = std::min(first, row.begin);
    return first;
  }

  /// So wide that most forward passes have room for their numbers, within what a screen can show.
  [[nodiscard]] double wide_enough() const {
    double width = 760;
    for (const panel& one : panels_)
      if (const double length = middle_length(one, true); length > 0)
        width = std::max(width, std::ceil(span_ / length * (chunks_ > 1 ? 22 : 16)));
    return std::min(width, 2600.0);
  }

  [[nodiscard]] double x_of(double time) const { return left_ + (span_ > 0 ? time / span_ * plot_ : 0); }

  // ---- legend

  struct entry {
    std::string words;
    std::string fill;
    std::string_view more = R"(stroke="#444444" stroke-width="0.6")";
    double x = 0;
    int row = 0;
  };

  /// The looks that are there, idle time, and what numbers and letters mean; from left to right, in rows.
  void place_legend() {
    legend_.clear();
    for (std::size_t i = 0; i < styles.size(); ++i) {
      const auto which = static_cast<look>(i);
      if (std::any_of(panels_.begin(), panels_.end(), [&](const panel& one) {
            return std::any_of(one.work.begin(), one.work.end(),
                               [&](const timeline_row& row) { return look_of(row.kind) == which; });
          }))
        legend_.push_back({std::string{styles[i].name}, fill_of(which, 0, chunks_)});
    }
    if (any_row([](const timeline_row& row) { return row.beside; }))
      legend_.push_back({"two passes that run together", "#ffffff", R"(stroke="#111111" stroke-width="2")"});
    if (any_row(is_update_mark)) legend_.push_back({"update of the weights", std::string{update_mark}});
    if (std::any_of(panels_.begin(), panels_.end(), [](const panel& one) { return !one.skips.empty(); }))
      legend_.push_back({"skip edge: from the forward pass that sends to the one that reads", std::string{skip_mark}});
    legend_.push_back({"idle (bubble)", "url(#plait-idle)"});
    legend_.push_back({chunks_ > 1 ? "number: micro-batch; letter and shade: chunk" : "number: micro-batch", ""});
    double x = 12;
    legend_rows_ = 1;
    for (entry& one : legend_) {
      const double width = (one.fill.empty() ? 0 : 26) + letter * label_size * static_cast<double>(one.words.size());
      if (x + width > left_ + plot_ + right_ - 12 && x > 12) {
        x = 12;
        ++legend_rows_;
      }
      one.x = x;
      one.row = legend_rows_ - 1;
      x += width + 18;
    }
  }
  void write_legend(std::ostream& out, double top) const {
    out << R"(<g id="plait-legend">)" << '\n';
    for (const entry& one : legend_) {
      const double y = top + legend_row * one.row;
      if (one.fill == update_mark)
        svg_triangle(out, one.x + 10, y + 8, {});
      else if (one.fill == skip_mark)
        svg_curve(out, one.x, y + 1, one.x + 20, y + 11, skip_look, {});
      else if (!one.fill.empty())
        svg_box(out, one.x, y, 20, 12, one.fill, one.more);
      svg_text(out, one.x + (one.fill.empty() ? 0 : 26), y + 10, label_size, one.words);
    }
    out << "</g>\n";
  }

  // ---- axis

  void write_axis(std::ostream& out) const {
    const double longest = span_ * scale_.factor;
    double step = 1;
    if (longest > 0) {
      const double rough = longest / std::max(4.0, std::floor(plot_ / 110));
      const double power = std::pow(10.0, std::floor(std::log10(rough)));
      step = rough <= power ? power : rough <= 2 * power ? 2 * power : rough <= 5 * power ? 5 * power : 10 * power;
    }
    const double top = panels_.empty() ? bottom_ : panels_.front().top;
    svg_line(out, left_, bottom_, left_ + plot_, bottom_, R"(stroke="#444444")");
    for (int i = 0; i * step <= longest * (1 + 1e-9); ++i) {
      const double x = x_of(i * step / scale_.factor);
      svg_line(out, x, top, x, bottom_, R"(stroke="#e4e4e4" stroke-width="0.8")");
      svg_line(out, x, bottom_, x, bottom_ + 4, R"(stroke="#444444")");
      svg_text(out, x, bottom_ + 15, 10, two_significant(i * step), R"(text-anchor="middle")");
    }
    svg_text(out, left_ + plot_ / 2, bottom_ + 31, label_size,
             options_.unit == time_unit::unit ? "time in units" : "time in " + std::string{scale_.name},
             R"(text-anchor="middle")");
  }
  /// Ticks are whole multiples of 1, 2 or 5: the shortest digits without what rounding adds.
  static std::string two_significant(double tick) {
    char words[32];
    std::snprintf(words, sizeof words, "%.10g", tick);
    return words;
  }

  // ---- panels

  void write_panel(std::ostream& out, const panel& one) const {
    const timeline& all = *one.line;
    char share[32];
    std::snprintf(share, sizeof share, "%.1f %%", 100 * all.bubble());
    svg_text(out, left_, one.top - 8, 12,
             (all.name.empty() ? "" : all.name + ": ") + "makespan " + to_text(all.makespan(), scale_) + ", bubble " +
                 share + peak_of(one),
             R"(font-weight="bold")");
    const double end = x_of(all.makespan());
    const double height = overlaps(one.work) ? lane_ * 0.72 : lane_;  // of passes
    for (int rank = 0; rank < all.ranks; ++rank) {
      const double y = one.top + rank * (lane_ + gap);
      svg_text(out, left_ - 8, y + lane_ / 2 + 4, label_size, rank_name(all, rank), R"(text-anchor="end")");
      svg_box(out, left_, y, end - left_, height, "url(#plait-idle)", R"(stroke="#bbbbbb" stroke-width="0.5")");
    }
    if (!one.peaks.empty()) svg_text(out, left_ + plot_ + 8, one.top - 8, label_size, "peak");
    for (std::size_t rank = 0; rank < one.peaks.size(); ++rank)
      svg_text(out, left_ + plot_ + 8, one.top + static_cast<double>(rank) * (lane_ + gap) + lane_ / 2 + 4, label_size,
               std::to_string(one.peaks[rank]));
    // Thin lines round thin boxes. Passes last, so that what goes on under them looks out below.
    const double stroke = std::clamp(x_of(middle_length(one, false)) - left_, 2.0, 8.0) / 16;
    out << R"(<g stroke="#333333" stroke-width=")" << two_digits(stroke) << "\">\n";
    for (bool passes : {false, true})
      for (const timeline_row& row : one.work)
        if ((lane_of(row.kind) == lane::compute) == passes) write_box(out, one, row, passes ? height : lane_);
    out << "</g>\n";
    write_pairs(out, one, height);
    write_updates(out, one);
    for (const skip_line& each : one.skips) write_skip(out, one, each, height);
    out << R"(<g text-anchor="middle" paint-order="stroke" stroke="#ffffff" stroke-opacity="0.7" stroke-width="1.6">)"
        << '\n';
    for (look which : {look::forward, look::backward, look::input_half, look::weight_half})
      write_numbers(out, one, which, height);
    out << "</g>\n";
    svg_line(out, end, one.top - 4, end, one.top + all.ranks * (lane_ + gap),
             R"(stroke="#111111" stroke-dasharray="3,2")");
  }

  /// `, peak 4 chunks alive`: on the rank that keeps most.
  static std::string peak_of(const panel& one) {
    if (one.peaks.empty()) return {};
    const int most = *std::max_element(one.peaks.begin(), one.peaks.end());
    return ", peak " + std::to_string(most) + (most == 1 ? " chunk alive" : " chunks alive");
  }
  template <class Predicate>
  [[nodiscard]] bool any_row(Predicate&& predicate) const {
    return std::any_of(panels_.begin(), panels_.end(), [&](const panel& one) {
      return std::any_of(one.line->rows.begin(), one.line->rows.end(), predicate);
    });
  }

  /// A line round each two passes that run together.
  void write_pairs(std::ostream& out, const panel& one, double height) const {
    std::vector<const timeline_row*> before(static_cast<std::size_t>(one.line->ranks));  // the last pass of each rank
    for (const timeline_row& row : one.work) {
      if (!is_compute(row.kind)) continue;
      const timeline_row*& last = before[static_cast<std::size_t>(row.rank)];
      if (row.beside && last != nullptr) {
        const double begin = x_of(std::min(last->begin, row.begin) - one.first);
        const double end = x_of(std::max(last->end, row.end) - one.first);
        svg_box(out, begin, lane_top(one, row), end - begin, height, "none", R"(stroke="#111111" stroke-width="1.8")");
      }
      last = &row;
    }
  }

  /// Where weights have versions each chunk has updates of its own; those that take no time are marks.
  static bool is_update_mark(const timeline_row& row) {
    return row.kind == op::optimizer_step && row.stage >= 0 && !(row.begin < row.end);
  }
  void write_updates(std::ostream& out, const panel& one) const {
    for (const timeline_row& row : one.line->rows)
      if (is_update_mark(row))
        svg_triangle(out, x_of(row.begin - one.first), lane_top(one, row) + lane_ - 2,
                     "update of stage " + std::to_string(row.stage));
  }
  static constexpr std::string_view update_mark = "triangle";  // instead of a fill

  /// From where the pass that sends ends, on the side of its lane that is nearer to its reader, to where that begins.
  /// Within lanes, not between them: side by side there, curves of several micro-batches stay apart.
  void write_skip(std::ostream& out, const panel& one, const skip_line& each, double height) const {
    const double side = each.to.rank > each.from.rank ? 0.75 : 0.25;
    svg_curve(out, x_of(each.from.end - one.first), lane_top(one, each.from) + side * height,
              x_of(each.to.begin - one.first), lane_top(one, each.to) + (1 - side) * height, skip_look,
              "skip edge " + std::to_string(each.edge) + " micro " + std::to_string(each.from.micro) + ": from stage " +
                  std::to_string(each.from.stage) + " to stage " + std::to_string(each.to.stage));
  }
  static constexpr std::string_view skip_mark = "curve";  // instead of a fill
  static constexpr std::string_view skip_look = R"(stroke="#1b2f7a" stroke-width="0.9" stroke-opacity="0.75")";

  /// Whether a reduction goes on under a pass of its rank.
  [[nodiscard]] bool overlaps(std::vector<timeline_row> work) const {
    std::sort(work.begin(), work.end(), [](const timeline_row& a, const timeline_row& b) {
      return a.rank != b.rank ? a.rank < b.rank : a.begin < b.begin;
    });
    for (std::size_t i = 1; i < work.size(); ++i)
      if (work[i].rank == work[i - 1].rank && work[i].begin < work[i - 1].end - 1e-6 * span_) return true;
    return false;
  }

  void write_box(std::ostream& out, const panel& one, const timeline_row& row, double height) const {
    const double begin = x_of(row.begin - one.first), end = x_of(row.end - one.first);
    std::string words{name_of(row.kind)};
    if (row.stage >= 0) words.append(" stage ").append(std::to_string(row.stage));
    if (row.micro >= 0) words.append(" micro ").append(std::to_string(row.micro));
    words.append(", ").append(rank_name(*one.line, row.rank)).append(": from ");
    words.append(to_text(row.begin - one.first, scale_)).append(" for ").append(to_text(row.end - row.begin, scale_));
    svg_box(out, begin, lane_top(one, row), end - begin, height, fill_of(look_of(row.kind), row.chunk, chunks_), {},
            words);
  }

  /// The micro-batch and the letter of its chunk, or the micro-batch alone, or nothing, whichever fits the middle one
  /// of the passes of a look: so either nearly all of them are numbered or none is.
  void write_numbers(std::ostream& out, const panel& one, look which, double height) const {
    std::vector<double> widths;
    std::size_t longest = 0;
    for (const timeline_row& row : one.work) {
      if (look_of(row.kind) != which) continue;
      widths.push_back(x_of(row.end) - x_of(row.begin));
      longest = std::max(longest, std::to_string(row.micro).size());
    }
    const double width = middle(widths);
    const auto size_of = [&](double room, std::size_t letters) {
      return std::min({11.0, height * 0.6, (room - 1.5) / (letter * static_cast<double>(letters))});
    };
    const bool lettered = chunks_ > 1 && chunks_ <= 26 && size_of(width, longest + 1) >= smallest_number;
    const double usual = size_of(width, longest + (lettered ? 1 : 0));
    if (usual < smallest_number) return;
    for (const timeline_row& row : one.work) {
      if (look_of(row.kind) != which) continue;
      std::string label = std::to_string(row.micro);
      if (lettered && row.chunk >= 0) label += static_cast<char>('a' + row.chunk);
      const double begin = x_of(row.begin - one.first), end = x_of(row.end - one.first);
      const double size = std::min(usual, size_of(end - begin, label.size()));
      if (size >= smallest_number)
        svg_text(out, (begin + end) / 2, lane_top(one, row) + height / 2 + size * 0.36, size, label);
    }
  }

  static double middle(std::vector<double>& of) {
    if (of.empty()) return 0;
    const auto at = of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2);
    std::nth_element(of.begin(), at, of.end());
    return *at;
  }
  [[nodiscard]] double middle_length(const panel& one, bool forward_only) const {
    std::vector<double> lengths;
    for (const timeline_row& row : one.work)
      if (row.kind == op::forward || (!forward_only && is_compute(row.kind))) lengths.push_back(row.end - row.begin);
    return middle(lengths);
  }

  [[nodiscard]] double lane_top(const panel& one, const timeline_row& row) const {
    return one.top + row.rank * (lane_ + gap);
  }

  svg_options options_;
  std::vector<panel> panels_;
  std::vector<entry> legend_;
  int legend_rows_ = 1;
  int chunks_ = 1;
  double span_ = 0;  ///< the longest makespan
  double left_ = 0, plot_ = 0, right_ = 24, lane_ = 0, bottom_ = 0;
  time_scale scale_;
};

}  // namespace plait::detail
