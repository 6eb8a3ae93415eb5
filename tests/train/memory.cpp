// SPDX-License-Identifier: Apache-2.0
// Law 4 for bytes: what the ledger counts is what was allocated, and what was predicted from the program. And: a step
// allocates nothing.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <malloc.h>
#include <new>
#include <string>

#include <doctest/doctest.h>

#include "../counted_allocations.hpp"
#include "exact_model.hpp"
#include "queued_kernels.hpp"
#include "real_model.hpp"

namespace {

// Every allocation of this thread, but for what queues that stand in for a device take: all of them, and those of a
// space, which are the only ones aligned to 256 bytes.
struct allocations {
  std::int64_t calls = 0;
  std::int64_t now = 0;  // bytes of the space
  std::int64_t peak = 0;
};
thread_local allocations counted;

}  // namespace

// Not inlined: g++ would see malloc and free through one of a pair and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (!plait::allocating_for_queues::here()) ++counted.calls;
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

// The size of an aligned block is kept in front of it.
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  ++counted.calls;
  const auto step = static_cast<std::size_t>(alignment);
  void* const whole = std::aligned_alloc(step, (size + 2 * step - 1) / step * step);
  if (whole == nullptr) throw std::bad_alloc{};
  *static_cast<std::size_t*>(whole) = size;
  if (step == plait::host::alignment) {
    counted.now += static_cast<std::int64_t>(size);
    counted.peak = std::max(counted.peak, counted.now);
  }
  return static_cast<std::byte*>(whole) + step;
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t alignment) noexcept {
  if (memory == nullptr) return;
  const auto step = static_cast<std::size_t>(alignment);
  void* const whole = static_cast<std::byte*>(memory) - step;
  if (step == plait::host::alignment) counted.now -= static_cast<std::int64_t>(*static_cast<std::size_t*>(whole));
  std::free(whole);
}
void operator delete(void* memory, std::size_t, std::align_val_t alignment) noexcept {
  operator delete(memory, alignment);
}

