// SPDX-License-Identifier: Apache-2.0
// Any text as MPS (fixed, free, either), as CPLEX LP format and as a basis file.
#include <cstddef>
#include <cstdint>

#include "../solve/feed_formats.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  formats::feed({reinterpret_cast<const char*>(data), size});
  return 0;
}
