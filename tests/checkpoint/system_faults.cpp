// SPDX-License-Identifier: Apache-2.0
// What is on the disk when a program is killed at any call of the system, or a call fails. This file defines the calls
// that change files in place of the C library's, for the whole test program; they do what those do until a fault is
// armed.

#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "checkpoints.hpp"
#include "data/scratch.hpp"
#include "refused.hpp"

namespace {

enum class fault {
  none,
  kill,       ///< before the call
  kill_half,  ///< a write has written half
  lose,       ///< as when the machine stops: what was written and not brought to the disk is gone
  refuse,     ///< the call fails, as on a full disk
  rough,      ///< every other call is interrupted, and writes write half: nothing that a caller may not expect
};

struct {
  fault kind = fault::none;
  int at = -1;    ///< the number of the call that the fault strikes
  int calls = 0;  ///< since armed
  bool odd = false;
  std::map<ino_t, int> unsynced{};         ///< files written, not on the disk: a second number for each
  std::set<std::string> unsynced_names{};  ///< of files whose folder is not on the disk since they were made
} armed;

ino_t inode_of(int file) {
  struct stat found {};
  ::fstat(file, &found);
  return found.st_ino;
}

void die() {
  if (armed.kind == fault::lose) {
    for (const auto& [inode, second] : armed.unsynced) (void)::syscall(SYS_ftruncate, second, 0);
    for (const std::string& name : armed.unsynced_names) (void)::syscall(SYS_unlink, name.c_str());
  }
  ::raise(SIGKILL);
}

/// Called at the begin of each; says whether it must fail now, with errno set.
bool strikes(int reason) {
  if (armed.kind == fault::none) return false;
  if (armed.kind == fault::rough) {
    armed.odd = !armed.odd;
    if (armed.odd) errno = EINTR;
    return armed.odd && (reason == EINTR || reason == ENOSPC);
  }
  if (armed.calls++ != armed.at) return false;
  // Half a write is for writes; whatever else stands there is killed before it begins.
  if (armed.kind == fault::kill || armed.kind == fault::lose || (armed.kind == fault::kill_half && reason != ENOSPC))
    die();
  if (armed.kind != fault::refuse) return false;
  errno = reason;
  return true;
}

/// Arms a fault for as long as it lives.
struct with_fault {
  with_fault(fault kind, int at) { armed.kind = kind, armed.at = at, armed.calls = 0; }
  ~with_fault() { armed.kind = fault::none; }
};

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    if (strikes(EDQUOT)) return -1;
    if (armed.kind == fault::lose) armed.unsynced_names.insert(path);
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
  }
  return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

ssize_t pwrite(int file, const void* bytes, size_t count, off_t offset) {
  const bool half = armed.kind == fault::kill_half && armed.calls == armed.at;
  if (strikes(ENOSPC)) return -1;
  if (half || (armed.kind == fault::rough && count > 1)) count /= 2;
  if (armed.kind == fault::lose && armed.unsynced.count(inode_of(file)) == 0)
    armed.unsynced[inode_of(file)] = ::dup(file);
  const auto written = static_cast<ssize_t>(::syscall(SYS_pwrite64, file, bytes, count, offset));
  if (half) die();
  return written;
}

int fsync(int file) {
  if (strikes(EINTR)) {
    if (armed.kind == fault::refuse) errno = EIO;
    return -1;
  }
  const int done = static_cast<int>(::syscall(SYS_fsync, file));
  armed.unsynced.erase(inode_of(file));
  std::error_code none;
  const std::string path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file), none).string();
  std::erase_if(armed.unsynced_names,
                [&](const std::string& name) { return name.rfind('/') == path.size() && name.starts_with(path); });
  return done;
}

int rename(const char* from, const char* to) noexcept {
  if (strikes(EIO)) return -1;
  std::set<std::string> moved;
  for (const std::string& name : armed.unsynced_names)
    moved.insert(name.starts_with(std::string{from} + "/") ? to + name.substr(std::string_view{from}.size()) : name);
  armed.unsynced_names.swap(moved);
  return static_cast<int>(::syscall(SYS_rename, from, to));
}

