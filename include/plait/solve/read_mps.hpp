// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/solve/detail/mps_lines.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/text.hpp>

namespace plait {

enum class mps_format {
  automatic,  ///< free; fixed where that cannot be read as free, because names hold blanks
  fixed,      ///< fields in columns 2-3, 5-12, 15-22, 25-36, 40-47, 50-61
  free        ///< fields apart by blanks
};

namespace detail {

/// Reads one MPS text in one of the two formats.
class mps_reader : mps_lines {
 public:
  mps_reader(std::string_view text, std::string_view name, bool fixed) : mps_lines{text, name, fixed} {}

  model_text<lp> read() {
    std::string_view line;
    bool ended = false;
    while (!ended && lines_.next(line)) {
      if (line.empty() || line.front() == '*' || trimmed(line).empty()) continue;
      if (line.find('\0') != std::string_view::npos) fail("it holds a zero byte");
      if (is_blank(line.front())) {
        data(line);
      } else {
        ended = header(line);
      }
    }
    if (!ended) fail("the file ends without ENDATA");
    if (!seen_columns_ || !seen_rows_) fail("there is no ROWS or no COLUMNS section");
    finish();
    return {std::move(model_), std::move(notes_)};
  }

 private:
  enum class section { none, rows, columns, rhs, ranges, bounds, sense, objective_name };
  bool header(std::string_view line) {
    std::string_view word = line.substr(0, line.find_first_of(" \t"));
    const std::string_view rest = trimmed(line.substr(word.size()));
    if (same_word(word, "NAME")) {
      model_.set_name(std::string{rest});
      in_ = section::none;
    } else if (same_word(word, "ROWS")) {
      once(seen_rows_, "ROWS");
      in_ = section::rows;
    } else if (same_word(word, "COLUMNS")) {
      once(seen_columns_, "COLUMNS");
      if (!seen_rows_) fail("COLUMNS comes before ROWS");
      in_ = section::columns;
    } else if (same_word(word, "RHS")) {
      need_columns("RHS");
      in_ = section::rhs;
    } else if (same_word(word, "RANGES")) {
      need_columns("RANGES");
      in_ = section::ranges;
    } else if (same_word(word, "BOUNDS")) {
      need_columns("BOUNDS");
      in_ = section::bounds;
    } else if (same_word(word, "OBJSENSE") || same_word(word, "OBJSENS")) {
      in_ = section::sense;
      if (!rest.empty()) sense(rest);
    } else if (same_word(word, "OBJNAME") || same_word(word, "OBJECTIVE")) {
      in_ = section::objective_name;
      if (!rest.empty()) wanted_objective_ = std::string{rest};
    } else if (same_word(word, "ENDATA")) {
      return true;
    } else {
      fail("there is no section " + quoted(word) + " that a linear program could have here");
    }
    return false;
  }
  void once(bool& seen, const char* what) {
    if (seen) fail(std::string{"the section "} + what + " comes twice");
    seen = true;
  }
  void need_columns(const char* what) {
    if (!seen_columns_) fail(std::string{what} + " comes before COLUMNS");
  }

  void data(std::string_view line) {
    const fields f = split(line);
    switch (in_) {
      case section::rows:
        return row(f);
      case section::columns:
        return column(f);
      case section::rhs:
        return pairs(f, rhs_set_, "RHS", [&](std::string_view r, std::string_view v) { right_hand_side(r, v); });
      case section::ranges:
        return pairs(f, ranges_set_, "RANGES", [&](std::string_view r, std::string_view v) { range(r, v); });
      case section::bounds:
        return bound(f);
      case section::sense:
        return sense(trimmed(line));
      case section::objective_name:
        wanted_objective_ = std::string{trimmed(line)};
        return;
      case section::none:
        fail("there is data before any section");
    }
  }

  void sense(std::string_view word) {
    if (same_word(word, "MAX") || same_word(word, "MAXIMIZE") || same_word(word, "MAXIMISE")) {
      model_.set_sense(objective_sense::maximize);
    } else if (same_word(word, "MIN") || same_word(word, "MINIMIZE") || same_word(word, "MINIMISE")) {
      model_.set_sense(objective_sense::minimize);
    } else {
      fail("OBJSENSE must be MIN or MAX, found " + quoted(word));
    }
  }

