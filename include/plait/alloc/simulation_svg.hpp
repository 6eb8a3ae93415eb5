// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>
#include <string>
#include <vector>

#include <plait/alloc/simulation.hpp>
#include <plait/timeline/detail/text.hpp>

namespace plait {

namespace detail {

/// Draws the three parts of a simulation, one below the other.
class simulation_picture {
 public:
  simulation_picture(std::ostream& out, const simulation_result& found, const cluster& where)
      : out_{out}, found_{found}, where_{where} {
    for (const worker_type& type : where.types) workers_ += static_cast<int>(type.num_workers);
    lane_ = workers_ <= 40 ? 10 : workers_ <= 120 ? 5 : 2;
  }

  void draw(const std::string& title) {
    const double third = top + 2 * (panel + gap),
                 height = third + (found_.recorded.empty() ? 0 : lane_ * workers_ + 60);
    out_ << "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"" << left + width + right
         << "\" height=\"" << two_digits(height)
         << "\" font-family=\"Helvetica, Arial, sans-serif\" fill=\"#111111\">\n<title>" << xml_escaped(title)
         << "</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
    text(12, 24, title, "font-weight=\"bold\"");
    draw_times(top);
    draw_use(top + panel + gap);
    if (!found_.recorded.empty()) draw_workers(third);
    out_ << "</svg>\n";
  }

 private:
  static constexpr double left = 110, width = 620, right = 150, top = 64, panel = 170, gap = 66, hour = 3600;
  static constexpr const char* colours[] = {"#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9"};
  static constexpr const char* dashes[] = {"", "6 3", "2 2", "8 2 2 2", "1 3", "10 4"};

  void text(double x, double y, const std::string& words, const char* more = "") {
    out_ << "<text x=\"" << two_digits(x) << "\" y=\"" << two_digits(y) << "\" font-size=\"11\" " << more << '>'
         << xml_escaped(words) << "</text>\n";
  }
  void line(double x1, double y1, double x2, double y2, const char* colour, const char* dash = "") {
    out_ << "<line x1=\"" << two_digits(x1) << "\" y1=\"" << two_digits(y1) << "\" x2=\"" << two_digits(x2)
         << "\" y2=\"" << two_digits(y2) << "\" stroke=\"" << colour << "\" stroke-dasharray=\"" << dash << "\"/>\n";
  }
  static std::string short_number(double v) {
    char made[40];
    std::snprintf(made, sizeof made, v >= 100 ? "%.0f" : v >= 10 ? "%.1f" : "%.2g", v);
    return made;
  }
  /// Lines of 0, 25, .. 100 % with their numbers.
  void percents(double y) {
    for (int k = 0; k <= 4; ++k) {
      const double at = y + panel - k * panel / 4;
      line(left, at, left + width, at, "#dddddd");
      text(left - 8, at + 4, std::to_string(25 * k).append(" %"), "text-anchor=\"end\"");
    }
  }

  /// The part of jobs that have ended within so many hours of their arrival, in powers of ten.
  void draw_times(double y) {
    text(12, y - 14, "Completion times: part of the jobs that ended within so many hours");
    percents(y);
    const std::vector<double>& times = found_.completion_times;
    if (times.empty()) return;
    const double low = std::floor(std::log10(std::max(times.front(), 1.0) / hour) * 2) / 2;
    const double high = std::max(low + 0.5, std::ceil(std::log10(std::max(times.back(), 1.0) / hour) * 2) / 2);
    const auto at = [&](double seconds) {
      return left + width * (std::log10(std::max(seconds, 1.0) / hour) - low) / (high - low);
    };
    for (double tick = low; tick <= high + 0.01; tick += 0.5) {
      const double x = left + width * (tick - low) / (high - low);
      line(x, y, x, y + panel, "#eeeeee");
      text(x, y + panel + 14, short_number(std::pow(10, tick)), "text-anchor=\"middle\"");
    }
    out_ << "<polyline fill=\"none\" stroke=\"" << colours[0] << "\" stroke-width=\"2\" points=\"";
    const auto count = static_cast<double>(times.size());
    const std::size_t stride = std::max<std::size_t>(1, times.size() / 500);
    for (std::size_t i = 0; i < times.size(); i += stride)
      out_ << two_digits(at(times[i])) << ',' << two_digits(y + panel - panel * static_cast<double>(i + 1) / count)
           << ' ';
    out_ << two_digits(at(times.back())) << ',' << two_digits(y) << "\"/>\n";
    const auto mark = [&](double seconds, const char* name, double height, const char* dash) {
      line(at(seconds), y, at(seconds), y + panel, "#555555", dash);
      text(at(seconds) + 4, y + height,
           std::string{name}.append(" ").append(short_number(seconds / hour)).append(" h"));
    };
    mark(found_.quantile(0.5), "half within", panel - 40, "2 3");
    mark(found_.mean_completion_time(), "mean", panel - 24, "6 3");
    mark(found_.quantile(0.99), "99 % within", panel - 8, "1 2");
  }

