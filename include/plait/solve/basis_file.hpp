// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include <plait/core/require.hpp>
#include <plait/solve/basis.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/text.hpp>

namespace plait {

/// A basis in the MPS basis format (.bas): XU and XL pair a basic column with a row whose activity is not basic and at
/// its upper or lower bound; UL and LL name columns that are not basic, at their upper or lower bound; all else is a
/// basic row or a column at its lower bound. Throws: usage where the basis is not one of this model, such as the empty
/// one of an answer that has none.
inline std::string basis_text(const lp& model, const basis& b) {
  require(b.columns.size() == model.columns() && b.rows.size() == model.rows(), "basis_text", [&] {
    return "the basis has " + std::to_string(b.columns.size()) + " columns and " + std::to_string(b.rows.size()) +
           " rows, the model " + std::to_string(model.columns()) + " and " + std::to_string(model.rows());
  });
  std::string text = "NAME";
  if (!model.name().empty()) text.append(" ").append(model.name());
  text += "\n";
  int row = 0;
  for (int j = 0; j < model.columns(); ++j) {
    const basis_status s = b.columns[j];
    if (s == basis_status::basic) {
      while (row < model.rows() && b.rows[row] == basis_status::basic) ++row;
      if (row == model.rows()) continue;  // more basic variables than rows; the reader makes the rest nonbasic
      text += b.rows[row] == basis_status::upper ? " XU " : " XL ";
      text.append(model.column_name(j)).append(" ").append(model.row_name(row)).append("\n");
      ++row;
    } else if (s == basis_status::upper) {
      text.append(" UL ").append(model.column_name(j)).append("\n");
    }
  }
  return text + "ENDATA\n";
}

/// Reads what `basis_text` writes, fields apart by blanks. Throws: io with the line number where a name is unknown, or
/// used twice, or a line is anything else.
inline basis parse_basis(const lp& model, std::string_view text, std::string_view name) {
  std::unordered_map<std::string, int> rows, columns;
  for (int i = 0; i < model.rows(); ++i) rows.emplace(model.row_name(i), i);
  for (int j = 0; j < model.columns(); ++j) columns.emplace(model.column_name(j), j);
  basis b;
  b.columns.assign(model.columns(), basis_status::lower);
  for (int j = 0; j < model.columns(); ++j) {
    if (model.column_lower(j) == -infinity) {
      b.columns[j] = model.column_upper(j) < infinity ? basis_status::upper : basis_status::free;
    }
  }
  b.rows.assign(model.rows(), basis_status::basic);
  table<char> seen_column(model.columns(), 0), seen_row(model.rows(), 0);
  detail::line_reader lines{text};
  std::string_view line;
  bool ended = false;
  const auto fail = [&](const std::string& what) { detail::fail_at("parse_basis", name, lines.number(), what); };
  while (!ended && lines.next(line)) {
    if (line.empty() || line.front() == '*' || detail::trimmed(line).empty()) continue;
    std::string_view field[3];
    int count = 0;
    std::string_view rest = detail::trimmed(line);
    while (!rest.empty()) {
      const auto end = rest.find_first_of(" \t");
      if (count == 3) fail("there are more than three fields");
      field[count++] = rest.substr(0, end);
      rest = end == std::string_view::npos ? std::string_view{} : detail::trimmed(rest.substr(end));
    }
    if (!detail::is_blank(line.front())) {
      if (detail::same_word(field[0], "ENDATA")) {
        ended = true;
      } else if (!detail::same_word(field[0], "NAME")) {
        fail("a basis has the sections NAME and ENDATA alone");
      }
      continue;
    }
    const bool pair = detail::same_word(field[0], "XU") || detail::same_word(field[0], "XL");
    const bool single = detail::same_word(field[0], "UL") || detail::same_word(field[0], "LL");
    if (!(pair && count == 3) && !(single && count == 2)) fail("a line is XU or XL with two names, UL or LL with one");
    const auto j = columns.find(std::string{field[1]});
    if (j == columns.end()) fail("there is no column '" + std::string{field[1]} + "'");
    if (seen_column[j->second]++ != 0) fail("column '" + std::string{field[1]} + "' comes twice");
    if (single) {
      b.columns[j->second] = detail::same_word(field[0], "UL") ? basis_status::upper : basis_status::lower;
      continue;
    }
    const auto i = rows.find(std::string{field[2]});
    if (i == rows.end()) fail("there is no row '" + std::string{field[2]} + "'");
    if (seen_row[i->second]++ != 0) fail("row '" + std::string{field[2]} + "' comes twice");
    b.columns[j->second] = basis_status::basic;
    b.rows[i->second] = detail::same_word(field[0], "XU") ? basis_status::upper : basis_status::lower;
    if (model.row_lower(i->second) == -infinity && model.row_upper(i->second) == infinity) {
      b.rows[i->second] = basis_status::free;
    }
  }
  if (!ended) fail("the file ends without ENDATA");
  return b;
}

inline basis read_basis(const lp& model, const std::string& file) {
  return parse_basis(model, read_text(file), file);
}
inline void write_basis(const lp& model, const basis& b, const std::string& file) {
  write_text(file, basis_text(model, b));
}

}  // namespace plait