int mkdir(const char* path, mode_t mode) noexcept {
  if (strikes(EDQUOT)) return -1;
  return static_cast<int>(::syscall(SYS_mkdir, path, mode));
}

int unlinkat(int folder, const char* path, int flags) noexcept {
  if (strikes(EIO)) return -1;
  return static_cast<int>(::syscall(SYS_unlinkat, folder, path, flags));
}

}  // extern "C"

namespace plait {
namespace {

using namespace plait::testing;

/// Saves step 2 in a child that a fault strikes; says whether it was killed.
bool saves_in_child(const std::string& root, fault kind, int at) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    with_fault armed_now{kind, at};
    save_small(root, 2, /*keep=*/1);
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status)) {
    REQUIRE(WTERMSIG(status) == SIGKILL);
    return true;
  }
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 0);
  return false;
}

/// Strikes call 0, call 1, ... until the saving gets through; gives how many calls there were.
int strike_every_call(fault kind) {
  for (int at = 0;; ++at) {
    CAPTURE(at);
    const scratch_directory scratch;
    save_small(scratch.path(), 1);
    const bool killed = saves_in_child(scratch.path(), kind, at);
    // Whatever happened: the newest checkpoint is there, and whole; and the next saving works and tidies up.
    const auto newest = latest_checkpoint(scratch.path());
    REQUIRE(newest.has_value());
    const bool second = newest->ends_with("step-00000002");
    REQUIRE(holds_step(*newest, second ? 2 : 1));
    REQUIRE((killed || second));
    for (const checkpoint_number& one : checkpoints_in(scratch.path()))
      REQUIRE(holds_step(scratch.path() + "/" + to_string(one), one.step));
    REQUIRE(holds_step(save_small(scratch.path(), 3, 1), 3));
    REQUIRE(std::distance(std::filesystem::directory_iterator{scratch.path()}, {}) == 1);
    if (!killed) return at;
  }
}

TEST_CASE("killed at any call of the system, a save leaves the checkpoint before it or its own, whole") {
  // Three files of several writes, three folders on the disk, two renamings, and what goes of the old checkpoint.
  CHECK(strike_every_call(fault::kill) > 15);
}

TEST_CASE("killed in the middle of any write, a save leaves the checkpoint before it or its own, whole") {
  CHECK(strike_every_call(fault::kill_half) > 15);
}

TEST_CASE("when the machine stops at any call, what was not yet on the disk is of no checkpoint that has its name") {
  CHECK(strike_every_call(fault::lose) > 15);
}

TEST_CASE("when any call fails, as on a full disk, a save is refused, and what was there before is there") {
  int refusals = 0;
  for (int at = 0;; ++at) {
    CAPTURE(at);
    const scratch_directory scratch;
    save_small(scratch.path(), 1);
    try {
      const with_fault armed_now{fault::refuse, at};
      save_small(scratch.path(), 2);
    } catch (const error& refused) {
      ++refusals;
      CHECK(name_of(refused.kind()) == "io");
      CHECK(refused.sentence().starts_with("cannot "));
      CHECK(refused.sentence().find(scratch.path()) != std::string::npos);
    }
    CHECK(holds_step(scratch.path() + "/step-00000001", 1));
    const auto newest = latest_checkpoint(scratch.path());
    if (newest->ends_with("2")) CHECK(holds_step(*newest, 2));
    CHECK(std::distance(std::filesystem::directory_iterator{scratch.path()}, {}) == (newest->ends_with("2") ? 2 : 1));
    if (at >= refusals) break;
  }
  CHECK(refusals > 10);
}

TEST_CASE("calls that are interrupted or write less than they were asked are taken up again") {
  const scratch_directory scratch;
  std::string folder;
  {
    const with_fault armed_now{fault::rough, 0};
    folder = save_small(scratch.path(), 5);
  }
  CHECK(holds_step(folder, 5));
}

TEST_CASE("a disk without room is named in the sentence") {
  const scratch_directory scratch;
  const with_fault armed_now{fault::refuse, 2};
  check_refused(error_kind::io, {"cannot write to", "shard-00000.safetensors", "No space left on device"},
                [&] { save_small(scratch.path(), 1); });
}

}  // namespace
}  // namespace plait
