// SPDX-License-Identifier: Apache-2.0
// The CUDA side of fashion_mnist: the same loop, with ranks as threads that share one GPU, or with one rank whose steps
// are CUDA graphs.

#include <plait/plait.cuh>

#include "fashion_mnist_run.hpp"

fashion_report train_fashion_on_cuda(const fashion_options& options, bool f64, const char* what) {
  if (options.graph) {  // threads wait for each other on the host, which no graph can do
    const plait::serial<plait::cuda> engine;
    return f64 ? train_fashion<double>(engine, options, what) : train_fashion<float>(engine, options, what);
  }
  const plait::threads<plait::cuda> engine{.deadline_seconds = options.deadline,
                                           .flight_record = options.flight_record};
  return f64 ? train_fashion<double>(engine, options, what) : train_fashion<float>(engine, options, what);
}
