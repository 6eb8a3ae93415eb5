// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "laws.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  plait::fuzz::reads_json({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
