// SPDX-License-Identifier: Apache-2.0
#pragma once

// A communicator that carries one fault: the reduction of a given number on a given axis is left out or done twice.

#include <string>
#include <utility>

#include "forwarding_communicator.hpp"

namespace harness {

/// The groups in the order in which a rank makes them, and the world.
enum class where { tensor, data, pipeline, model, world };
enum class fault_kind { none, drop, twice };

struct fault {
  fault_kind kind = fault_kind::none;
  where group = where::tensor;
  int number = 0;          ///< of the call since the trainer was made
  bool sums_only = false;  ///< does not count what is no sum: a maximum taken twice is the maximum
  int* calls = nullptr;    ///< counts the calls on the group, if wanted; of the rank that has most
};

template <class Comm>
class faulty_communicator : public forwarding_communicator<Comm> {
  using base = forwarding_communicator<Comm>;
  using base::inner_;

 public:
  using typename base::space;
  using typename base::stream;

  faulty_communicator(Comm inner, where group, fault wanted) : base{std::move(inner)}, group_{group}, fault_{wanted} {}

  template <class T>
  void all_reduce(std::span<T> data, reduction how, stream order) {
    const bool counts = group_ == fault_.group && (how == reduction::sum || !fault_.sums_only);
    const bool here = counts && calls_++ == fault_.number;
    if (fault_.calls != nullptr && group_ == fault_.group) {
      static std::mutex guard;
      const std::lock_guard lock{guard};
      *fault_.calls = std::max(*fault_.calls, calls_);
    }
    if (here && fault_.kind == fault_kind::drop) return;
    inner_.all_reduce(data, how, order);
    if (here && fault_.kind == fault_kind::twice) inner_.all_reduce(data, how, order);
  }
  faulty_communicator split(int color, int key) {
    return {inner_.split(color, key), static_cast<where>(made_++), fault_};
  }

 private:
  where group_;
  fault fault_;
  int calls_ = 0;
  int made_ = 0;
};

/// `threads`, with a fault.
struct faulty_threads {
  fault wanted{};

  template <class Body, class CoordinatesOf>
  void run(int ranks, Body&& body, CoordinatesOf&& coordinates_of) const {
    threads<host>{.deadline_seconds = 20}.run(
        ranks,
        [&](threads_communicator<host>& world) {
          // A world of its own for the wrapper, since it takes what it wraps.
          faulty_communicator<threads_communicator<host>> faulty{world.split(0, world.rank()), where::world, wanted};
          body(faulty);
        },
        coordinates_of);
  }
};

}  // namespace harness
