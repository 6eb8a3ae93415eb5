// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <initializer_list>
#include <string>
#include <string_view>
#include <system_error>

#include <plait/core/require.hpp>
#include <plait/launch/environment.hpp>

namespace plait::detail {

/// Reads variables and, where they are not what they should be, says which. A variable that is set to nothing counts as
/// not set.
class variables {
 public:
  explicit variables(const environment& of) : of_{of} {}

  [[nodiscard]] bool has(std::string_view name) const {
    const auto found = of_.find(name);
    return found != of_.end() && !found->second.empty();
  }
  [[nodiscard]] std::string text(std::string_view name) const { return text_or(name, ""); }
  [[nodiscard]] std::string text_or(std::string_view name, std::string_view otherwise) const {
    return has(name) ? of_.find(name)->second : std::string{otherwise};
  }

  /// A whole number from 0 on.
  [[nodiscard]] int number(std::string_view name) const {
    const std::string value = text(name);
    int read = -1;
    const auto [end, wrong] = std::from_chars(value.data(), value.data() + value.size(), read);
    require(wrong == std::errc{} && end == value.data() + value.size() && read >= 0, "launch_place", [&] {
      return std::string{name}.append(" is '").append(value).append("', which is not a whole number from 0 on");
    });
    return read;
  }
  [[nodiscard]] int number_or(std::string_view name, int otherwise) const {
    return has(name) ? number(name) : otherwise;
  }

  /// `who` sets all of these together.
  void all_or_none(std::string_view who, std::initializer_list<const char*> names) const {
    std::string there, missing;
    for (const char* name : names) {
      std::string& list = has(name) ? there : missing;
      list.append(list.empty() ? "" : " and ").append(name);
    }
    require(there.empty() || missing.empty(), "launch_place", [&] {
      return std::string{there}
          .append(" is set and ")
          .append(missing)
          .append(" is not; ")
          .append(who)
          .append(" sets them together, so set what is missing or unset the rest");
    });
  }

  void check_rank(std::string_view rank_name, int rank, std::string_view size_name, int size) const {
    require(rank < size, "launch_place", [&] {
      return std::string{rank_name}
          .append("=")
          .append(std::to_string(rank))
          .append(" and ")
          .append(size_name)
          .append("=")
          .append(std::to_string(size))
          .append(" disagree: a rank is less than the size");
    });
  }

 private:
  const environment& of_;
};

}  // namespace plait::detail
