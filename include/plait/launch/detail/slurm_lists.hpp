// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>

namespace plait::detail {

/// The first host of a list as Slurm writes it: "n[01-03,7],m2" gives "n01", "rack[0-1]n[4-5]" gives "rack0n4". Empty
/// if the list is empty or a bracket is not closed.
inline std::string first_slurm_host(std::string_view list) {
  std::string host;
  while (!list.empty() && list.front() != ',') {
    if (list.front() != '[') {
      host += list.front();
      list.remove_prefix(1);
      continue;
    }
    const std::size_t close = list.find(']');
    if (close == std::string_view::npos) return {};
    host += list.substr(1, list.find_first_of(",-]") - 1);
    list.remove_prefix(close + 1);
  }
  return host;
}

/// How many tasks node `index` has, by a list as Slurm writes it: "2(x3),1" is 2, 2, 2, 1. 0 if it does not say.
inline int slurm_tasks_of_node(std::string_view list, int index) {
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(item.size() < list.size() ? item.size() + 1 : item.size());
    int tasks = 0, times = 1;
    const auto end = item.data() + item.size();
    auto read = std::from_chars(item.data(), end, tasks);
    if (read.ec != std::errc{}) return 0;
    if (end - read.ptr > 3 && read.ptr[0] == '(' && read.ptr[1] == 'x') {
      read = std::from_chars(read.ptr + 2, end, times);
      if (read.ec != std::errc{}) return 0;
    }
    if (index < times) return tasks;
    index -= times;
  }
  return 0;
}

}  // namespace plait::detail