  /// How many of each type's workers had a job, over time.
  void draw_use(double y) {
    text(12, y - 14, "Workers in use");
    percents(y);
    const std::size_t rounds = found_.round_begin.size();
    if (rounds == 0) return;
    const double end = std::max(found_.end, found_.round_begin.back()) + 1;
    for (int k = 0; k <= 5; ++k)
      text(left + width * k / 5, y + panel + 14, short_number(end / hour * k / 5), "text-anchor=\"middle\"");
    text(left + width + 30, y + panel + 14, "hours");
    constexpr int bins = 310;
    for (std::size_t j = 0; j < where_.types.size(); ++j) {
      std::vector<double> sum(bins, 0.0), time(bins, 0.0);
      for (std::size_t r = 0; r < rounds; ++r) {
        const double until = r + 1 < rounds ? found_.round_begin[r + 1] : end;
        const auto bin = static_cast<std::size_t>(std::min(bins - 1.0, bins * found_.round_begin[r] / end));
        sum[bin] += found_.in_use[j][r] * (until - found_.round_begin[r]);
        time[bin] += until - found_.round_begin[r];
      }
      out_ << "<polyline fill=\"none\" stroke=\"" << colours[j % 6] << "\" stroke-dasharray=\"" << dashes[j % 6]
           << "\" stroke-width=\"1.5\" points=\"";
      for (int b = 0; b < bins; ++b) {
        const auto bin = static_cast<std::size_t>(b);
        if (time[bin] <= 0) continue;
        out_ << two_digits(left + width * (b + 0.5) / bins) << ','
             << two_digits(y + panel - panel * sum[bin] / time[bin]) << ' ';
      }
      out_ << "\"/>\n";
      const double label = y + 14 + 18 * static_cast<double>(j);
      line(left + width + 10, label - 4, left + width + 34, label - 4, colours[j % 6], dashes[j % 6]);
      std::string words = where_.types[j].name;
      words.append(" ").append(short_number(100 * found_.utilisation[j])).append(" %");
      text(left + width + 40, label, words);
    }
  }

  /// Each worker's jobs over the recorded rounds; a job has the same colour everywhere.
  void draw_workers(double y) {
    const double begin = found_.recorded.front().begin;
    double end = begin;
    for (const recorded_use& one : found_.recorded) end = std::max(end, one.end);
    text(12, y - 14,
         std::string{"Who runs where, hours "}
             .append(short_number(begin / hour))
             .append(" to ")
             .append(short_number(end / hour))
             .append("; a job has one colour, and boxes name it"));
    std::vector<double> first;
    double at = y;
    for (const worker_type& type : where_.types) {
      first.push_back(at);
      const double height = lane_ * type.num_workers;
      text(left - 8, at + height / 2 + 4, type.name, "text-anchor=\"end\"");
      out_ << "<rect x=\"" << left << "\" y=\"" << two_digits(at) << "\" width=\"" << width << "\" height=\""
           << two_digits(height) << "\" fill=\"#f2f2f2\"/>\n";
      at += height + 6;
    }
    // What a job has in one round after the other is one box.
    std::vector<std::vector<recorded_use>> open;
    for (const worker_type& type : where_.types) open.emplace_back(static_cast<std::size_t>(type.num_workers));
    const auto put = [&](const recorded_use& one) {
      if (one.end <= one.begin) return;
      const double x = left + width * (one.begin - begin) / (end - begin);
      std::string name = std::string{"job "}.append(std::to_string(one.first));
      if (one.second >= 0) name.append(" and job ").append(std::to_string(one.second));
      char fill[60];
      std::snprintf(fill, sizeof fill, "hsl(%d,60%%,%d%%)", one.first * 137 % 360, one.first * 59 % 30 + 40);
      out_ << "<rect x=\"" << two_digits(x) << "\" y=\""
           << two_digits(first[static_cast<std::size_t>(one.type)] + lane_ * one.worker) << "\" width=\""
           << two_digits(width * (one.end - one.begin) / (end - begin)) << "\" height=\"" << two_digits(lane_ - 0.5)
           << "\" fill=\"" << fill << "\"><title>" << name << "</title></rect>\n";
    };
    for (const recorded_use& one : found_.recorded) {
      recorded_use& before = open[static_cast<std::size_t>(one.type)][static_cast<std::size_t>(one.worker)];
      if (before.end > 0 && before.first == one.first && before.second == one.second && one.begin - before.end < 60) {
        before.end = one.end;
        continue;
      }
      put(before);
      before = one;
    }
    for (const std::vector<recorded_use>& type : open)
      for (const recorded_use& one : type) put(one);
  }

  std::ostream& out_;
  const simulation_result& found_;
  const cluster& where_;
  int workers_ = 0;
  double lane_ = 5;
};

}  // namespace detail

/// Draws a simulation as one self-contained picture (SVG 1.1): how long jobs took, how busy each type of worker was
/// over time, and where `simulation_settings::recorded_rounds` asked for it, who ran where.
inline void write_svg(std::ostream& out, const simulation_result& found, const cluster& where,
                      const std::string& title) {
  detail::simulation_picture{out, found, where}.draw(title);
}

}  // namespace plait