  void row(const fields& f) {
    std::string_view kind = f.count > 0 ? f.at[0] : std::string_view{};
    std::string_view row_name = f.count > 1 ? f.at[1] : std::string_view{};
    if (f.count < 2) fail("a row needs a kind and a name");
    if (!fixed_ && f.count > 2) fail("a row has two fields; names with blanks need the fixed format");
    if (kind.size() != 1 || row_name.empty()) fail("a row needs a kind N, L, G or E and a name");
    const char letter = kind[0] >= 'a' ? static_cast<char>(kind[0] - 'a' + 'A') : kind[0];
    int index = -1;
    if (letter == 'N') {
      if (objective_.empty() && (wanted_objective_.empty() || wanted_objective_ == row_name)) {
        objective_ = std::string{row_name};
        index = objective_row;
      } else {
        index = ignored_row;
        note("row " + quoted(row_name) + " is a further N row and is left out");
      }
    } else if (letter == 'L' || letter == 'G' || letter == 'E') {
      index = model_.add_row(letter == 'L' ? -infinity : 0, letter == 'G' ? infinity : 0);
      model_.set_row_name(index, std::string{row_name});
      kinds_.push_back(letter);
      ranged_.push_back(0);
      given_.push_back(0);
      right_.push_back(0);
      range_.push_back(0);
      last_column_.push_back(-1);
    } else {
      fail("a row is N, L, G or E, found " + quoted(kind));
    }
    if (!rows_.emplace(std::string{row_name}, index).second) fail("row " + quoted(row_name) + " comes twice");
  }

  void column(const fields& f) {
    // Free: name 'MARKER' 'INTORG'; fixed: the word in the third field and the other in the fifth.
    const int word_at = fixed_ ? 2 : 1, kind_at = fixed_ ? 4 : 2;
    if (f.count > word_at && f.at[word_at] == "'MARKER'") {
      const std::string_view kind = f.count > kind_at ? f.at[kind_at] : std::string_view{};
      if (f.count != kind_at + 1 || (kind != "'INTORG'" && kind != "'INTEND'")) {
        fail("a MARKER must be 'INTORG' or 'INTEND'");
      }
      whole_ = kind == "'INTORG'";
      return;
    }
    const int first = fixed_field(1);
    if (f.count <= first) fail("a column needs a name");
    const std::string_view column_name = f.at[first];
    if (column_name.empty()) fail("a column needs a name");
    const int left = f.count - first - 1;
    if (left != 2 && left != 4) fail("a column has one or two pairs of a row and a number");
    if (current_ < 0 || column_name != current_name_) {
      current_name_ = std::string{column_name};
      current_ = model_.add_column(0, 0, infinity);
      if (!columns_.emplace(current_name_, current_).second) {
        fail("column " + quoted(column_name) + " comes twice; its entries must follow each other");
      }
      model_.set_column_name(current_, current_name_);
      if (whole_) model_.set_integer(current_);
      bounded_.push_back(0);
      marked_.push_back(whole_ ? 1 : 0);
      lower_given_.push_back(0);
      cost_given_ = false;
    }
    for (int k = 0; k < left; k += 2) entry(f.at[first + 1 + k], f.at[first + 2 + k]);
  }
  void entry(std::string_view row_name, std::string_view text) {
    const int r = row_of(row_name);
    const double value = finite(text);
    if (r == objective_row) {
      if (cost_given_) fail("column " + quoted(current_name_) + " has its cost twice");
      cost_given_ = true;
      model_.set_cost(current_, value);
    } else if (r >= 0) {
      if (last_column_[r] == current_)
        fail("column " + quoted(current_name_) + " has row " + quoted(row_name) + " twice");
      last_column_[r] = current_;
      index_.push_back(r);
      owner_.push_back(current_);
      value_.push_back(value);
    }
  }
  int row_of(std::string_view row_name) const {
    const auto at = rows_.find(std::string{row_name});
    if (at == rows_.end()) fail("there is no row " + quoted(row_name));
    return at->second;
  }
  [[nodiscard]] int fixed_field(int field) const { return fixed_ ? field : field - 1; }

