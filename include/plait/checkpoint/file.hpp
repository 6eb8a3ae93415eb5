// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <span>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <plait/core/error.hpp>

namespace plait {

namespace detail {

/// Throws io: "cannot write to x: No space left on device", from `errno`.
[[noreturn]] inline void file_failure(std::string_view call, std::string_view verb, const std::string& path) {
  const std::string reason = std::generic_category().message(errno);
  throw error{error_kind::io, std::string{call},
              std::string{"cannot "}.append(verb).append(" ").append(path).append(": ").append(reason)};
}

/// Calls the system again as long as a signal came in between.
template <class Call>
auto despite_signals(Call&& call) {
  while (true) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

/// Owns the number of an open file.
class file_number {
 public:
  explicit file_number(int number) : number_{number} {}
  file_number(file_number&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
  file_number& operator=(file_number&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~file_number() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int get() const { return number_; }
  [[nodiscard]] int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

}  // namespace detail

/// A file to read at any place of it.
class input_file {
 public:
  /// Throws: io, where there is no such file, or it is no ordinary one.
  explicit input_file(std::string path)
      : path_{std::move(path)}, number_{detail::despite_signals([&] {
          return ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        })} {
    struct stat found {};
    if (number_.get() < 0 || ::fstat(number_.get(), &found) != 0) detail::file_failure("input_file", "open", path_);
    if (!S_ISREG(found.st_mode)) throw error{error_kind::io, "input_file", path_ + " is not an ordinary file"};
    size_ = found.st_size;
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::int64_t size() const { return size_; }  ///< bytes, when it was opened

  /// Fills `to` with the bytes from `offset` on. Throws: io, where the file ends before or cannot be read.
  void read(std::span<std::byte> to, std::int64_t offset) const {
    while (!to.empty()) {
      const auto got = detail::despite_signals([&] { return ::pread(number_.get(), to.data(), to.size(), offset); });
      if (got < 0) detail::file_failure("input_file", "read", path_);
      if (got == 0) throw error{error_kind::io, "input_file", path_ + " ends at byte " + std::to_string(offset)};
      to = to.subspan(static_cast<std::size_t>(got));
      offset += got;
    }
  }

 private:
  std::string path_;
  detail::file_number number_;
  std::int64_t size_ = 0;
};

/// A new file. What has not been closed by `finish` may be anything.
class output_file {
 public:
  /// Throws: io, where there is a file of that name already, or there can be none.
  explicit output_file(std::string path)
      : path_{std::move(path)}, number_{detail::despite_signals([&] {
          return ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        })} {
    if (number_.get() < 0) detail::file_failure("output_file", "create", path_);
  }

  [[nodiscard]] std::int64_t size() const { return size_; }  ///< bytes appended

  void append(std::span<const std::byte> bytes) {
    write(bytes, size_);
    size_ += static_cast<std::int64_t>(bytes.size());
  }
  /// Writes over bytes that have been appended.
  void write(std::span<const std::byte> bytes, std::int64_t offset) {
    while (!bytes.empty()) {
      const auto put =
          detail::despite_signals([&] { return ::pwrite(number_.get(), bytes.data(), bytes.size(), offset); });
      if (put < 0) detail::file_failure("output_file", "write to", path_);
      bytes = bytes.subspan(static_cast<std::size_t>(put));
      offset += put;
    }
  }

  /// Closes the file once all of it is on the disk. Throws: io, where it does not get there.
  void finish() {
    if (detail::despite_signals([&] { return ::fsync(number_.get()); }) != 0)
      detail::file_failure("output_file", "write to", path_);
    if (::close(number_.release()) != 0 && errno != EINTR) detail::file_failure("output_file", "write to", path_);
  }

 private:
  std::string path_;
  detail::file_number number_;
  std::int64_t size_ = 0;
};

/// Returns once the names in a folder are on the disk: those of new files, and those that changed. Throws: io.
inline void sync_folder(const std::string& path) {
  const detail::file_number number{
      detail::despite_signals([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); })};
  if (number.get() < 0 || detail::despite_signals([&] { return ::fsync(number.get()); }) != 0)
    detail::file_failure("sync_folder", "write to", path);
}

/// A text as the bytes that files hold.
inline std::span<const std::byte> bytes_of_text(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

}  // namespace plait
