// SPDX-License-Identifier: Apache-2.0
// Layers that plait does not know: one that is right and works in a stack, and ones that lack something each.
#include <cstdint>
#include <string_view>
#include <vector>

#include <plait/comm/threads.hpp>
#include <plait/core/host_device.hpp>
#include <plait/layers/activation.hpp>
#include <plait/layers/layer.hpp>
#include <plait/layers/linear.hpp>
#include <plait/layers/softmax_cross_entropy.hpp>
#include <plait/layers/squared_error.hpp>
#include <plait/model/stack.hpp>
#include <plait/tensor/host.hpp>

#include <doctest/doctest.h>

#include "layers/laws.hpp"

namespace {

using plait::column_linear;
using plait::split_features;

/// y = x times a gain for each feature; split features, so the gains are split with them.
struct gain {
  static constexpr std::string_view name = "gain";
  using takes = split_features;
  using gives = split_features;

  std::int64_t features = 1;

  [[nodiscard]] std::int64_t outputs(std::int64_t inputs) const { return inputs; }
  template <class Sink>
  void parameters(Sink&& sink) const {
    sink(plait::parameter{.name = "gains", .columns = features, .sharded_dim = 1, .start = 1, .decays = false});
  }

  template <class Context>
  void forward(Context& context, typename Context::template in<takes> x,
               typename Context::template out<gives> y) const {
    const std::int64_t columns = x.extent[1];
    for (std::int64_t i = 0; i < x.size(); ++i) y.data[i] = x.data[i] * context.parameters[0][i % columns];
  }
  template <class Context>
  void backward_input(Context& context, typename Context::template in<takes> x, typename Context::template in<gives>,
                      typename Context::template in<gives> dy, typename Context::template out<takes> dx) const {
    const std::int64_t columns = x.extent[1];
    for (std::int64_t i = 0; i < x.size(); ++i) dx.data[i] = dy.data[i] * context.parameters[0][i % columns];
  }
  template <class Context>
  void backward_weight(Context& context, typename Context::template in<takes> x, typename Context::template in<gives>,
                       typename Context::template in<gives> dy) const {
    const std::int64_t columns = x.extent[1];
    for (std::int64_t i = 0; i < x.size(); ++i) context.gradients[0][i % columns] += dy.data[i] * x.data[i];
  }
};

static_assert(plait::layer<gain>);

TEST_CASE("a layer of one's own stands in a stack like any other, and keeps the laws") {
  const plait::stack model{column_linear{6, 5}, gain{5}, plait::relu{}, plait::squared_error{5}};
  static_assert(decltype(model)::layers == 3);
  CHECK(model.layer_name(1) == "1.gain");
  CHECK(model.features(6) == std::vector<std::int64_t>{6, 5, 5, 5});
  std::vector<plait::parameter> found;
  model.visit(1, [&](const auto& one, auto, auto) {
    one.parameters([&](const plait::parameter& each) { found.push_back(each); });
  });
  REQUIRE(found.size() == 1);
  CHECK(found[0].name == "gains");
  CHECK(found[0].local_size({.ways = 2, .index = 0}) == 3);
  CHECK(found[0].local_size({.ways = 2, .index = 1}) == 2);

  using ranks = plait::threads<plait::host>;
  for (int ways = 1; ways <= 3; ++ways) {
    const auto subject = laws::case_of(gain{5}, 5);
    CHECK(bool(laws::gradients_agree<ranks>(subject, {.ways = ways})));
    CHECK(bool(laws::sharded_equals_whole<ranks>(subject, {.ways = ways}, laws::numbers::whole)));
    CHECK(bool(laws::no_rows_are_legal<ranks>(subject, ways)));
  }
}

/// An activation function of one's own needs its value and its slope.
struct square {
  static constexpr const char* name = "square";
  template <plait::real T>
  PLAIT_HD static T value(T x) {
    return x * x;
  }
  template <plait::real T>
  PLAIT_HD static T slope(T x) {
    return 2 * x;
  }
};
static_assert(plait::layer<plait::activation<square>>);

TEST_CASE("an activation of one's own keeps the laws") {
  const plait::stack model{column_linear{6, 5}, plait::activation<square>{}, plait::squared_error{5}};
  CHECK(model.layer_name(1) == "1.square");
  const auto subject = laws::case_placed<split_features>(plait::activation<square>{}, 5);
  CHECK(bool(laws::gradients_agree<plait::threads<plait::host>>(subject, {.ways = 2})));
}

// What lacks one part, or has it with another meaning, is no layer.
struct without_name : gain {
  void name() const {}
};
struct without_takes : gain {
 private:
  using takes = split_features;
};
struct without_gives : gain {
 private:
  using gives = split_features;
};
struct outputs_of_nothing : gain {
  [[nodiscard]] std::int64_t outputs() const { return features; }
};
struct outputs_as_double : gain {
  [[nodiscard]] double outputs(std::int64_t) const { return 1; }
};
struct parameters_as_list : gain {
  [[nodiscard]] std::vector<plait::parameter> parameters() const { return {}; }
};
static_assert(!plait::layer<int>);
static_assert(!plait::layer<without_name>);
static_assert(!plait::layer<without_takes>);
static_assert(!plait::layer<without_gives>);
static_assert(!plait::layer<outputs_of_nothing>);
static_assert(!plait::layer<outputs_as_double>);
static_assert(!plait::layer<parameters_as_list>);

// A loss is no layer, a layer no loss, and a loss without one of its parts none either.
struct without_check : plait::softmax_cross_entropy {
  void check() const {}
};
struct without_target : plait::softmax_cross_entropy {
 private:
  using target = int;
};
struct without_saved : plait::softmax_cross_entropy {
  [[nodiscard]] int saved(std::int64_t) const { return 0; }
};
static_assert(plait::loss_layer<plait::softmax_cross_entropy> && plait::loss_layer<plait::squared_error>);
static_assert(!plait::layer<plait::softmax_cross_entropy> && !plait::layer<plait::squared_error>);
static_assert(!plait::loss_layer<column_linear> && !plait::loss_layer<plait::relu>);
static_assert(!plait::loss_layer<without_check>);
static_assert(!plait::loss_layer<without_target>);
static_assert(!plait::loss_layer<without_saved>);

}  // namespace
