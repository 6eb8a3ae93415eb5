// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <plait/core/require.hpp>
#include <plait/solve/detail/lp_tokens.hpp>
#include <plait/solve/detail/written_names.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/text.hpp>

namespace plait {

namespace detail {

/// Whether a name can stand in the LP format: letters, digits, _ and . that are no number, no section and no sign.
inline bool is_lp_name(std::string_view name) {
  if (name.empty() || (name.front() >= '0' && name.front() <= '9') || name.front() == '.') return false;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '.') return false;
  }
  return !is_section_word(name) && !is_infinity_word(name) && !same_word(name, "FREE") && !same_word(name, "SUBJECT") &&
         !same_word(name, "SUCH");
}

}  // namespace detail

/// A model in CPLEX LP format; reading it gives the same model to the bit, rows and columns in the same order. Only its
/// own name is not written, nor that of its objective where that cannot stand in the format.
///
/// Throws: usage where a name could not be told from a number, a section or a sign, where two columns or two rows have
/// the same name, or where bounds of a row cross.
inline std::string lp_text(const lp& model) {
  detail::require_different_names(model, "lp_text");
  const auto plain = [](const std::string& name) {
    require(detail::is_lp_name(name), "lp_text",
            [&] { return "the name '" + name + "' cannot stand in the LP format; rename it"; });
    return name;
  };
  const auto term = [&](double v, int j) {
    std::string text = v < 0 ? " - " : " + ";
    return text.append(detail::number_text(v < 0 ? -v : v)).append(" ").append(plain(model.column_name(j)));
  };
  const auto bound = [](double v) {
    return v == infinity ? std::string{"inf"} : v == -infinity ? std::string{"-inf"} : detail::number_text(v);
  };
  std::string text = model.sense() == objective_sense::maximize ? "Maximize\n" : "Minimize\n";
  text.append(" ").append(detail::is_lp_name(model.objective_name()) ? model.objective_name() : "obj").append(":");
  // Every column is named here, so that reading finds them in this order.
  for (int j = 0; j < model.columns(); ++j) {
    text += term(model.cost(j), j);
    if (j % 8 == 7) text += "\n";
  }
  if (model.offset() != 0)
    text.append(model.offset() < 0 ? " - " : " + ")
        .append(detail::number_text(model.offset() < 0 ? -model.offset() : model.offset()));
  text += "\nSubject To\n";
  sparse_matrix rows;
  transpose(model.matrix(), rows);
  for (int i = 0; i < model.rows(); ++i) {
    const double l = model.row_lower(i), u = model.row_upper(i);
    require(l <= u, "lp_text", [&] { return "row " + model.row_name(i) + " has bounds that cross"; });
    text.append(" ").append(plain(model.row_name(i))).append(":");
    const bool no_columns = model.columns() == 0;  // 0 <= 1 would be the start of a row with two relations
    if (no_columns || (l > -infinity && u < infinity && l != u)) {
      text.append(" ").append(bound(l)).append(" <=");
    }
    for (int k = rows.begin[i]; k < rows.begin[i + 1]; ++k) text += term(rows.value[k], rows.index[k]);
    if (rows.begin[i] == rows.begin[i + 1]) text += no_columns ? std::string{" 0"} : term(0, 0);
    if (no_columns) {
      text.append(" <= ").append(bound(u));
    } else if (l == u) {
      text.append(" = ").append(detail::number_text(u));
    } else if (u < infinity) {
      text.append(" <= ").append(detail::number_text(u));
    } else if (l > -infinity) {
      text.append(" >= ").append(detail::number_text(l));
    } else {
      text += " >= -inf";
    }
    text += "\n";
  }
  text += "Bounds\n";
  for (int j = 0; j < model.columns(); ++j) {
    const double l = model.column_lower(j), u = model.column_upper(j);
    const std::string name = model.column_name(j);
    if (l == 0 && u == infinity) continue;
    if (l == -infinity && u == infinity) {
      text.append(" ").append(name).append(" free\n");
      continue;
    }
    text.append(" ").append(bound(l)).append(" <= ").append(name).append(" <= ").append(bound(u)).append("\n");
  }
  if (model.has_integers()) {
    text += "Generals\n";
    for (int j = 0; j < model.columns(); ++j)
      if (model.is_integer(j)) text.append(" ").append(model.column_name(j)).append("\n");
  }
  return text + "End\n";
}

inline void write_lp(const lp& model, const std::string& file) {
  write_text(file, lp_text(model));
}

}  // namespace plait
