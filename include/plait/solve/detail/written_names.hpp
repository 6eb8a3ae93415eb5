// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>

#include <plait/core/require.hpp>
#include <plait/solve/lp.hpp>

namespace plait::detail {

/// What is written by name can be read back only where no two columns have the same, nor two rows; x1 is also the name
/// of a column 1 that was given none. Throws: usage.
inline void require_different_names(const lp& model, std::string_view call) {
  std::unordered_set<std::string> seen;
  const auto look = [&](const char* what, const std::string& name) {
    require(seen.insert(name).second, call,
            [&] { return std::string{"two "} + what + " have the name '" + name + "'; rename one"; });
  };
  for (int j = 0; j < model.columns(); ++j) look("columns", model.column_name(j));
  seen.clear();
  for (int i = 0; i < model.rows(); ++i) look("rows", model.row_name(i));
}

/// The first line of MPS and basis files. Throws: usage where the model's name would be more than a line.
inline std::string name_line(const lp& model) {
  require(model.name().find_first_of("\r\n") == std::string::npos, "name_line",
          "the name of the model holds a line end; rename it");
  return model.name().empty() ? std::string{"NAME\n"} : "NAME " + model.name() + "\n";
}

}  // namespace plait::detail
