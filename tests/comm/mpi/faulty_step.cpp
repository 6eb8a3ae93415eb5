// SPDX-License-Identifier: Apache-2.0
// Trains two steps on processes, and lets something happen on one of them just before one of its actions. For
// faults.py, which starts it.
//
//   faulty_step list                                         prints "rank number action" for every action
//   faulty_step FAULT RANK NUMBER PAUSE DEADLINE FLIGHT_RECORD
//                                   FAULT: throw, exit, leave, kill, stop, cut; PAUSE: seconds before it, in the action

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <thread>
#include <unistd.h>

#include <plait/comm/mpi.hpp>

#include "train/interrupted.hpp"

namespace {

void happen(const std::string& fault, double pause) {
  if (fault == "cut") std::printf("pid %ld\n", static_cast<long>(::getpid()));  // the connection goes during the pause
  std::fflush(stdout);
  std::this_thread::sleep_for(std::chrono::duration<double>{pause});
  if (fault != "cut") std::printf("pid %ld\n", static_cast<long>(::getpid()));
  std::fflush(stdout);
  if (fault == "throw") throw plait::error{plait::error_kind::numerics, "test", "an interruption"};
  if (fault == "leave") throw harness::left_early{};
  if (fault == "exit") std::exit(3);
  if (fault == "kill") std::raise(SIGKILL);
  if (fault == "stop") std::raise(SIGSTOP);
}

int run_program(int count, char** words) {
  const std::string fault = count > 1 ? words[1] : "";
  if (fault == "list") {
    harness::train_interrupted(plait::mpi{}, [](int rank, int number, const plait::activity& now) {
      std::printf("%d %d %s\n", rank, number, now.what);
    });
    return 0;
  }
  plait::require(count == 7, "faulty_step", "six words are needed");
  const int rank = std::atoi(words[2]), number = std::atoi(words[3]);
  harness::train_interrupted(plait::mpi{.deadline_seconds = std::atof(words[5]), .flight_record = words[6]},
                             [&](int at, int which, const plait::activity&) {
                               if (at == rank && which == number) happen(fault, std::atof(words[4]));
                             });
  return 0;
}

}  // namespace

int main(int count, char** words) {
  try {
    return run_program(count, words);
  } catch (const plait::error& wrong) {
    std::fprintf(stderr, "%s\n", wrong.what());
    return wrong.exit_status();
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "faulty_step: %s\n", wrong.what());
    return 1;
  }
}
