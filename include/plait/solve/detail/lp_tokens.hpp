// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <plait/solve/text.hpp>

namespace plait::detail {

inline bool is_subject_to(std::string_view one) {
  return same_word(one, "ST") || same_word(one, "S.T.") || same_word(one, "ST.");
}
/// A word that starts a section of the LP format where it is the first of a line.
inline bool is_section_word(std::string_view one) {
  static constexpr std::string_view words[] = {"BOUNDS",  "BOUND", "GENERALS", "GENERAL", "GEN", "INTEGERS",
                                               "INTEGER", "INT",   "BINARIES", "BINARY",  "BIN", "END",
                                               "SEMI",    "SOS",   "SOS1",     "SOS2"};
  for (const std::string_view w : words)
    if (same_word(one, w)) return true;
  return is_subject_to(one);
}
inline bool is_infinity_word(std::string_view one) {
  return same_word(one, "INF") || same_word(one, "INFINITY");
}

/// A text in CPLEX LP format as names, numbers and signs, which a reader goes through from the first to the last.
class lp_tokens {
 protected:
  lp_tokens(std::string_view text, std::string_view name) : name_{name} { split(text); }

  enum class kind { name, number, sign, relation, colon, bracket };
  struct token {
    kind is;
    std::string_view text;
    double value;
    int line;
    bool first;  // of its line
  };

  [[noreturn]] void fail(const std::string& what) const {
    const int line = tokens_.empty() ? 1 : at_ < tokens_.size() ? tokens_[at_].line : tokens_.back().line;
    fail_at("read_lp", name_, line, what);
  }
  /// About the token that was read last.
  [[noreturn]] void fail_behind(const std::string& what) const {
    fail_at("read_lp", name_, tokens_[at_ - 1].line, what);
  }
  [[nodiscard]] std::string shown() const {
    return at_ < tokens_.size() ? std::string{tokens_[at_].text.substr(0, 60)} : std::string{"the end"};
  }

  [[nodiscard]] bool is(kind k, std::size_t ahead = 0) const {
    return at_ + ahead < tokens_.size() && tokens_[at_ + ahead].is == k;
  }
  [[nodiscard]] bool is_word(std::string_view upper, std::size_t ahead = 0) const {
    return is(kind::name, ahead) && same_word(tokens_[at_ + ahead].text, upper);
  }
  /// Such a word where a section may start: the first of its line, and no label.
  [[nodiscard]] bool word(std::string_view upper) const {
    return is_word(upper) && tokens_[at_].first && !is(kind::colon, 1);
  }
  /// How many tokens here say Subject To, with a colon or without; 0 where none do.
  [[nodiscard]] std::size_t subject_to() const {
    if (!is(kind::name) || !tokens_[at_].first) return 0;
    std::size_t words = 0;
    if ((is_word("SUBJECT") && is_word("TO", 1)) || (is_word("SUCH") && is_word("THAT", 1))) words = 2;
    if (is_subject_to(tokens_[at_].text)) words = 1;
    // Among the constraints, st: is the label of one.
    if (words == 1 && in_constraints_ && is(kind::colon, 1)) return 0;
    return words == 0 ? 0 : words + (is(kind::colon, words) ? 1 : 0);
  }
  [[nodiscard]] bool section() const {
    if (subject_to() > 0) return true;
    return is(kind::name) && tokens_[at_].first && !is(kind::colon, 1) && is_section_word(tokens_[at_].text);
  }
  [[nodiscard]] bool at_end() const { return at_ >= tokens_.size(); }
  /// How many tokens here say a number or infinity, with signs; 0 where none do.
  [[nodiscard]] std::size_t value_ahead() const {
    std::size_t ahead = 0;
    while (is(kind::sign, ahead)) ++ahead;
    const bool value =
        is(kind::number, ahead) || (is(kind::name, ahead) && is_infinity_word(tokens_[at_ + ahead].text));
    return value ? ahead + 1 : 0;
  }
  void note(int line, const std::string& what) {
    notes_.push_back(std::string{"line "} + std::to_string(line) + ": " + what);
  }

  std::string_view name_;
  std::vector<token> tokens_;
  std::size_t at_ = 0;
  bool in_constraints_ = false;
  std::vector<std::string> notes_;

 private:
  static bool starts_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view{"!\"#$%&(),;?@_'`{}~"}.find(c) != std::string_view::npos;
  }
  static bool in_name(char c) { return starts_name(c) || (c >= '0' && c <= '9') || c == '.' || c == '[' || c == ']'; }

  void split(std::string_view text) {
    line_reader lines{text};
    std::string_view line;
    while (lines.next(line)) {
      line = line.substr(0, line.find('\\'));
      bool first = true;
      for (std::size_t k = 0; k < line.size();) {
        const char c = line[k];
        if (is_blank(c)) {
          ++k;
          continue;
        }
        std::size_t end = k + 1;
        token t{kind::name, {}, 0, lines.number(), first};
        if ((c >= '0' && c <= '9') || c == '.') {
          while (end < line.size() &&
                 ((line[end] >= '0' && line[end] <= '9') || line[end] == '.' ||
                  ((line[end] == 'e' || line[end] == 'E') && exponent_at(line, end)) ||
                  ((line[end] == '+' || line[end] == '-') && (line[end - 1] == 'e' || line[end - 1] == 'E')))) {
            ++end;
          }
          t.is = kind::number;
          t.text = line.substr(k, end - k);
          if (!parse_number(t.text, t.value) || t.value - t.value != 0) {
            fail_at("read_lp", name_, lines.number(), "'" + std::string{t.text.substr(0, 60)} + "' is not a number");
          }
        } else if (c == '+' || c == '-') {
          t.is = kind::sign;
        } else if (c == '<' || c == '>' || c == '=') {
          t.is = kind::relation;
          if (end < line.size() && (line[end] == '<' || line[end] == '>' || line[end] == '=')) ++end;
        } else if (c == ':') {
          t.is = kind::colon;
        } else if (c == '[' || c == ']' || c == '^' || c == '*' || c == '/') {
          t.is = kind::bracket;
        } else if (starts_name(c)) {
          while (end < line.size() && in_name(line[end])) ++end;
        } else {
          fail_at("read_lp", name_, lines.number(), "a character that no model holds");
        }
        t.text = line.substr(k, end - k);
        tokens_.push_back(t);
        first = false;
        k = end;
      }
    }
  }
  /// An e belongs to a number when digits follow, with or without a sign.
  static bool exponent_at(std::string_view line, std::size_t e) {
    std::size_t k = e + 1;
    if (k < line.size() && (line[k] == '+' || line[k] == '-')) ++k;
    return k < line.size() && line[k] >= '0' && line[k] <= '9';
  }
};

}  // namespace plait::detail
