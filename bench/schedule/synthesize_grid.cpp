// SPDX-License-Identifier: Apache-2.0
// Orders that are found against the fixed schedules, on the grid of docs/design/synthesize.md: stages of equal and of
// skewed costs, messages that take time and that take none, limits on memory from the least to none.
//
//   schedule_synthesize_grid                     the whole grid: ten minutes or so
//   schedule_synthesize_grid --quick             one case in seventeen
//   schedule_synthesize_grid --csv cases.csv     a line for each case too
//
// Prints the tables of that page. Exit status: 0, 1 where an order is not valid, exceeds its limit, is longer than a
// fixed schedule that keeps it or shorter than the lower bound, 2 for wrong use.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <limits>
#include <string>
#include <unistd.h>
#include <vector>

#include <plait/schedule/shortest_makespan.hpp>
#include <plait/schedule/verify_orders.hpp>

#include "../../tests/schedule/synthesis_grid.hpp"

namespace {

using namespace plait;
using testing::synthesis_case;

struct result {
  testing::fixed_best fixed{};
  double found = 0;
  double bound = 0;
  std::string reason{};    ///< why the order is not right; empty: it is
  bool tried_all = false;  ///< and nothing shorter was found
  double seconds = 0;      ///< of a processor, to find it
  [[nodiscard]] bool has_fixed() const { return std::isfinite(fixed.makespan); }
  [[nodiscard]] bool shorter() const { return has_fixed() && found < fixed.makespan * (1 - 1e-9); }
  [[nodiscard]] bool longer() const { return found > fixed.makespan * (1 + 1e-9); }
  [[nodiscard]] bool at_bound() const { return found <= bound * (1 + 1e-9); }
  [[nodiscard]] bool proved() const { return at_bound() || tried_all; }
  [[nodiscard]] double gap() const { return std::max(found / bound - 1, 0.0); }
};

/// Whether trying all orders shows that none is shorter, which it does for small cases and for some of any size that
/// are nearly at the lower bound.
bool none_shorter(const synthesis_case& one, double found, std::int64_t states) {
  const double below = found * (1 - 1e-9);
  const auto none = [&]<class Placement>(Placement) {
    const shortest_found least = shortest_makespan<Placement>(one.shape, one.costs, one.limit, below, states);
    return least.proved && least.makespan >= below;
  };
  return none(loop_placement{}) && (one.shape.chunks == 1 || none(wave_placement{}));
}

result run(const synthesis_case& one) {
  result of{.fixed = testing::best_fixed(one), .bound = lower_bound(one.shape, one.costs, one.limit)};
  const std::clock_t begin = std::clock();
  const orders found = synthesize(one.shape, one.costs, one.limit);
  of.seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  const order_fault fault = verify_orders(found, one.limit.empty() ? 0 : one.limit[0]);
  if (!fault.valid) of.reason = to_string(fault);
  of.found = simulate(programs_of(found), one.costs).makespan;
  if (of.longer()) of.reason = "longer than a fixed schedule";
  if (of.found < of.bound * (1 - 1e-9)) of.reason = "shorter than the lower bound";
  // Where a fixed schedule is as short it is worth more to know whether any is shorter.
  if (!of.at_bound()) of.tried_all = none_shorter(one, of.found, of.has_fixed() && !of.shorter() ? 100'000 : 20'000);
  return of;
}

// ---- tables

/// The limits, by what they are of 1F1B's.
int limit_group(const synthesis_case& one) {
  if (one.limit.empty()) return 4;
  const int most = one.limit[0], usual = one.shape.chunks * one.shape.ranks;
  if (most == one.shape.chunks) return 0;
  return most < usual ? 1 : most == usual ? 2 : 3;
}

struct totals {
  int cases = 0, with_fixed = 0, shorter = 0, tie_proved = 0, tie_open = 0, longer = 0, at_bound = 0, tried_all = 0;
  double gain = 0, most_gain = 0, gap = 0, most_gap = 0;
  void add(const result& one) {
    ++cases;
    at_bound += one.at_bound() ? 1 : 0;
    tried_all += !one.at_bound() && one.tried_all ? 1 : 0;
    gap += one.gap();
    most_gap = std::max(most_gap, one.gap());
    if (!one.has_fixed()) return;
    ++with_fixed;
    shorter += one.shorter() ? 1 : 0;
    longer += one.longer() ? 1 : 0;
    if (!one.shorter() && !one.longer()) ++(one.proved() ? tie_proved : tie_open);
    const double gained = std::max(1 - one.found / one.fixed.makespan, 0.0);
    gain += gained;
    most_gain = std::max(most_gain, gained);
  }
  void print(const std::string& what) const {
    if (cases == 0) return;
    std::printf("| %s | %d | %d |", what.c_str(), cases, with_fixed);
    if (with_fixed > 0)
      std::printf(" %d | %d | %d | %d | %.1f %%, %.1f %% |", shorter, tie_proved, tie_open, longer,
                  100 * gain / with_fixed, 100 * most_gain);
    else
      std::printf(" | | | | |");
    std::printf(" %d | %d | %.1f %%, %.1f %% |\n", at_bound, tried_all, 100 * gap / cases, 100 * most_gap);
  }
};

void print_tables(const std::vector<synthesis_case>& cases, const std::vector<result>& results) {
  constexpr const char* limits[]{"least", "below 1F1B's", "1F1B's", "twice that", "none"};
  constexpr const char* head =
      " | cases | with a fixed one | shorter | proved tie | open tie | longer | gain mean, max | at the bound | shown "
      "by "
      "trying all | gap to the bound mean, max |\n|---|---|---|---|---|---|---|---|---|---|---|\n";
  std::printf("| chunks, limit%s", head);
  totals whole;
  double seconds = 0, slowest = 0;
  std::string slowest_name;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    whole.add(results[i]);
    seconds += results[i].seconds;
    if (results[i].seconds > slowest) slowest = results[i].seconds, slowest_name = cases[i].name();
  }
  const auto row = [&](const std::string& what, auto&& wanted) {
    totals of;
    for (std::size_t i = 0; i < cases.size(); ++i)
      if (wanted(cases[i])) of.add(results[i]);
    of.print(what);
  };
  for (const int chunks : {1, 2}) {
    row(std::to_string(chunks) + ", all", [&](const synthesis_case& one) { return one.shape.chunks == chunks; });
    for (int group = 0; group < 5; ++group)
      row(std::to_string(chunks) + ", " + limits[group],
          [&](const synthesis_case& one) { return one.shape.chunks == chunks && limit_group(one) == group; });
  }
  whole.print("all");
  std::printf("\n| ranks%s", head);
  for (int ranks = 2; ranks <= 8; ++ranks)
    row(std::to_string(ranks), [&](const synthesis_case& one) { return one.shape.ranks == ranks; });
  std::printf("\nprocessor time: %.3f s in the mean, %.3f s at most (%s)\n",
              seconds / static_cast<double>(cases.size()), slowest, slowest_name.c_str());
}

