// SPDX-License-Identifier: Apache-2.0
// A program of another project that links plait::mpi; without mpirun it is one rank.
#include <cstdio>
#include <span>

#include <plait/comm/mpi.hpp>

int main() {
  float value = 3;
  plait::mpi{}.run(1, [&](plait::mpi_communicator& world) {
    world.all_reduce(std::span{&value, 1}, plait::reduction::sum, plait::host_stream{});
  });
  std::printf("%g\n", value);
  return value == 3 ? 0 : 1;
}
