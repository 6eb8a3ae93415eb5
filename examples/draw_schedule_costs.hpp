// SPDX-License-Identifier: Apache-2.0
#pragma once

// What passes cost draw_schedule: from the command line or a JSON file, for a model that is cut into pieces.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/core/require.hpp>
#include <plait/schedule/costs.hpp>

#include <nlohmann/json.hpp>

namespace draw_schedule {

using plait::error;
using plait::error_kind;
using plait::require;
using plait::stage_costs;
using plait::step_costs;

/// What the pieces of a model cost; one that has no `pieces` is cut into any number of equal ones.
struct model_costs {
  std::vector<stage_costs> pieces{};
  stage_costs each{};
  double message = 0;

  [[nodiscard]] step_costs of(std::vector<stage_costs> stages) const {
    return {.stages = std::move(stages), .between_ranks = {.latency = {message}}};
  }
  [[nodiscard]] step_costs of_stages(int stages) const {
    const auto count = static_cast<std::size_t>(stages);
    require(pieces.empty() || pieces.size() == count, "--costs-file", [&] {
      return "the file has costs of " + std::to_string(pieces.size()) + " stages, and there are " +
             std::to_string(stages);
    });
    return of(pieces.empty() ? std::vector<stage_costs>(count, each) : pieces);
  }
};

inline double number_of(const nlohmann::json& value, const std::string& what) {
  require(value.is_number() && std::isfinite(value.get<double>()) && value.get<double>() >= 0, "--costs-file",
          [&] { return what + " must be a number that is not negative"; });
  return value.get<double>();
}

inline stage_costs stage_from(const nlohmann::json& stage, std::size_t index) {
  const std::string what = "stage " + std::to_string(index);
  if (stage.is_array()) {
    require(stage.size() == 3, "--costs-file", [&] { return what + " must have three costs: forward, input, weight"; });
    return {number_of(stage[0], what), number_of(stage[1], what), number_of(stage[2], what)};
  }
  const auto cost = [&](const char* name) {
    require(stage.is_object() && stage.contains(name), "--costs-file", [&] { return what + " lacks " + name; });
    return number_of(stage[name], what + ": " + name);
  };
  return {cost("forward"), cost("backward_input"), cost("backward_weight")};
}

/// each: time of a forward pass, of an input half and of a weight half.   message: time of a message between ranks.
/// file: empty, or JSON that says more. Throws: usage and io, for times that cannot be and files that cannot be read.
inline model_costs costs_of(const std::vector<double>& each, double message, const std::string& file) {
  for (const double cost : {each[0], each[1], each[2], message})
    require(std::isfinite(cost) && cost >= 0, "--costs, --message", "times must be finite and not negative");
  model_costs costs{.each = {each[0], each[1], each[2]}, .message = message};
  if (file.empty()) return costs;
  std::ifstream in{file};
  if (!in) throw error{error_kind::io, "--costs-file", "cannot read " + file};
  const nlohmann::json all = nlohmann::json::parse(in, nullptr, /*allow_exceptions=*/false);
  const nlohmann::json& stages = all.is_object() && all.contains("stages") ? all["stages"] : all;
  if (!stages.is_array() || stages.empty())
    throw error{error_kind::io, "--costs-file", file + " must be JSON with an array of stages"};
  for (const nlohmann::json& stage : stages) costs.pieces.push_back(stage_from(stage, costs.pieces.size()));
  if (all.is_object() && all.contains("message")) costs.message = number_of(all["message"], "message");
  return costs;
}

/// The costs of a model that is cut into `to` stages instead of as many as it has costs for; none where neither number
/// divides the other. Stages that are joined take the sum, those that are cut equal parts.
inline std::vector<stage_costs> cut_again(const std::vector<stage_costs>& from, int stages) {
  const std::size_t to = static_cast<std::size_t>(stages), count = from.size();
  if (count % to != 0 && to % count != 0) return {};
  std::vector<stage_costs> result(to, stage_costs{0, 0, 0});
  const std::size_t parts = to > count ? to / count : 1;
  for (std::size_t i = 0; i < std::max(to, count); ++i) {
    stage_costs& into = result[i * to / std::max(to, count)];
    const stage_costs& piece = from[i * count / std::max(to, count)];
    into.forward += piece.forward / static_cast<double>(parts);
    into.backward_input += piece.backward_input / static_cast<double>(parts);
    into.backward_weight += piece.backward_weight / static_cast<double>(parts);
  }
  return result;
}

}  // namespace draw_schedule