namespace {

using namespace harness;

std::int64_t total(const step_memory& need) {
  return need.weights + need.gradients + need.optimizer_state + need.activations + need.stash + need.workspace +
         need.communication;
}

memory_by_class by_class(const step_memory& need) {
  return {{need.weights, need.gradients, need.optimizer_state, need.activations, need.stash, need.workspace,
           need.communication}};
}

TEST_CASE("the peak of the ledger is what was allocated, and what was predicted, to the byte, on every rank") {
  const auto model = real_model();
  for (const layout_handle& layout :
       {layout_of({1, 1, 1}, 1, 1), layout_of({2, 2, 2}, 1, 1), layout_of({1, 1, 4}, 1, 0), layout_of({1, 1, 4}, 1, 1),
        layout_of({1, 4, 1}, 1, 1), layout_of({3, 1, 2}, 2, 2), layout_of({1, 1, 1}, 3, 2),
        layout_of({2, 1, 2}, 4, 2)}) {
    CAPTURE(to_string(layout.mesh.ways));
    CAPTURE(layout.mesh.chunks);
    const auto job = real_task<float>(5);
    plait::run(threads{}, layout, [&](auto& rank) {
      const allocations before = counted;
      counted.peak = counted.now;
      trainer trainer{rank, model, adamw{}, job.settings};
      for (int step = 0; step < 2; ++step) {
        const local_batch<float, std::int32_t> data{job, static_cast<std::uint64_t>(step), rank.place().data,
                                                    rank.mesh().ways.data};
        trainer.step(data.view(job));
        trainer.evaluate(data.view(job));
      }
      const std::int64_t allocated = counted.peak - before.now;
      const bool equal = trainer.memory().peak().total().value == allocated &&
                         total(trainer.predicted_memory()) == allocated &&
                         trainer.memory().peak() == by_class(trainer.predicted_memory());
      if (!equal || allocated == 0)
        throw error{error_kind::numerics, "memory",
                    std::to_string(allocated) + " bytes were allocated, " +
                        std::to_string(total(trainer.predicted_memory())) + " predicted, and the ledger counted " +
                        std::to_string(trainer.memory().peak().total().value)};
    });
  }
}

/// A trainer for `steps` steps at a time, tried twice; what it allocates in the tries but the first `free` goes to
/// `seen`.
template <class Seen>
void try_out(const layout_handle& layout, int micro, int steps, bool post_validate, int tries, Seen&& seen) {
  const auto model = real_model();
  auto job = real_task<float>(micro);
  job.settings.steps = steps;
  job.settings.post_validate = post_validate;
  if (layout.schedule.versions != weight_versions::flush) job.settings.clip_norm = 0;
  plait::run(threads{}, layout, [&](auto& rank) {
    const allocations before = counted;
    counted.peak = counted.now;
    trainer trainer{rank, model, adamw{}, job.settings};
    std::vector<local_batch<float, std::int32_t>> data;
    std::vector<batch<float, std::int32_t>> views;
    for (int step = 0; step < steps; ++step)
      data.emplace_back(job, static_cast<std::uint64_t>(step), rank.place().data, rank.mesh().ways.data);
    for (const auto& one : data) views.push_back(one.view(job));
    for (int i = 0; i < tries; ++i) {
      const std::int64_t calls = counted.calls;
      trainer.step(views);
      if (i == 0) trainer.evaluate(views[0]);
      seen(trainer, i, counted.calls - calls, counted.peak - before.now);
    }
  });
}

struct trial {
  layout_handle layout;
  int micro = 5;
  int steps = 1;
  bool post_validate = false;
};
const std::vector<trial>& trials() {
  static const std::vector<trial> all{{layout_under<zb_h1>({1, 1, 4})},
                                      {layout_under<zb_h2>({2, 2, 2})},
                                      {layout_under<interleaved_zb<2>>({1, 1, 2})},
                                      {layout_under<zb_v>({1, 1, 3})},
                                      {layout_under<v_min>({2, 1, 4})},
                                      {layout_under<dualpipe>({1, 1, 2}), 4},
                                      {layout_under<dualpipe_v>({1, 2, 2})},
                                      {layout_under<chimera>({2, 1, 4}), 8},
                                      {layout_under<hanayo<2>>({1, 1, 2})},
                                      {layout_under<pipedream<>>({1, 1, 4}), 1, 9},
                                      {layout_under<pipedream<weight_versions::synchronised>>({2, 1, 3}), 1, 9},
                                      {layout_under<pipedream<weight_versions::stash, 2, 1>>({1, 1, 3}), 1, 8},
                                      {layout_under<pipedream_2bw>({1, 2, 3}), 4, 3},
                                      {layout_under<zb_h1>({2, 1, 2}), 5, 1, true}};
  return all;
}

TEST_CASE("under every schedule the ledger, what was allocated and what was predicted are equal, to the byte") {
  for (const trial& one : trials()) {
    CAPTURE(std::string{one.layout.schedule.name});
    try_out(one.layout, one.micro, one.steps, one.post_validate, 2, [](auto& trainer, int, auto, auto allocated) {
      const bool equal = trainer.memory().peak().total().value == allocated &&
                         trainer.memory().peak() == by_class(trainer.predicted_memory());
      if (!equal || allocated == 0)
        throw error{error_kind::numerics, "memory",
                    std::to_string(allocated) + " bytes were allocated and " +
                        std::to_string(total(trainer.predicted_memory())) + " predicted"};
    });
  }
}

TEST_CASE("under every schedule a step allocates nothing, once the first two have been run") {
  for (const trial& one : trials()) {
    CAPTURE(std::string{one.layout.schedule.name});
    try_out(one.layout, one.micro, one.steps, one.post_validate, 5, [](auto&, int number, auto calls, auto) {
      if (number >= 2 && calls != 0)
        throw error{error_kind::numerics, "memory", "a step allocated " + std::to_string(calls) + " times"};
    });
  }
}

TEST_CASE("a step that was captured allocates nothing, and its memory is what was predicted, to the byte") {
  const auto model = real_model();
  for (const bool capture : {false, true}) {
    CAPTURE(capture);
    plait::run(serial<queued>{}, layout_of({1, 1, 1}, 2, 2), [&](auto& rank) {
      const queued::owned_stream stream;
      auto job = real_task<float>(4);
      job.settings.capture = capture;
      const allocations before = counted;
      counted.peak = counted.now;
      trainer trainer{rank, model, adamw{}, job.settings, stream};
      for (std::uint64_t step = 0; step < 5; ++step) {
        const local_batch<float, std::int32_t> data{job, step, 0, 1};
        const auto view = data.view(job);
        const std::int64_t calls = counted.calls;
        trainer.step(view);
        if (capture && step >= 2) CHECK(counted.calls == calls);
      }
      CHECK(trainer.memory().peak().total().value == counted.peak - before.now);
      CHECK(trainer.memory().peak() == by_class(trainer.predicted_memory()));
    });
  }
}

TEST_CASE(
    "weight versions take the memory of as many copies of the weights: p - s stashed, p synchronised, 2 buffered") {
  const auto versions = [](const layout_handle& layout, int micro, int steps) {
    std::vector<double> of(static_cast<std::size_t>(layout.mesh.size()));
    try_out(layout, micro, steps, false, 1, [&](auto& trainer, int, auto, auto) {
      const step_memory& need = trainer.predicted_memory();
      of[static_cast<std::size_t>(trainer.rank().rank())] =
          1 + static_cast<double>(need.stash) / static_cast<double>(need.weights);
    });
    return of;
  };
  CHECK(versions(layout_under<pipedream<>>({1, 1, 4}), 1, 9) == std::vector<double>{4, 3, 2, 1});
  CHECK(versions(layout_under<pipedream<weight_versions::synchronised>>({1, 1, 4}), 1, 9) ==
        std::vector<double>{4, 4, 4, 4});
  CHECK(versions(layout_under<pipedream_2bw>({1, 1, 4}), 4, 3) == std::vector<double>{2, 2, 2, 2});
  CHECK(versions(layout_under<one_f_one_b>({1, 1, 4}), 4, 1) == std::vector<double>{1, 1, 1, 1});
}

TEST_CASE("1F1B keeps fewer activations than GPipe, and what is cut over the tensor axis is smaller") {
  const auto model = real_model();
  const auto need = [&](const layout_handle& layout, int micro) {
    std::vector<step_memory> of(static_cast<std::size_t>(layout.mesh.size()));
    plait::run(threads{}, layout, [&](auto& rank) {
      const trainer trainer{rank, model, adamw{}, real_task<float>(micro).settings};
      of[static_cast<std::size_t>(rank.rank())] = trainer.predicted_memory();
    });
    return of;
  };
  const auto gpipe_memory = need(layout_of({1, 1, 4}, 1, 0), 8), one_memory = need(layout_of({1, 1, 4}, 1, 1), 8);
  for (std::size_t rank = 0; rank < 4; ++rank)  // 8 micro-batches alive, against 4 - rank
    CHECK(gpipe_memory[rank].activations * static_cast<std::int64_t>(4 - rank) <= one_memory[rank].activations * 8);
  CHECK(gpipe_memory[3].activations > 3 * one_memory[3].activations);
  CHECK(need(layout_of({1, 4, 1}, 1, 1), 1)[0].weights < need(layout_of({1, 1, 1}, 1, 1), 1)[0].weights / 3);
}

TEST_CASE("a step allocates nothing, once the first two have been run") {
  const auto model = real_model();
  for (const layout_handle& layout : {layout_of({1, 1, 1}, 1, 1), layout_of({2, 2, 2}, 1, 1),
                                      layout_of({1, 1, 4}, 1, 0), layout_of({1, 2, 2}, 2, 2)}) {
    CAPTURE(to_string(layout.mesh.ways));
    const auto job = real_task<float>(6);
    plait::run(threads{}, layout, [&](auto& rank) {
      trainer trainer{rank, model, adamw{}, job.settings};
      const local_batch<float, std::int32_t> data{job, 1, rank.place().data, rank.mesh().ways.data};
      const auto view = data.view(job);
      for (int step = 0; step < 2; ++step) trainer.step(view);
      const std::int64_t before = counted.calls;
      for (int step = 0; step < 3; ++step) trainer.step(view);
      if (counted.calls != before)
        throw error{error_kind::numerics, "memory",
                    "three steps allocated " + std::to_string(counted.calls - before) + " times"};
    });
  }
}

}  // namespace
