// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <set>
#include <string>

#include <plait/checkpoint/folder.hpp>

#include <doctest/doctest.h>

#include "checkpoints.hpp"
#include "data/scratch.hpp"
#include "refused.hpp"

namespace plait {
namespace {

using namespace plait::testing;

std::set<std::string> names_in(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& each : std::filesystem::directory_iterator{folder}) names.insert(each.path().filename().string());
  return names;
}

TEST_CASE("a checkpoint's name says its step and attempt, and no other name is one") {
  CHECK(to_string(checkpoint_number{120}) == "step-00000120");
  CHECK(to_string(checkpoint_number{1234567890, 3}) == "step-1234567890.3");
  for (const checkpoint_number one : {checkpoint_number{0}, {7, 2}, {99999999, 1}, {100000000, 10}})
    CHECK(parse_checkpoint_number(to_string(one)) == one);
  for (const char* name : {"", "step-", "step-1", "step-00000001.1", "step-00000001.", "step-00000001.02",
                           "step-00000001x", "step--0000001", "step-99999999999999999999", ".partial-step-00000001"})
    CHECK_FALSE(parse_checkpoint_number(name).has_value());
}

TEST_CASE("the latest checkpoint is that of the highest step, and saving a step again does not touch the first") {
  const scratch_directory scratch;
  const std::string root = scratch.file("a/run");
  CHECK_FALSE(latest_checkpoint(root).has_value());
  CHECK(save_small(root, 9) == root + "/step-00000009");
  CHECK(save_small(root, 10) == root + "/step-00000010");
  CHECK(save_small(root, 2) == root + "/step-00000002");
  CHECK(latest_checkpoint(root) == root + "/step-00000010");
  CHECK(save_small(root, 10) == root + "/step-00000010.2");
  CHECK(latest_checkpoint(root) == root + "/step-00000010.2");
  CHECK(holds_step(root + "/step-00000010", 10));
  // A folder of that name without a manifest is no checkpoint.
  std::filesystem::create_directory(root + "/step-00000011");
  CHECK(latest_checkpoint(root) == root + "/step-00000010.2");
}

TEST_CASE("the newest are kept, and nothing but checkpoints is removed") {
  const scratch_directory scratch;
  scratch.write("notes.txt", bytes_of({1}));
  for (int step = 1; step <= 5; ++step) save_small(scratch.path(), step, 2);
  CHECK(names_in(scratch.path()) == std::set<std::string>{"notes.txt", "step-00000004", "step-00000005"});
  remove_old_checkpoints(scratch.path(), 0);
  CHECK(names_in(scratch.path()).size() == 3);
  check_refused(error_kind::usage, {"0 keeps all"}, [&] { remove_old_checkpoints(scratch.path(), -1); });
}

TEST_CASE("what was left half-written is no checkpoint, and goes when the next is made") {
  const scratch_directory scratch;
  save_small(scratch.path(), 1);
  {
    const new_checkpoint left{scratch.path(), 2};
    write_shards(left.folder(), 2);
  }
  CHECK(latest_checkpoint(scratch.path()) == scratch.path() + "/step-00000001");
  CHECK(names_in(scratch.path()).size() == 2);
  save_small(scratch.path(), 3);
  CHECK(names_in(scratch.path()) == std::set<std::string>{"step-00000001", "step-00000003"});
}

TEST_CASE("a folder that cannot be made is refused in a sentence") {
  const scratch_directory scratch;
  const std::string file = scratch.write("file", bytes_of({1}));
  check_refused(error_kind::io, {file}, [&] { new_checkpoint{file, 1}; });
  check_refused(error_kind::io, {file + "/below"}, [&] { new_checkpoint{file + "/below", 1}; });
  check_refused(error_kind::io, {file}, [&] { (void)checkpoints_in(file); });
  check_refused(error_kind::usage, {"count from 0"}, [&] { new_checkpoint{scratch.path(), -1}; });
}

}  // namespace
}  // namespace plait
