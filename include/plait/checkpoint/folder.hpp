// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <utility>
#include <vector>

#include <plait/checkpoint/file.hpp>
#include <plait/checkpoint/manifest.hpp>
#include <plait/core/error.hpp>
#include <plait/core/require.hpp>

namespace plait {

/// A checkpoint's place among those of its folder: the step, and which attempt at it, from 1.
///
///     step-00000120   step-00000240   step-00000240.2   .partial-step-00000360
struct checkpoint_number {
  std::int64_t step = 0;
  int attempt = 1;

  friend auto operator<=>(const checkpoint_number&, const checkpoint_number&) = default;
};

inline std::string to_string(checkpoint_number number) {
  const std::string digits = std::to_string(number.step);
  std::string name = "step-" + std::string(digits.size() < 8 ? 8 - digits.size() : 0, '0') + digits;
  if (number.attempt > 1) name.append(".").append(std::to_string(number.attempt));
  return name;
}

/// The number of that name, or none.
inline std::optional<checkpoint_number> parse_checkpoint_number(std::string_view name) {
  constexpr std::string_view prefix = "step-";
  if (!name.starts_with(prefix)) return std::nullopt;
  checkpoint_number number;
  const char *at = name.data() + prefix.size(), *const end = name.data() + name.size();
  at = std::from_chars(at, end, number.step).ptr;
  if (at != end && *at == '.') at = std::from_chars(at + 1, end, number.attempt).ptr;
  return at == end && to_string(number) == name ? std::optional{number} : std::nullopt;
}

/// The checkpoints of a folder, oldest first: those that have their name, which they get when they are whole.
///
/// Throws: io, where the folder cannot be read; one that is not there has none.
inline std::vector<checkpoint_number> checkpoints_in(const std::string& root) {
  std::vector<checkpoint_number> found;
  std::error_code failed;
  std::filesystem::directory_iterator each{root, failed};
  if (failed == std::errc::no_such_file_or_directory) return found;
  for (; !failed && each != std::filesystem::directory_iterator{}; each.increment(failed))
    if (const auto number = parse_checkpoint_number(each->path().filename().string())) found.push_back(*number);
  if (failed) throw error{error_kind::io, "checkpoints_in", "cannot read " + root + ": " + failed.message()};
  std::sort(found.begin(), found.end());
  return found;
}

/// The folder of the newest checkpoint that has its manifest, or none. Throws: io.
inline std::optional<std::string> latest_checkpoint(const std::string& root) {
  const std::vector<checkpoint_number> all = checkpoints_in(root);
  for (auto one = all.rbegin(); one != all.rend(); ++one) {
    std::string folder = root + "/" + to_string(*one);
    if (::access((folder + "/" + std::string{manifest_name}).c_str(), F_OK) == 0) return folder;
  }
  return std::nullopt;
}

/// A checkpoint while it is being written: a hidden folder that becomes visible, whole, by one renaming.
///
///     new_checkpoint made{"runs/a", 120};           // one rank
///     write_shard(made.folder() + "/...", ...);     // any number of ranks, in parallel
///     made.commit(manifest);                        // one rank, once all have finished
///
/// Law: whenever the program or the machine stops, each checkpoint of the root is there whole under its name or not at
/// all, and those before it are as they were. What was left half-written is removed by the next to begin.
/// Needs: one writer at a time for a root.
class new_checkpoint {
 public:
  /// Throws: io, where the folder cannot be made.
  new_checkpoint(std::string root, std::int64_t step) : root_{std::move(root)}, number_{step, 1} {
    require(step >= 0, "plait::new_checkpoint", "steps count from 0");
    std::error_code failed;
    std::filesystem::create_directories(root_, failed);
    if (failed) throw error{error_kind::io, "new_checkpoint", "cannot make " + root_ + ": " + failed.message()};
    remove_abandoned();
    for (const checkpoint_number& one : checkpoints_in(root_))
      if (one.step == step) number_.attempt = std::max(number_.attempt, one.attempt + 1);
    if (::mkdir(folder().c_str(), 0777) != 0) detail::file_failure("new_checkpoint", "make", folder());
  }

  [[nodiscard]] std::string folder() const { return root_ + "/" + std::string{partial} + to_string(number_); }
  [[nodiscard]] std::string final_folder() const { return root_ + "/" + to_string(number_); }

  /// Makes the checkpoint what `latest_checkpoint` finds. Needs: shards that are on the disk. Throws: io; the
  /// checkpoint is then not there, unless the disk failed after it had its name.
  void commit(const manifest& of) {
    output_file file{folder() + "/" + std::string{manifest_name}};
    file.append(bytes_of_text(to_text(of)));
    file.finish();
    sync_folder(folder());
    if (std::rename(folder().c_str(), final_folder().c_str()) != 0)
      detail::file_failure("new_checkpoint", "rename", folder());
    sync_folder(root_);
  }

  /// Removes what has been written. For a checkpoint that cannot be finished; does not throw.
  void abandon() noexcept {
    std::error_code ignored;
    std::filesystem::remove_all(folder(), ignored);
  }

 private:
  static constexpr std::string_view partial = ".partial-";

  void remove_abandoned() const {
    std::vector<std::filesystem::path> old;
    std::error_code failed;
    for (std::filesystem::directory_iterator each{root_, failed}; !failed && each != end(each); each.increment(failed))
      if (each->path().filename().string().starts_with(partial)) old.push_back(each->path());
    for (const std::filesystem::path& one : old) std::filesystem::remove_all(one, failed);
    if (failed)
      throw error{error_kind::io, "new_checkpoint",
                  "cannot remove what a checkpoint left half-written in " + root_ + ": " + failed.message()};
  }

  std::string root_;
  checkpoint_number number_;
};

/// Removes all but the newest `keep` checkpoints of a folder; 0 keeps all. Throws: io.
///
/// A checkpoint that goes loses its name first, so that one half removed is never taken for a whole one.
inline void remove_old_checkpoints(const std::string& root, int keep) {
  require(keep >= 0, "plait::remove_old_checkpoints", "keep counts checkpoints; 0 keeps all");
  std::vector<checkpoint_number> all = checkpoints_in(root);
  if (keep == 0 || all.size() <= static_cast<std::size_t>(keep)) return;
  all.resize(all.size() - static_cast<std::size_t>(keep));
  for (const checkpoint_number& one : all) {
    const std::string folder = root + "/" + to_string(one), hidden = root + "/.partial-old-" + to_string(one);
    if (std::rename(folder.c_str(), hidden.c_str()) != 0)
      detail::file_failure("remove_old_checkpoints", "rename", folder);
    std::error_code failed;
    std::filesystem::remove_all(hidden, failed);
    if (failed)
      throw error{error_kind::io, "remove_old_checkpoints", "cannot remove " + hidden + ": " + failed.message()};
  }
}

}  // namespace plait
