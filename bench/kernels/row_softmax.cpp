// SPDX-License-Identifier: Apache-2.0
// Softmax cross-entropy on the host: plait's function objects, which let the classes be split over ranks, beside one
// plain loop that computes loss and gradient of whole rows, one after the other in each iteration.
//
// Useful work: one logit read and one gradient written. `logits/s` and the time are plait's mean; `over_plain` is
// plait's fastest time over the plain loop's fastest, whose two calls of exp for each logit are what plait makes too.
// The first run of each is not measured.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <plait/kernels/cross_entropy.hpp>
#include <plait/kernels/for_each.hpp>
#include <plait/tensor/host.hpp>

#include <benchmark/benchmark.h>

namespace {

template <class Work>
double seconds_of(const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

template <class T>
void cross_entropy(benchmark::State& state) {
  const std::int64_t rows = state.range(0), classes = state.range(1);
  const auto size = [](std::int64_t count) { return static_cast<std::size_t>(count); };
  std::vector<T> x(size(rows * classes)), dx(x.size()), largest(size(rows)), sums(size(2 * rows)), loss(size(rows)),
      kept(size(2 * rows));
  std::vector<std::int32_t> label(size(rows));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(i * 2654435761u % 1000) / T{250} - T{2};
  for (std::size_t i = 0; i < label.size(); ++i) label[i] = static_cast<std::int32_t>(i % size(classes));
  const T scale = T{1} / static_cast<T>(rows);

  const auto by_plait = [&] {
    using namespace plait::cross_entropy;
    const plait::host_stream order;
    plait::for_each_row(rows, row_max<T>{x.data(), classes, largest.data()}, order);
    plait::for_each_row(
        rows, row_sums<T>{x.data(), label.data(), largest.data(), rows, classes, 0, classes, sums.data()}, order);
    plait::for_each_element(rows, row_loss<T>{largest.data(), sums.data(), rows, loss.data(), kept.data()}, order);
    plait::for_each_row(rows, row_gradient<T>{x.data(), label.data(), kept.data(), rows, classes, 0, scale, dx.data()},
                        order);
    benchmark::ClobberMemory();
  };
  const auto plainly = [&] {
    for (std::int64_t i = 0; i < rows; ++i) {
      const T* const from = x.data() + i * classes;
      T* const to = dx.data() + i * classes;
      const T top = *std::max_element(from, from + classes);
      T total = 0;
      for (std::int64_t j = 0; j < classes; ++j) total += std::exp(from[j] - top);
      const T log_of_sum = top + std::log(total);
      for (std::int64_t j = 0; j < classes; ++j) to[j] = scale * std::exp(from[j] - log_of_sum);
      const std::int32_t own = label[size(i)];
      to[own] -= scale;
      loss[size(i)] = log_of_sum - from[own];
    }
    benchmark::ClobberMemory();
  };
  by_plait();
  plainly();
  double total = 0, ours = 1e9, theirs = 1e9;  // seconds, the last two of the fastest
  for ([[maybe_unused]] auto _ : state) {
    const double once = seconds_of(by_plait);
    state.SetIterationTime(once);
    total += once;
    ours = std::min(ours, once);
    theirs = std::min(theirs, seconds_of(plainly));
  }
  state.counters["logits/s"] =
      benchmark::Counter(static_cast<double>(rows * classes) * static_cast<double>(state.iterations()) / total);
  state.counters["over_plain"] = ours / theirs;
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"rows", "classes"})->UseManualTime()->Unit(benchmark::kMicrosecond);
  bench->Args({64, 10})->Args({64, 1000})->Args({64, 32000});
}
BENCHMARK(cross_entropy<float>)->Apply(shapes);
BENCHMARK(cross_entropy<double>)->Apply(shapes);

}  // namespace
