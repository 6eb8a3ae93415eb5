// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <plait/solve/detail/lp_tokens.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/text.hpp>

namespace plait {

namespace detail {

/// Reads a text in CPLEX LP format, a sentence at a time.
class lp_reader : lp_tokens {
 public:
  lp_reader(std::string_view text, std::string_view name) : lp_tokens{text, name} {}

  model_text<lp> read() {
    if (word("MAXIMIZE") || word("MAXIMISE") || word("MAXIMUM") || word("MAX")) {
      model_.set_sense(objective_sense::maximize);
    } else if (!(word("MINIMIZE") || word("MINIMISE") || word("MINIMUM") || word("MIN"))) {
      fail("a model starts with Minimize or Maximize");
    }
    ++at_;
    objective();
    if (const std::size_t words = subject_to(); words > 0) {
      at_ += words;
      in_constraints_ = true;
      constraints();
    }
    while (!word("END")) {
      if (at_end()) fail("the file ends without End");
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
    if (++at_ < tokens_.size()) note(tokens_[at_].line, "what follows End is left out");
    name_rows();
    zero_or_one();
    return {std::move(model_), std::move(notes_)};
  }

 private:
  int column(std::string_view name) {
    const auto [at, fresh] = columns_.emplace(std::string{name}, model_.columns());
    if (fresh) {
      model_.add_column(0, 0, infinity);
      model_.set_column_name(at->second, std::string{name});
      lower_given_.push_back(0);
      upper_given_.push_back(0);
      binary_.push_back(0);
      sum_.push_back(0);
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
    while (!at_end() && !is(kind::relation) && !section()) {
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
        if (is_infinity_word(tokens_[at_].text)) fail("infinity is no term");
        const int j = column(tokens_[at_].text);
        ++at_;
        sum_[j] = checked(sum_[j] + sign * value);
        terms.push_back({j, sign * value});
      } else if (number) {
        constant = checked(constant + sign * value);
      } else {
        fail("a term is missing before '" + shown() + "'");
      }
      first = false;
    }
    for (const lp_entry& t : terms) sum_[t.index] = 0;
  }

  void objective() {
    if (is(kind::name) && is(kind::colon, 1)) {
      model_.set_objective_name(std::string{tokens_[at_].text});
      at_ += 2;
    }
    std::vector<lp_entry> terms;
    double constant = 0;
    expression(terms, constant);
    if (is(kind::relation)) fail("the objective has no relation");
    for (const lp_entry& t : terms) model_.set_cost(t.index, model_.cost(t.index) + t.value);
    model_.set_offset(constant);
  }
  double checked(double v) const {
    if (v - v != 0) fail_behind("the sum of these terms is not finite");
    return v;
  }
  /// -1: at most, 0: equal, 1: at least.
  int relation() {
    const std::string_view text = tokens_[at_++].text;
    const bool less = text.find('<') != std::string_view::npos, more = text.find('>') != std::string_view::npos;
    if (less && more) fail("'" + std::string{text} + "' is no relation");
    return less ? -1 : more ? 1 : 0;
  }
  /// The second of two relations: both say at most, or both at least.
  int second_relation(int first) {
    const int how = relation();
    if (how == 0 || how != first) fail_behind("of two relations both must be <= or both >=");
    return how;
  }
  /// A number or infinity with its sign.
  double bound_value() {
    double sign = 1;
    signs(sign);
    if (is(kind::number)) return sign * tokens_[at_++].value;
    if (is(kind::name) && is_infinity_word(tokens_[at_].text)) {
      ++at_;
      return sign * infinity;
    }
    fail("a number is missing before '" + shown() + "'");
  }

  void constraints() {
    std::vector<lp_entry> terms;
    for (bool first = true; !at_end() && !section(); first = false) {
      const bool labelled = is(kind::name) && is(kind::colon, 1);
      // Else x >= 2 y would be x >= 2 and the start of another row.
      if (!first && !labelled && !tokens_[at_].first) {
        fail("a constraint has one number on the right, and the next one starts on a line of its own");
      }
      std::string row_name;
      if (labelled) {
        row_name = std::string{tokens_[at_].text};
        if (!rows_.insert(row_name).second) fail("row '" + row_name + "' comes twice");
        at_ += 2;
      }
      terms.clear();
      double lower = -infinity, upper = infinity, constant = 0;
      int how_left = 0;
      // value <= expression <= value
      const std::size_t ahead = value_ahead();
      const bool two_sided = ahead > 0 && is(kind::relation, ahead);
      if (two_sided) {
        const double value = bound_value();
        how_left = relation();
        restrict(-how_left, value, lower, upper);
      }
      expression(terms, constant);
      if (!is(kind::relation)) {
        fail("a relation is missing before '" + shown() + "'" +
             (two_sided ? "; a constraint with one number alone has it on the right" : ""));
      }
      const int how = two_sided ? second_relation(how_left) : relation();
      if (value_ahead() == 0) fail("a constraint has its number on the right");
      restrict(how, bound_value(), lower, upper);
      const int row = model_.add_row(shifted(lower, constant), shifted(upper, constant), terms);
      if (labelled) model_.set_row_name(row, row_name);
      labelled_.push_back(labelled ? 1 : 0);
    }
  }
  double shifted(double bound, double constant) const {
    if (bound <= -1e30 || bound >= 1e30) return bound;
    bound -= constant;
    if (bound <= -1e30 || bound >= 1e30) fail_behind("without the constants on the left the number is 1e30 or more");
    return bound;
  }
  void restrict(int how, double value, double& lower, double& upper) const {
    if (how >= 0) lower = value;
    if (how <= 0) upper = value;
    if (lower >= 1e30 || upper <= -1e30 || lower != lower || upper != upper) fail_behind("the bound leaves no value");
  }
  /// Rows without a label are called c1, c2, ... by their place, where no label says so.
  void name_rows() {
    for (int i = 0; i < model_.rows(); ++i) {
      if (labelled_[i] != 0) continue;
      std::string name = std::string{"c"}.append(std::to_string(i + 1));
      while (!rows_.insert(name).second) name += "_";
      model_.set_row_name(i, name);
    }
  }

  void bounds() {
    while (!at_end() && !section()) {
      double left = 0;
      int how_left = 0;
      bool has_left = false;
      if (value_ahead() > 0) {
        left = bound_value();
        if (!is(kind::relation)) fail("a bound needs a relation before '" + shown() + "'");
        how_left = relation();
        has_left = true;
      }
      if (!is(kind::name)) fail("a bound needs a variable before '" + shown() + "'");
      const int line = tokens_[at_].line, known = model_.columns();
      const int j = column(tokens_[at_++].text);
      if (j == known) note(line, "column '" + model_.column_name(j) + "' has bounds and stands in no sum");
      if (has_left) bound(j, line, -how_left, left);
      if (is(kind::relation)) {
        const int how = has_left ? second_relation(how_left) : relation();
        bound(j, line, how, bound_value());
      } else if (is_word("FREE") && !has_left) {
        ++at_;
        bound(j, line, 1, -infinity);
        bound(j, line, -1, infinity);
      } else if (!has_left) {
        fail("a bound needs a relation or the word free");
      }
    }
  }
  void bound(int j, int line, int how, double value) {
    double lower = model_.column_lower(j), upper = model_.column_upper(j);
    if (how < 0 && value < 0 && lower == 0 && lower_given_[j] == 0) {
      lower = -infinity;
      note(line,
           "column '" + model_.column_name(j) + "' has a negative upper bound and no lower one, so it has none below");
    }
    const auto twice = [&](const char* which, bool given, double before) {
      if (!given || before == value) return;
      note(line, "column '" + model_.column_name(j) + "' has its " + which + " bound twice, of which the last counts");
    };
    if (how >= 0) twice("lower", lower_given_[j] != 0, lower);
    if (how <= 0) twice("upper", upper_given_[j] != 0, upper);
    restrict(how, value, lower, upper);
    if (how >= 0) lower_given_[j] = 1;
    if (how <= 0) upper_given_[j] = 1;
    model_.set_column_bounds(j, lower, upper);
  }

  void wholes(bool binary) {
    for (; !at_end() && !section(); ++at_) {
      if (!is(kind::name)) fail("'" + shown() + "' is no variable");
      const auto j = columns_.find(std::string{tokens_[at_].text});
      if (j == columns_.end()) fail("there is no variable '" + shown() + "'");
      model_.set_integer(j->second);
      if (binary) binary_[j->second] = tokens_[at_].line;
    }
  }
  /// Binary columns keep those of their bounds that are between 0 and 1.
  void zero_or_one() {
    for (int j = 0; j < model_.columns(); ++j) {
      if (binary_[j] == 0) continue;
      const double lower = model_.column_lower(j), upper = model_.column_upper(j);
      const std::string column = "column '" + model_.column_name(j) + "' ";
      if (lower > 1 || upper < 0) {
        fail_at("read_lp", name_, binary_[j], column + "is 0 or 1, of which its bounds allow none");
      }
      if ((lower_given_[j] != 0 && lower < 0) || (upper_given_[j] != 0 && upper > 1)) {
        note(binary_[j], column + "is 0 or 1, so its wider bounds count for nothing");
      }
      model_.set_column_bounds(j, lower < 0 ? 0 : lower, upper > 1 ? 1 : upper);
    }
  }

  lp model_;
  std::unordered_map<std::string, int> columns_;
  std::unordered_set<std::string> rows_;  // the labels
  table<char> lower_given_, upper_given_, labelled_;
  table<int> binary_;  // the line that says so, 0 for none
  table<double> sum_;  // of a column's terms in the sentence that is read
};

}  // namespace detail

/// Reads a linear program in CPLEX LP format; `name` is what messages call the text.
///
/// Sections Minimize or Maximize, Subject To, Bounds, Generals, Binaries, End; comments after a backslash. Variables
/// are at least 0 unless Bounds says otherwise; a negative upper bound without a lower one makes that minus infinity. A
/// variable that comes twice in a sum counts with the sum of its coefficients; of a bound that comes twice the last
/// counts. A row without a label is called c and its number. `notes` has what is convention or may be a slip: such
/// bounds, a variable that only Bounds knows, what follows End. Throws: io with the line number where the text is
/// anything else, such as quadratic terms, SOS or semi-continuous sections.
inline model_text<lp> parse_lp(std::string_view text, std::string_view name) {
  return detail::lp_reader{text, name}.read();
}

/// Reads a file in CPLEX LP format. Throws: io as `parse_lp` does, and where the file cannot be read.
inline model_text<lp> read_lp(const std::string& file) {
  return parse_lp(read_text(file), file);
}

}  // namespace plait
