// SPDX-License-Identifier: Apache-2.0
// How long a solve goes on without asking whether to stop: the longest stretch of processor time between two questions,
// and from the last one to the answer.
//
//   solve_silence [SECONDS] [FILE.mps ...]     the solves are stopped after SECONDS, 4 where none are given; without
//                                              files, dense programs of up to 7.5 million entries
//
// Each program is solved in six ways, each from nothing and again from the basis that was found. What it takes to give
// the memory of a solver back to the system afterwards is not counted.
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <random>
#include <span>
#include <string>
#include <utility>

#include <plait/solve/read_mps.hpp>
#include <plait/solve/simplex.hpp>

namespace {

using namespace plait;

struct watch {
  std::clock_t last = std::clock();
  double longest = 0;
  long questions = 0;
  double since_last() {
    const std::clock_t now = std::clock(), before = last;
    last = now;
    return 1e3 * static_cast<double>(now - before) / CLOCKS_PER_SEC;
  }
  static bool ask(void* context) {
    watch& one = *static_cast<watch*>(context);
    one.longest = std::max(one.longest, one.since_last());
    ++one.questions;
    return false;
  }
};

/// Coefficients between 0 and 1; or 0, 1 and 2 alone, for many ties.
lp dense(int rows, int columns, bool ties) {
  std::mt19937 random(1);
  const auto unit = [&random] { return static_cast<double>(random()) * 0x1p-32; };
  lp model;
  for (int i = 0; i < rows; ++i) model.add_row(-infinity, 10 + unit() * rows);
  table<lp_entry> entries;
  for (int j = 0; j < columns; ++j) {
    entries.clear();
    for (int i = 0; i < rows; ++i) entries.push_back({i, ties ? static_cast<int>(3 * unit()) : unit() + 0.01});
    const double cost = 1 + unit();
    model.add_column(-cost, 0, unit() < 0.3 ? 3 * unit() : infinity,
                     std::span<const lp_entry>{entries.data(), static_cast<std::size_t>(entries.size())});
  }
  return model;
}

void measure(const std::string& name, const lp& model, double seconds) {
  for (const bool presolve : {true, false}) {
    for (const lp_algorithm algorithm : {lp_algorithm::automatic, lp_algorithm::dual, lp_algorithm::primal}) {
      simplex solver;
      basis start;
      for (const bool again : {false, true}) {
        watch seen;
        solve_options options;
        options.presolve = presolve;
        options.algorithm = algorithm;
        options.time_limit = seconds;
        options.context = &seen;
        options.interrupt = watch::ask;
        const answer found = solver.solve(model, options, start);
        const double tail = seen.since_last();
        start = found.basis;
        std::printf(
            "%s, presolve %s, %s%s: %s, %ld pivots, %.2f s, %ld questions, longest silence %.2f ms, last %.2f ms\n",
            name.c_str(), presolve ? "on" : "off",
            algorithm == lp_algorithm::automatic ? "automatic"
            : algorithm == lp_algorithm::dual    ? "dual"
                                                 : "primal",
            again ? ", again" : "", std::string{name_of(found.status)}.c_str(), static_cast<long>(found.iterations),
            found.seconds, seen.questions, seen.longest, tail);
      }
    }
  }
}

}  // namespace

int main(int count, char** argument) try {
  const double given = count > 1 ? std::atof(argument[1]) : 0, seconds = given > 0 ? given : 4;
  for (int k = given > 0 ? 2 : 1; k < count; ++k) measure(argument[k], read_mps(argument[k]).model, seconds);
  if (count > (given > 0 ? 2 : 1)) return 0;
  for (const auto& [rows, columns] : {std::pair{800, 800}, {1500, 2000}, {2500, 3000}}) {
    for (const bool ties : {false, true}) {
      const std::string name = std::to_string(rows) + " x " + std::to_string(columns) + (ties ? " ties" : "");
      measure(name, dense(rows, columns, ties), seconds);
    }
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "solve_silence: %s\n", error.what());
  return 1;
}
