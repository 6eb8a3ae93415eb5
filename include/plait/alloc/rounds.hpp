// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include <plait/alloc/detail/owed_matching.hpp>
#include <plait/alloc/detail/round_books.hpp>
#include <plait/alloc/detail/round_draft.hpp>
#include <plait/alloc/detail/type_clocks.hpp>
#include <plait/alloc/placement.hpp>
#include <plait/alloc/round_entry.hpp>
#include <plait/core/random.hpp>

namespace plait {

/// How a round is chosen.
enum class round_rule {
  /// As published: by share over the part of the time received since the shares last changed, then by what is owed from
  /// before, type after type.
  priorities,
  /// By what is owed, over all types at once; debts stay when shares change.
  owed,
};

struct round_settings {
  double seconds = 360;  ///< of a round
  round_rule rule = round_rule::owed;
  bool gifts = true;           ///< workers that are left go to jobs that are due nothing there, also to those that came
                               ///< after the shares were computed; not meant for policies that make jobs wait in line
  bool shuffle_types = false;  ///< `priorities` alone: types in a new random order each round, for schedulers that take
                               ///< them for equal; else as they are listed
  std::uint64_t seed = 0;      ///< of that order
};

/// Turns shares of time into rounds in which whole gangs run or wait, such that received time tends to the shares.
///
/// **owed.** An entry is owed its share of the time that has passed, less what it received. A round runs the feasible
/// set of entries that is owed most, counted at the end of the round. Bound: where all gangs are one worker and nobody
/// shares workers, that set is found exactly, as a matching of jobs to types, and shares are an average of such sets.
/// So the sum of squares of what is owed grows by at most 2 N rounds^2 in a round, N the workers, and after m full
/// rounds of equal shares no entry is further than sqrt(N (2 m + 1)) + 1 rounds from its share of the time: the part of
/// the time received differs from the share by O(sqrt(N / m)). (The argument is that of max-weight scheduling:
/// Tassiulas, Ephremides 1992; by the perceptron cycling theorem, Block and Levin 1970, debts even stay bounded.) With
/// larger gangs the set is found greedily, and it depends on how gangs fit together whether shares can be had at all.
/// Workers that nobody is owed go to whoever waits, as a gift that is not counted.
///
/// **Servers.** Gangs that are consolidated are chosen, under both rules, only as they fit into the servers of their
/// type together (`detail::server_packing`); first comes first, and workers that stay free so go to the next that fits.
/// Shares obey the number of workers alone, so servers may not be able to hold them: of gangs of 3, 3 and 2 on two
/// servers of 4 only two can run at a time. Where such entries are there, each type has a clock, and entries are owed
/// their share of its time. It goes as time does until the type owes B = `backlog_rounds` rounds of all its workers,
/// and then as slowly as it must to owe no more, so all get less in one proportion. For any entry e of a type with W
/// workers, x_e its share, w_e its gang, G the sum of gangs with shares there, and debts in rounds:
///     time booked = x_e clock - debt_e,     -2 <= debt_e <= D_e = (B W + 2 G) / w_e
/// as what is owed in all is at most B W and nobody is owed less than -2. Nobody starves: who is owed most always fits,
/// so where all entries are of one type, none of them waits for more than
///     B W + 2 G + (W + 1) (D_e + 2) / x_e     rounds
/// since each either has the clock go at full pace, which adds x_e to debt_e, or gives a worker at least to who is
/// owed. It is a crude bound; in tests none waited for 3 / x_e. A gang that no server can hold, as workers failed, is
/// owed nothing for that time.
///
/// **priorities.** An entry that has run k rounds since the shares last changed has the priority share / (k + 1/2).
/// Bound: with one worker that is Webster's method of apportionment, so of J entries each has run its share of m
/// rounds up to (1 + J share) / 2. With more types or gangs nothing is promised, as types choose one after the other.
/// Source: Narayanan et al., "Heterogeneity-Aware Cluster Scheduling Policies for Deep Learning Workloads", OSDI 2020,
/// section 5, and the program published with it.
///
/// Cost of a round: O(E log E) for E entries; of the exact matching O(J^2 W) at worst, usually near J N W.
class rounds {
 public:
  explicit rounds(const cluster& where, const round_settings& how = {}) : how_{how} { resize(where); }

