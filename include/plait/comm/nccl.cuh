// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>

#include <plait/comm/detail/nccl_library.cuh>
#include <plait/comm/stream_communicator.hpp>
#include <plait/comm/threads.cuh>
#include <plait/core/error.hpp>
#include <plait/core/require.hpp>
#include <plait/launch/launch_place.hpp>
#include <plait/launch/tcp_exchange.hpp>
#include <plait/tensor/cuda.cuh>

#include <cuda_runtime.h>
#include <nccl.h>

namespace plait {

/// One rank's end of a group whose ranks are processes, each with a device of its own, that talk through NCCL.
using nccl_communicator = stream_communicator<detail::nccl_library>;

static_assert(communicator<nccl_communicator>);

/// How an engine over NCCL behaves.
struct nccl_options {
  double deadline_seconds = 60;           ///< of one piece of work, once what is before it in its stream is done
  sums_by sums = sums_by::in_rank_order;  ///< `library`: NCCL adds; not the bits of `threads`
  int channels = 0;                       ///< queues 0 .. channels-1 are opened between all pairs of every group
};

/// A communicator over one that somebody else has made and will destroy: blocking or not, with any ranks. Collective,
/// since it asks who its members are. It must outlive what is made here; when a deadline passes, or NCCL reports an
/// error, it is aborted, since nothing else ends its kernels. Streams of somebody else's go into every call as they
/// are.
inline nccl_communicator from_native(ncclComm_t theirs, const nccl_options& options = {}) {
  auto world = std::make_shared<detail::stream_world<detail::nccl_library>>(detail::nccl_library::rank_of(theirs),
                                                                            options.deadline_seconds);
  return {std::move(world), theirs, false, options.sums, options.channels, "plait"};
}

/// Brings the id of rank 0 to all ranks: fills the bytes on the others. For instance an MPI_Bcast, or nothing at all
/// where every rank has been given the id already.
using id_exchange = std::function<void(const launch_place&, std::span<std::byte>)>;

/// Runs one rank of many: this process, by what its launcher says (`launch/launch_place.hpp`), on device local rank
/// modulo the devices it sees.
///
///     plait::nccl{}.run(8, [](plait::nccl_communicator& world) { ... });          // in each of 8 processes
///
/// Starting has three phases, and the call that an error names says in which: the exchange of NCCL's id, by TCP unless
/// `exchange` says otherwise; the making of the world's communicator; the body. When a rank fails or waits past the
/// deadline, it aborts its communicators and `run` throws what happened with what this rank was doing; the others
/// notice by NCCL's own errors, or at their deadline. Each process tells of itself alone.
///
/// Message queues are opened by the trainer, or by `open_queues`. CUDA_DEVICE_MAX_CONNECTIONS must be at least the
/// number of streams that wait at the same time, the queues of this rank among them (32 is the most): else a message
/// that waits for its receiver can hold up work that does not.
///
/// Side effect: the device's default memory pool keeps what it has had, so that scratch costs nothing after the first
/// step. Not yet run on a GPU: docs/status.md.
struct nccl {
  using communicator_type = nccl_communicator;

  nccl_options options{};
  double start_seconds = 300;           ///< of each of the first two phases
  std::optional<launch_place> place{};  ///< by default what the variables of this process say
  id_exchange exchange{};               ///< by default TCP, with the secret in PLAIT_SECRET

  /// Needs: as many processes as ranks. Throws: usage for another number, or what the launcher left out; comm and nccl
  /// with the phase; what the body threw.
  template <std::invocable<communicator_type&> Body>
  void run(int ranks, Body&& body) const {
    run(ranks, body, [](int) { return std::string{}; });
  }

  /// coordinates_of(rank): the rank's place in the layout as text, for the report.
  template <std::invocable<communicator_type&> Body, std::invocable<int> CoordinatesOf>
  void run(int ranks, Body&& body, CoordinatesOf&& coordinates_of) const {
    require(options.deadline_seconds > 0 && start_seconds > 0, "nccl::run", "deadlines are more than 0 seconds");
    const launch_place here = place.has_value() ? *place : place_of_process();
    require(here.size == ranks, "nccl::run", [&] {
      const std::string started = here.by == launcher::none
                                      ? "this process was started alone"
                                      : std::string{name_of(here.by)} + " started " + std::to_string(here.size);
      return "there are " + std::to_string(ranks) + " ranks to run, but " + started + "; start a process for each rank";
    });
    const std::string coordinates{coordinates_of(here.rank)};
    const auto begun = [&] {
      try {
        use_device(here);
        return start(here);
      } catch (error& wrong) {
        throw wrong.at_rank(here.rank, coordinates.empty() ? std::to_string(here.rank) : coordinates);
      }
    }();
    const auto world =
        std::make_shared<detail::stream_world<detail::nccl_library>>(here.rank, options.deadline_seconds);
    detail::run_stream_rank(world, begun, true, options.sums, options.channels, coordinates, body);
  }

 private:
  static void use_device(const launch_place& here) {
    int devices = 0;
    PLAIT_CHECK_CUDA(cudaGetDeviceCount(&devices));
    require(devices > 0, "nccl::run", "this process sees no CUDA device");
    const int device = here.local_rank % devices;
    PLAIT_CHECK_CUDA(cudaSetDevice(device));
    cudaMemPool_t pool{};
    PLAIT_CHECK_CUDA(cudaDeviceGetDefaultMemPool(&pool, device));
    std::uint64_t all = ~std::uint64_t{0};
    PLAIT_CHECK_CUDA(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all));
  }

  [[nodiscard]] ncclComm_t start(const launch_place& here) const {
    ncclUniqueId id{};
    if (here.rank == 0) PLAIT_CHECK_NCCL(ncclGetUniqueId(&id));
    const std::span<std::byte> bytes = std::as_writable_bytes(std::span{&id, 1});
    if (exchange) {
      exchange(here, bytes);
    } else {
      tcp_options by_tcp;
      by_tcp.deadline_seconds = start_seconds;
      tcp_exchange(here, bytes, by_tcp);
    }
    ncclComm_t made = nullptr;
    ncclConfig_t config = detail::nccl_config("plait");
    PLAIT_CHECK_NCCL(ncclCommInitRankConfig(&made, here.size, id, here.rank, &config));
    using clock = std::chrono::steady_clock;
    const auto begin = clock::now();
    for (;;) {
      std::string why;
      const detail::call_state state = detail::nccl_library::query(made, why);
      if (state == detail::call_state::done) return made;
      const bool late = std::chrono::duration<double>(clock::now() - begin).count() > start_seconds;
      if (state == detail::call_state::failed || late) {
        detail::nccl_library::abort(made);
        throw error{error_kind::nccl, "ncclCommInitRankConfig",
                    "phase 2 of 3, making the communicator of " + std::to_string(here.size) + " ranks, " +
                        (late ? "took more than " + detail::seconds_text(start_seconds) +
                                    "; see that all ranks run and can reach each other (NCCL_DEBUG=INFO tells more)"
                              : "failed: " + why)};
      }
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
  }
};

}  // namespace plait
