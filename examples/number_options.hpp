// SPDX-License-Identifier: Apache-2.0
#pragma once

// Options of programs that take numbers. What is no number, or too large or small, is told in one sentence with the
// name of the option; also nan and inf, which comparisons let pass.

#include <charconv>
#include <cmath>
#include <cstdio>
#include <string>
#include <type_traits>

#include <plait/core/error.hpp>

#include <CLI/CLI.hpp>

namespace number_options {

namespace detail {

template <class Number>
std::string text_of(Number value) {
  if constexpr (std::is_floating_point_v<Number>) {
    char text[32];
    std::snprintf(text, sizeof text, "%.9g", value);
    return text;
  } else {
    return std::to_string(value);
  }
}

}  // namespace detail

/// An option that takes a number from `least` to `most`, whole where `Number` is.
template <class Number>
CLI::Option* add_number(CLI::App& app, const std::string& name, Number& value, std::type_identity_t<Number> least,
                        std::type_identity_t<Number> most, const std::string& help) {
  return app.add_option(name, value, help)->check([=](const std::string& text) -> std::string {
    Number read{};
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), read);
    if (fault == std::errc{} && end == text.data() + text.size() && least <= read && read <= most) return "";
    throw plait::error{plait::error_kind::usage, "option",
                       name + " is '" + (text.size() <= 40 ? text : text.substr(0, 40) + "...") + "', and must be a " +
                           (std::is_floating_point_v<Number> ? "" : "whole ") + "number from " +
                           detail::text_of(least) + " to " + detail::text_of(most)};
  });
}

/// Says what is wrong with the options in one line, or prints the help that was asked for. The exit status.
inline int exit_of(const CLI::App& app, const CLI::ParseError& fault, const std::string& program) {
  if (fault.get_exit_code() == 0) return app.exit(fault);
  std::string sentence = fault.what();
  for (char& c : sentence)
    if (c == '\n') c = ' ';
  std::fprintf(stderr, "%s: %s; see --help\n", program.c_str(), sentence.c_str());
  return 2;
}

}  // namespace number_options