  /// Lines of RHS and RANGES: a set's name, which may be missing, and one or two pairs.
  template <class Take>
  void pairs(const fields& f, std::string& set, const char* what, Take&& take) {
    int at = 0;
    std::string_view set_name;
    if (fixed_) {
      set_name = f.at[1];
      at = 2;
    } else if (f.count % 2 == 1) {
      set_name = f.at[0];
      at = 1;
    }
    const int left = f.count - at;
    if (left != 2 && left != 4) fail(std::string{"a line of "} + what + " has one or two pairs of a row and a number");
    if (!first_set(set, set_name, what)) return;
    for (int k = 0; k < left; k += 2) take(f.at[at + k], f.at[at + k + 1]);
  }
  /// Only the first set of each kind counts.
  bool first_set(std::string& set, std::string_view set_name, const char* what) {
    const std::string tagged = std::string{"="}.append(set_name);
    if (set.empty()) set = tagged;
    if (set == tagged) return true;
    if (noted_set_ != tagged) {
      note(std::string{"a second set of "} + what + ", " + quoted(set_name) + ", is left out");
      noted_set_ = tagged;
    }
    return false;
  }

  void right_hand_side(std::string_view row_name, std::string_view text) {
    const int r = row_of(row_name);
    const double value = finite(text);
    if (r == objective_row) {
      model_.set_offset(-value);
    } else if (r >= 0) {
      if (given_[r] != 0) fail("row " + quoted(row_name) + " has its right-hand side twice");
      given_[r] = 1;
      right_[r] = value;
    }
  }
  void range(std::string_view row_name, std::string_view text) {
    const int r = row_of(row_name);
    const double value = finite(text);
    if (r == objective_row || r == ignored_row) {
      note("a range of an N row is left out");
      return;
    }
    if (ranged_[r] != 0) fail("row " + quoted(row_name) + " has its range twice");
    ranged_[r] = 1;
    range_[r] = value;
  }

  void bound(const fields& f) {
    if (f.count < 1) fail("a bound needs a kind");
    const std::string_view kind = f.at[0];
    const auto is = [&](std::string_view word) { return same_word(kind, word); };
    const bool bare = is("FR") || is("MI") || is("PL") || is("BV");
    if (!bare && !is("UP") && !is("LO") && !is("FX") && !is("LI") && !is("UI")) {
      fail("bounds are UP, LO, FX, FR, MI, PL, BV, LI or UI; " + quoted(kind) + " is none that is known");
    }
    std::string_view set_name, column_name, text;
    if (fixed_) {
      set_name = f.at[1];
      column_name = f.at[2];
      text = f.count > 3 ? f.at[3] : std::string_view{};
    } else if (bare) {
      // With or without a set, with or without a number that says nothing.
      if (f.count == 2) {
        column_name = f.at[1];
      } else if (f.count == 3 && columns_.contains(std::string{f.at[2]})) {
        set_name = f.at[1];
        column_name = f.at[2];
      } else if (f.count == 3) {
        column_name = f.at[1];
      } else if (f.count == 4) {
        set_name = f.at[1];
        column_name = f.at[2];
      } else {
        fail("a bound of kind " + quoted(kind) + " needs a column");
      }
    } else if (f.count == 3) {
      column_name = f.at[1];
      text = f.at[2];
    } else if (f.count == 4) {
      set_name = f.at[1];
      column_name = f.at[2];
      text = f.at[3];
    } else {
      fail("a bound has a kind, a set, a column and a number");
    }
    const auto at = columns_.find(std::string{column_name});
    if (at == columns_.end()) fail("there is no column " + quoted(column_name));
    if (!first_set(bounds_set_, set_name, "BOUNDS")) return;
    const int j = at->second;
    double lower = model_.column_lower(j), upper = model_.column_upper(j);
    const double value = bare ? 0 : number(text);
    if (value != value) fail("a bound must be a number");
    bounded_[j] = 1;
    if (is("UP") || is("UI")) {
      upper = value;
      if (value < 0 && lower == 0 && lower_given_[j] == 0) {
        lower = -infinity;
        note("column " + quoted(column_name) + " has a negative upper bound and no lower one, so it has none below");
      }
      if (is("UI")) model_.set_integer(j);
    } else if (is("LO") || is("LI")) {
      lower = value;
      lower_given_[j] = 1;
      if (is("LI")) model_.set_integer(j);
    } else if (is("FX")) {
      lower = upper = value;
      lower_given_[j] = 1;
    } else if (is("FR")) {
      lower = -infinity;
      upper = infinity;
      lower_given_[j] = 1;
    } else if (is("MI")) {
      lower = -infinity;
      lower_given_[j] = 1;
    } else if (is("PL")) {
      upper = infinity;
    } else {
      lower = 0;
      upper = 1;
      lower_given_[j] = 1;
      model_.set_integer(j);
    }
    if (lower >= 1e30 || upper <= -1e30) fail("the bound leaves no value for column " + quoted(column_name));
    model_.set_column_bounds(j, lower, upper);
  }

