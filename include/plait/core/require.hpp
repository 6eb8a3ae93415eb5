// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <source_location>
#include <string>
#include <string_view>

#include <plait/core/error.hpp>

namespace plait {

/// Throws `error{usage, call, sentence}` unless `condition` holds. In a constant expression a false condition is a
/// compile error that shows this call.
constexpr void require(bool condition, std::string_view call, const char* sentence,
                       std::source_location where = std::source_location::current()) {
  if (!condition) throw error{error_kind::usage, std::string{call}, sentence, where};
}
/// The same with a string, or a callable that makes one only when it is needed.
template <class Sentence>
constexpr void require(bool condition, std::string_view call, Sentence&& sentence,
                       std::source_location where = std::source_location::current()) {
  if (condition) return;
  if constexpr (requires { std::string{sentence()}; }) {
    throw error{error_kind::usage, std::string{call}, std::string{sentence()}, where};
  } else {
    throw error{error_kind::usage, std::string{call}, std::string{sentence}, where};
  }
}

}  // namespace plait
