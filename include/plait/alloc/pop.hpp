// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string_view>

#include <plait/alloc/max_min.hpp>
#include <plait/alloc/policy.hpp>

namespace plait {

/// Partitioned max-min fairness, for comparison: jobs are dealt out in turn to `share_settings::partitions` parts, each
/// part has an equal part of every type, and each is solved alone. Faster than the whole where jobs all differ, and no
/// better than it. With `share_settings::space_sharing` jobs of one part may share workers. Objective: the least level
/// of all parts. `prices`: of that, so those of the part that has it, divided by the parts, since of one worker more
/// each part has as much. Source: Narayanan et al., "Solving Large-Scale Granular Resource Allocation Problems
/// Efficiently with POP", SOSP 2021.
struct pop {
  static constexpr std::string_view name = "pop";
  static allocation share(const instance& given, const share_settings& how = {}) {
    const double began = detail::seconds_now();
    const int parts = std::clamp(how.partitions, 1, std::max(1, given.size()));
    table<int> option_begin;
    allocation found = detail::no_shares(given, option_begin);
    found.certificate_verified = true;
    found.groups.group_of.resize(given.size());
    found.prices.assign(found.types, 0.0);
    double least = infinity;
    for (int p = 0; p < parts; ++p) {
      instance part;
      part.cluster = given.cluster;
      part.forbid_oversize = given.forbid_oversize;
      part.pair_rates = given.pair_rates;
      for (worker_type& type : part.cluster.types) {
        if (type.largest_gang < 0) type.largest_gang = type.num_workers;
        type.num_workers /= parts;
      }
      for (int i = p; i < given.size(); i += parts) part.jobs.push_back(given.jobs[i]);
      const allocation solved = max_min_perf::share(part, how);
      // Groups of a part are groups of its own among all.
      const int groups = found.groups.size();
      for (int g = 0; g < solved.groups.size(); ++g) {
        found.groups.first.push_back(p + solved.groups.first[g] * parts);
        found.groups.count.push_back(solved.groups.count[g]);
      }
      for (pair_share pair : solved.pairs) {
        pair.first_group += groups;
        pair.second_group += groups;
        found.pairs.push_back(pair);
      }
      for (int i = p, k = 0, at = 0; i < given.size(); i += parts, ++k) {
        for (int option = 0; option < given.jobs[i].options.size(); ++option, ++at)
          if (solved.option_shares[at] > 0)
            detail::give(given, option_begin, found, i, option, solved.option_shares[at]);
        found.groups.group_of[i] = groups + solved.groups.group_of[k];
        found.throughputs[i] = solved.throughputs[k];  // alone and in pairs
      }
      if (solved.objective > 0 && solved.objective < least) {  // 0: none of its jobs can run
        least = solved.objective;
        for (int j = 0; j < found.types; ++j) found.prices[j] = solved.prices[j] / parts;
      }
      found.certificate_verified = found.certificate_verified && solved.certificate_verified;
      found.programs += solved.programs;
      found.rows = std::max(found.rows, solved.rows);
      found.columns = std::max(found.columns, solved.columns);
    }
    found.objective = detail::least_level(given, found);
    detail::note_left_out(given, found);
    found.seconds = detail::seconds_now() - began;
    return found;
  }
};

}  // namespace plait
