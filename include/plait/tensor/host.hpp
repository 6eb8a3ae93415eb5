// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <string_view>

namespace plait {

/// The order of work in host memory: work is done when the call returns, so there is nothing to hold.
struct host_stream {
  void synchronize() const {}
};

/// The space of ordinary memory and ordinary threads.
///
/// A space is a policy type: where memory lies, how it is taken and given back, and what orders work on it.
///   - `stream`: what orders work; cheap to copy. `synchronize()` waits for all of it.
///   - `allocate(bytes)`, `release(pointer)`: memory aligned to `alignment`.
///   - `copy(to, from, bytes, stream)`: within the space. `upload` / `download`: from and to host memory; both return
///   when
///     the host memory may be used again.
///   - `fence`: `record(stream)` marks a place in the order of work; `wait(stream)` holds another stream until then.
struct host {
  static constexpr std::string_view name = "host";
  static constexpr std::size_t alignment = 256;
  using stream = host_stream;

  static void* allocate(std::size_t bytes) { return ::operator new (bytes, std::align_val_t{alignment}); }
  static void release(void* pointer) noexcept { ::operator delete (pointer, std::align_val_t{alignment}); }
  static void copy(void* to, const void* from, std::size_t bytes, stream) {
    if (bytes > 0 && to != from) std::memcpy(to, from, bytes);
  }
  static void upload(void* to, const void* from, std::size_t bytes, stream order) { copy(to, from, bytes, order); }
  static void download(void* to, const void* from, std::size_t bytes, stream order) { copy(to, from, bytes, order); }
  static void zero(void* at, std::size_t bytes, stream) {
    if (bytes > 0) std::memset(at, 0, bytes);
  }

  struct fence {
    void record(stream) {}
    void wait(stream) const {}
  };
};

}  // namespace plait
