// SPDX-License-Identifier: Apache-2.0
// The trainer on streams that lag behind its calls, as a device's do: what it orders, and what it lets run side by
// side.

#include <atomic>
#include <chrono>
#include <thread>

#include <doctest/doctest.h>

#include "exact_model.hpp"
#include "queued_kernels.hpp"
#include "real_model.hpp"
#include "resident_laws.hpp"

namespace {

using namespace harness;

std::vector<layout_handle> layouts() {
  return {layout_of({1, 1, 1}, 1, 1),      layout_of({2, 1, 1}, 1, 1),    layout_of({1, 2, 1}, 1, 1),
          layout_of({1, 1, 3}, 1, 0),      layout_of({2, 2, 2}, 1, 1),    layout_of({2, 1, 2}, 2, 2),
          layout_under<zb_h1>({1, 1, 3}),  layout_under<zb_v>({1, 1, 2}), layout_under<dualpipe>({1, 1, 2}),
          layout_under<chimera>({2, 1, 2})};
}

TEST_CASE("on streams that lag behind, every layout trains what one rank trains, bit for bit, in any buckets") {
  const auto model = exact_model();
  const auto one = train_serial<double, double>(model, exact_optimizer<double>(), exact_task<double>(1));
  for (const layout_handle& layout : layouts())
    for (const int buckets : {1, 3, 30}) {
      CAPTURE(to_string(layout.mesh.ways));
      CAPTURE(buckets);
      auto job = exact_task<double>(4);
      job.settings.buckets = buckets;
      const auto many = train<double, double>(threads<queued>{}, layout, model, exact_optimizer<double>(), job);
      CHECK(equal_bits(many, one));
    }
}

TEST_CASE("on streams that lag behind, gradients are clipped by the norm of their sums") {
  const auto model = real_model();
  for (const layout_handle& layout : layouts()) {
    CAPTURE(to_string(layout.mesh.ways));
    auto job = real_task<double>(4, 5);
    job.settings.buckets = 4;
    const auto on_host = train<double, std::int32_t>(threads{}, layout, model, adamw{}, job);
    CHECK(equal_bits(train<double, std::int32_t>(threads<queued>{}, layout, model, adamw{}, job), on_host));
  }
}

TEST_CASE("on streams that lag behind, versions of weights and updates that are taken back are those of the host") {
  const auto model = real_model();
  const auto same = [&](const layout_handle& layout, const auto& job) {
    CAPTURE(std::string{layout.schedule.name});
    const auto on_host = train<double, std::int32_t>(threads{}, layout, model, adamw{}, job);
    CHECK(equal_bits(train<double, std::int32_t>(threads<queued>{}, layout, model, adamw{}, job), on_host));
  };
  auto job = real_task<double>(4, 5);
  job.settings.post_validate = true;
  same(layout_under<zb_v>({1, 1, 2}), job);
  same(layout_under<zb_h1>({2, 1, 2}), job);
  job.settings.post_validate = false;
  job.settings.clip_norm = 0;
  same(layout_under<pipedream_2bw>({1, 1, 3}), job);
  same(layout_under<pipedream_2bw>({2, 2, 2}), job);
}

TEST_CASE("on streams that lag behind, data that lies in their space trains what data in host memory trains") {
  for (const layout_handle& layout : layouts()) trains_alike_on_resident_data(threads<queued>{}, layout);
}

TEST_CASE("a class that is not there is named, also where targets lie in the space of the ranks") {
  for (const layout_handle& layout :
       {layout_of({1, 1, 1}, 1, 1), layout_of({2, 1, 1}, 1, 1), layout_of({1, 2, 2}, 1, 1)}) {
    names_a_class_that_is_not_there(threads<queued>{}, layout);
    names_a_class_that_is_not_there(threads{}, layout);
  }
}

std::atomic<int> reductions_before{0};
std::atomic<int> waited_in_vain{0};
std::atomic<int> patience{0};  // milliseconds, about

/// y = x; its backward pass takes place only once some gradients of the step have been summed, or in vain.
struct waits_for_a_sum {
  static constexpr std::string_view name = "waits_for_a_sum";
  using takes = as_it_comes;
  using gives = as_it_comes;
  std::int64_t outputs(std::int64_t inputs) const { return inputs; }
  template <class Sink>
  void parameters(Sink&&) const {}
  template <class Context, class X, class Y>
  void forward(Context& context, X x, Y y) const {
    Context::space::copy(y.data, x.data, static_cast<std::size_t>(x.size()) * sizeof(*x.data), context.stream);
  }
  template <class Context, class X, class Y, class DX>
  void backward_input(Context& context, X, Y, Y dy, DX dx) const {
    context.stream.queue->push([] {
      for (int turn = 0; queued_reductions == reductions_before; ++turn) {
        if (turn == patience) {
          ++waited_in_vain;
          return;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
      }
    });
    Context::space::copy(dx.data, dy.data, static_cast<std::size_t>(dy.size()) * sizeof(*dy.data), context.stream);
  }
};

TEST_CASE("a bucket of gradients is summed while the backward pass works on the layers before it") {
  const stack model{column_linear{6, 6}, waits_for_a_sum{}, row_linear{6, 6}, column_linear{6, 6}, squared_error{6}};
  auto job = exact_task<double>(1, 1);
  job.evaluates = false;
  for (const int buckets : {2, 1}) {
    CAPTURE(buckets);
    job.settings.buckets = buckets;
    reductions_before = queued_reductions.load();
    waited_in_vain = 0;
    patience = buckets == 2 ? 30000 : 300;
    train<double, double>(threads<queued>{}, layout_of({2, 1, 1}, 1, 1), model, sgd{}, job);
    CHECK(waited_in_vain.load() ==
          (buckets == 2 ? 0 : 2));  // one bucket holds the first layer as well: both ranks wait
  }
}

}  // namespace
