// SPDX-License-Identifier: Apache-2.0
// What the trainer itself costs for each action of a program: a step of layers that hand on a number. Useful work: one
// action; `each` is the time of a step over its actions, on each rank.
//
//   one rank:   passes alone, no messages
//   two ranks:  a pipeline of two threads, with a send and a receive for each pass: it needs two processors
#include <cstdint>
#include <string_view>
#include <vector>

#include <plait/plait.hpp>

#include <benchmark/benchmark.h>

namespace {

using namespace plait;

/// A layer that hands on one number: what is timed is everything around it.
struct nothing {
  static constexpr std::string_view name = "nothing";
  using takes = as_it_comes;
  using gives = as_it_comes;
  std::int64_t outputs(std::int64_t inputs) const { return inputs; }
  template <class Sink>
  void parameters(Sink&&) const {}
  template <class Context, class X, class Y>
  void forward(Context&, X x, Y y) const {
    *y.data = *x.data;
  }
  template <class Context, class X, class Y, class DX>
  void backward_input(Context&, X, Y, Y dy, DX dx) const {
    if (dx.data != nullptr) *dx.data = *dy.data;
  }
};

template <class Layout, class Engine>
void step_of_empty_layers(benchmark::State& state, const Engine& engine) {
  const int micro = static_cast<int>(state.range(0));
  const stack model{nothing{}, nothing{}, scatter_features{}, squared_error{1}};
  const std::vector<float> x(static_cast<std::size_t>(micro), 1.0f);
  std::vector<std::int64_t> offsets;
  for (int i = 0; i <= micro; ++i) offsets.push_back(i);
  const batch<float, float> samples{.x = x,
                                    .targets = x,
                                    .rows = micro,
                                    .features = 1,
                                    .target_columns = 1,
                                    .global_rows = micro,
                                    .micro_offset = offsets};
  plait::run<Layout>(engine, [&](auto& rank) {
    trainer trainer{rank, model, sgd{}, training<float>{.features = 1, .batch = micro, .micro = micro}};
    for (int i = 0; i < 10; ++i) trainer.step(samples);
    const auto actions = static_cast<double>(trainer.programs()[0].actions.size());
    if (rank.rank() == 0) {
      for (auto _ : state) {
        std::int64_t go_on = 1;
        rank.world().broadcast(std::span{&go_on, 1}, 0, {});
        trainer.step(samples);
      }
      std::int64_t go_on = 0;
      rank.world().broadcast(std::span{&go_on, 1}, 0, {});
      state.counters["actions"] = actions;
      state.counters["each"] = benchmark::Counter(actions * static_cast<double>(state.iterations()),
                                                  benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
    } else {
      for (;;) {
        std::int64_t go_on = 0;
        rank.world().broadcast(std::span{&go_on, 1}, 0, {});
        if (go_on == 0) break;
        trainer.step(samples);
      }
    }
  });
}

void one_rank(benchmark::State& state) {
  step_of_empty_layers<mesh<>>(state, serial{});
}
void two_ranks(benchmark::State& state) {
  step_of_empty_layers<mesh<pipeline<2, one_f_one_b>>>(state, threads<host>{});
}

BENCHMARK(one_rank)->Arg(64)->UseRealTime();
BENCHMARK(two_ranks)->Arg(64)->UseRealTime();

}  // namespace
