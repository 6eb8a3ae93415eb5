// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include <plait/core/error.hpp>
#include <plait/core/require.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/detail/mps_lines.hpp>
#include <plait/solve/detail/written_names.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/text.hpp>

namespace plait {

/// A basis in the MPS basis format (.bas): XU and XL pair a basic column with a row whose activity is not basic and at
/// its upper or lower bound; UL and LL name columns that are not basic, at their upper or lower bound; all else is a
/// basic row or a column at its lower bound. What shows an infeasible or unbounded end follows in comments, which other
/// programs pass over: `* farkas VALUE ROW` and `* ray VALUE COLUMN`, zeros left out.
///
/// Fields are apart by a blank; where a name holds blanks, they are in the columns of the fixed format, 5-12 and 15-22.
/// Throws: usage where the basis is not one of this model, such as the empty one of an answer that has none, or where
/// names are equal, or hold blanks and one is longer than the fixed format's eight characters.
inline std::string basis_text(const lp& model, const basis& b) {
  require(b.columns.size() == model.columns() && b.rows.size() == model.rows(), "basis_text", [&] {
    return "the basis has " + std::to_string(b.columns.size()) + " columns and " + std::to_string(b.rows.size()) +
           " rows, the model " + std::to_string(model.columns()) + " and " + std::to_string(model.rows());
  });
  detail::require_different_names(model, "basis_text");
  bool fixed = false;
  std::size_t longest = 0;
  const auto look = [&](const std::string& name) {
    fixed = fixed || name.find(' ') != std::string::npos;
    if (name.size() > longest) longest = name.size();
    require(name.find_first_of("\t\r\n") == std::string::npos && name == detail::trimmed(name), "basis_text", [&] {
      return "the name '" + name + "' starts or ends with a blank or holds a tab or line end; rename it";
    });
  };
  for (int j = 0; j < model.columns(); ++j) look(model.column_name(j));
  for (int i = 0; i < model.rows(); ++i) look(model.row_name(i));
  require(!fixed || longest <= 8, "basis_text",
          "names with blanks can be told apart in a basis file only where all have eight characters at most; rename");
  std::string text = detail::name_line(model);
  const auto line = [&](const char* kind, std::string column, const std::string& row) {
    if (fixed && !row.empty()) column.resize(10, ' ');
    text.append(" ").append(kind).append(" ").append(column).append(fixed || row.empty() ? "" : " ").append(row) +=
        "\n";
  };
  int row = 0;
  for (int j = 0; j < model.columns(); ++j) {
    const basis_status s = b.columns[j];
    if (s == basis_status::basic) {
      while (row < model.rows() && b.rows[row] == basis_status::basic) ++row;
      if (row == model.rows()) continue;  // more basic variables than rows; the reader makes the rest nonbasic
      line(b.rows[row] == basis_status::upper ? "XU" : "XL", model.column_name(j), model.row_name(row));
      ++row;
    } else if (s == basis_status::upper) {
      line("UL", model.column_name(j), "");
    }
  }
  for (int i = 0; i < b.farkas.size() && i < model.rows(); ++i) {
    if (b.farkas[i] == 0) continue;
    text.append("* farkas ").append(detail::number_text(b.farkas[i])).append(" ").append(model.row_name(i)) += "\n";
  }
  for (int j = 0; j < b.ray.size() && j < model.columns(); ++j) {
    if (b.ray[j] == 0) continue;
    text.append("* ray ").append(detail::number_text(b.ray[j])).append(" ").append(model.column_name(j)) += "\n";
  }
  return text + "ENDATA\n";
}

namespace detail {

/// Reads a basis file whose fields are apart by blanks, or in the columns of the fixed format.
class basis_reader : mps_lines {
 public:
  basis_reader(const lp& model, std::string_view text, std::string_view name, bool fixed)
      : mps_lines{text, name, fixed, "parse_basis"}, model_{model} {}

  /// How far reading came.
  [[nodiscard]] int line() const { return lines_.number(); }

