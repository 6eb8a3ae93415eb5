// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>

#include <plait/alloc/detail/hash_places.hpp>
#include <plait/alloc/instance.hpp>
#include <plait/solve/table.hpp>

namespace plait::detail {

inline std::uint64_t mixed(std::uint64_t hash, double value) {
  const double plain = value == 0 ? 0 : value;  // one zero
  std::uint64_t bits;
  std::memcpy(&bits, &plain, sizeof bits);
  hash = (hash ^ bits) * 0x9E3779B97F4A7C15u;
  return hash ^ (hash >> 29);
}

/// Jobs with the same ways to run, number for number, the same gang and the same costs of moves. What follows from
/// these alone need be computed once a class.
struct job_classes {
  table<int> class_of;  ///< of each job
  table<int> first;     ///< of each class: its first job; classes are in the order of these
};

/// Cost: O(options), expected.
inline job_classes classes_of(const instance& given) {
  job_classes made;
  const int jobs = given.size();
  made.class_of.resize(jobs);
  hash_places places{jobs};
  for (int i = 0; i < jobs; ++i) {
    const job& one = given.jobs[static_cast<std::size_t>(i)];
    std::uint64_t hash = static_cast<std::uint64_t>(one.scale_factor) + 0xcbf29ce484222325u;
    for (const run_option& option : one.options)
      hash = mixed(hash + static_cast<unsigned>(option.type), option.throughput);
    int& slot = places.find(hash, [&](int known) {
      const job& other = given.jobs[static_cast<std::size_t>(made.first[known])];
      return one.scale_factor == other.scale_factor && one.options == other.options && one.moves == other.moves;
    });
    if (slot < 0) {
      slot = made.first.size();
      made.first.push_back(i);
    }
    made.class_of[i] = slot;
  }
  return made;
}

}  // namespace plait::detail
