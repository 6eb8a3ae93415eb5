// SPDX-License-Identifier: Apache-2.0
#pragma once

// Options of programs that take numbers. What is no number, or too large or small, is told in one sentence with the
// name of the option; also nan and inf, which comparisons let pass.

#include <charconv>
#include <cmath>
#include <cstdio>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <plait/core/error.hpp>

#include <CLI/CLI.hpp>

namespace number_options {

/// What is given for an option is not such a number.
struct wrong_number : plait::error {
  explicit wrong_number(std::string sentence) : error{plait::error_kind::usage, "option", std::move(sentence)} {}
};

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

/// Whether all of `text` is a number from `least` to `most`, whole where `Number` is; `value` is then that number.
template <class Number>
bool read(const std::string& text, Number& value, std::type_identity_t<Number> least,
          std::type_identity_t<Number> most) {
  Number found{};
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), found);
  if (fault != std::errc{} || end != text.data() + text.size() || !(least <= found && found <= most)) return false;
  value = found;
  return true;
}

namespace detail {

template <class Number>
auto must_be_a_number(const std::string& name, Number least, Number most) {
  return [=](const std::string& text) -> std::string {
    Number found{};
    if (read(text, found, least, most)) return "";
    throw wrong_number{name + " is '" + (text.size() <= 40 ? text : text.substr(0, 40) + "...") + "', and must be a " +
                       (std::is_floating_point_v<Number> ? "" : "whole ") + "number from " + text_of(least) + " to " +
                       text_of(most)};
  };
}

}  // namespace detail

/// An option that takes a number from `least` to `most`, whole where `Number` is.
template <class Number>
CLI::Option* add_number(CLI::App& app, const std::string& name, Number& value, std::type_identity_t<Number> least,
                        std::type_identity_t<Number> most, const std::string& help) {
  return app.add_option(name, value, help)->check(detail::must_be_a_number<Number>(name, least, most));
}

/// An option that takes several such numbers with commas between them.
template <class Number>
CLI::Option* add_numbers(CLI::App& app, const std::string& name, std::vector<Number>& values,
                         std::type_identity_t<Number> least, std::type_identity_t<Number> most,
                         const std::string& help) {
  return app.add_option(name, values, help)->delimiter(',')->check(detail::must_be_a_number<Number>(name, least, most));
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

inline int exit_of(const wrong_number& fault, const std::string& program) {
  std::fprintf(stderr, "%s: %s\n", program.c_str(), fault.sentence().c_str());
  return fault.exit_status();
}

}  // namespace number_options
