// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <plait/schedule/action.hpp>

namespace plait::detail {

/// One cell of an order as text: stage, operation, micro-batch.
struct csv_cell {
  op kind = op::forward;
  int stage = 0;
  int micro = 0;
};

/// How operations are written; those that no order of plait has are read and passed over.
struct csv_operation {
  std::string_view text;
  op kind;
  bool passed_over = false;
};
inline constexpr std::array<csv_operation, 11> csv_operations{{
    {"F", op::forward},
    {"B", op::backward},
    {"I", op::backward_input},
    {"W", op::backward_weight},
    {"SEND_F", op::send_activation},
    {"RECV_F", op::receive_activation},
    {"SEND_B", op::send_gradient},
    {"RECV_B", op::receive_gradient},
    {"UNSHARD", op::forward, true},      // gathers a stage's parameters
    {"RESHARD", op::forward, true},      // lets them go
    {"REDUCE_GRAD", op::forward, true},  // sums its gradients
}};

/// `3F0`, `12SEND_B7`; empty for what has no text.
inline std::string csv_text(op kind, int stage, int micro) {
  for (const csv_operation& one : csv_operations)
    if (one.kind == kind) return std::to_string(stage).append(one.text).append(std::to_string(micro));
  return {};
}

/// What became of reading a cell: a pass or message, nothing (for what is passed over), or the reason why it is none.
struct csv_reading {
  std::optional<csv_cell> cell{};
  std::string_view fault{};
};

/// A number at the front of a text, which loses it; -1: there is none, -2: it is too large for stages and
/// micro-batches.
inline int csv_number(std::string_view& text) {
  int number = -1;
  while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
    number = number < 0 ? 0 : number;
    if (number >= 0 && number <= 32767) number = 10 * number + (text[0] - '0');
    text.remove_prefix(1);
  }
  return number > 32766 ? -2 : number;
}

/// Reads one pass or message.
inline csv_reading read_csv_cell(std::string_view text) {
  const int stage = csv_number(text);
  if (stage == -1) return {.fault = "a cell begins with the number of a stage"};
  std::size_t letters = 0;
  while (letters < text.size() && (text[letters] < '0' || text[letters] > '9')) ++letters;
  const std::string_view name = text.substr(0, letters);
  text.remove_prefix(letters);
  const csv_operation* found = nullptr;
  for (const csv_operation& one : csv_operations)
    if (one.text == name) found = &one;
  if (found == nullptr) return {.fault = "there is no such operation"};
  if (found->passed_over && text.empty()) return {};
  const int micro = csv_number(text);
  if (micro == -1) return {.fault = "it lacks the number of its micro-batch"};
  if (!text.empty()) return {.fault = "there is more after the number of its micro-batch"};
  if (stage == -2 || micro == -2) return {.fault = "stages and micro-batches count up to 32766"};
  if (found->passed_over) return {};
  return {.cell = csv_cell{found->kind, stage, micro}};
}

/// The two passes of `(0F5;7B2)OVERLAP_F_B`, or the reason why it is none.
struct csv_pair {
  csv_cell first{}, second{};
  std::string_view fault{};
};
inline csv_pair read_csv_pair(std::string_view text) {
  constexpr std::string_view end = ")OVERLAP_F_B";
  const std::size_t middle = text.find(';');
  if (text.size() < end.size() || text.substr(text.size() - end.size()) != end || middle == std::string_view::npos)
    return {.fault = "two passes that run together are written as (0F5;7B2)OVERLAP_F_B"};
  const csv_reading first = read_csv_cell(text.substr(1, middle - 1));
  const csv_reading second = read_csv_cell(text.substr(middle + 1, text.size() - end.size() - middle - 1));
  if (!first.fault.empty() || !second.fault.empty()) return {.fault = first.fault.empty() ? second.fault : first.fault};
  if (!first.cell || !second.cell || first.cell->kind != op::forward ||
      (second.cell->kind != op::backward && second.cell->kind != op::backward_input))
    return {.fault = "of two passes that run together the first is a forward pass, the second a backward pass"};
  return {*first.cell, *second.cell, {}};
}

}  // namespace plait::detail
