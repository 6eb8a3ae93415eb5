// SPDX-License-Identifier: Apache-2.0
#pragma once

// How slurm_shares talks to Slurm: by Slurm's own commands, started without a shell. A Slurm that does not answer, as
// while its controller is started anew, is asked again until patience is at its end. And files that are whole or not
// there.

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <poll.h>
#include <spawn.h>
#include <sstream>
#include <string>
#include <sys/file.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "slurm_shares_read.hpp"

extern char** environ;

namespace slurm_shares {

/// Set by SIGINT and SIGTERM: the program ends as soon as what it does is whole.
inline volatile std::sig_atomic_t told_to_end = 0;

/// Ends what waits when `told_to_end` is set.
struct interrupted {};

/// Seconds since 1970.
inline double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Sleeps in small pieces, so that a signal ends it. Throws: interrupted.
inline void wait_until(double time) {
  while (now() < time) {
    if (told_to_end != 0) throw interrupted{};
    std::this_thread::sleep_for(std::chrono::duration<double>(std::min(0.1, std::max(0.0, time - now()))));
  }
  if (told_to_end != 0) throw interrupted{};
}

/// What a command said. status: its exit status; 128 and more: a signal ended it, or it could not be started.
struct answer {
  int status = 0;
  std::string out, err;
};

/// Runs a command to its end, at most `limit` seconds. Throws: io where there is no such command.
inline answer run(const std::vector<std::string>& line, double limit = 120) {
  int out[2], err[2];
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) refuse(std::string{"no pipe: "} + std::strerror(errno));
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, out[1], 1);
  posix_spawn_file_actions_adddup2(&files, err[1], 2);
  posix_spawnattr_t how;
  posix_spawnattr_init(&how);
  // A Ctrl-C ends this program, not the command that it waits for.
  posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&how, 0);
  std::vector<char*> words;
  for (const std::string& word : line) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  pid_t child = 0;
  const int fault = posix_spawnp(&child, words[0], &files, &how, words.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&how);
  close(out[1]);
  close(err[1]);
  answer made;
  if (fault != 0) {
    close(out[0]);
    close(err[0]);
    refuse(line[0] + " cannot be started: " + std::strerror(fault) + "; install Slurm's commands, or put them on PATH");
  }
  const double until = now() + limit;
  pollfd ends[2] = {{out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
  int open = 2;
  bool is_late = false;
  while (open > 0) {
    const double left = until - now();
    if (left <= 0 && !is_late) {
      is_late = true;
      kill(child, SIGKILL);
    }
    ends[0].revents = ends[1].revents = 0;
    poll(ends, 2, is_late ? 1000 : static_cast<int>(std::min(1000.0, left * 1000 + 1)));
    for (pollfd& end : ends) {
      if (end.fd < 0 || end.revents == 0) continue;
      char bytes[65536];
      const ssize_t count = read(end.fd, bytes, sizeof bytes);
      if (count > 0) (end.fd == out[0] ? made.out : made.err).append(bytes, static_cast<std::size_t>(count));
      if (count == 0 || (count < 0 && errno != EINTR)) {
        end.fd = -1;
        --open;
      }
    }
  }
  close(out[0]);
  close(err[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  made.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (is_late) made.err = "it took more than " + std::to_string(static_cast<int>(limit)) + " s";
  return made;
}

/// The last line that says something, without "slurm_load_jobs error: " or its like.
inline std::string last_line(const std::string& text) {
  std::string found;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);)
    if (line.find_first_not_of(" \t\r") != std::string::npos) found = line;
  const auto at = found.find("error: ");
  return at == std::string::npos ? found : found.substr(at + 7);
}

/// Slurm's commands, with patience.
class client {
 public:
  /// patience: seconds for which a Slurm that does not answer is asked again; tell: who hears of it.
  client(double patience, std::function<void(const std::string&)> tell) : patience_{patience}, tell_{std::move(tell)} {}

  [[nodiscard]] std::vector<slurm_job> jobs() { return jobs_of(ask({{"squeue", "--json"}})); }

  /// Slurm before 23.02 tells its nodes by sinfo, later ones by scontrol.
  [[nodiscard]] std::vector<pool> pools() {
    return pools_of(ask({{"scontrol", "show", "nodes", "--json"}, {"sinfo", "--json"}}));
  }

  /// A command of scontrol; what went wrong with it, empty where nothing did. Tried again where Slurm was away.
  std::string control(const std::vector<std::string>& words) {
    std::vector<std::string> line{"scontrol"};
    line.insert(line.end(), words.begin(), words.end());
    answer told = run(line);
    for (int times = 0; told.status != 0 && times < 3 && is_away(told.err); ++times) {
      (void)jobs();  // returns when Slurm is back
      told = run(line);
    }
    if (told.status == 0) return {};
    const std::string why = last_line(told.err);
    return why.empty() ? "exit status " + std::to_string(told.status) : why;
  }

 private:
  static bool is_away(const std::string& said) {
    for (const char* words : {"Unable to contact", "Unexpected message received", "refused", "timed out", "Zero Bytes",
                              "onnection failure", "it took more than", "standby"})
      if (said.find(words) != std::string::npos) return true;
    return false;
  }

  /// The first of some commands that this Slurm knows, as JSON. Throws: comm where Slurm does not answer; interrupted.
  json ask(const std::vector<std::vector<std::string>>& ways) {
    const double began = now();
    double pause = 0.5;
    bool has_told = false;
    for (;;) {
      std::string fault;
      for (const std::vector<std::string>& line : ways) {
        const answer said = run(line);
        const bool is_unknown = said.err.find("unrecognized option") != std::string::npos;
        if (is_unknown && &line != &ways.back()) continue;
        if (is_unknown) refuse(line[0] + " knows no --json; slurm_shares needs Slurm 21.08 or newer, built with JSON");
        json made = json::parse(said.out, nullptr, false);
        if (said.status != 0) {
          fault = last_line(said.err);
        } else if (made.is_discarded()) {
          fault = "its answer is not JSON";
        } else {
          fault = fault_of(made);
          if (!fault.empty() && !last_line(said.err).empty()) fault = last_line(said.err);
        }
        if (fault.empty() && said.status == 0) {
          if (has_told) tell_("Slurm answers again");
          return made;
        }
        if (fault.empty()) fault = "exit status " + std::to_string(said.status);
        break;
      }
      if (now() - began >= patience_)
        throw plait::error{plait::error_kind::comm, "slurm_shares",
                           "Slurm does not answer " + ways.back()[0] + ": " + fault +
                               "; jobs stay as they are, see that slurmctld runs and start slurm_shares again"};
      if (!has_told)
        tell_("Slurm does not answer (" + fault + "); asking again for " + std::to_string(static_cast<int>(patience_)) +
              " s");
      has_told = true;
      wait_until(std::min(now() + pause, began + patience_));
      pause = std::min(2 * pause, 10.0);
    }
  }

  double patience_;
  std::function<void(const std::string&)> tell_;
};

/// Writes a file that is there whole or as it was before, also if the machine fails. Throws: io.
inline void write_whole(const std::string& file, const std::string& text) {
  const std::string part = file + ".part";
  const int at = open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  bool is_good = at >= 0;
  for (std::size_t done = 0; is_good && done < text.size();) {
    const ssize_t count = write(at, text.data() + done, text.size() - done);
    is_good = count > 0 || (count < 0 && errno == EINTR);
    if (count > 0) done += static_cast<std::size_t>(count);
  }
  is_good = is_good && fsync(at) == 0;
  if (at >= 0) is_good = close(at) == 0 && is_good;
  if (!is_good || std::rename(part.c_str(), file.c_str()) != 0)
    refuse(file + " cannot be written: " + std::strerror(errno));
}

/// Holds the file of a state for one program at a time, as long as it lives. Throws: io.
class lock {
 public:
  explicit lock(const std::string& file) : at_{open((file + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)} {
    if (at_ < 0) refuse(file + ".lock cannot be written: " + std::strerror(errno));
    if (flock(at_, LOCK_EX | LOCK_NB) != 0) {
      close(at_);
      refuse(file + " is in use by another slurm_shares; end that one first");
    }
  }
  ~lock() { close(at_); }
  lock(const lock&) = delete;
  lock& operator=(const lock&) = delete;

 private:
  int at_;
};

}  // namespace slurm_shares
