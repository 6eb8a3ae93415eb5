// SPDX-License-Identifier: Apache-2.0
// What the readers of linear programs owe any text: each reads it or says its sentence, and what was read can be
// written and read again as the same model. For tests/solve/fuzz_formats.cpp and the fuzzer tests/fuzz/lp_formats.cpp.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include <plait/core/error.hpp>
#include <plait/solve/formats.hpp>

namespace formats {

using namespace plait;

/// What is the first thing in which two models differ; empty where they are the same. `rounded`: row bounds may differ
/// as much as MPS makes them, which says one and the distance to the other.
inline std::string difference(const lp& a, const lp& b, bool rounded) {
  if (a.rows() != b.rows() || a.columns() != b.columns() || a.entries() != b.entries()) return "size";
  if (a.sense() != b.sense() || a.offset() != b.offset()) return "sense or constant of the objective";
  const auto apart = [&](double l, double u, double x, double y) {
    if (x == y) return false;
    const double size = (l < 0 ? -l : l) + (u < 0 ? -u : u), away = x - y < 0 ? y - x : x - y;
    return !rounded || !(away <= 1e-15 * size) || size - size != 0;
  };
  for (int j = 0; j < a.columns(); ++j) {
    if (a.column_name(j) != b.column_name(j)) return "name of column " + a.column_name(j);
    if (a.cost(j) != b.cost(j)) return "cost of " + a.column_name(j);
    if (a.column_lower(j) != b.column_lower(j)) return "lower bound of " + a.column_name(j);
    if (a.column_upper(j) != b.column_upper(j)) return "upper bound of " + a.column_name(j);
    if (a.is_integer(j) != b.is_integer(j)) return "wholeness of " + a.column_name(j);
  }
  for (int i = 0; i < a.rows(); ++i) {
    const double l = a.row_lower(i), u = a.row_upper(i);
    if (a.row_name(i) != b.row_name(i)) return "name of row " + a.row_name(i);
    if (apart(l, u, l, b.row_lower(i))) return "lower bound of " + a.row_name(i);
    if (apart(l, u, u, b.row_upper(i))) return "upper bound of " + a.row_name(i);
  }
  sparse_matrix x, y;
  transpose(a.matrix(), x);
  transpose(b.matrix(), y);
  return x == y ? "" : "coefficients";
}

/// Writes a model and reads that again. Models that a format cannot say are refused by its writer: no other refusal
/// is in order.
inline void round_trip(const lp& model) {
  for (const bool mps : {true, false}) {
    std::string written;
    try {
      written = mps ? mps_text(model) : lp_text(model);
    } catch (const error& e) {
      if (e.kind() != error_kind::usage) throw;
      continue;
    }
    const auto broken = [&](const std::string& what) {
      throw std::logic_error{"what was written is read back as another model: " + what + "\n" + written};
    };
    lp again;
    try {
      again = mps ? parse_mps(written, "w", mps_format::free).model : parse_lp(written, "w").model;
    } catch (const error& e) {
      broken(e.sentence());
    }
    const std::string what = difference(model, again, mps);
    if (!what.empty()) broken(what);
  }
}

/// What follows the end of a model, and is a basis perhaps; else all.
inline std::string_view after_end(std::string_view text) {
  std::string_view rest = text;
  for (const std::string_view last : {"ENDATA\n", "End\n"}) {
    const std::size_t at = text.find(last);
    if (at == std::string_view::npos) continue;
    const std::string_view behind = text.substr(at + last.size());
    if (rest.size() == text.size() || behind.size() > rest.size()) rest = behind;
  }
  return rest;
}

/// Reads a basis, writes it, and reads and writes that again.
inline void feed_basis(const lp& model, std::string_view text) {
  basis found;
  try {
    found = parse_basis(model, text, "t");
  } catch (const error& e) {
    if (e.kind() != error_kind::io || e.sentence().find("t line ") != 0) throw;
    return;
  }
  if (found.columns.size() != model.columns() || found.rows.size() != model.rows()) {
    throw std::logic_error{"a basis was read that is not one of the model"};
  }
  std::string written;
  try {
    written = basis_text(model, found);
  } catch (const error& e) {
    if (e.kind() != error_kind::usage) throw;  // names that such a file cannot hold
    return;
  }
  if (basis_text(model, parse_basis(model, written, "w")) != written) {
    throw std::logic_error{"what was written is read back as another basis\n" + written};
  }
}

/// 1: read, 0: refused with kind io.
inline int feed(std::string_view text) {
  int read = 0;
  lp model;
  for (const int reader : {0, 1, 2, 3}) {
    try {
      model = reader == 3 ? parse_lp(text, "t").model
                          : parse_mps(text, "t",
                                      reader == 0   ? mps_format::automatic
                                      : reader == 1 ? mps_format::fixed
                                                    : mps_format::free)
                                .model;
    } catch (const error& e) {
      if (e.kind() != error_kind::io || e.sentence().find("t line ") != 0) throw;  // no line: the reader let it pass
      continue;
    }
    read = 1;
    round_trip(model);
    feed_basis(model, after_end(text));
  }
  return read;
}

}  // namespace formats
