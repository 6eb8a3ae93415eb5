// SPDX-License-Identifier: Apache-2.0
// Law 6 for ranks as threads: a rank that throws, leaves or stops answering at any action of a step stops all others,
// and the report says where each stood. tests/comm/mpi/faults.py does the same to processes.

#include "interrupted.hpp"

#include <chrono>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace harness;

struct moment {
  int rank;
  int number;
  std::string what;
};

/// Every action that any rank begins in the second step.
std::vector<moment> moments() {
  std::vector<moment> all;
  std::mutex guard;
  train_interrupted(threads{}, [&](int rank, int number, const activity& now) {
    const std::lock_guard lock{guard};
    all.push_back({rank, number, now.what});
  });
  std::vector<moment> second;
  for (const moment& one : all) {
    int actions = 0;
    for (const moment& other : all) actions += other.rank == one.rank ? 1 : 0;
    if (one.number >= actions / 2 && one.number + 1 < actions) second.push_back(one);
  }
  return second;
}

std::string place_of(int rank) {
  return "rank " + std::to_string(rank) + " = " + to_string(interrupted_layout().mesh.coordinate_of(rank));
}

template <class Fault>
std::string report_of_fault(const moment& when, double deadline_seconds, const Fault& fault) {
  const auto begin = std::chrono::steady_clock::now();
  std::string text;
  try {
    train_interrupted(threads<host>{.deadline_seconds = deadline_seconds}, [&](int rank, int number, const activity&) {
      if (rank == when.rank && number == when.number) fault();
    });
  } catch (const error& wrong) {
    text = wrong.what();
    CHECK(wrong.exit_status() == 1);
  }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::duration<double>{deadline_seconds + 10});
  CHECK_MESSAGE(text.find("\n  " + place_of(when.rank) + ": ") != std::string::npos, text);
  for (int rank = 0; rank < interrupted_layout().mesh.size(); ++rank)
    CHECK_MESSAGE(text.find("\n  " + place_of(rank) + ": ") != std::string::npos, text);
  return text;
}

}  // namespace

TEST_CASE("the step that is interrupted has every kind of action that trainers carry out") {
  std::set<std::string> kinds;
  for (const moment& one : moments()) kinds.insert(one.what);
  for (const char* kind : {"forward", "backward", "receive_activation", "send_activation", "receive_gradient",
                           "send_gradient", "reduce_gradients", "reduce_norm", "optimizer_step", "reduce_loss"})
    CHECK_MESSAGE(kinds.count(kind) == 1, kind);
}

TEST_CASE("a rank that throws at any action stops all, and the report says at which") {
  for (const moment& when : moments()) {
    CAPTURE(when.rank);
    CAPTURE(when.what);
    const std::string text = report_of_fault(when, 60, [] {
      throw error{error_kind::numerics, "test", "an interruption"};
    });
    CHECK(text.starts_with("plait: numerics: test: an interruption\n"));
    CHECK_MESSAGE(text.find("\n  " + place_of(when.rank) + ": " + when.what) != std::string::npos, text);
    CHECK_MESSAGE(text.find("; before: ") != std::string::npos, text);
  }
}

TEST_CASE("a rank that leaves at any action is noticed by those who need it") {
  for (const moment& when : moments()) {
    if (when.what == "between steps") continue;  // the rank has done all that the others need of this step
    CAPTURE(when.rank);
    CAPTURE(when.what);
    const std::string text = report_of_fault(when, 60, [] { throw left_early{}; });
    const std::string who = "rank " + std::to_string(when.rank);
    CHECK_MESSAGE((text.find(who + " sent no message") != std::string::npos ||
                   text.find(who + " did not arrive before finishing") != std::string::npos ||
                   text.find(who + " did not receive message") != std::string::npos ||
                   text.find(who + " finished while nobody had received") != std::string::npos ||
                   text.find(place_of(when.rank) + ": finished") != std::string::npos),
                  text);
  }
}

TEST_CASE("a rank that stops answering at an action of each kind is named once the deadline has passed") {
  std::set<std::string> seen;
  for (const moment& when : moments()) {
    if (when.what == "between steps" || !seen.insert(when.what).second) continue;
    CAPTURE(when.rank);
    CAPTURE(when.what);
    const std::string named = "\n  " + place_of(when.rank) + ": " + when.what;
    std::string text, within;
    for (const char* seconds : {"0.2", "1", "5"}) {  // a busy machine may keep other ranks waiting as well
      const double deadline = std::stod(seconds);
      text = report_of_fault(when, deadline,
                             [&] { std::this_thread::sleep_for(std::chrono::duration<double>{3 * deadline}); });
      within = std::string{" within "}.append(seconds).append(" s\n");
      if (text.find(named) != std::string::npos) break;
    }
    CHECK_MESSAGE(text.find(within) != std::string::npos, text);
    CHECK_MESSAGE(text.find(named) != std::string::npos, text);
    CHECK_MESSAGE(text.find(", waiting in ") != std::string::npos, text);
  }
}
