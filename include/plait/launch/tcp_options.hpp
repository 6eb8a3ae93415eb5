// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

namespace plait {

namespace detail {

/// The number of seconds, as short as it can be written.
inline std::string short_seconds(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%g s", seconds);
  return text;
}

}  // namespace detail

/// How ranks meet over TCP.
struct tcp_options {
  /// What only ranks of this job know; by default the variable PLAIT_SECRET. It is never sent. If it is empty, only
  /// mistakes are noticed: whoever can reach the port can then pose as a rank.
  std::string secret = secret_of_process();
  /// Where rank 0 listens, if that is not the address by which the others reach it (containers, a host whose own name
  /// means itself alone). "0.0.0.0" and "::" are every address of the machine.
  std::string listen{};
  double deadline_seconds = 60;  ///< of the whole exchange
  double patience_seconds = 5;   ///< of one connection
  /// Told in one line whom rank 0 refuses, and why; by default on stderr. May be empty.
  std::function<void(const std::string&)> say = [](const std::string& line) {
    std::fprintf(stderr, "plait: %s\n", line.c_str());
  };

  static std::string secret_of_process() {
    const char* secret = std::getenv("PLAIT_SECRET");
    return secret == nullptr ? "" : secret;
  }
};

}  // namespace plait
