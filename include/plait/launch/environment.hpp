// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <unistd.h>

namespace plait {

/// Environment variables by name: a value, so that what depends on them is a function that can be tested.
using environment = std::map<std::string, std::string, std::less<>>;

/// The variables that this process was started with, as they are now.
inline environment environment_of_process() {
  environment found;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text{*entry};
    if (const auto equals = text.find('='); equals != std::string::npos)
      found.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return found;
}

}  // namespace plait