void write_csv(const std::string& file, const std::vector<synthesis_case>& cases, const std::vector<result>& results) {
  std::ofstream out{file};
  out.precision(std::numeric_limits<double>::max_digits10);
  out << "chunks,ranks,micro,costs,message,limit,fixed_schedule,fixed,found,bound,tried_all,seconds\n";
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const synthesis_case& one = cases[i];
    const result& of = results[i];
    out << one.shape.chunks << ',' << one.shape.ranks << ',' << one.shape.micro << ',' << one.costs_name << ','
        << one.message << ',' << (one.limit.empty() ? 0 : one.limit[0]) << ',' << of.fixed.name << ',';
    if (of.has_fixed()) out << of.fixed.makespan;
    out << ',' << of.found << ',' << of.bound << ',' << (of.tried_all ? 1 : 0) << ',' << of.seconds << '\n';
  }
  out.close();
  if (!out) std::fprintf(stderr, "schedule_synthesize_grid: cannot write %s\n", file.c_str()), std::exit(1);
}

void show_progress(std::size_t done, std::size_t all) {
  constexpr int width = 40;
  const int part = static_cast<int>(done * width / all);
  if (isatty(STDERR_FILENO) != 0)
    std::fprintf(stderr, "\r[%s%s] %zu of %zu%s", std::string(static_cast<std::size_t>(part), '#').c_str(),
                 std::string(static_cast<std::size_t>(width - part), ' ').c_str(), done, all, done == all ? "\n" : "");
  else if (done % 200 == 0 || done == all)
    std::fprintf(stderr, "%zu of %zu\n", done, all);
}

}  // namespace

int main(int argc, char** argv) {
  std::string csv;
  bool quick = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--quick") == 0) {
      quick = true;
    } else if (std::strcmp(argv[i], "--csv") == 0 && i + 1 < argc) {
      csv = argv[++i];
    } else {
      std::fprintf(stderr, "schedule_synthesize_grid: it takes --quick and --csv FILE, and %s is neither\n", argv[i]);
      return 2;
    }
  }
  std::vector<synthesis_case> cases = testing::published_grid();
  if (quick) cases = testing::every(cases, 17);
  std::vector<result> results;
  int wrong = 0;
  for (const synthesis_case& one : cases) {
    results.push_back(run(one));
    if (!results.back().reason.empty()) {
      ++wrong;
      std::fprintf(stderr, "%s: %s\n", one.name().c_str(), results.back().reason.c_str());
    }
    show_progress(results.size(), cases.size());
  }
  print_tables(cases, results);
  if (!csv.empty()) write_csv(csv, cases, results);
  return wrong > 0 ? 1 : 0;
}
