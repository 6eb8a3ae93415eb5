// SPDX-License-Identifier: Apache-2.0
#pragma once
// Runs a test case in several processes, each a rank over NCCL, on however few GPUs there are: each process says that
// it is a machine of its own (NCCL_HOSTID), so NCCL lets many share a GPU and connects them through sockets of this
// machine. The figures of such a run mean nothing; what is computed does.

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <vector>

#include <plait/comm/nccl.cuh>
#include <plait/launch/environment.hpp>

#include <doctest/doctest.h>

namespace nccl_test {

/// The rank that this process was started as, if a test started it.
inline std::optional<int> started_as() {
  const char* const rank = std::getenv("PLAIT_TEST_RANK");
  return rank == nullptr ? std::nullopt : std::optional<int>{std::atoi(rank)};
}

/// Starts this test case again in so many processes; their exit statuses.
inline std::vector<int> start_again(int processes) {
  std::string name = doctest::getContextOptions()->currentTest->m_name;
  for (char& letter : name) {
    if (letter == ',') letter = '?';  // which separates filters
  }
  std::random_device random;
  const std::string port = std::to_string(20000 + random() % 12000);
  std::vector<pid_t> children;
  for (int rank = 0; rank < processes; ++rank) {
    plait::environment variables = plait::environment_of_process();
    const std::map<std::string, std::string> more{{"PLAIT_TEST_RANK", std::to_string(rank)},
                                                  {"PLAIT_TEST_PORT", port},
                                                  {"PLAIT_SECRET", port + "." + std::to_string(::getpid())},
                                                  {"NCCL_HOSTID", "plait-" + port + "-" + std::to_string(rank)},
                                                  {"NCCL_SOCKET_IFNAME", "lo"},
                                                  {"NCCL_IB_DISABLE", "1"},
                                                  {"NCCL_NET", "Socket"},
                                                  {"NCCL_NET_PLUGIN", "none"},
                                                  {"NCCL_MNNVL_ENABLE", "0"},
                                                  {"NCCL_NVLS_ENABLE", "0"},
                                                  {"NCCL_RAS_ENABLE", "0"},
                                                  {"NCCL_MAX_CTAS", "2"},
                                                  {"NCCL_ALGO", "Ring"},
                                                  {"NCCL_PROTO", "Simple"},
                                                  {"CUDA_DEVICE_MAX_CONNECTIONS", "32"}};
    for (const auto& [key, value] : more) variables[key] = value;
    std::vector<std::string> texts;
    for (const auto& [key, value] : variables) texts.push_back(key + "=" + value);
    std::vector<char*> pointers;
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    std::string program = "/proc/self/exe", filter = "--test-case=" + name;
    std::array<char*, 3> arguments{program.data(), filter.data(), nullptr};
    pid_t child = 0;
    REQUIRE(::posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments.data(), pointers.data()) == 0);
    children.push_back(child);
  }
  std::vector<int> statuses;
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    statuses.push_back(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  }
  return statuses;
}

/// The engine of this process, as rank of `ranks`, for its `call`-th run.
inline plait::nccl engine_of(int rank, int ranks, int call, const plait::nccl_options& options) {
  plait::launch_place place;
  place.by = plait::launcher::arguments;
  place.rank = rank;
  place.size = ranks;
  place.local_rank = rank;
  place.address = "127.0.0.1";
  place.port = std::atoi(std::getenv("PLAIT_TEST_PORT")) + call % 64;
  place.job = "run " + std::to_string(call);
  plait::nccl engine;
  engine.options = options;
  engine.start_seconds = 120;
  engine.place = place;
  return engine;
}

/// An engine whose first run in a test case starts `Most` processes, which run the test case again; there every run
/// takes part with as many of them as it has ranks.
template <int Most, int Channels = 0, plait::sums_by Sums = plait::sums_by::in_rank_order>
struct processes {
  using communicator_type = plait::nccl_communicator;
  double deadline_seconds = 60;

  template <class Body>
  void run(int ranks, Body&& body) const {
    run(ranks, body, [](int) { return std::string{}; });
  }
  template <class Body, class CoordinatesOf>
  void run(int ranks, Body&& body, CoordinatesOf&& coordinates_of) const {
    static const void* started = nullptr;  // the test case whose processes have run
    static int calls = 0;
    const std::optional<int> rank = started_as();
    if (!rank) {
      const void* const current = doctest::getContextOptions()->currentTest;
      if (started == current) return;
      started = current;
      for (const int status : start_again(Most)) CHECK(status == 0);
      return;
    }
    const int call = calls++;
    if (*rank >= ranks) return;
    engine_of(*rank, ranks, call, {deadline_seconds, Sums, Channels}).run(ranks, body, coordinates_of);
  }
};

}  // namespace nccl_test
