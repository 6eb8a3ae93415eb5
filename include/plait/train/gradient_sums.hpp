// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include <plait/comm/communicator.hpp>
#include <plait/schedule/program.hpp>

namespace plait {

/// Sums the gradients of a rank over the data axis, bucket by bucket, in an order of work of their own, so that on a
/// device a bucket is summed while the backward pass still works on the layers before it.
///
/// `ready` marks, in the order of the passes, the place from which on a bucket does not change; `sum` starts the sum
/// of a bucket, which waits for its mark; `join` makes the passes' order wait for all sums so far. In host memory a
/// sum is done when `sum` returns, and nothing is beside anything.
template <communicator Comm>
class gradient_sums {
 public:
  using space = typename Comm::space;
  using stream = typename space::stream;

  /// steps: the rank's program. buckets: of each chunk.
  gradient_sums(const program& steps, int chunks, int buckets)
      : micro_{steps.shape.all_micro()}, completes_(static_cast<std::size_t>(chunks * micro_)), buckets_{buckets} {
    std::vector<int> last(static_cast<std::size_t>(chunks), -1);  // micro-batch that has gone backward last
    bool any = false;
    for (const action& act : steps.actions) {
      if (act.kind == op::backward || act.kind == op::backward_weight)
        last[static_cast<std::size_t>(act.chunk)] = act.micro;
      if (act.kind != op::reduce_gradients) continue;
      any = true;
      if (const int micro = last[static_cast<std::size_t>(act.chunk)]; micro >= 0)
        completes_[static_cast<std::size_t>(act.chunk * micro_ + micro)] = true;
    }
    if (!any) return;
    beside_.emplace();
    ready_.resize(static_cast<std::size_t>(chunks * buckets));
  }

  /// Whether the gradients of a chunk change no more before their sum once micro-batch `micro` has gone backward.
  [[nodiscard]] bool completes(int chunk, int micro) const {
    return completes_[static_cast<std::size_t>(chunk * micro_ + micro)];
  }

  void ready(int chunk, int bucket, stream order) { ready_[at(chunk, bucket)].record(order); }

  /// Needs: `ready` for the bucket in this step. `began` is called when the sum is next in the order it is given.
  template <class T, class Began>
  void sum(int chunk, int bucket, std::span<T> values, Comm& data, Began&& began) {
    ready_[at(chunk, bucket)].wait(*beside_);
    began(beside());
    data.all_reduce(values, reduction::sum, *beside_);
    joined_ = false;
  }

  void join(stream order) {
    if (joined_) return;
    done_.record(*beside_);
    done_.wait(order);
    joined_ = true;
  }

  /// Where the sums are ordered. Needs: a program that has any.
  [[nodiscard]] stream beside() const { return *beside_; }

 private:
  [[nodiscard]] std::size_t at(int chunk, int bucket) const {
    return static_cast<std::size_t>(chunk * buckets_ + bucket);
  }

  int micro_;
  std::vector<bool> completes_;  ///< [chunks, micro]
  int buckets_;
  std::optional<typename space::owned_stream> beside_{};
  std::vector<typename space::fence> ready_{};  ///< [chunks * buckets]
  typename space::fence done_{};
  bool joined_ = true;
};

}  // namespace plait
