// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <plait/checkpoint/json.hpp>
#include <plait/core/error.hpp>
#include <plait/data/sampler.hpp>
#include <plait/mesh/axis.hpp>
#include <plait/tensor/dtype.hpp>
#include <plait/train/rank.hpp>

namespace plait {

/// What a checkpoint says of a run besides its tensors. Random numbers are drawn by (seed, tensor, step, element), so
/// the seed and the steps are all there is of their state.
struct run_state {
  std::int64_t steps = 0;  ///< made
  std::uint64_t seed = 0;  ///< of the trainer
  dtype type = dtype::f32;
  std::vector<std::string> optimizer_states{};
  std::optional<sampler_state> position{};

  friend bool operator==(const run_state&, const run_state&) = default;
};

/// `mean, square`, or `nothing`
inline std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& one : names) all.append(all.empty() ? "" : ", ").append(one);
  return all.empty() ? "nothing" : all;
}

/// The state as it stands in a manifest. The layout is told to whoever reads it; nothing depends on it.
inline json to_json(const run_state& state, const layout_handle& layout) {
  json position;
  if (state.position)
    position = json::object{{"samples", state.position->samples},
                            {"global_batch", state.position->global_batch},
                            {"seed", std::to_string(state.position->seed)},  // 64 bits without a sign
                            {"shuffled", state.position->shuffled},
                            {"epoch", state.position->epoch},
                            {"step", state.position->step}};
  json::object ways;
  for (const axis which : all_axes) ways.emplace_back(std::string{name_of(which)}, layout.mesh.ways[which]);
  ways.emplace_back("chunks", layout.mesh.chunks);
  ways.emplace_back("schedule", std::string{layout.schedule.name});
  return json::object{{"steps", state.steps},
                      {"seed", std::to_string(state.seed)},
                      {"dtype", std::string{name_of(state.type)}},
                      {"optimizer_states", json::array(state.optimizer_states.begin(), state.optimizer_states.end())},
                      {"position", std::move(position)},
                      {"layout", std::move(ways)}};
}

namespace detail {

/// Reads members of a JSON object; `name` is what messages call the file.
class state_parser {
 public:
  state_parser(const json& from, std::string_view name) : from_{&from}, name_{name} {}

  [[noreturn]] void fail(std::string_view key) const {
    throw error{error_kind::io, "run_state_of",
                std::string{name_}.append(" does not say what a run needs to go on: ").append(key)};
  }
  [[nodiscard]] const json& at(std::string_view key) const {
    const json* const value = from_->find(key);
    if (value == nullptr) fail(key);
    return *value;
  }
  [[nodiscard]] std::int64_t count(std::string_view key) const {
    const std::int64_t* const value = at(key).integer();
    if (value == nullptr || *value < 0) fail(key);
    return *value;
  }
  [[nodiscard]] bool flag(std::string_view key) const {
    if (at(key).boolean() == nullptr) fail(key);
    return *at(key).boolean();
  }
  [[nodiscard]] const std::string& text(std::string_view key) const {
    if (at(key).string() == nullptr) fail(key);
    return *at(key).string();
  }
  /// 64 bits without a sign, which stand as text.
  [[nodiscard]] std::uint64_t bits(std::string_view key) const {
    const std::string& digits = text(key);
    std::uint64_t value = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size()) fail(key);
    return value;
  }

 private:
  const json* from_;
  std::string_view name_;
};

}  // namespace detail

/// Reads what `to_json` made; `name` is what messages call the file. Throws: io.
inline run_state run_state_of(const json& from, std::string_view name) {
  const detail::state_parser read{from, name};
  run_state state{.steps = read.count("steps"), .seed = read.bits("seed")};
  bool known = false;
  for (const dtype one : {dtype::f32, dtype::f64})
    if (name_of(one) == read.text("dtype")) state.type = one, known = true;
  if (!known) read.fail("dtype");
  if (read.at("optimizer_states").elements() == nullptr) read.fail("optimizer_states");
  for (const json& one : *read.at("optimizer_states").elements()) {
    if (one.string() == nullptr) read.fail("optimizer_states");
    state.optimizer_states.push_back(*one.string());
  }
  if (read.at("position").is_null()) return state;
  const detail::state_parser inner{read.at("position"), name};
  state.position = sampler_state{.samples = inner.count("samples"),
                                 .global_batch = inner.count("global_batch"),
                                 .seed = inner.bits("seed"),
                                 .shuffled = inner.flag("shuffled"),
                                 .epoch = inner.count("epoch"),
                                 .step = inner.count("step")};
  return state;
}

}  // namespace plait
