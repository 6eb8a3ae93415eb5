// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include <plait/alloc/allocation.hpp>
#include <plait/alloc/instance.hpp>

namespace plait {

/// What a round can run: a job alone in one of its ways, or two jobs on the same workers. Jobs are called by numbers of
/// the caller's, which stay theirs while others come and go.
struct round_entry {
  int first = -1, second = -1;       ///< jobs; second -1: alone
  int option = -1;                   ///< of the first job's options; -1 for two jobs
  int type = 0, workers = 1;         ///< held together
  bool consolidated = false;         ///< all in one server
  double share = 0;                  ///< of wall-clock time that it is due
  double rate = 0, second_rate = 0;  ///< steps/s of each job, as the policy was told

  template <class Archive>
  void visit(Archive& archive) {
    archive(first, second, option, type, workers, consolidated, share, rate, second_rate);
  }
};

/// The workers that an entry of a round has: numbers 0 .. num_workers - 1 of its type. Worker w stands in server
/// w / `workers_per_server`.
struct placed_entry {
  std::vector<int> workers;  ///< empty: there was no room for all; that of `rounds` which know the servers always fits
  bool moved = false;        ///< it did not have exactly these in the round before, so it has to be started
};

namespace detail {

/// Time in pairs of groups as time of few pairs of jobs: each job shares as long as before, at the same rates. Of two
/// groups by the north-west corner rule, at most a + b - 1 pairs; inside a group by twos, and one ring of three where
/// the members are odd.
template <class Put>
void pairs_of_jobs(const pair_share& one, const std::vector<int>& a, const std::vector<int>& b, Put&& put) {
  const int rows = static_cast<int>(a.size()), columns = static_cast<int>(b.size());
  if (one.first_group == one.second_group) {
    const double each = one.share * (rows - 1);
    int at = 0;
    if (rows % 2 == 1 && rows >= 3) {
      put(a[0], a[1], each / 2);
      put(a[1], a[2], each / 2);
      put(a[0], a[2], each / 2);
      at = 3;
    }
    for (; at + 1 < rows; at += 2) put(a[at], a[at + 1], each);
    return;
  }
  // In units of share / (rows columns) all is whole: row r ends at (r + 1) columns, column c at (c + 1) rows.
  long done = 0;
  for (int r = 0, c = 0; r < rows && c < columns;) {
    const long row_end = static_cast<long>(r + 1) * columns, column_end = static_cast<long>(c + 1) * rows;
    const long end = row_end < column_end ? row_end : column_end;
    put(a[r], b[c], one.share * static_cast<double>(end - done));
    done = end;
    r += row_end == end;
    c += column_end == end;
  }
}

}  // namespace detail

/// What a job can do alone, without a share in any of it.
inline void append_idle(const instance& given, const job& one, int id, std::vector<round_entry>& entries) {
  for (int k = detail::next_usable(given, one, -1); k >= 0; k = detail::next_usable(given, one, k)) {
    const run_option& how = one.options[k];
    round_entry& made = entries.emplace_back();
    made.first = id;
    made.option = k;
    made.type = how.type;
    made.workers = how.workers;
    made.consolidated = how.consolidated;
    made.rate = how.throughput;
  }
}

/// All that jobs can do alone, with the shares that an allocation gives it, and the pairs that it gives time to.
/// `ids[i]` is the caller's number of job i. Shares below 1e-9 count as none: such a job would wait ten thousand years
/// for its turn.
inline std::vector<round_entry> entries_of(const instance& given, const allocation& found, std::span<const int> ids) {
  constexpr double least = 1e-9;
  std::vector<round_entry> made;
  int at = 0;
  for (int i = 0; i < given.size(); ++i) {
    const std::size_t begin = made.size();
    append_idle(given, given.jobs[static_cast<std::size_t>(i)], ids[static_cast<std::size_t>(i)], made);
    for (std::size_t e = begin; e < made.size(); ++e) {
      const double share = found.option_shares[at + made[e].option];
      made[e].share = share < least ? 0 : share;
    }
    at += given.jobs[static_cast<std::size_t>(i)].options.size();
  }
  if (found.pairs.empty()) return made;
  std::vector<std::vector<int>> members(static_cast<std::size_t>(found.groups.size()));
  for (int i = 0; i < given.size(); ++i) members[static_cast<std::size_t>(found.groups.group_of[i])].push_back(ids[i]);
  for (const pair_share& one : found.pairs) {
    detail::pairs_of_jobs(one, members[static_cast<std::size_t>(one.first_group)],
                          members[static_cast<std::size_t>(one.second_group)], [&](int a, int b, double share) {
                            if (share < least) return;
                            round_entry& both = made.emplace_back();
                            both.first = a;
                            both.second = b;
                            both.type = one.type;
                            both.workers = one.workers;
                            both.share = share;
                            both.rate = one.first;
                            both.second_rate = one.second;
                          });
  }
  return made;
}

}  // namespace plait
