// SPDX-License-Identifier: Apache-2.0
// The side of fashion_mnist for ranks as processes: the same loop, with one rank in each process that mpirun starts.

#include <plait/comm/mpi.hpp>

#include "fashion_mnist_run.hpp"

fashion_report train_fashion_on_mpi(const fashion_options& options, bool f64, const char* what) {
  const plait::mpi engine{.deadline_seconds = options.deadline, .flight_record = options.flight_record};
  return f64 ? train_fashion<double>(engine, options, what) : train_fashion<float>(engine, options, what);
}
