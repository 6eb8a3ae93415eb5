// SPDX-License-Identifier: Apache-2.0
#pragma once
// For the one source of a program that replaces `operator new` to count what is allocated: arrays, and what may fail
// without a throw, are counted as all else, also where a sanitizer has operators for them that do not ask the replaced
// one.

#include <cstddef>
#include <new>

[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t& /*never throws*/) noexcept {
  try {
    return operator new(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t& /*never throws*/) noexcept {
  operator delete(memory);
}
[[gnu::noinline]] void* operator new[](std::size_t size) {
  return operator new(size);
}
[[gnu::noinline]] void operator delete[](void* memory) noexcept {
  operator delete(memory);
}
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept {
  operator delete(memory);
}
[[gnu::noinline]] void* operator new[](std::size_t size, const std::nothrow_t& never_throws) noexcept {
  return operator new(size, never_throws);
}
[[gnu::noinline]] void operator delete[](void* memory, const std::nothrow_t& /*never throws*/) noexcept {
  operator delete(memory);
}
