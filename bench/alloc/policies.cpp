// SPDX-License-Identifier: Apache-2.0
// Allocation policies, from an instance to shares: grouping, building, solving, checking of each certificate in 32
// digits, breaking ties, and giving every job its shares. A useful unit is one allocation.
//
//   alloc_policies                    Google Benchmark's options
//
// Jobs of kinds: 26 kinds of single workers, a fifth of the jobs with priority 5, workers of three types, a quarter of
// the jobs of each (the set-up of the runtimes published with Narayanan et al., OSDI 2020, figure 12). Jobs that
// differ: those of bench/solve/shares.hpp, with gangs, a sixteenth of the jobs of each type. Times since arrival and
// steps left differ for every job in both.
#include <cmath>
#include <cstdio>
#include <exception>
#include <string>

#include <plait/alloc.hpp>

#include <benchmark/benchmark.h>

#include "../solve/shares.hpp"

namespace {

using namespace plait;

void age(instance& given, shares::dice& d) {
  for (job& one : given.jobs) {
    one.elapsed = 40000 * d.unit();
    one.isolated_time_so_far = one.elapsed * d.unit();
    double fastest = 0;
    for (const run_option& option : one.options) fastest = std::fmax(fastest, option.throughput);
    one.steps_remaining = fastest * 3600 * std::exp(std::log(10.0) * (1.5 * d.unit()));
  }
}

instance of_kinds(int jobs, bool pairs = false) {
  shares::dice d{5};
  constexpr int kinds = 26;
  instance given;
  for (int j = 0; j < 3; ++j) {
    given.cluster.types.push_back({.name = std::string(1, static_cast<char>('a' + j)),
                                   .num_workers = std::fmax(1, jobs / 4),
                                   .cost_per_hour = j == 0   ? 2.48
                                                    : j == 1 ? 1.46
                                                             : 0.45});
  }
  double rate[kinds][3];
  for (auto& one : rate) {
    one[0] = std::exp(1 + 4 * d.unit());
    one[1] = one[0] * (0.25 + 0.55 * d.unit());
    one[2] = one[0] * (0.05 + 0.30 * d.unit());
  }
  for (int i = 0; i < jobs; ++i) {
    const int kind = static_cast<int>(kinds * d.unit());
    job one = job_of(rate[kind]);
    one.kind = kind;
    one.priority = d.unit() < 0.2 ? 5 : 1;
    given.jobs.push_back(one);
  }
  for (int a = 0; pairs && a < kinds; ++a) {
    for (int b = a; b < kinds; ++b) {
      for (int j = 0; j < 3; ++j) {
        const double first = 0.35 + 0.6 * d.unit(), second = a == b ? first : 0.35 + 0.6 * d.unit();
        given.pair_rates.push_back({a, b, j, first * rate[a][j], second * rate[b][j]});
      }
    }
  }
  age(given, d);
  return given;
}

instance different(int jobs) {
  const shares::cluster from = shares::made(jobs, 1);
  instance given;
  for (int j = 0; j < 3; ++j) {
    given.cluster.types.push_back({.name = std::string(1, static_cast<char>('a' + j)),
                                   .num_workers = std::fmax(8, from.processors[j]),
                                   .cost_per_hour = from.price[j]});
  }
  for (const shares::job& one : from.jobs) {
    given.jobs.push_back(job_of(one.rate, one.gang));
    given.jobs.back().priority = one.weight;
  }
  shares::dice d{9};
  age(given, d);
  return given;
}

/// Twelve entities of weights 1, 2, 3 in turn; every fourth is first in, first out where `fifo`.
instance in_entities(instance given, bool fifo) {
  for (int e = 0; e < 12; ++e)
    given.entities.push_back({1.0 + e % 3, fifo && e % 4 == 3 ? entity_policy::fifo : entity_policy::fairness, {}});
  for (int i = 0; i < given.size(); ++i) given.entities[static_cast<std::size_t>(i * 7 % 12)].jobs.push_back(i);
  return given;
}

template <class Policy>
void run(benchmark::State& state, const instance& given, const share_settings& how = {}) {
  validate(given);
  allocation found;
  for (auto _ : state) found = Policy::share(given, how);
  if (found.programs > 0 && !found.certificate_verified) state.SkipWithError("an answer did not pass its check");
  state.counters["programs"] = found.programs;
  state.counters["rows"] = found.rows;
  state.counters["columns"] = found.columns;
  state.counters["groups"] = found.groups.size();
  state.counters["objective"] = found.objective;
}

void register_all() {
  const auto add = [](const std::string& name, auto&& body) {
    benchmark::RegisterBenchmark(name.c_str(), body)->Unit(benchmark::kMillisecond);
  };
  constexpr share_settings apart{.group = false};
  for (const int jobs : {256, 2048}) {
    const std::string of = "/" + std::to_string(jobs);
    add("max_min/kinds" + of, [=](benchmark::State& s) { run<max_min_perf>(s, of_kinds(jobs)); });
    add("max_min/kinds_apart" + of, [=](benchmark::State& s) { run<max_min_perf>(s, of_kinds(jobs), apart); });
    add("max_min/different" + of, [=](benchmark::State& s) { run<max_min_perf>(s, different(jobs)); });
    add("makespan/different" + of, [=](benchmark::State& s) { run<least_makespan>(s, different(jobs)); });
    add("ftf/kinds" + of, [=](benchmark::State& s) { run<finish_time_fairness>(s, of_kinds(jobs)); });
    add("ftf/different" + of, [=](benchmark::State& s) { run<finish_time_fairness>(s, different(jobs)); });
    add("sum/different" + of, [=](benchmark::State& s) { run<sum_throughput>(s, different(jobs)); });
    add("ratio/different" + of, [=](benchmark::State& s) { run<throughput_per_dollar>(s, different(jobs)); });
    add("fifo_lp/different" + of, [=](benchmark::State& s) { run<fifo_lp>(s, different(jobs)); });
    add("space_sharing/kinds" + of, [=](benchmark::State& s) { run<max_min_packed>(s, of_kinds(jobs, true)); });
    add("water_filling/kinds" + of, [=](benchmark::State& s) { run<water_filling>(s, of_kinds(jobs)); });
    add("water_filling/different" + of, [=](benchmark::State& s) { run<water_filling>(s, different(jobs)); });
    add("hierarchy/kinds" + of, [=](benchmark::State& s) { run<hierarchical>(s, in_entities(of_kinds(jobs), false)); });
    add("hierarchy/kinds_fifo" + of,
        [=](benchmark::State& s) { run<hierarchical>(s, in_entities(of_kinds(jobs), true)); });
    add("hierarchy/different" + of,
        [=](benchmark::State& s) { run<hierarchical>(s, in_entities(different(jobs), false)); });
    add("allox/kinds" + of, [=](benchmark::State& s) { run<allox>(s, of_kinds(jobs)); });
  }
  add("max_min/kinds/100000", [](benchmark::State& s) { run<max_min_perf>(s, of_kinds(100000)); });
  add("space_sharing/kinds/100000", [](benchmark::State& s) { run<max_min_packed>(s, of_kinds(100000, true)); });
  add("water_filling/kinds/100000", [](benchmark::State& s) { run<water_filling>(s, of_kinds(100000)); });
}

}  // namespace

int main(int argc, char** argv) {
  try {
    register_all();
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::RunSpecifiedBenchmarks();
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "%s\n", wrong.what());
    return 1;
  }
}
