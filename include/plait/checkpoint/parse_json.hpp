// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <plait/checkpoint/json.hpp>
#include <plait/core/error.hpp>

namespace plait {

namespace detail {

/// Arrays and objects in each other, at most.
inline constexpr int json_depth = 64;

/// Reads one JSON text from its begin to its end.
class json_parser {
 public:
  json_parser(std::string_view text, std::string_view name) : text_{text}, name_{name} {}

  json whole() {
    json value = any(0);
    skip_blanks();
    if (at_ != text_.size()) fail("something follows its value");
    return value;
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw error{error_kind::io, "parse_json",
                std::string{name_}.append(" is not JSON: ").append(what).append(" at byte ") + std::to_string(at_)};
  }

  [[nodiscard]] int peek() const { return at_ < text_.size() ? static_cast<unsigned char>(text_[at_]) : -1; }
  bool take(char wanted) {
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  void skip_blanks() {
    while (at_ < text_.size() && std::string_view{" \t\n\r"}.find(text_[at_]) != std::string_view::npos) ++at_;
  }

  json any(int depth) {
    skip_blanks();
    switch (peek()) {
      case -1:
        fail("it ends where a value should be");
      case '{':
        return object(depth + 1);
      case '[':
        return array(depth + 1);
      case '"':
        return string();
      case 't':
        return word("true", true);
      case 'f':
        return word("false", false);
      case 'n':
        return word("null", json{});
      default:
        return number();
    }
  }

  json word(std::string_view letters, json value) {
    if (text_.substr(at_, letters.size()) != letters) fail("there is no value");
    at_ += letters.size();
    return value;
  }

  /// The items between two brackets, commas between them; `item()` reads one.
  template <class Item>
  void list(char close, int depth, Item&& item) {
    if (depth > json_depth) fail("arrays and objects are nested deeper than " + std::to_string(json_depth));
    ++at_;
    skip_blanks();
    if (take(close)) return;
    while (true) {
      item();
      skip_blanks();
      if (take(close)) return;
      if (!take(',')) fail(close == ']' ? "an array goes on without a comma" : "an object goes on without a comma");
    }
  }

  json array(int depth) {
    json::array all;
    list(']', depth, [&] { all.push_back(any(depth)); });
    return all;
  }

  json object(int depth) {
    json::object all;
    list('}', depth, [&] {
      skip_blanks();
      if (peek() != '"') fail("a member has no name");
      std::string key = string();
      skip_blanks();
      if (!take(':')) fail("a member has no value");
      all.emplace_back(std::move(key), any(depth));
    });
    std::vector<std::string_view> keys;
    keys.reserve(all.size());
    for (const auto& one : all) keys.push_back(one.first);
    std::sort(keys.begin(), keys.end());
    if (std::adjacent_find(keys.begin(), keys.end()) != keys.end()) fail("a name stands twice in the object that ends");
    return all;
  }

  json number() {
    const std::size_t begin = at_;
    const auto digits = [&] {
      const std::size_t from = at_;
      while (peek() >= '0' && peek() <= '9') ++at_;
      return at_ > from;
    };
    take('-');
    if (!take('0') && !digits()) fail("there is no value");
    bool whole = true;
    if (take('.')) {
      whole = false;
      if (!digits()) fail("a number ends in its point");
    }
    if (take('e') || take('E')) {
      whole = false;
      if (!take('+')) take('-');
      if (!digits()) fail("a number has no exponent");
    }
    const char* const first = text_.data() + begin;
    const char* const last = text_.data() + at_;
    if (std::int64_t exact = 0; whole && std::from_chars(first, last, exact).ec == std::errc{}) return exact;
    double rounded = 0;
    if (std::from_chars(first, last, rounded).ec != std::errc{}) fail("a number is out of range");
    return rounded;
  }

  std::string string() {
    std::string out;
    ++at_;
    while (!take('"')) {
      const int letter = peek();
      if (letter < 0x20) fail(letter < 0 ? "it ends in a string" : "a string holds a control character");
      if (letter == '\\')
        escape(out);
      else if (letter < 0x80)
        out += text_[at_++];
      else
        several_bytes(out);
    }
    return out;
  }

  void escape(std::string& out) {
    ++at_;
    constexpr std::string_view names = "\"\\/bfnrt", values = "\"\\/\b\f\n\r\t";
    if (take('u')) {
      std::uint32_t code = four_hex_digits();
      if (code >= 0xdc00 && code < 0xe000) fail("half a surrogate pair stands in a string");
      if (code >= 0xd800 && code < 0xdc00) {
        if (!take('\\') || !take('u')) fail("half a surrogate pair stands in a string");
        const std::uint32_t low = four_hex_digits();
        if (low < 0xdc00 || low >= 0xe000) fail("half a surrogate pair stands in a string");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      }
      append_utf8(out, code);
      return;
    }
    const std::size_t which = at_ < text_.size() ? names.find(text_[at_]) : std::string_view::npos;
    if (which == std::string_view::npos) fail("a string holds an escape that there is not");
    ++at_;
    out += values[which];
  }

  std::uint32_t four_hex_digits() {
    std::uint32_t code = 0;
    const std::string_view digits = text_.substr(at_, 4);
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (digits.size() < 4 || read.ptr != digits.data() + 4) fail("\\u is followed by four hexadecimal digits");
    at_ += 4;
    return code;
  }

  static void append_utf8(std::string& out, std::uint32_t code) {
    const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80) return put(code);
    if (code < 0x800) return put(0xc0 | code >> 6), put(0x80 | (code & 0x3f));
    if (code < 0x10000) return put(0xe0 | code >> 12), put(0x80 | (code >> 6 & 0x3f)), put(0x80 | (code & 0x3f));
    put(0xf0 | code >> 18), put(0x80 | (code >> 12 & 0x3f)), put(0x80 | (code >> 6 & 0x3f)), put(0x80 | (code & 0x3f));
  }

  /// One character of two to four bytes: the shortest form, no surrogate, none above U+10FFFF. Source: RFC 3629.
  void several_bytes(std::string& out) {
    const auto first = static_cast<unsigned>(peek());
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    std::uint32_t code = first & (0x7fu >> length);
    bool good = first >= 0xc2 && first <= 0xf4 && text_.size() - at_ >= length;
    for (std::size_t i = 1; good && i < length; ++i) {
      const auto next = static_cast<unsigned char>(text_[at_ + i]);
      good = (next & 0xc0u) == 0x80u;
      code = code << 6 | (next & 0x3fu);
    }
    constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (!good || code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
      fail("a string is not UTF-8");
    out.append(text_.substr(at_, length));
    at_ += length;
  }

  std::string_view text_;
  std::string_view name_;
  std::size_t at_ = 0;
};

}  // namespace detail

/// The value of a JSON text; `name` is what messages call the text, which need not be trusted.
///
/// Stricter than some: no name twice in one object, no bytes that are not UTF-8, no half of a surrogate pair, nothing
/// nested deeper than 64, nothing after the value. A whole number that 64 bits do not hold becomes a double.
/// Throws: io, with the byte at which it is wrong. Memory: about 50 times the text at most. Source: RFC 8259.
inline json parse_json(std::string_view text, std::string_view name) {
  return detail::json_parser{text, name}.whole();
}

}  // namespace plait
