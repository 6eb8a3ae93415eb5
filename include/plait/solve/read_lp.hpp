// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <plait/solve/lp.hpp>
#include <plait/solve/text.hpp>

namespace plait {

namespace detail {

/// Reads a text in CPLEX LP format: tokens first, then a sentence at a time.
class lp_reader {
 public:
  lp_reader(std::string_view text, std::string_view name) : name_{name} { split(text); }

  model_text<lp> read() {
    if (word("MAXIMIZE") || word("MAXIMISE") || word("MAXIMUM") || word("MAX")) {
      model_.set_sense(objective_sense::maximize);
    } else if (!(word("MINIMIZE") || word("MINIMISE") || word("MINIMUM") || word("MIN"))) {
      fail("a model starts with Minimize or Maximize");
    }
    ++at_;
    objective();
    if (subject_to(true)) constraints();
    while (!word("END")) {
      if (at_ >= tokens_.size()) fail("the file ends without End");
      if (word("BOUNDS") || word("BOUND")) {
        ++at_;
        bounds();
      } else if (word("GENERALS") || word("GENERAL") || word("GEN") || word("INTEGERS") || word("INTEGER") ||
                 word("INT")) {
        ++at_;
        wholes(false);
      } else if (word("BINARIES") || word("BINARY") || word("BIN")) {
        ++at_;
        wholes(true);
      } else {
        fail("'" + shown() + "' starts no section of a linear program");
      }
    }
    return {std::move(model_), std::move(notes_)};
  }

 private:
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
  [[nodiscard]] std::string shown() const {
    return at_ < tokens_.size() ? std::string{tokens_[at_].text.substr(0, 60)} : std::string{"the end"};
  }

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

  [[nodiscard]] bool is(kind k, std::size_t ahead = 0) const {
    return at_ + ahead < tokens_.size() && tokens_[at_ + ahead].is == k;
  }
  [[nodiscard]] bool word(std::string_view upper) const {
    return is(kind::name) && tokens_[at_].first && same_word(tokens_[at_].text, upper) && !is(kind::colon, 1);
  }
  bool subject_to(bool take) {
    if (word("SUBJECT") && at_ + 1 < tokens_.size() && same_word(tokens_[at_ + 1].text, "TO")) {
      if (take) at_ += 2;
      return true;
    }
    if (word("SUCH") && at_ + 1 < tokens_.size() && same_word(tokens_[at_ + 1].text, "THAT")) {
      if (take) at_ += 2;
      return true;
    }
    if (word("ST") || word("S.T.") || word("ST.")) {
      if (take) at_ += 1;
      return true;
    }
    return false;
  }
  [[nodiscard]] bool section() {
    static constexpr std::string_view words[] = {"BOUNDS",  "BOUND", "GENERALS", "GENERAL", "GEN", "INTEGERS",
                                                 "INTEGER", "INT",   "BINARIES", "BINARY",  "BIN", "END",
                                                 "SEMI",    "SOS",   "SOS1",     "SOS2"};
    for (const std::string_view w : words)
      if (word(w)) return true;
    return subject_to(false);
  }
  int column(std::string_view name) {
    const auto [at, fresh] = columns_.emplace(std::string{name}, model_.columns());
    if (fresh) {
      model_.add_column(0, 0, infinity);
      model_.set_column_name(at->second, std::string{name});
    }
    return at->second;
  }
  /// Signs in a row, as one; false where there is none.
  bool signs(double& sign) {
    sign = 1;
    bool any = false;
    for (; is(kind::sign); ++at_, any = true) {
      if (tokens_[at_].text == "-") sign = -sign;
    }
    return any;
  }
  /// A sum of terms; constants are added up in `constant`. Ends at a relation, a section, or the end.
  void expression(std::vector<lp_entry>& terms, double& constant) {
    bool first = true;
    while (at_ < tokens_.size() && !is(kind::relation) && !section()) {
      if (is(kind::bracket)) fail("quadratic terms are not part of a linear program");
      double sign = 1;
      const bool signed_term = signs(sign);
      if (!first && !signed_term) fail("a sign is missing before '" + shown() + "'");
      double value = 1;
      bool number = false;
      if (is(kind::number)) {
        value = tokens_[at_++].value;
        number = true;
      }
      if (is(kind::name) && !section()) {
        if (is(kind::colon, 1)) fail("'" + shown() + "' is a label in the middle of a sentence");
        if (is_infinity(tokens_[at_].text)) fail("infinity is no term");
        terms.push_back({column(tokens_[at_++].text), sign * value});
      } else if (number) {
        constant += sign * value;
      } else {
        fail("a term is missing before '" + shown() + "'");
      }
      first = false;
    }
  }
  static bool is_infinity(std::string_view s) { return same_word(s, "INF") || same_word(s, "INFINITY"); }

