// SPDX-License-Identifier: Apache-2.0
// The side of fashion_mnist for ranks over NCCL: the same loop, with one process for each GPU, started by any launcher.

#include <plait/comm/nccl.cuh>
#include <plait/plait.cuh>

#include "fashion_mnist_run.hpp"

fashion_report train_fashion_on_nccl(const fashion_options& options, bool f64, const char* what) {
  plait::nccl engine;
  engine.options.deadline_seconds = options.deadline;
  return f64 ? train_fashion<double>(engine, options, what) : train_fashion<float>(engine, options, what);
}
