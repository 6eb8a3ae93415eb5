// SPDX-License-Identifier: Apache-2.0
// Host matrix products: plait::matmul beside a call of the CBLAS that it stands on, one after the other in each
// iteration, so that both see the same machine.
//
// Useful work: 2 * rows * columns * inner FLOP. `FLOP/s` and the time are plait's mean; `over_cblas` is plait's fastest
// time over the raw call's fastest: 1 is what it should be, and what it is above is what plait adds. Operands stay in
// the caches where they fit; the first product of each is not measured.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <plait/kernels/matmul.hpp>
#include <plait/tensor/host.hpp>
#include <plait/tensor/placement.hpp>
#include <plait/tensor/view.hpp>

#include <benchmark/benchmark.h>

namespace {

using anywhere = plait::placement<plait::replicated, plait::replicated>;

template <class Work>
double seconds_of(const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// out[rows, columns] = a[rows, inner] * b[columns, inner]', as a linear layer has it in its forward pass.
template <class T>
void product(benchmark::State& state) {
  const std::int64_t rows = state.range(0), columns = state.range(1), inner = state.range(2);
  const auto filled = [](std::int64_t count) { return std::vector<T>(static_cast<std::size_t>(count), T{0.5}); };
  const std::vector<T> a = filled(rows * inner), b = filled(columns * inner);
  std::vector<T> out = filled(rows * columns);
  const auto by_plait = [&] {
    plait::matmul(plait::matrix<const T, plait::host, anywhere>{a.data(), {rows, inner}}, plait::flip::no,
                  plait::matrix<const T, plait::host, anywhere>{b.data(), {columns, inner}}, plait::flip::yes,
                  plait::matrix<T, plait::host, anywhere>{out.data(), {rows, columns}}, 0, {});
    benchmark::ClobberMemory();
  };
  by_plait();
#if defined(PLAIT_USE_CBLAS)
  const auto by_cblas = [&] {
    const auto gemm = [] {
      if constexpr (std::is_same_v<T, float>)
        return cblas_sgemm;
      else
        return cblas_dgemm;
    }();
    const int m = static_cast<int>(rows), n = static_cast<int>(columns), k = static_cast<int>(inner);
    gemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, T{1}, a.data(), k, b.data(), k, T{0}, out.data(), n);
    benchmark::ClobberMemory();
  };
  by_cblas();
#endif
  double total = 0, ours = 1e9, theirs = 1e9;  // seconds, the last two of the fastest
  for ([[maybe_unused]] auto _ : state) {
    const double once = seconds_of(by_plait);
    state.SetIterationTime(once);
    total += once;
    ours = std::min(ours, once);
#if defined(PLAIT_USE_CBLAS)
    theirs = std::min(theirs, seconds_of(by_cblas));
#endif
  }
  const double work = 2 * static_cast<double>(rows) * static_cast<double>(columns) * static_cast<double>(inner);
  state.counters["FLOP/s"] = benchmark::Counter(work * static_cast<double>(state.iterations()) / total);
  if (theirs < 1e9) state.counters["over_cblas"] = ours / theirs;
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"rows", "columns", "inner"})->UseManualTime()->Unit(benchmark::kMicrosecond);
  bench->Args({8, 10, 32})->Args({64, 512, 784})->Args({64, 10, 512})->Args({512, 512, 512})->Args({1024, 1024, 1024});
}
BENCHMARK(product<float>)->Apply(shapes);
BENCHMARK(product<double>)->Apply(shapes);

}  // namespace