  basis read() {
    // A name that two have stands for -1.
    for (int i = 0; i < model_.rows(); ++i) {
      const auto [at, fresh] = rows_.emplace(model_.row_name(i), i);
      if (!fresh) at->second = -1;
    }
    for (int j = 0; j < model_.columns(); ++j) {
      const auto [at, fresh] = columns_.emplace(model_.column_name(j), j);
      if (!fresh) at->second = -1;
    }
    basis b;
    b.columns.assign(model_.columns(), basis_status::lower);
    for (int j = 0; j < model_.columns(); ++j) {
      if (model_.column_lower(j) == -infinity) {
        b.columns[j] = model_.column_upper(j) < infinity ? basis_status::upper : basis_status::free;
      }
    }
    b.rows.assign(model_.rows(), basis_status::basic);
    seen_column_.assign(model_.columns(), 0);
    seen_row_.assign(model_.rows(), 0);
    std::string_view line;
    while (lines_.next(line)) {
      if (trimmed(line).empty()) continue;
      if (line.front() == '*') {
        comment(line, "* farkas ", rows_, model_.rows(), b.farkas);
        comment(line, "* ray ", columns_, model_.columns(), b.ray);
        continue;
      }
      if (is_blank(line.front())) {
        data(b, split(line));
        continue;
      }
      const std::string_view word = line.substr(0, line.find_first_of(" \t"));
      if (same_word(word, "ENDATA")) return b;
      if (!same_word(word, "NAME")) fail("a basis has the sections NAME and ENDATA alone");
    }
    fail("the file ends without ENDATA");
  }

 private:
  using indices = std::unordered_map<std::string, int>;

  /// A number for a name, where that is what the comment says: whoever starts there looks what it is worth.
  static void comment(std::string_view line, std::string_view kind, const indices& names, int count,
                      table<double>& numbers) {
    if (line.substr(0, kind.size()) != kind) return;
    const std::string_view rest = line.substr(kind.size());
    const std::size_t blank = rest.find(' ');
    double value = 0;
    if (blank == std::string_view::npos || !parse_number(rest.substr(0, blank), value)) return;
    const auto at = names.find(std::string{trimmed(rest.substr(blank))});
    if (at == names.end() || at->second < 0) return;
    numbers.resize(count, 0.0);
    numbers[at->second] = value;
  }
  void data(basis& b, const fields& f) {
    const std::string_view kind = f.count > 0 ? f.at[0] : std::string_view{};
    const bool pair = same_word(kind, "XU") || same_word(kind, "XL");
    const bool single = same_word(kind, "UL") || same_word(kind, "LL");
    if (!(pair && f.count == 3) && !(single && f.count == 2)) {
      fail("a line is XU or XL with two names, UL or LL with one");
    }
    const int j = find(columns_, "column", f.at[1], seen_column_);
    if (single) {
      b.columns[j] = same_word(kind, "UL") ? basis_status::upper : basis_status::lower;
      return;
    }
    const int i = find(rows_, "row", f.at[2], seen_row_);
    b.columns[j] = basis_status::basic;
    b.rows[i] = same_word(kind, "XU") ? basis_status::upper : basis_status::lower;
    if (model_.row_lower(i) == -infinity && model_.row_upper(i) == infinity) b.rows[i] = basis_status::free;
  }
  int find(const indices& names, const char* what, std::string_view name, table<char>& seen) const {
    const auto at = names.find(std::string{name});
    if (at == names.end()) fail(std::string{"there is no "} + what + " " + quoted(name));
    if (at->second < 0) fail(std::string{"there are two of the "} + what + " " + quoted(name));
    if (seen[at->second]++ != 0) fail(std::string{what} + " " + quoted(name) + " comes twice");
    return at->second;
  }

  const lp& model_;
  indices rows_, columns_;
  table<char> seen_column_, seen_row_;
};

}  // namespace detail

/// Reads what `basis_text` writes: fields apart by blanks, or, where that cannot be read, in fixed columns. Throws: io
/// with the line number where a name is unknown, or used twice, or a line is anything else.
inline basis parse_basis(const lp& model, std::string_view text, std::string_view name) {
  return detail::read_either(detail::basis_reader{model, text, name, false},
                             detail::basis_reader{model, text, name, true});
}

inline basis read_basis(const lp& model, const std::string& file) {
  return parse_basis(model, read_text(file), file);
}
inline void write_basis(const lp& model, const basis& b, const std::string& file) {
  write_text(file, basis_text(model, b));
}

}  // namespace plait
