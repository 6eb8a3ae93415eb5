// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <plait/core/require.hpp>
#include <plait/solve/detail/written_names.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/text.hpp>

namespace plait {

/// A model as free MPS text; reading it gives the same model, rows and columns in the same order, to the bit but for
/// rows with two different bounds: MPS says one and the distance to the other, which may be rounded.
///
/// Throws: usage where a name is empty or holds a blank, which free MPS cannot tell apart, where two columns or two
/// rows have the same name, or where the bounds of a row cross, which MPS cannot say.
inline std::string mps_text(const lp& model) {
  detail::require_different_names(model, "mps_text");
  const auto plain = [](const std::string& name) {
    require(!name.empty() && name.find_first_of(" \t\r\n") == std::string::npos && name.front() != '*' &&
                name != "'MARKER'",
            "mps_text", [&] {
              return "the name '" + name +
                     "' is empty, 'MARKER', holds a blank or starts with a star; rename it for free MPS";
            });
    return name;
  };
  const auto number = [](double v) { return detail::number_text(v); };
  std::string text = detail::name_line(model);
  if (model.sense() == objective_sense::maximize) text += "OBJSENSE\n    MAX\n";
  std::string objective = model.objective_name().empty() ? std::string{"COST"} : plain(model.objective_name());
  const int m = model.rows(), n = model.columns();
  const auto taken = [&](const std::string& name) {
    for (int i = 0; i < m; ++i)
      if (model.row_name(i) == name) return true;
    return false;
  };
  while (taken(objective)) objective += "_";
  text.append("ROWS\n N  ").append(objective).append("\n");
  table<double> right(m, 0.0), range(m, 0.0);
  table<char> kind(m, 'N');
  for (int i = 0; i < m; ++i) {
    const double l = model.row_lower(i), u = model.row_upper(i);
    require(l <= u, "mps_text",
            [&] { return "row " + model.row_name(i) + " has bounds that cross, which MPS cannot say"; });
    kind[i] = l == u ? 'E' : l > -infinity && u == infinity ? 'G' : u < infinity ? 'L' : 'N';
    right[i] = kind[i] == 'G' || kind[i] == 'E' ? l : u;
    if (kind[i] == 'N') {
      // A row without bounds: an L row whose bound is no bound.
      kind[i] = 'L';
      right[i] = 1e30;
    } else if (kind[i] == 'L' && l > -infinity) {
      range[i] = u - l;
      if (u - range[i] != l && l + range[i] == u) {  // from below it is exact
        kind[i] = 'G';
        right[i] = l;
      }
    }
    text.append(" ").append(1, kind[i]).append("  ").append(plain(model.row_name(i))).append("\n");
  }
  text += "COLUMNS\n";
  const sparse_matrix& a = model.matrix();
  bool whole = false;
  int markers = 0;
  const auto marker = [&](bool to) {
    if (whole == to) return;
    text.append("    MARKER").append(std::to_string(markers++)).append(" 'MARKER' ");
    text += to ? "'INTORG'\n" : "'INTEND'\n";
    whole = to;
  };
  for (int j = 0; j < n; ++j) {
    marker(model.is_integer(j));
    const std::string column = plain(model.column_name(j));
    if (model.cost(j) != 0 || a.begin[j] == a.begin[j + 1]) {
      text.append("    ").append(column).append(" ").append(objective).append(" ").append(number(model.cost(j))) +=
          "\n";
    }
    for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) {
      text.append("    ").append(column).append(" ").append(model.row_name(a.index[k])).append(" ");
      text.append(number(a.value[k])).append("\n");
    }
  }
  marker(false);
  text += "RHS\n";
  if (model.offset() != 0)
    text.append("    RHS ").append(objective).append(" ").append(number(-model.offset())) += "\n";
  for (int i = 0; i < m; ++i) {
    if (right[i] != 0) text.append("    RHS ").append(model.row_name(i)).append(" ").append(number(right[i])) += "\n";
  }
  text += "RANGES\n";
  for (int i = 0; i < m; ++i) {
    if (range[i] != 0) text.append("    RNG ").append(model.row_name(i)).append(" ").append(number(range[i])) += "\n";
  }
  text += "BOUNDS\n";
  for (int j = 0; j < n; ++j) {
    const double l = model.column_lower(j), u = model.column_upper(j);
    const std::string column = model.column_name(j);
    const auto line = [&](const char* type, double v) {
      text.append(" ").append(type).append(" BND ").append(column).append(" ").append(number(v)) += "\n";
    };
    const auto bare = [&](const char* type) { text.append(" ").append(type).append(" BND ").append(column) += "\n"; };
    if (l == u) {
      line("FX", l);
    } else if (l == -infinity && u == infinity) {
      bare("FR");
    } else {
      if (l == -infinity) {
        bare("MI");
      } else if (l != 0 || u < 0) {
        line("LO", l);
      }
      if (u < infinity) {
        line("UP", u);
      } else if (model.is_integer(j)) {
        bare("PL");
      }
    }
  }
  return text + "ENDATA\n";
}

inline void write_mps(const lp& model, const std::string& file) {
  write_text(file, mps_text(model));
}

}  // namespace plait