  void finish() {
    if (objective_.empty()) {
      if (!wanted_objective_.empty()) fail("there is no N row " + quoted(wanted_objective_) + " for the objective");
      note("there is no N row, so the objective is zero");
    }
    model_.set_objective_name(objective_);
    for (int i = 0; i < model_.rows(); ++i) {
      const double right = right_[i], size = range_[i] < 0 ? -range_[i] : range_[i];
      double lower = kinds_[i] == 'L' ? -infinity : right, upper = kinds_[i] == 'G' ? infinity : right;
      if (ranged_[i] != 0) {
        if (kinds_[i] == 'L' || (kinds_[i] == 'E' && range_[i] < 0)) lower = right - size;
        if (kinds_[i] == 'G' || (kinds_[i] == 'E' && range_[i] > 0)) upper = right + size;
      }
      model_.set_row_bounds(i, lower, upper);
    }
    // Whole columns between markers that have no bounds are 0 or 1, as in CPLEX.
    for (int j = 0; j < model_.columns(); ++j) {
      if (marked_[j] != 0 && bounded_[j] == 0) model_.set_column_bounds(j, 0, 1);
    }
    sparse_matrix a;
    a.rows = model_.rows();
    a.columns = model_.columns();
    a.begin.assign(a.columns + 1, 0);
    for (const int j : owner_) ++a.begin[j + 1];
    for (int j = 0; j < a.columns; ++j) a.begin[j + 1] += a.begin[j];
    a.index = std::move(index_);  // columns come in order, so entries do
    a.value = std::move(value_);
    model_.take_matrix(std::move(a));
  }

  static constexpr int objective_row = -1, ignored_row = -2;

  lp model_;
  section in_ = section::none;
  bool seen_rows_ = false, seen_columns_ = false, whole_ = false, cost_given_ = false;
  std::string objective_, wanted_objective_, rhs_set_, ranges_set_, bounds_set_, noted_set_, current_name_;
  int current_ = -1;
  std::unordered_map<std::string, int> rows_, columns_;
  table<char> kinds_, ranged_, given_, bounded_, marked_, lower_given_;
  table<double> right_, range_, value_;
  table<int> index_, owner_, last_column_;
};

}  // namespace detail

/// Reads a linear program in MPS format; `name` is what messages call the text.
///
/// Sections NAME, OBJSENSE, OBJNAME, ROWS, COLUMNS with markers of whole columns, RHS, RANGES, BOUNDS, ENDATA. The
/// first N row is the objective and further ones are left out; only the first set of right-hand sides, ranges and
/// bounds counts. A right-hand side r of the objective row makes the objective c.x - r. RANGES R on an L row: [rhs -
/// |R|, rhs], on a G row: [rhs, rhs + |R|], on an E row: [rhs, rhs + R] or [rhs + R, rhs] by its sign. A negative UP
/// bound with no lower one before it makes the lower one minus infinity. Whole columns between markers without bounds
/// are 0 or 1. What was left out or is a matter of convention is in `notes`. Throws: io with the line number where the
/// text is anything else, such as quadratic or cone sections.
inline model_text<lp> parse_mps(std::string_view text, std::string_view name,
                                mps_format format = mps_format::automatic) {
  if (format != mps_format::automatic) return detail::mps_reader{text, name, format == mps_format::fixed}.read();
  try {
    return detail::mps_reader{text, name, false}.read();
  } catch (const error& as_free) {
    try {
      return detail::mps_reader{text, name, true}.read();
    } catch (const error&) {
      throw as_free;
    }
  }
}

/// Reads an MPS file. Throws: io as `parse_mps` does, and where the file cannot be read.
inline model_text<lp> read_mps(const std::string& file, mps_format format = mps_format::automatic) {
  return parse_mps(read_text(file), file, format);
}

}  // namespace plait
