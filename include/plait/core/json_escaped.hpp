// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace plait::detail {

/// Between the quotes of a JSON string. Bytes above 127 stay: JSON is UTF-8.
inline std::string json_escaped(std::string_view text) {
  std::string result;
  for (char letter : text) {
    if (letter == '"' || letter == '\\') {
      result.append("\\") += letter;
    } else if (static_cast<unsigned char>(letter) < 0x20) {
      constexpr std::string_view hexadecimal = "0123456789abcdef";
      const auto code = static_cast<unsigned char>(letter);
      result.append("\\u00") += hexadecimal[code >> 4];
      result += hexadecimal[code & 15];
    } else {
      result += letter;
    }
  }
  return result;
}

}  // namespace plait::detail