  /// The workers that there are from now on, in full servers and one for the rest.
  void resize(const cluster& where) {
    workers_.clear();
    servers_.clear();
    for (const worker_type& type : where.types) {
      workers_.push_back(static_cast<int>(std::floor(type.num_workers)));
      servers_.add_type().begin(workers_.back(), type.workers_per_server);
    }
    see_servers();
  }
  /// The same where some have failed: in the servers that they stand in.
  void resize(const cluster& where, const placement& places) {
    resize(where);
    for (int j = 0; j < where.size(); ++j) servers_[j].begin(places.servers(j));
    see_servers();
  }

  /// New shares from `now` (seconds) on. Debts of the time before are kept.
  void allot(std::vector<round_entry> entries, double now) {
    settle(now);
    books_.end_shares();
    // Most entries were there before, in the same order: their books need not be looked up.
    before_.swap(entries_);
    books_before_.swap(book_of_);
    entries_ = std::move(entries);
    whole_ = true;
    book_of_.clear();
    std::size_t at = 0;
    for (const round_entry& entry : entries_) {
      const bool known = at < before_.size() && books_.same(before_[at], entry);
      book_of_.push_back(known ? books_before_[at] : books_.number_of(entry));
      at += known ? 1 : 0;
      detail::round_book& one = books_[book_of_.back()];
      one.share = entry.share;
      one.received = 0;
      one.debt_before = one.debt;
      whole_ = whole_ && entry.workers == 1 && entry.second < 0;  // only then matched exactly
    }
    see_servers();
  }
  void allot(const instance& given, const allocation& found, std::span<const int> ids, double now) {
    allot(entries_of(given, found, ids), now);
  }

  /// Entries more, which have no share until the next ones are given.
  void offer(std::vector<round_entry> entries) {
    for (round_entry& entry : entries) {
      entry.share = 0;
      book_of_.push_back(books_.number_of(entry));
      entries_.push_back(entry);
    }
    see_servers();
  }

  /// What runs in the round that begins at `now`. Law: no job twice, no type beyond its workers, nothing that more
  /// workers would have to be there for.
  std::span<const round_entry> next(double now) {
    settle(now);
    draft_.begin(++round_, workers_, by_servers_ ? &servers_ : nullptr);
    if (how_.rule == round_rule::priorities)
      by_priority();
    else
      by_debt();
    return draft_.entries();
  }

  /// Entry `index` of the last round had its workers for so many seconds.
  void received(int index, double seconds) {
    const auto at = static_cast<std::size_t>(index);
    detail::round_book& one = books_[draft_.book(at)];
    one.received += seconds;
    if (!draft_.is_gift(at)) one.debt -= seconds;
  }

  /// What a type may owe before its clock goes more slowly, see above.
  static constexpr double backlog_rounds = 1;

  /// Seconds that an entry is owed; negative: it had more than its share.
  [[nodiscard]] double owed(const round_entry& entry) const { return books_.debt_of(entry); }

  /// All that changes, to save and to load; see `simulator::save`.
  template <class Archive>
  void visit(Archive& archive) {
    archive(workers_, entries_, books_, round_, settled_, whole_);
    draft_.forget();
    find_books();
    see_servers();
  }

  /// A job gets gifts on one type alone.
  void withdraw_gifts(int job, int type) {
    std::erase_if(entries_, [&](const round_entry& e) {
      return e.first == job && e.second < 0 && e.type != type && e.share <= 0;
    });
    find_books();
    see_servers();
  }

  /// A job has ended, and nothing is owed to it any more.
  void forget(int job) {
    std::size_t kept = 0;
    for (std::size_t e = 0; e < entries_.size(); ++e) {
      if (entries_[e].first == job || entries_[e].second == job) continue;
      entries_[kept] = entries_[e];
      book_of_[kept++] = book_of_[e];
    }
    entries_.resize(kept);
    book_of_.resize(kept);
    books_.forget(job);
    see_servers();
  }

 private:
  using candidate = detail::owed_entry;

  void find_books() {
    book_of_.clear();
    for (const round_entry& entry : entries_) book_of_.push_back(books_.number_of(entry));
  }

  void see_servers() { by_servers_ = servers_.are_needed_by(entries_); }