  void objective() {
    if (is(kind::name) && is(kind::colon, 1)) {
      model_.set_objective_name(std::string{tokens_[at_].text});
      at_ += 2;
    }
    std::vector<lp_entry> terms;
    double constant = 0;
    expression(terms, constant);
    if (is(kind::relation)) fail("the objective has no relation");
    for (const lp_entry& t : terms) model_.set_cost(t.index, checked(model_.cost(t.index) + t.value));
    model_.set_offset(checked(constant));
  }
  double checked(double v) const {
    if (v - v != 0) fail("a sum of coefficients is not finite");
    return v;
  }
  /// -1: at most, 0: equal, 1: at least.
  int relation() {
    const std::string_view text = tokens_[at_++].text;
    const bool less = text.find('<') != std::string_view::npos, more = text.find('>') != std::string_view::npos;
    if (less && more) fail("'" + std::string{text} + "' is no relation");
    return less ? -1 : more ? 1 : 0;
  }
  /// A number or infinity with its sign.
  double bound_value() {
    double sign = 1;
    signs(sign);
    if (is(kind::number)) return sign * tokens_[at_++].value;
    if (is(kind::name) && is_infinity(tokens_[at_].text)) {
      ++at_;
      return sign * infinity;
    }
    fail("a number is missing before '" + shown() + "'");
  }
  [[nodiscard]] bool at_value() const {
    std::size_t ahead = 0;
    while (is(kind::sign, ahead)) ++ahead;
    return is(kind::number, ahead) || (is(kind::name, ahead) && is_infinity(tokens_[at_ + ahead].text));
  }

  void constraints() {
    std::vector<lp_entry> terms;
    while (at_ < tokens_.size() && !section()) {
      std::string row_name;
      if (is(kind::name) && is(kind::colon, 1)) {
        row_name = std::string{tokens_[at_].text};
        at_ += 2;
      }
      terms.clear();
      double lower = -infinity, upper = infinity, constant = 0;
      // value <= expression <= value
      if (double_sided()) {
        const double value = bound_value();
        restrict(-relation(), value, lower, upper);
      }
      expression(terms, constant);
      if (!is(kind::relation)) fail("a relation is missing before '" + shown() + "'");
      const int how = relation();
      if (!at_value()) fail("a constraint has its number on the right");
      restrict(how, bound_value(), lower, upper);
      const int row = model_.add_row(shifted(lower, constant), shifted(upper, constant), terms);
      if (row_name.empty()) row_name = std::string{"c"}.append(std::to_string(row + 1));
      if (!rows_.emplace(row_name, row).second) fail("row '" + row_name + "' comes twice");
      model_.set_row_name(row, row_name);
    }
  }
  static double shifted(double bound, double constant) { return bound - bound != 0 ? bound : bound - constant; }
  void restrict(int how, double value, double& lower, double& upper) const {
    if (how >= 0) lower = value;
    if (how <= 0) upper = value;
    if (lower >= 1e30 || upper <= -1e30 || lower != lower || upper != upper) fail("the bound leaves no value");
  }
  [[nodiscard]] bool double_sided() const {
    std::size_t ahead = 0;
    while (is(kind::sign, ahead)) ++ahead;
    const bool value = is(kind::number, ahead) || (is(kind::name, ahead) && is_infinity(tokens_[at_ + ahead].text));
    return value && is(kind::relation, ahead + 1);
  }

