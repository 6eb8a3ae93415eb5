// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <plait/solve/detail/mps_lines.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

/// The program that an MPS text describes, as far as it has been read: its rows, columns, right-hand sides and ranges.
class mps_program : protected mps_lines {
 protected:
  using mps_lines::mps_lines;

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

  /// A line name 'MARKER' 'INTORG', or 'INTEND'. Fixed files have the words in their columns or, most of them,
  /// elsewhere.
  bool marker(std::string_view line) {
    if (line.find("'MARKER'") == std::string_view::npos) return false;
    const fields f = split_by_blanks(line);
    if (f.count < 2 || f.at[f.count - 2] != "'MARKER'") return false;
    const std::string_view kind = f.at[f.count - 1];
    if ((!fixed_ && f.count != 3) || (kind != "'INTORG'" && kind != "'INTEND'"))
      fail("a MARKER must be 'INTORG' or 'INTEND'");
    const bool whole = kind == "'INTORG'";
    if (whole == whole_) note("the marker " + std::string{kind} + " changes nothing");
    if (whole != whole_) marker_line_ = lines_.number();
    whole_ = whole;
    return true;
  }

  void column(const fields& f) {
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
      marked_.push_back(whole_ ? lines_.number() : 0);
      lower_given_.push_back(0);
      upper_given_.push_back(0);
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

  void right_hand_side(std::string_view row_name, std::string_view text) {
    const int r = row_of(row_name);
    const double value = finite(text);
    if (r == objective_row) {
      if (offset_given_) fail("the objective " + quoted(row_name) + " has its right-hand side twice");
      offset_given_ = true;
      model_.set_offset(-value);
    } else if (r >= 0) {
      if (given_[r] != 0) fail("row " + quoted(row_name) + " has its right-hand side twice");
      given_[r] = lines_.number();
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
    ranged_[r] = lines_.number();
    range_[r] = value;
  }

  void set_lower(int j, double value) {
    twice(j, "lower", lower_given_[j] != 0, model_.column_lower(j), value);
    lower_given_[j] = 1;
    if (value >= 1e30) no_value(j);
    model_.set_column_bounds(j, value, model_.column_upper(j));
  }
  void set_upper(int j, double value) {
    twice(j, "upper", upper_given_[j] != 0, model_.column_upper(j), value);
    upper_given_[j] = 1;
    if (value <= -1e30) no_value(j);
    model_.set_column_bounds(j, model_.column_lower(j), value);
  }
  void twice(int j, const char* which, bool given, double before, double now) {
    if (!given || now == before) return;
    const bool numbers = before - before == 0 && now > -1e30 && now < 1e30;
    const std::string what = "column " + quoted(model_.column_name(j)) + " has its " + which + " bound twice";
    if (numbers) fail(what);
    note(what + ", of which the last counts");
  }
  [[noreturn]] void no_value(int j) const {
    fail("the bound leaves no value for column " + quoted(model_.column_name(j)));
  }

  /// Puts together what all sections said.
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
      if (lower >= 1e30 || upper <= -1e30) {
        fail_at("read_mps", name_, given_[i] > ranged_[i] ? given_[i] : ranged_[i],
                "the right-hand side leaves no value for row " + quoted(model_.row_name(i)));
      }
      model_.set_row_bounds(i, lower, upper);
    }
    if (whole_) note_at(marker_line_, "the marker 'INTORG' has no 'INTEND', so all columns after it are whole");
    marked_columns();
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

  /// Whole columns between markers that have no bounds are 0 or 1, as in CPLEX, CBC, GLPK and HiGHS.
  void marked_columns() {
    int first = -1, count = 0;
    for (int j = 0; j < model_.columns(); ++j) {
      if (marked_[j] == 0 || lower_given_[j] != 0 || upper_given_[j] != 0) continue;
      model_.set_column_bounds(j, 0, 1);
      if (count++ == 0) first = j;
    }
    if (count == 0) return;
    std::string what = "column " + quoted(model_.column_name(first));
    if (count > 1) what += " and " + std::to_string(count - 1) + " more";
    note_at(marked_[first], what + " between markers without bounds: 0 or 1 is taken");
  }

  static constexpr int objective_row = -1, ignored_row = -2;

  lp model_;
  bool whole_ = false, cost_given_ = false, offset_given_ = false;
  std::string objective_, wanted_objective_, current_name_;
  int current_ = -1, marker_line_ = 0;
  std::unordered_map<std::string, int> rows_, columns_;
  table<char> kinds_, lower_given_, upper_given_;
  table<int> ranged_, given_, marked_;  // the lines of it, 0 for none
  table<double> right_, range_, value_;
  table<int> index_, owner_, last_column_;
};

}  // namespace plait::detail
