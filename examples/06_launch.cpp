// SPDX-License-Identifier: Apache-2.0
// How processes that were started together find each other: each reads its place from what its launcher set, and rank 0
// gives all others 128 bytes over TCP, as it would give them the id of NCCL. Prints one line for each rank.
//
//   06_launch                                         one rank, alone
//   scripts/launch.sh 4 06_launch                     four processes of this machine
//   mpirun -n 4 06_launch, srun -n 4 06_launch, torchrun --no-python --nproc-per-node 4 06_launch
//   06_launch --rank 0 --size 2 --address 127.0.0.1 --port 5000    one of two, told by hand
//
// docs/launch.md has more. A secret in the variable PLAIT_SECRET keeps others out.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <random>
#include <span>
#include <string>

#include <plait/core/error.hpp>
#include <plait/launch/launch_place.hpp>
#include <plait/launch/tcp_exchange.hpp>

#include <CLI/CLI.hpp>

int main(int argc, char** argv) {
  plait::launch_arguments arguments;
  plait::tcp_options options;
  bool only_place = false;
  CLI::App app{"Prints the place of this process among those started with it, and exchanges 128 bytes with them."};
  app.add_option("--rank", arguments.rank, "rank of this process; by default what the launcher says");
  app.add_option("--size", arguments.size, "number of ranks");
  app.add_option("--local-rank", arguments.local_rank, "which rank of this machine it is");
  app.add_option("--address", arguments.address, "where rank 0 is: a name or a number");
  app.add_option("--port", arguments.port, "the port that rank 0 listens on");
  app.add_option("--job", arguments.job, "a text that the ranks of this start have in common");
  app.add_option("--deadline", options.deadline_seconds, "seconds that ranks wait for each other")
      ->capture_default_str();
  app.add_flag("--place", only_place, "print the place and exchange nothing");
  try {
    app.parse(argc, argv);
    // [an exchange]
    const plait::launch_place place = plait::place_of_process(arguments);
    std::array<std::uint32_t, 32> id{};
    std::random_device random;
    if (place.rank == 0) std::ranges::generate(id, std::ref(random));
    if (!only_place) plait::tcp_exchange(place, std::as_writable_bytes(std::span{id}), options);
    // [an exchange]
    std::uint32_t sum = 0;
    for (const std::uint32_t one : id) sum = sum * 31 + one;
    std::printf("rank %d of %d, local rank %d, by %s, rank 0 at %s port %d, job '%s', id %08x\n", place.rank,
                place.size, place.local_rank, std::string{name_of(place.by)}.c_str(), place.address.c_str(), place.port,
                place.job.c_str(), sum);
  } catch (const CLI::ParseError& wrong) {
    return app.exit(wrong) == 0 ? 0 : 2;
  } catch (const plait::error& wrong) {
    std::fprintf(stderr, "06_launch: %s\n", wrong.what());
    return wrong.exit_status();
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "06_launch: %s\n", wrong.what());
    return 1;
  }
}
