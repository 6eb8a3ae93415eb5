// SPDX-License-Identifier: Apache-2.0
// What the readers of linear programs owe any text: each reads it or says its sentence, and what was read can be
// written and read again as the same model. For tests/solve/fuzz_formats.cpp and the fuzzer tests/fuzz/lp_formats.cpp.
#pragma once

#include <string>
#include <string_view>

#include <plait/core/error.hpp>
#include <plait/solve/formats.hpp>

namespace formats {

using namespace plait;

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
    std::string written;
    try {
      written = mps_text(model);
    } catch (const error&) {
      continue;  // names that free MPS cannot hold, or bounds that cross
    }
    const lp again = parse_mps(written, "written", mps_format::free).model;
    if (again.rows() != model.rows() || again.columns() != model.columns() || again.entries() != model.entries()) {
      throw error{error_kind::numerics, "fuzz_formats", "what was written is read back as another model"};
    }
    try {
      parse_basis(model, text, "t");
    } catch (const error& e) {
      if (e.kind() != error_kind::io) throw;
    }
  }
  return read;
}

}  // namespace formats
