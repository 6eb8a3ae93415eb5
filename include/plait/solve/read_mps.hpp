// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <plait/core/error.hpp>
#include <plait/solve/detail/mps_program.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/text.hpp>

namespace plait {

enum class mps_format {
  automatic,  ///< free; fixed where that cannot be read as free, because names hold blanks
  fixed,      ///< fields in columns 2-3, 5-12, 15-22, 25-36, 40-47, 50-61
  free        ///< fields apart by blanks
};

namespace detail {

/// Reads one MPS text in one of the two formats, section by section.
class mps_reader : mps_program {
 public:
  mps_reader(std::string_view text, std::string_view name, bool fixed) : mps_program{text, name, fixed} {}

  /// How far reading came.
  [[nodiscard]] int line() const { return lines_.number(); }

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
    while (lines_.next(line)) {
      if (line.empty() || line.front() == '*' || trimmed(line).empty()) continue;
      note("what follows ENDATA is left out");
      break;
    }
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
      if (!rest.empty()) objective_name(rest);
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
    if (in_ == section::columns && marker(line)) return;
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
        return objective_name(trimmed(line));
      case section::none:
        fail("there is data before any section");
    }
  }

  void sense(std::string_view word) {
    const bool most = same_word(word, "MAX") || same_word(word, "MAXIMIZE") || same_word(word, "MAXIMISE");
    if (!most && !same_word(word, "MIN") && !same_word(word, "MINIMIZE") && !same_word(word, "MINIMISE")) {
      fail("OBJSENSE must be MIN or MAX, found " + quoted(word));
    }
    const objective_sense said = most ? objective_sense::maximize : objective_sense::minimize;
    if (sense_given_ && said != model_.sense()) fail("OBJSENSE says both MIN and MAX");
    sense_given_ = true;
    model_.set_sense(said);
  }
  /// Rows are sorted into objectives and others as they are read, so the name must be known before.
  void objective_name(std::string_view wanted) {
    if (seen_rows_) fail("OBJNAME comes after ROWS; it must come before");
    if (!wanted_objective_.empty() && wanted_objective_ != wanted) fail("OBJNAME names two rows");
    wanted_objective_ = std::string{wanted};
  }

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
    const double value = bare ? 0 : number(text);
    if (value != value) fail("a bound must be a number");
    if (is("UI") || is("LI") || is("BV")) model_.set_integer(j);
    const bool both = is("FX") || is("FR") || is("BV");
    if (both || is("LO") || is("LI") || is("MI")) set_lower(j, is("FR") || is("MI") ? -infinity : value);
    if (both || is("UP") || is("UI") || is("PL")) {
      if (value < 0 && !both && model_.column_lower(j) == 0 && lower_given_[j] == 0) {
        model_.set_column_bounds(j, -infinity, model_.column_upper(j));
        note("column " + quoted(column_name) + " has a negative upper bound and no lower one, so it has none below");
      }
      set_upper(j, is("FR") || is("PL") ? infinity : is("BV") ? 1 : value);
    }
  }

  section in_ = section::none;
  bool seen_rows_ = false, seen_columns_ = false, sense_given_ = false;
  std::string rhs_set_, ranges_set_, bounds_set_, noted_set_;
};

}  // namespace detail

/// Reads a linear program in MPS format; `name` is what messages call the text.
///
/// Sections NAME, OBJSENSE, OBJNAME, ROWS, COLUMNS with markers of whole columns, RHS, RANGES, BOUNDS, ENDATA. The
/// first N row is the objective and further ones are left out; only the first set of right-hand sides, ranges and
/// bounds counts. A right-hand side r of the objective row makes the objective c.x - r. RANGES R on an L row: [rhs -
/// |R|, rhs], on a G row: [rhs, rhs + |R|], on an E row: [rhs, rhs + R] or [rhs + R, rhs] by its sign. A negative UP
/// bound with no lower one before it makes the lower one minus infinity. Whole columns between markers without bounds
/// are 0 or 1. What was left out or is a matter of convention is in `notes`. A number that is given twice is refused,
/// but for bounds that are the same, or of which one is no bound; of these the last counts, with a note. Throws: io
/// with the line number where the text is anything else, such as quadratic or cone sections; where neither format fits,
/// of the one that was read further.
inline model_text<lp> parse_mps(std::string_view text, std::string_view name,
                                mps_format format = mps_format::automatic) {
  if (format != mps_format::automatic) return detail::mps_reader{text, name, format == mps_format::fixed}.read();
  return detail::read_either(detail::mps_reader{text, name, false}, detail::mps_reader{text, name, true});
}

/// Reads an MPS file. Throws: io as `parse_mps` does, and where the file cannot be read.
inline model_text<lp> read_mps(const std::string& file, mps_format format = mps_format::automatic) {
  return parse_mps(read_text(file), file, format);
}

}  // namespace plait
