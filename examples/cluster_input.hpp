// SPDX-License-Identifier: Apache-2.0
#pragma once

// What share_cluster and simulate_cluster have in common when they read: how faults are said, and which magnitudes are
// accepted. A fault of any kind is one sentence that names the field.

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>

#include <plait/core/error.hpp>

#include <nlohmann/json.hpp>

namespace cluster_files {

using nlohmann::json;

/// A text on one line.
inline std::string one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == 127) c = ' ';
  return text;
}

/// Text of a file as it may stand in a sentence: on one line, and not without end.
inline std::string shown(const std::string& text) {
  constexpr std::size_t most = 60;
  return one_line(text.size() <= most ? text : text.substr(0, most) + "...");
}

[[noreturn]] inline void refuse(const std::string& sentence) {
  throw plait::error{plait::error_kind::io, "cluster_files", sentence};
}

/// A number as people write it.
inline std::string said(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

inline constexpr double infinite = std::numeric_limits<double>::infinity();

/// What a number may be: 0 where that is allowed, or from `least` to `most`.
struct magnitudes {
  double least = 0, most = 0;
  bool zero = true;
};

/// All quantities stay far enough from the ends of doubles that no policy leaves them when it multiplies some of them.
/// Every policy answers at these ends, see tests/examples/share_cluster.py.
inline constexpr magnitudes rate_range{1e-12, 1e12};            ///< steps/s
inline constexpr magnitudes worker_range{1e-3, 1e9};            ///< workers of a type
inline constexpr magnitudes step_range{1e-6, 1e18};             ///< steps
inline constexpr magnitudes seconds_range{1e-6, 1e12};          ///< seconds
inline constexpr magnitudes move_range{1e-6, 1e6};              ///< seconds that a move takes
inline constexpr magnitudes dollar_range{1e-6, 1e6};            ///< dollars, gigabytes
inline constexpr magnitudes weight_range{1e-6, 1e6, false};     ///< weights and priorities
inline constexpr magnitudes deadline_range{1e-3, 1e12, false};  ///< seconds until something should be done

/// A number that `range` allows. Refuses others with the field.
inline double within(double value, const std::string& field, const magnitudes& range) {
  if (!std::isfinite(value)) refuse(field + " must be finite");
  if (value < 0) refuse(field + " is negative");
  if (value == 0 && range.zero) return value;
  if (value == 0) refuse(field + " must be positive");
  if (value < range.least || value > range.most)
    refuse(field + " is " + said(value) + ", and must be " + (range.zero ? "0 or " : "") + "from " + said(range.least) +
           " to " + said(range.most));
  return value;
}

inline double amount(const json& from, const std::string& field, const magnitudes& range) {
  if (!from.is_number()) refuse(field + " must be a number");
  return within(from.get<double>(), field, range);
}

/// All of a file.
inline std::string read_text(const std::string& file) {
  std::error_code fault;
  if (std::filesystem::is_directory(file, fault)) refuse(shown(file) + " is a directory; name a file");
  std::ifstream in{file, std::ios::binary};
  if (!in) refuse(shown(file) + " cannot be read");
  std::string text{std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
  if (in.bad()) refuse(shown(file) + " cannot be read");
  return text;
}

/// How the files call a model with its gang.
inline std::string key_of(const std::string& model, int gang) {
  return "('" + model + "', " + std::to_string(gang) + ")";
}

}  // namespace cluster_files
