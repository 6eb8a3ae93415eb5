// SPDX-License-Identifier: Apache-2.0
// Layers and losses that are wrong in one way each, as careless ones would be: the laws that the right ones keep
// (laws.cpp, losses.cpp) must be broken by each of them.
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

#include <plait/comm/threads.hpp>
#include <plait/kernels/cross_entropy.hpp>
#include <plait/kernels/for_each.hpp>
#include <plait/kernels/matmul.hpp>
#include <plait/kernels/reduce.hpp>
#include <plait/kernels/rows.hpp>
#include <plait/tensor/host.hpp>

#include <doctest/doctest.h>

#include "layers/all_layers.hpp"

namespace {

using plait::host;
using plait::reduction;
using plait::tensor_place;
using ranks = plait::threads<host>;
using laws::numbers;

template <class Context, class Placed>
using from = typename Context::template in<Placed>;
template <class Context, class Placed>
using into = typename Context::template out<Placed>;
template <class T, class Placed>
using matrix_of = plait::matrix<T, host, Placed>;

template <class T, class Placed>
std::span<T> all_of(matrix_of<T, Placed> of) {
  return {of.data, static_cast<std::size_t>(of.size())};
}

// ---- forward passes that leave out, double or misplace a sum ----

struct bias_before_sum : plait::row_linear {
  template <class Context>
  void forward(Context& context, from<Context, takes> x, into<Context, gives> y) const {
    plait::row_product{row_linear::in, row_linear::out}.template forward<Context, gives>(context, x, y);
    for_each_row(y.extent[0],
                 plait::rowwise::add_bias<typename Context::element>{context.parameters[1], y.data, y.extent[1]},
                 context.stream);
    context.tensor->all_reduce(all_of(y), reduction::sum, context.stream);
  }
};
struct without_sum : plait::row_linear {
  template <class Context>
  void forward(Context& context, from<Context, takes> x, into<Context, gives> y) const {
    plait::row_product{row_linear::in, row_linear::out}.template forward<Context, gives>(context, x, y);
    for_each_row(y.extent[0],
                 plait::rowwise::add_bias<typename Context::element>{context.parameters[1], y.data, y.extent[1]},
                 context.stream);
  }
};
struct without_bias : plait::row_linear {
  template <class Context>
  void forward(Context& context, from<Context, takes> x, into<Context, gives> y) const {
    plait::row_product{row_linear::in, row_linear::out}.template forward<Context, gives>(context, x, y);
    context.tensor->all_reduce(all_of(y), reduction::sum, context.stream);
  }
};
struct sum_not_taken : plait::sum_partials {
  template <class Context>
  void forward(Context& context, from<Context, takes> x, into<Context, gives> y) const {
    host::copy(y.data, x.data, all_of(x).size_bytes(), context.stream);
  }
};
struct sum_taken_twice : plait::sum_partials {
  template <class Context>
  void forward(Context& context, from<Context, takes> x, into<Context, gives> y) const {
    plait::sum_partials::forward(context, x, y);
    context.tensor->all_reduce(all_of(y), reduction::sum, context.stream);
  }
};
struct largest_for_sum : plait::sum_partials {
  template <class Context>
  void forward(Context& context, from<Context, takes> x, into<Context, gives> y) const {
    host::copy(y.data, x.data, all_of(x).size_bytes(), context.stream);
    context.tensor->all_reduce(all_of(y), reduction::max, context.stream);
  }
};
struct gathered_at_the_front : plait::gather_features {
  template <class Context>
  void forward(Context& context, from<Context, takes> x, into<Context, gives> y) const {
    for_each_row(x.extent[0],
                 plait::rowwise::put_columns<typename Context::element>{x.data, y.data, x.extent[1], y.extent[1], 0},
                 context.stream);
    context.tensor->all_reduce(all_of(y), reduction::sum, context.stream);
  }
};

// ---- backward passes that leave out, double or misplace a sum ----

struct dx_not_summed : plait::column_linear {
  template <class Context>
  void backward_input(Context& context, from<Context, takes>, from<Context, gives>, from<Context, gives> dy,
                      into<Context, takes> dx) const {
    const from<Context, gives> weight{context.parameters[0], {dy.extent[1], dx.extent[1]}};
    matmul(dy, plait::flip::no, weight, plait::flip::no, dx, 0, context.stream);
  }
};
struct dx_summed_twice : plait::column_linear {
  template <class Context>
  void backward_input(Context& context, from<Context, takes> x, from<Context, gives> y, from<Context, gives> dy,
                      into<Context, takes> dx) const {
    plait::column_linear::backward_input(context, x, y, dy, dx);
    context.tensor->all_reduce(all_of(dx), reduction::sum, context.stream);
  }
};
struct shared_bias_gradient_summed : plait::row_linear {
  template <class Context>
  void backward_weight(Context& context, from<Context, takes> x, from<Context, gives> y,
                       from<Context, gives> dy) const {
    plait::row_linear::backward_weight(context, x, y, dy);
    const auto features = static_cast<std::size_t>(dy.extent[1]);
    context.tensor->all_reduce(std::span{context.gradients[1], features}, reduction::sum, context.stream);
  }
};
struct scattered_gradient_not_gathered : plait::scatter_features {
  template <class Context>
  void backward_input(Context& context, from<Context, takes>, from<Context, gives>, from<Context, gives> dy,
                      into<Context, takes> dx) const {
    const std::int64_t begin = context.place.part(dx.extent[1]).begin;
    for_each_row(
        dy.extent[0],
        plait::rowwise::put_columns<typename Context::element>{dy.data, dx.data, dy.extent[1], dx.extent[1], begin},
        context.stream);
  }
};
struct gathered_gradient_summed : plait::gather_features {
  template <class Context>
  void backward_input(Context& context, from<Context, takes> x, from<Context, gives> y, from<Context, gives> dy,
                      into<Context, takes> dx) const {
    plait::gather_features::backward_input(context, x, y, dy, dx);
    plait::for_each_element(dx.size(), plait::elementwise::apply<doubled, typename Context::element>{dx.data, dx.data},
                            context.stream);
  }
  struct doubled {
    static double value(double x) { return 2 * x; }
    static float value(float x) { return 2 * x; }
  };
};

TEST_CASE("a sum left out, doubled or misplaced over the tensor axis is caught: cut is no longer whole") {
  const auto caught = [](const auto& subject) {
    for (int ways = 2; ways <= 4; ++ways)
      for (numbers kind : {numbers::whole, numbers::real})
        CHECK_FALSE_MESSAGE(bool(laws::sharded_equals_whole<ranks>(subject, {.ways = ways}, kind)), ways, " ways");
  };
  using laws::case_of;
  SUBCASE("bias added on every rank before the sum") {
    caught(case_of(bias_before_sum{{6, 5}}, 6));
  }
  SUBCASE("row_linear without its sum") {
    caught(case_of(without_sum{{6, 5}}, 6));
  }
  SUBCASE("sum_partials without its sum") {
    caught(case_of(sum_not_taken{}, 6));
  }
  SUBCASE("sum_partials with two sums") {
    caught(case_of(sum_taken_twice{}, 6));
  }
  SUBCASE("sum_partials with max") {
    caught(case_of(largest_for_sum{}, 6));
  }
  SUBCASE("gather_features in the wrong place") {
    caught(case_of(gathered_at_the_front{}, 6));
  }
  SUBCASE("column_linear without the sum of dx") {
    caught(case_of(dx_not_summed{{6, 5}}, 6));
  }
  SUBCASE("column_linear with two sums of dx") {
    caught(case_of(dx_summed_twice{{6, 5}}, 6));
  }
  SUBCASE("row_linear with a sum of its bias's gradient") {
    caught(case_of(shared_bias_gradient_summed{{6, 5}}, 6));
  }
  SUBCASE("scatter_features without the sum of dx") {
    caught(case_of(scattered_gradient_not_gathered{}, 6));
  }
}

// ---- wrong on one rank already ----

struct slope_of_output : plait::relu {
  template <class Context, class Placed>
  void backward_input(Context& context, matrix_of<const typename Context::element, Placed>,
                      matrix_of<const typename Context::element, Placed>,
                      matrix_of<const typename Context::element, Placed> dy,
                      matrix_of<typename Context::element, Placed> dx) const {
    host::copy(dx.data, dy.data, all_of(dy).size_bytes(), context.stream);
  }
};
struct gradient_written_over : plait::bias<> {
  template <class Context>
  void backward_weight(Context& context, from<Context, takes>, from<Context, gives>, from<Context, gives> dy) const {
    host::zero(context.gradients[0], static_cast<std::size_t>(dy.extent[1]) * sizeof(*dy.data), context.stream);
    add_column_sums(dy, context.gradients[0], context.stream);
  }
};
struct weight_gradient_written_over : plait::column_linear {
  template <class Context>
  void backward_weight(Context& context, from<Context, takes> x, from<Context, gives>, from<Context, gives> dy) const {
    const into<Context, gives> dw{context.gradients[0], {dy.extent[1], x.extent[1]}};
    matmul(dy, plait::flip::yes, x, plait::flip::no, dw, 0, context.stream);
    add_column_sums(dy, context.gradients[1], context.stream);
  }
};
struct bias_gradient_forgotten : plait::column_linear {
  template <class Context>
  void backward_weight(Context& context, from<Context, takes> x, from<Context, gives>, from<Context, gives> dy) const {
    const into<Context, gives> dw{context.gradients[0], {dy.extent[1], x.extent[1]}};
    matmul(dy, plait::flip::yes, x, plait::flip::no, dw, 1, context.stream);
  }
};
struct dx_added : plait::bias<> {
  template <class Context>
  void backward_input(Context&, from<Context, takes>, from<Context, gives>, from<Context, gives> dy,
                      into<Context, takes> dx) const {
    for (std::int64_t i = 0; i < dy.size(); ++i) dx.data[i] += dy.data[i];
  }
};
struct kept_in_scratch : plait::gelu {  // what is to be kept belongs in `saved`
  [[nodiscard]] std::int64_t scratch(std::int64_t rows, tensor_place) const { return rows; }
  template <class Context, class Placed>
  void forward(Context& context, matrix_of<const typename Context::element, Placed> x,
               matrix_of<typename Context::element, Placed> y) const {
    plait::gelu::forward(context, x, y);
    for (std::int64_t i = 0; i < x.extent[0]; ++i) context.scratch[i] = 1;
  }
  template <class Context, class Placed>
  void backward_input(Context& context, matrix_of<const typename Context::element, Placed> x,
                      matrix_of<const typename Context::element, Placed> y,
                      matrix_of<const typename Context::element, Placed> dy,
                      matrix_of<typename Context::element, Placed> dx) const {
    plait::gelu::backward_input(context, x, y, dy, dx);
    for (std::int64_t i = 0; i < dx.size(); ++i) dx.data[i] *= context.scratch[i / x.extent[1]];
  }
};
struct past_the_end : plait::relu {
  template <class Context, class Placed>
  void forward(Context& context, matrix_of<const typename Context::element, Placed> x,
               matrix_of<typename Context::element, Placed> y) const {
    plait::relu::forward(context, x, y);
    y.data[y.size()] = 0;
  }
};
struct in_place : plait::bias<> {  // the layer before may still need its output
  template <class Context>
  void backward_input(Context& context, from<Context, takes> x, from<Context, gives> y, from<Context, gives> dy,
                      into<Context, takes> dx) const {
    plait::bias<>::backward_input(context, x, y, dy, dx);
    const_cast<typename Context::element*>(x.data)[0] = 0;
  }
};

TEST_CASE("a wrong derivative, or one that is not added to what is there, is caught by finite differences") {
  const auto caught = [](const auto& subject) {
    for (int ways = 1; ways <= 2; ++ways)
      CHECK_FALSE_MESSAGE(bool(laws::gradients_agree<ranks>(subject, {.ways = ways})), ways, " ways");
  };
  using laws::case_of;
  SUBCASE("an activation without its slope") {
    caught(laws::case_placed<plait::whole_features>(slope_of_output{}, 6));
  }
  SUBCASE("a bias that is never added") {
    caught(case_of(without_bias{{6, 5}}, 6));
  }
  SUBCASE("gradient of a bias written over") {
    caught(case_of(gradient_written_over{{6}}, 6));
  }
  SUBCASE("gradient of a weight written over") {
    caught(case_of(weight_gradient_written_over{{6, 5}}, 6));
  }
  SUBCASE("gradient of a bias left out") {
    caught(case_of(bias_gradient_forgotten{{6, 5}}, 6));
  }
  SUBCASE("dx added to what is there") {
    caught(case_of(dx_added{{6}}, 6));
  }
  SUBCASE("dx doubled") {
    caught(case_of(gathered_gradient_summed{}, 6));
  }
  SUBCASE("kept in scratch") {
    caught(laws::case_placed<plait::whole_features>(kept_in_scratch{}, 6));
  }
  SUBCASE("written past the end") {
    caught(laws::case_placed<plait::whole_features>(past_the_end{}, 6));
  }
  SUBCASE("input changed") {
    caught(case_of(in_place{{6}}, 6));
  }
}

// ---- halves that are not the whole ----

struct other_whole : plait::column_linear {
  template <class Context>
  void backward(Context& context, from<Context, takes> x, from<Context, gives> y, from<Context, gives> dy,
                into<Context, takes> dx) const {
    if (dx.data != nullptr) backward_input(context, x, y, dy, dx);
  }
};
struct weights_need_dx : plait::column_linear {
  template <class Context>
  void backward(Context& context, from<Context, takes> x, from<Context, gives> y, from<Context, gives> dy,
                into<Context, takes> dx) const {
    if (dx.data == nullptr) return;
    backward_weight(context, x, y, dy);
    backward_input(context, x, y, dy, dx);
  }
};

TEST_CASE("halves of backward that are not the whole are caught") {
  CHECK_FALSE(bool(laws::halves_make_the_whole<ranks>(laws::case_of(other_whole{{6, 5}}, 6), {})));
  CHECK_FALSE(bool(laws::halves_make_the_whole<ranks>(laws::case_of(weights_need_dx{{6, 5}}, 6), {})));
}

struct no_pass_for_weights : plait::bias<> {
  template <class Context>
  void backward_weight(Context&, from<Context, takes>, from<Context, gives>) const {}  // without dy
};

TEST_CASE("a layer with parameters whose pass for them does not fit is refused in one sentence") {
  const laws::verdict found = laws::gradients_agree<ranks>(laws::case_of(no_pass_for_weights{{6}}, 6), {});
  CHECK(found.fault.find("bias has parameters, so it needs backward_weight(context, x, y, dy)") != std::string::npos);
}

// ---- rows, types ----

struct needs_rows : plait::relu {
  template <class Context, class Placed>
  void forward(Context& context, matrix_of<const typename Context::element, Placed> x,
               matrix_of<typename Context::element, Placed> y) const {
    if (x.extent[0] == 0) throw std::runtime_error{"there must be rows"};
    plait::relu::forward(context, x, y);
  }
};
struct counts_one_row_more : plait::bias<> {
  template <class Context>
  void backward_weight(Context& context, from<Context, takes>, from<Context, gives>, from<Context, gives> dy) const {
    add_column_sums(dy, context.gradients[0], context.stream);
    context.gradients[0][0] += 1;
  }
};
struct half_precision : plait::relu {
  template <class Context, class Placed>
  void forward(Context& context, matrix_of<const typename Context::element, Placed> x,
               matrix_of<typename Context::element, Placed> y) const {
    plait::relu::forward(context, x, y);
    if (sizeof(*y.data) == 4)
      for (std::int64_t i = 0; i < y.size(); ++i) y.data[i] *= 1 + 0x1p-18f;
  }
};

TEST_CASE("layers that cannot do without rows, or lose digits in float, are caught") {
  CHECK_FALSE(bool(laws::no_rows_are_legal<ranks>(laws::case_placed<plait::whole_features>(needs_rows{}, 6), 2)));
  CHECK_FALSE(bool(laws::no_rows_are_legal<ranks>(laws::case_of(counts_one_row_more{{6}}, 6), 2)));
  const auto rough = laws::case_placed<plait::whole_features>(half_precision{}, 6);
  CHECK_FALSE(bool(laws::float_agrees_with_double<ranks>(rough, {})));
}

// ---- losses ----

struct targets_of_first_rank : plait::squared_error {
  template <class Context>
  void forward(Context& context, from<Context, takes> x, const typename Context::element* wanted,
               typename Context::element* row_loss) const {
    using T = typename Context::element;
    for_each_row(x.extent[0],
                 plait::rowwise::squared_error<T>{x.data, wanted, x.extent[1], features, 0, T{0.5}, row_loss},
                 context.stream);
    context.tensor->all_reduce(std::span{row_loss, static_cast<std::size_t>(x.extent[0])}, reduction::sum,
                               context.stream);
  }
};
struct gradient_targets_of_first_rank : plait::squared_error {
  template <class Context>
  void backward(Context& context, from<Context, takes> x, const typename Context::element* wanted,
                typename Context::element scale, into<Context, takes> dx) const {
    for_each_row(x.extent[0],
                 plait::rowwise::squared_error_gradient<typename Context::element>{x.data, wanted, x.extent[1],
                                                                                   features, 0, scale, dx.data},
                 context.stream);
  }
};
struct own_loss_only : plait::squared_error {
  template <class Context>
  void forward(Context& context, from<Context, takes> x, const typename Context::element* wanted,
               typename Context::element* row_loss) const {
    using T = typename Context::element;
    for_each_row(x.extent[0],
                 plait::rowwise::squared_error<T>{x.data, wanted, x.extent[1], features,
                                                  context.place.part(features).begin, T{0.5}, row_loss},
                 context.stream);
  }
};
struct scale_forgotten : plait::squared_error {
  template <class Context>
  void backward(Context& context, from<Context, takes> x, const typename Context::element* wanted,
                typename Context::element, into<Context, takes> dx) const {
    plait::squared_error::backward(context, x, wanted, 1, dx);
  }
};

/// What a cross-entropy may get wrong.
struct slips {
  bool without_max = false;
  bool without_sum = false;
  bool labels_of_first_rank = false;
};
template <slips Slips>
struct careless_cross_entropy : plait::softmax_cross_entropy {
  template <class Context>
  void forward(Context& context, from<Context, takes> x, const target* label,
               typename Context::element* row_loss) const {
    using T = typename Context::element;
    const std::int64_t rows = x.extent[0], columns = x.extent[1];
    const std::int64_t first = Slips.labels_of_first_rank ? 0 : context.place.part(classes).begin;
    T* const largest = context.scratch;
    T* const sums = context.scratch + rows;
    const auto count = static_cast<std::size_t>(rows);
    for_each_row(rows, plait::cross_entropy::row_max<T>{x.data, columns, largest}, context.stream);
    if (!Slips.without_max) context.tensor->all_reduce(std::span{largest, count}, reduction::max, context.stream);
    for_each_row(rows, plait::cross_entropy::row_sums<T>{x.data, label, largest, rows, columns, first, classes, sums},
                 context.stream);
    if (!Slips.without_sum) context.tensor->all_reduce(std::span{sums, 2 * count}, reduction::sum, context.stream);
    for_each_element(rows, plait::cross_entropy::row_loss<T>{largest, sums, rows, row_loss, context.saved},
                     context.stream);
  }
};
struct gradient_labels_of_first_rank : plait::softmax_cross_entropy {
  template <class Context>
  void backward(Context& context, from<Context, takes> x, const target* label, typename Context::element scale,
                into<Context, takes> dx) const {
    for_each_row(x.extent[0],
                 plait::cross_entropy::row_gradient<typename Context::element>{
                     x.data, label, context.saved, x.extent[0], x.extent[1], 0, scale, dx.data},
                 context.stream);
  }
};
struct hits_of_own_classes : plait::softmax_cross_entropy {
  template <class Context>
  void hits(Context& context, from<Context, takes> x, const target* label, typename Context::element* row_hit) const {
    using T = typename Context::element;
    const std::int64_t rows = x.extent[0], columns = x.extent[1], first = context.place.part(classes).begin;
    T* const logit = context.scratch;
    T* const beaten = context.scratch + rows;
    const auto count = static_cast<std::size_t>(rows);
    for_each_element(rows, plait::cross_entropy::label_logit<T>{x.data, label, columns, first, logit}, context.stream);
    context.tensor->all_reduce(std::span{logit, count}, reduction::sum, context.stream);
    for_each_row(rows, plait::cross_entropy::row_beaten<T>{x.data, label, logit, columns, first, beaten},
                 context.stream);
    for_each_element(rows, plait::cross_entropy::row_hit<T>{beaten, row_hit}, context.stream);
  }
};

TEST_CASE("a loss that leaves out or misplaces what ranks exchange is caught: cut is no longer whole") {
  const auto caught = [](const auto& loss) {
    for (int ways = 2; ways <= 4; ++ways) {
      const auto given = laws::input_of(loss, 10, 40, numbers::real);
      CHECK_FALSE_MESSAGE(bool(laws::sharded_loss_equals_whole<ranks>(loss, given, ways, 1e-12)), ways, " ways");
    }
  };
  SUBCASE("wrong slice of targets") {
    caught(targets_of_first_rank{{10}});
  }
  SUBCASE("wrong slice of targets in the gradient") {
    caught(gradient_targets_of_first_rank{{10}});
  }
  SUBCASE("squared_error without its sum") {
    caught(own_loss_only{{10}});
  }
  SUBCASE("cross-entropy without max") {
    caught(careless_cross_entropy<slips{.without_max = true}>{{10}});
  }
  SUBCASE("cross-entropy without sum") {
    caught(careless_cross_entropy<slips{.without_sum = true}>{{10}});
  }
  SUBCASE("labels as if of the first rank") {
    caught(careless_cross_entropy<slips{.labels_of_first_rank = true}>{{10}});
  }
  SUBCASE("labels as if of the first rank in the gradient") {
    caught(gradient_labels_of_first_rank{{10}});
  }
  SUBCASE("hits without sum") {
    caught(hits_of_own_classes{{10}});
  }
}

TEST_CASE("the same cross-entropy without a slip keeps the law, so that it is the slips that are caught") {
  const careless_cross_entropy<slips{}> loss{{10}};
  const auto given = laws::input_of(loss, 10, 7, numbers::real);
  const laws::verdict found = laws::sharded_loss_equals_whole<ranks>(loss, given, 3, 1e-12);
  CHECK_MESSAGE(bool(found), found.fault);
}

TEST_CASE("a loss whose gradient is not scaled is caught by finite differences") {
  CHECK_FALSE(bool(laws::loss_gradient_agrees<ranks>(scale_forgotten{{6}}, 6, {.ways = 2})));
}

}  // namespace
