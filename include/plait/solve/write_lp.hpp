// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <plait/core/require.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/sparse_matrix.hpp>
#include <plait/solve/text.hpp>

namespace plait {

/// A model in CPLEX LP format; reading it gives the same model, with columns in the same order.
///
/// Throws: usage where a name could not be told from a number, a section or a sign, or where bounds of a row cross.
inline std::string lp_text(const lp& model) {
  const auto plain = [](const std::string& name) {
    bool good = !name.empty() && !((name.front() >= '0' && name.front() <= '9') || name.front() == '.');
    for (const char c : name) {
      good =
          good && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.');
    }
    for (const char* word :
         {"FREE", "INF",     "INFINITY", "ST",  "END",    "BOUNDS",   "BOUND",   "GENERAL", "GENERALS", "GEN",
          "INT",  "INTEGER", "INTEGERS", "BIN", "BINARY", "BINARIES", "SUBJECT", "SUCH",    "SEMI",     "SOS"}) {
      good = good && !detail::same_word(name, word);
    }
    require(good, "lp_text", [&] { return "the name '" + name + "' cannot stand in the LP format; rename it"; });
    return name;
  };
  const auto term = [&](double v, int j) {
    std::string text = v < 0 ? " - " : " + ";
    return text.append(detail::number_text(v < 0 ? -v : v)).append(" ").append(plain(model.column_name(j)));
  };
  std::string text = model.sense() == objective_sense::maximize ? "Maximize\n" : "Minimize\n";
  text += " obj:";
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
    if (l > -infinity && u < infinity && l != u) text.append(" ").append(detail::number_text(l)).append(" <=");
    for (int k = rows.begin[i]; k < rows.begin[i + 1]; ++k) text += term(rows.value[k], rows.index[k]);
    if (rows.begin[i] == rows.begin[i + 1]) text += model.columns() > 0 ? term(0, 0) : std::string{" 0"};
    if (l == u) {
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
    text.append(" ").append(l == -infinity ? std::string{"-inf"} : detail::number_text(l)).append(" <= ").append(name);
    text.append(" <= ").append(u == infinity ? std::string{"inf"} : detail::number_text(u)).append("\n");
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
