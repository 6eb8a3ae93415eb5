// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <plait/core/require.hpp>

namespace plait {

/// A JSON value: null, true or false, a whole number, another number, a string, an array or an object.
///
/// Whole numbers of 64 bits with a sign stay exact. Members of an object keep their order. Strings are UTF-8.
/// `parse_json` makes one of a text, `to_text` a text of one, and the one undoes the other.
class json {
 public:
  using array = std::vector<json>;
  using object = std::vector<std::pair<std::string, json>>;

  json() = default;
  json(bool value) : value_{value} {}
  json(int value) : value_{std::int64_t{value}} {}
  json(std::int64_t value) : value_{value} {}
  json(double value) : value_{value} {}
  json(const char* value) : value_{std::string{value}} {}
  json(std::string value) : value_{std::move(value)} {}
  json(array value) : value_{std::move(value)} {}
  json(object value) : value_{std::move(value)} {}

  /// The value, or none where it is of another kind.
  [[nodiscard]] bool is_null() const { return std::holds_alternative<std::nullptr_t>(value_); }
  [[nodiscard]] const bool* boolean() const { return std::get_if<bool>(&value_); }
  [[nodiscard]] const std::int64_t* integer() const { return std::get_if<std::int64_t>(&value_); }
  [[nodiscard]] const double* real_number() const { return std::get_if<double>(&value_); }
  [[nodiscard]] const std::string* string() const { return std::get_if<std::string>(&value_); }
  [[nodiscard]] const array* elements() const { return std::get_if<array>(&value_); }
  [[nodiscard]] const object* members() const { return std::get_if<object>(&value_); }

  /// The member of an object by its key, or none. Takes time in proportion to the members.
  [[nodiscard]] const json* find(std::string_view key) const {
    if (const object* all = members())
      for (const auto& [name, value] : *all)
        if (name == key) return &value;
    return nullptr;
  }

  // Defined below: nvcc would look at it before the class is complete.
  friend bool operator==(const json& a, const json& b);

  /// The text: on one line, or, where `indent` is above 0, with a line for each member and element, indented by so many
  /// blanks a level. Needs: numbers that are finite, which JSON has no others of. Throws: usage.
  [[nodiscard]] std::string to_text(int indent = 0) const {
    std::string text;
    write(text, indent, 0);
    return text;
  }

 private:
  void write(std::string& to, int indent, int level) const {
    if (const bool* flag = boolean()) {
      to += *flag ? "true" : "false";
    } else if (const std::int64_t* whole = integer()) {
      to += std::to_string(*whole);
    } else if (const double* number = real_number()) {
      write_number(to, *number);
    } else if (const std::string* text = string()) {
      write_string(to, *text);
    } else if (const array* all = elements()) {
      write_list(to, '[', ']', *all, indent, level, [&](const json& each) { each.write(to, indent, level + 1); });
    } else if (const object* named = members()) {
      write_list(to, '{', '}', *named, indent, level, [&](const auto& each) {
        write_string(to, each.first);
        to += indent > 0 ? ": " : ":";
        each.second.write(to, indent, level + 1);
      });
    } else {
      to += "null";
    }
  }

  template <class List, class WriteOne>
  static void write_list(std::string& to, char open, char close, const List& list, int indent, int level,
                         WriteOne&& write_one) {
    const auto new_line = [&](int depth) {
      if (indent > 0) to.append("\n").append(static_cast<std::size_t>(indent * depth), ' ');
    };
    to += open;
    bool first = true;
    for (const auto& each : list) {
      if (!first) to += ',';
      first = false;
      new_line(level + 1);
      write_one(each);
    }
    if (!first) new_line(level);
    to += close;
  }

  static void write_number(std::string& to, double number) {
    require(std::isfinite(number), "plait::json", "JSON has no number that is not finite");
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    const std::string_view shortest{digits, static_cast<std::size_t>(end - digits)};
    to += shortest;
    if (shortest.find_first_of(".e") == std::string_view::npos) to += ".0";  // else it would come back whole
  }

  static void write_string(std::string& to, std::string_view text) {
    constexpr std::string_view hex = "0123456789abcdef";
    to += '"';
    for (const char letter : text) {
      const auto code = static_cast<unsigned char>(letter);
      if (letter == '"' || letter == '\\')
        to.append(1, '\\').append(1, letter);
      else if (code < 0x20)
        to.append("\\u00").append(1, hex[code / 16]).append(1, hex[code % 16]);
      else
        to += letter;
    }
    to += '"';
  }

  std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, array, object> value_ = nullptr;
};

inline bool operator==(const json& a, const json& b) {
  return a.value_ == b.value_;
}

}  // namespace plait
