// SPDX-License-Identifier: Apache-2.0
#pragma once

// The small forms in which Slurm writes numbers, states, lists of nodes and generic resources in its JSON.

#include <cctype>
#include <charconv>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <plait/core/require.hpp>

#include <nlohmann/json.hpp>

namespace slurm_shares {

using nlohmann::json;

[[noreturn]] inline void refuse(const std::string& sentence) {
  throw plait::error{plait::error_kind::io, "slurm_shares", sentence};
}

/// A number of Slurm's, in any of its forms; 0 where it is not set.
inline double number(const json& from, const char* name) {
  if (!from.contains(name)) return 0;
  const json& value = from.at(name);
  if (value.is_number()) return value.get<double>();
  if (value.is_object())
    return value.value("set", true) && !value.value("infinite", false) ? number(value, "number") : 0;
  return 0;
}

/// Whether there is such a number at all. Later forms say {"set": false, "infinite": false, "number": 0} where there is
/// none, and {"set": true, "infinite": true, "number": 0} where it has no end.
inline bool has_number(const json& from, const char* name) {
  if (!from.contains(name)) return false;
  const json& value = from.at(name);
  if (value.is_object())
    return value.value("set", true) && !value.value("infinite", false) && has_number(value, "number");
  return value.is_number();
}

inline std::string text(const json& from, const char* name) {
  return from.contains(name) && from.at(name).is_string() ? from.at(name).get<std::string>() : std::string{};
}

/// A word or a list of words, in capitals.
inline std::set<std::string> words(const json& from, const char* name) {
  std::set<std::string> made;
  const auto add = [&](std::string word) {
    for (char& c : word) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    if (!word.empty()) made.insert(std::move(word));
  };
  if (!from.contains(name)) return made;
  if (from.at(name).is_string()) add(from.at(name).get<std::string>());
  if (from.at(name).is_array()) {
    for (const json& one : from.at(name))
      if (one.is_string()) add(one.get<std::string>());
  }
  return made;
}

/// The parts between separators that do not stand inside brackets, without the spaces around them.
inline std::vector<std::string> split(std::string_view line, char separator) {
  std::vector<std::string> made;
  int depth = 0;
  std::string part;
  const auto put = [&] {
    const auto begin = part.find_first_not_of(" \t");
    if (begin != std::string::npos) made.push_back(part.substr(begin, part.find_last_not_of(" \t") - begin + 1));
    part.clear();
  };
  for (const char c : line) {
    depth += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
    if (c == separator && depth == 0) {
      put();
    } else {
      part += c;
    }
  }
  put();
  return made;
}

inline std::optional<int> integer(std::string_view word) {
  int value = 0;
  const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), value);
  return fault == std::errc{} && end == word.data() + word.size() && !word.empty() ? std::optional{value}
                                                                                   : std::nullopt;
}

/// The names of a list of hosts, such as "v[1-3,07],login": v1 v2 v3 v07 login.
inline std::vector<std::string> hosts(std::string_view list) {
  std::vector<std::string> made;
  for (const std::string& part : split(list, ',')) {
    const auto open = part.find('[');
    const auto close = part.find(']', open == std::string::npos ? 0 : open);
    if (open == std::string::npos || close == std::string::npos) {
      made.push_back(part);
      continue;
    }
    for (const std::string& range : split(part.substr(open + 1, close - open - 1), ',')) {
      const auto dash = range.find('-');
      const std::string first = range.substr(0, dash),
                        last = dash == std::string::npos ? first : range.substr(dash + 1);
      const std::optional<int> from = integer(first), to = integer(last);
      if (!from || !to || *to < *from || *to - *from > 1'000'000)
        refuse("the list of nodes '" + part + "' is not understood");
      for (int i = *from; i <= *to; ++i) {
        std::string digits = std::to_string(i);
        if (digits.size() < first.size()) digits.insert(0, first.size() - digits.size(), '0');
        for (const std::string& whole : hosts(part.substr(0, open) + digits + part.substr(close + 1)))
          made.push_back(whole);
      }
    }
  }
  return made;
}

/// GPUs of one type, as Slurm writes them: "gpu:v100:2(IDX:0-1)".
struct gpus {
  std::string type;  ///< empty: none was named
  int count = 0;
  std::vector<int> indices;  ///< of the node's GPUs, where they are told
  friend bool operator==(const gpus&, const gpus&) = default;
};

/// The GPUs of a list of generic resources; other resources are left out.
inline std::vector<gpus> gpus_of(const std::string& list) {
  std::vector<gpus> made;
  for (std::string one : split(list, ',')) {
    gpus found;
    if (const auto open = one.find('('); open != std::string::npos) {
      const auto index = one.find("IDX:", open);
      const auto close = one.find(')', open);
      if (index != std::string::npos && close != std::string::npos && index < close) {
        for (const std::string& range : split(one.substr(index + 4, close - index - 4), ',')) {
          const auto dash = range.find('-');
          const std::optional<int> from = integer(range.substr(0, dash));
          const std::optional<int> to = dash == std::string::npos ? from : integer(range.substr(dash + 1));
          for (int i = from.value_or(0); from && to && i <= *to; ++i) found.indices.push_back(i);
        }
      }
      one.erase(open);
    }
    for (char& c : one)
      if (c == '/' || c == '=') c = ':';
    std::vector<std::string> parts = split(one, ':');
    if (!parts.empty() && parts.front() == "gres") parts.erase(parts.begin());
    if (parts.empty() || parts.front() != "gpu" || parts.size() > 3) continue;
    found.count = 1;
    if (parts.size() == 3) {
      found.type = parts[1];
      found.count = integer(parts[2]).value_or(0);
    } else if (parts.size() == 2) {
      if (const std::optional<int> count = integer(parts[1])) {
        found.count = *count;
      } else {
        found.type = parts[1];
      }
    }
    made.push_back(std::move(found));
  }
  return made;
}

}  // namespace slurm_shares
