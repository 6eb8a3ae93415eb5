// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <plait/schedule/action.hpp>

namespace plait {

/// What `verify` found. Where `valid` is false, the first offence: which action of which rank, and why.
struct verification {
  bool valid = true;
  int rank = -1;
  int position = -1;  ///< index into the rank's actions; their number where something is missing at the end
  action cell{};
  std::string_view reason{};

  constexpr explicit operator bool() const { return valid; }
};

/// `rank 1, action 4 (forward stage 1 micro 2): reason`
inline std::string to_string(const verification& found) {
  if (found.valid) return "valid";
  return "rank " + std::to_string(found.rank) + ", action " + std::to_string(found.position) + " (" +
         to_string(found.cell) + "): " + std::string{found.reason};
}

}  // namespace plait