  void bounds() {
    while (at_ < tokens_.size() && !section()) {
      double left = 0;
      int how_left = 0;
      bool has_left = false;
      if (at_value()) {
        left = bound_value();
        if (!is(kind::relation)) fail("a bound needs a relation before '" + shown() + "'");
        how_left = -relation();
        has_left = true;
      }
      if (!is(kind::name)) fail("a bound needs a variable before '" + shown() + "'");
      const int j = column(tokens_[at_++].text);
      double lower = model_.column_lower(j), upper = model_.column_upper(j);
      const auto apply = [&](int how, double value) {
        const bool default_lower = lower == 0 && !touched(j);
        if (how < 0 && value < 0 && default_lower) {
          lower = -infinity;
          notes_.push_back("line " + std::to_string(tokens_[at_ - 1].line) + ": column '" + model_.column_name(j) +
                           "' has a negative upper bound and no lower one, so it has none below");
        }
        if (how >= 0 && value == -infinity && how > 0) {
          lower = -infinity;
        } else if (how <= 0 && value == infinity && how < 0) {
          upper = infinity;
        } else {
          restrict(how, value, lower, upper);
        }
        if (how >= 0) touch(j);
      };
      if (has_left) apply(how_left, left);
      if (is(kind::relation)) {
        const int how = relation();
        apply(how, bound_value());
      } else if (is(kind::name) && same_word(tokens_[at_].text, "FREE") && !has_left) {
        ++at_;
        lower = -infinity;
        upper = infinity;
        touch(j);
      } else if (!has_left) {
        fail("a bound needs a relation or the word free");
      }
      model_.set_column_bounds(j, lower, upper);
    }
  }
  [[nodiscard]] bool touched(int j) const { return j < touched_.size() && touched_[j] != 0; }
  void touch(int j) {
    if (touched_.size() <= j) touched_.resize(j + 1, 0);
    touched_[j] = 1;
  }

  void wholes(bool binary) {
    for (; at_ < tokens_.size() && !section(); ++at_) {
      if (!is(kind::name)) fail("'" + shown() + "' is no variable");
      const auto j = columns_.find(std::string{tokens_[at_].text});
      if (j == columns_.end()) fail("there is no variable '" + shown() + "'");
      model_.set_integer(j->second);
      if (binary) model_.set_column_bounds(j->second, 0, 1);
    }
  }

  std::string_view name_;
  std::vector<token> tokens_;
  std::size_t at_ = 0;
  lp model_;
  std::vector<std::string> notes_;
  std::unordered_map<std::string, int> columns_, rows_;
  table<char> touched_;
};

}  // namespace detail

/// Reads a linear program in CPLEX LP format; `name` is what messages call the text.
///
/// Sections Minimize or Maximize, Subject To, Bounds, Generals, Binaries, End; comments after a backslash. Variables
/// are
/// >= 0 unless Bounds says otherwise; a negative upper bound without a lower one makes that minus infinity, with a
/// note. A variable that comes twice in a sum counts with the sum of its coefficients. Throws: io with the line number
/// where the text is anything else, such as quadratic terms, SOS or semi-continuous sections.
inline model_text<lp> parse_lp(std::string_view text, std::string_view name) {
  return detail::lp_reader{text, name}.read();
}

/// Reads a file in CPLEX LP format. Throws: io as `parse_lp` does, and where the file cannot be read.
inline model_text<lp> read_lp(const std::string& file) {
  return parse_lp(read_text(file), file);
}

}  // namespace plait
