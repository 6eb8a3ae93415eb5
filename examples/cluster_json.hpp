// SPDX-License-Identifier: Apache-2.0
#pragma once

// JSON for share_cluster and simulate_cluster. Other readers take the last of two equal keys and say of a fault only
// which byte it is at; here both are told with the field.

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cluster_input.hpp"

namespace cluster_files {

/// Goes through a text once before it is read, and refuses what is no JSON or has a key twice.
class json_check {
 public:
  using number_integer_t = json::number_integer_t;
  using number_unsigned_t = json::number_unsigned_t;
  using number_float_t = json::number_float_t;
  using string_t = json::string_t;
  using binary_t = json::binary_t;

  json_check(const std::string& file, const std::string& text) : file_{file}, text_{text} {}

  bool null() { return value(); }
  bool boolean(bool) { return value(); }
  bool number_integer(number_integer_t) { return value(); }
  bool number_unsigned(number_unsigned_t) { return value(); }
  bool number_float(number_float_t, const string_t&) { return value(); }
  bool string(string_t&) { return value(); }
  bool binary(binary_t&) { return value(); }
  bool start_object(std::size_t) { return begin(true); }
  bool end_object() { return end(); }
  bool start_array(std::size_t) { return begin(false); }
  bool end_array() { return end(); }
  bool key(string_t& name) {
    level& here = levels_.back();
    here.key = name;
    if (!here.keys.insert(name).second)
      refuse(shown(file_) + ": " + path() + " is there for the second time; leave one of them out");
    return true;
  }
  bool parse_error(std::size_t position, const std::string& /*token*/, const nlohmann::detail::exception& fault) {
    // Where the fault is in terms of lines; the byte is that behind the token.
    const std::size_t at = std::min(position > 0 ? position - 1 : 0, text_.size());
    const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    const std::string where = path().empty() ? "" : ", in " + path();
    if (fault.id == 406)
      refuse(shown(file_) + " is not JSON that can be read: line " + std::to_string(line) + where +
             ", has a number beyond the range of doubles");
    if (at >= text_.size())
      refuse(shown(file_) + " is not JSON: it ends in line " + std::to_string(line) + where +
             ", before it is complete");
    // The word around it.
    const char* const ends = " \t\r\n,:[]{}\"";
    const std::size_t before = at > 0 ? text_.find_last_of(ends, at - 1) : std::string::npos;
    const std::size_t begin = before == std::string::npos ? 0 : before + 1;
    const std::size_t end = std::max(std::min(text_.find_first_of(ends, at), text_.size()), at + 1);
    const std::string seen = text_.substr(begin, end - begin);
    refuse(shown(file_) + " is not JSON: line " + std::to_string(line) + where + ", has '" + shown(seen) +
           "' where it cannot be" + (seen.find_first_of("NI") < 2 ? "; numbers must be finite" : ""));
  }

 private:
  struct level {
    bool is_object = false;
    std::size_t index = 0;
    std::string key;
    std::set<std::string> keys;
  };

  /// What is being read, as in throughput[2][0].
  [[nodiscard]] std::string path() const {
    std::string made;
    for (const level& one : levels_) {
      if (!one.is_object)
        made += "[" + std::to_string(one.index) + "]";
      else if (!one.key.empty())
        made += (made.empty() ? "" : ".") + shown(one.key);
    }
    return made;
  }

  bool value() {
    if (!levels_.empty()) ++levels_.back().index;
    return true;
  }
  bool begin(bool is_object) {
    if (levels_.size() >= 100) refuse(shown(file_) + " has lists in lists more than 100 deep, which no field is");
    levels_.push_back({.is_object = is_object, .index = 0, .key = {}, .keys = {}});
    return true;
  }
  bool end() {
    levels_.pop_back();
    return value();
  }

  const std::string& file_;
  const std::string& text_;
  std::vector<level> levels_;
};

inline json read_json(const std::string& file) {
  const std::string text = read_text(file);
  json_check check{file, text};
  json::sax_parse(text, &check);
  return json::parse(text);
}

}  // namespace cluster_files