  /// Adds what the time since the last call was worth.
  void settle(double now) {
    const double elapsed = now - settled_;
    settled_ = now;
    if (by_servers_) return settle_slowly(elapsed);
    for (const std::size_t b : book_of_) books_[b].debt += books_[b].share * elapsed;
  }

  /// The same by the clocks of types, of which none lets its type owe more than `backlog_rounds` of all its workers.
  void settle_slowly(double elapsed) {
    clocks_.begin(workers_, backlog_rounds * how_.seconds, elapsed);
    for (std::size_t e = 0; e < entries_.size(); ++e) {
      const detail::round_book& one = books_[book_of_[e]];
      if (one.share > 0 && !servers_.are_too_small_for(entries_[e])) clocks_.add(entries_[e], one);
    }
    for (std::size_t e = 0; e < entries_.size(); ++e) {
      detail::round_book& one = books_[book_of_[e]];
      if (!servers_.are_too_small_for(entries_[e])) one.debt += one.share * clocks_.elapsed(entries_[e].type);
    }
  }

  bool take(int entry, bool gift) {
    const auto e = static_cast<std::size_t>(entry);
    return draft_.take(entries_[e], book_of_[e], gift);
  }

  void by_priority() {
    const int types = static_cast<int>(workers_.size());
    order_.clear();
    for (int j = 0; j < types; ++j) order_.push_back(j);
    if (how_.shuffle_types) {
      const random_stream random{how_.seed, "types of a round", static_cast<std::uint64_t>(round_)};
      for (int j = types - 1; j > 0; --j)
        std::swap(order_[static_cast<std::size_t>(j)],
                  order_[random.below(static_cast<std::uint64_t>(j), static_cast<std::uint32_t>(j + 1))]);
    }
    for (const int type : order_) {
      ranked_.clear();
      for (std::size_t e = 0; e < entries_.size(); ++e) {
        const round_entry& entry = entries_[e];
        if (entry.type != type || draft_.has_job_of(entry)) continue;
        const detail::round_book& one = books_[book_of_[e]];
        if (one.share <= 0 && !how_.gifts) continue;
        ranked_.push_back(
            {one.share / (one.received + how_.seconds / 2), one.debt_before, one.share, static_cast<int>(e)});
      }
      take_in_order(draft_.left(type));
    }
  }

  /// Takes of those ranked what fits, the first first, until no worker is left. Who comes far behind is never sorted.
  void take_in_order(const int& left) {
    for (auto next = ranked_.begin(); next != ranked_.end() && left > 0;) {
      const auto end = ranked_.end() - next > left ? next + left : ranked_.end();
      if (end != ranked_.end()) std::nth_element(next, end, ranked_.end(), detail::is_owed_more);
      std::sort(next, end, detail::is_owed_more);
      for (; next != end; ++next) take(next->entry, false);
    }
  }

  void by_debt() {
    ranked_.clear();
    for (std::size_t e = 0; e < entries_.size(); ++e) {
      const detail::round_book& one = books_[book_of_[e]];
      ranked_.push_back({one.debt + one.share * how_.seconds, static_cast<double>(entries_[e].workers), one.share,
                         static_cast<int>(e)});
    }
    std::sort(ranked_.begin(), ranked_.end(), detail::is_owed_more);
    if (whole_) {
      for (const int e : matching_.find(ranked_, entries_, workers_)) take(e, false);
    } else {
      for (const candidate& c : ranked_)
        if (c.first > 0) take(c.entry, false);
    }
    for (const candidate& c : ranked_)
      if (how_.gifts || c.third > 0) take(c.entry, true);
  }

  round_settings how_;
  std::vector<int> workers_, order_;
  std::vector<round_entry> entries_, before_;
  detail::round_draft draft_;
  detail::round_books books_;
  std::vector<std::size_t> book_of_, books_before_;  ///< of each entry, and of those under the shares before
  std::vector<candidate> ranked_;
  detail::owed_matching matching_;
  long round_ = 0;
  double settled_ = 0;
  bool whole_ = true;
  detail::packed_servers servers_;
  detail::type_clocks clocks_;
  bool by_servers_ = false;  ///< some entry has to stand in one of several servers
};

}  // namespace plait
