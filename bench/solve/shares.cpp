// SPDX-License-Identifier: Apache-2.0
// Linear programs of sharing a cluster: solved from nothing, and again after one processor of the last kind left.
// A useful unit is one solve: loading, factorizing, pivots, and the check of the answer in 32 digits.
//
//   solve_shares                      Google Benchmark's options
//   solve_shares --write FOLDER       writes the programs as MPS for bench/solve/compare.py
#include "shares.hpp"

#include <cstdio>
#include <exception>
#include <string>

#include <plait/solve/simplex.hpp>
#include <plait/solve/write_mps.hpp>

#include <benchmark/benchmark.h>

namespace {

using namespace plait;

struct series {
  const char* family;
  int sizes[5];
  int count;
};
constexpr series all[] = {{"maxmin", {32, 128, 512, 2048, 8192}, 5}, {"makespan", {32, 128, 512, 2048, 8192}, 5},
                          {"cost", {32, 128, 512, 2048, 8192}, 5},   {"ample_maxmin", {128, 512, 2048}, 3},
                          {"ample_makespan", {128, 512, 2048}, 3},   {"pack", {32, 128, 512, 2048, 8192}, 5},
                          {"packall", {32, 128, 256, 512}, 4},       {"kinds_maxmin", {512, 2048}, 2},
                          {"kinds_packall", {128, 256}, 2}};

void cold(benchmark::State& state, const char* family) {
  const lp model = shares::by_name(family, static_cast<int>(state.range(0)));
  answer found = solve(model);  // the first reading of a model sorts its rows in
  for (auto _ : state) found = solve(model);
  if (!found.verified) state.SkipWithError("the answer did not pass its check");
  state.counters["pivots"] = static_cast<double>(found.iterations);
  state.counters["objective"] = found.objective;
}

/// A processor of the last kind leaves and comes back in turns; each solve starts from the basis that the last one
/// left, and with `keep` from its factors.
void warm(benchmark::State& state, const char* family, bool keep) {
  solve_options options;
  options.keep_factors = keep;
  lp model = shares::by_name(family, static_cast<int>(state.range(0)));
  simplex solver;
  answer found;
  solver.solve(model, {}, {}, found);
  const int last = model.rows() - 1;
  const double processors = model.row_upper(last);
  bool there = true;
  basis start;
  for (auto _ : state) {
    there = !there;
    model.set_row_bounds(last, -infinity, there ? processors : processors - 1);
    start = found.basis;
    solver.solve(model, options, start, found);
  }
  if (!found.verified) state.SkipWithError("the answer did not pass its check");
  state.counters["pivots"] = static_cast<double>(found.iterations);
}

/// As programs to be minimized, because CLP and GLPK do not read an OBJSENSE section.
void write_all(const std::string& folder) {
  for (const series& one : all) {
    for (int k = 0; k < one.count; ++k) {
      lp model = shares::by_name(one.family, one.sizes[k]);
      model.set_sense(objective_sense::minimize);
      for (int j = 0; j < model.columns(); ++j) model.set_cost(j, -model.cost(j));
      write_mps(model, folder + "/" + one.family + "_" + std::to_string(one.sizes[k]) + ".mps");
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 3 && std::string{argv[1]} == "--write") {
      write_all(argv[2]);
      return 0;
    }
    for (const series& one : all) {
      for (int k = 0; k < one.count; ++k) {
        const std::string name = std::string{one.family} + "/cold";
        benchmark::RegisterBenchmark(name.c_str(), cold, one.family)->Arg(one.sizes[k])->Unit(benchmark::kMillisecond);
        if (std::string{one.family}.find("pack") != std::string::npos) continue;
        for (const bool keep : {false, true}) {
          const std::string again = std::string{one.family} + (keep ? "/warm, factors kept" : "/warm");
          benchmark::RegisterBenchmark(again.c_str(), warm, one.family, keep)
              ->Arg(one.sizes[k])
              ->Unit(benchmark::kMillisecond);
        }
      }
    }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::RunSpecifiedBenchmarks();
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "%s\n", wrong.what());
    return 1;
  }
}
