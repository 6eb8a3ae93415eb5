// SPDX-License-Identifier: Apache-2.0
#pragma once
// The laws of the concept `layer`. Each is a function that gives a verdict, so that tests can ask for it to hold of the
// layers of `all_layers.hpp`, and to be broken by the wrong layers of `mutations.cpp`. `Engine` makes the ranks of the
// tensor axis: `plait::threads<Space>`.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <plait/layers/layer.hpp>

#include "layers/values.hpp"

namespace laws {

/// A layer to put through the laws, with the placements of its input and output.
template <class Layer, class In, class Out>
struct layer_case {
  using layer = Layer;
  using in = In;
  using out = Out;
  Layer one;
  std::int64_t inputs;

  [[nodiscard]] std::int64_t outputs() const { return one.outputs(inputs); }
  [[nodiscard]] std::string name() const {
    return std::string{Layer::name} + (is_split<In> ? " of split features, " : " of features, ") +
           std::to_string(inputs) + " to " + std::to_string(outputs());
  }
};

template <class Layer>
layer_case<Layer, typename Layer::takes, typename Layer::gives> case_of(Layer one, std::int64_t inputs) {
  return {one, inputs};
}
/// For a layer that takes features as they come.
template <class Placed, class Layer>
layer_case<Layer, Placed, Placed> case_placed(Layer one, std::int64_t inputs) {
  return {one, inputs};
}

template <class Layer>
std::vector<plait::parameter> parameters_of(const Layer& one) {
  std::vector<plait::parameter> all;
  one.parameters([&](const plait::parameter& each) { all.push_back(each); });
  return all;
}

/// The whole values that a pass through a layer and back starts from, and those that it comes to.
struct pass_input {
  std::int64_t rows = 0;
  std::vector<double> x{};   ///< [rows, inputs]
  std::vector<double> dy{};  ///< [rows, outputs]
  std::vector<std::vector<double>> parameters{};
  std::vector<std::vector<double>> gradients{};  ///< what is there before
};
template <class T>
struct pass_result {
  std::vector<T> y;
  std::vector<T> dx;
  std::vector<std::vector<T>> gradients;
  std::string fault{};
};

template <class Case>
pass_input input_of(const Case& subject, std::int64_t rows, numbers kind) {
  pass_input given{
      .rows = rows, .x = draw(kind, rows * subject.inputs, 1), .dy = draw(kind, rows * subject.outputs(), 2)};
  for (const plait::parameter& each : parameters_of(subject.one)) {
    given.parameters.push_back(draw(kind, each.rows * each.columns, 3 + given.parameters.size()));
    given.gradients.push_back(draw(kind, each.rows * each.columns, 30 + given.gradients.size()));
  }
  return given;
}

/// How to go back through a layer.
enum class back : std::uint8_t {
  whole,
  halves,         ///< input, then weights
  halves_turned,  ///< weights, then input
  no_input,       ///< nobody wants the gradient of the input
};

/// A layer on one rank of the tensor axis, with its buffers.
template <class T, class Case, class Comm>
class layer_on_rank {
 public:
  using space = typename Comm::space;
  using stream = typename space::stream;
  using context = plait::layer_context<T, space, Comm>;
  using in = typename Case::in;
  using out = typename Case::out;

  layer_on_rank(const Case& subject, Comm& tensor, const pass_input& given, stream order)
      : subject_{&subject},
        here_{tensor.size(), tensor.rank()},
        rows_{given.rows},
        in_here_{features_here<in>(subject.inputs, here_)},
        out_here_{features_here<out>(subject.outputs(), here_)},
        x_{rows_ * in_here_, order},
        y_{rows_ * out_here_, order},
        dy_{dy_part(as<T>(given.dy)), order},
        dx_{rows_ * in_here_, order},
        saved_{plait::saved_of(subject.one, rows_, here_), order},
        scratch_{plait::scratch_of(subject.one, rows_, here_), order},
        all_{parameters_of(subject.one)},
        context_{&tensor, here_, order, nullptr, nullptr, saved_.data(), scratch_.data()} {
    for (std::size_t i = 0; i < all_.size(); ++i) {
      parameters_.emplace_back(part_of_parameter(i, given.parameters[i]), order);
      gradients_.emplace_back(part_of_parameter(i, given.gradients[i]), order);
    }
    for (std::size_t i = 0; i < all_.size(); ++i) {
      parameters_at_.push_back(parameters_[i].data());
      gradients_at_.push_back(gradients_[i].data());
    }
    context_.parameters = parameters_at_.data();
    context_.gradients = gradients_at_.data();
    set_x(given.x);
  }
  layer_on_rank(const layer_on_rank&) = delete;

  void set_x(const std::vector<double>& whole) { x_.write(part_of<in>(as<T>(whole), subject_->inputs, here_)); }
  void set_parameter(std::size_t i, const std::vector<double>& whole) {
    parameters_[i].write(part_of_parameter(i, whole));
  }

  void forward() {
    y_.spoil();
    saved_.spoil();
    scratch_.spoil();
    subject_->one.forward(context_, x(), plait::matrix<T, space, out>{y_.data(), {rows_, out_here_}});
  }

  void backward(back how) {
    dx_.spoil();
    scratch_.spoil();
    const Case& subject = *subject_;
    if (how == back::whole || how == back::no_input) {
      T* const wanted = how == back::whole ? dx_.data() : nullptr;
      plait::backward<typename Case::layer, context, in, out>(subject.one, context_, x(), y(), dy(), dx(wanted));
      return;
    }
    const auto input_half = [&] {
      scratch_.spoil();
      subject.one.backward_input(context_, x(), y(), dy(), dx(dx_.data()));
    };
    if (how == back::halves) input_half();
    if constexpr (requires { subject.one.backward_weight(context_, x(), y(), dy()); }) {
      scratch_.spoil();
      subject.one.backward_weight(context_, x(), y(), dy());
    }
    if (how == back::halves_turned) input_half();
  }

  [[nodiscard]] std::vector<T> read_y() const { return y_.read(); }
  [[nodiscard]] std::vector<T> read_dx() const { return dx_.read(); }
  [[nodiscard]] std::vector<T> read_dy() const { return dy_.read(); }
  [[nodiscard]] std::vector<T> read_gradient(std::size_t i) const { return gradients_[i].read(); }

  /// Whether inputs are as they were and nothing was written past an end.
  [[nodiscard]] std::string fault(const pass_input& given) const {
    bool kept = same_bits(x_.read(), part_of<in>(as<T>(given.x), subject_->inputs, here_));
    bool within = x_.intact() && y_.intact() && dy_.intact() && dx_.intact() && saved_.intact() && scratch_.intact();
    for (std::size_t i = 0; i < all_.size(); ++i) {
      kept = kept && same_bits(parameters_[i].read(), part_of_parameter(i, given.parameters[i]));
      within = within && parameters_[i].intact() && gradients_[i].intact();
    }
    return !kept ? "the layer changes its input or its parameters" : !within ? "the layer writes past an end" : "";
  }

 private:
  using const_in = plait::matrix<const T, space, in>;
  using const_out = plait::matrix<const T, space, out>;
  [[nodiscard]] const_in x() const { return {x_.data(), {rows_, in_here_}}; }
  [[nodiscard]] const_out y() const { return {y_.data(), {rows_, out_here_}}; }
  [[nodiscard]] const_out dy() const { return {dy_.data(), {rows_, out_here_}}; }
  [[nodiscard]] plait::matrix<T, space, in> dx(T* at) const { return {at, {rows_, in_here_}}; }

  /// The gradient of a sum that nobody has taken is the gradient of the sum, on every rank.
  [[nodiscard]] std::vector<T> dy_part(const std::vector<T>& whole) const {
    if constexpr (is_split<out>)
      return part_of<out>(whole, subject_->outputs(), here_);
    else
      return whole;
  }
  [[nodiscard]] std::vector<T> part_of_parameter(std::size_t i, const std::vector<double>& whole) const {
    return cut_out(as<T>(whole), all_[i].columns, all_[i].local_rows(here_), all_[i].local_columns(here_));
  }

  const Case* subject_;
  plait::tensor_place here_;
  std::int64_t rows_, in_here_, out_here_;
  cells<T, space> x_, y_, dy_, dx_, saved_, scratch_;
  std::vector<plait::parameter> all_;
  std::vector<cells<T, space>> parameters_, gradients_;
  std::vector<T*> parameters_at_, gradients_at_;
  context context_;
};

/// Joins what the ranks have of each result of a pass.
template <class T, class Case>
pass_result<T> joined(const Case& subject, std::int64_t rows, const std::vector<pass_result<T>>& parts) {
  const auto of_each = [&](auto&& member) {
    std::vector<std::vector<T>> all;
    for (const pass_result<T>& part : parts) all.push_back(member(part));
    return all;
  };
  pass_result<T> whole;
  for (const pass_result<T>& part : parts)
    if (whole.fault.empty()) whole.fault = part.fault;
  whole.y = join_placed<typename Case::out>(of_each([](const auto& part) { return part.y; }), rows, subject.outputs(),
                                            "y", whole.fault);
  // The gradient of a sum that nobody has taken is the same on every rank.
  using dx_placed = std::conditional_t<is_partial<typename Case::in>, plait::whole_features, typename Case::in>;
  whole.dx = join_placed<dx_placed>(of_each([](const auto& part) { return part.dx; }), rows, subject.inputs, "dx",
                                    whole.fault);
  const auto all = parameters_of(subject.one);
  for (std::size_t i = 0; i < all.size(); ++i)
    whole.gradients.push_back(join(of_each([i](const auto& part) { return part.gradients[i]; }), all[i].rows,
                                   all[i].columns, all[i].sharded_dim, "gradient of " + std::string{all[i].name},
                                   whole.fault));
  return whole;
}

/// Runs a layer forward and back on `ways` ranks and joins what comes out; then calls `more(layer_on_rank)` on each.
template <class Engine, class T, class Case, class More>
pass_result<T> pass_and(const Case& subject, int ways, const pass_input& given, back how, More&& more) {
  std::vector<pass_result<T>> parts(static_cast<std::size_t>(ways));
  Engine{10}.run(ways, [&](typename Engine::communicator_type& tensor) {
    using comm = typename Engine::communicator_type;
    const typename comm::space::owned_stream order;
    layer_on_rank<T, Case, comm> here{subject, tensor, given, order};
    here.forward();
    here.backward(how);
    pass_result<T>& mine = parts[static_cast<std::size_t>(tensor.rank())];
    mine = {.y = here.read_y(), .dx = here.read_dx(), .gradients = {}, .fault = here.fault(given)};
    for (std::size_t i = 0; i < given.parameters.size(); ++i) mine.gradients.push_back(here.read_gradient(i));
    more(here, tensor.rank());
  });
  return joined(subject, given.rows, parts);
}
template <class Engine, class T, class Case>
pass_result<T> pass(const Case& subject, int ways, const pass_input& given, back how = back::whole) {
  return pass_and<Engine, T>(subject, ways, given, how, [](auto&, int) {});
}

/// No fault where y, dx and the gradients of two passes are within `tolerance` (see `close`) of each other.
template <class T>
verdict close(const pass_result<T>& found, const pass_result<T>& wanted, double tolerance) {
  verdict all = both({found.fault}, {wanted.fault});
  all = both(all, close("y", found.y, wanted.y, tolerance));
  all = both(all, close("dx", found.dx, wanted.dx, tolerance));
  for (std::size_t i = 0; i < wanted.gradients.size(); ++i)
    all = both(all, close("gradient " + std::to_string(i), found.gradients[i], wanted.gradients[i], tolerance));
  return all;
}

/// Law: what backward gives are the derivatives of sum(y * dy) by the input and by each parameter, and those of
/// parameters are added to what is there.
///
/// Central differences with a step of 1e-4 in double: they miss by step^2 / 6 times the third derivative, which is at
/// most 2 for what layers compute of numbers up to 1, and by rounding, 1e-16 * 100 / step. 1e-7 leaves room for both.
template <class Engine, class Case>
verdict gradients_agree(const Case& subject, setting at) {
  return judge([&]() -> verdict {
    constexpr double step = 1e-4, tolerance = 1e-7;
    const pass_input given = input_of(subject, at.rows, numbers::real);
    std::vector<const std::vector<double>*> arrays{&given.x};
    for (const auto& values : given.parameters) arrays.push_back(&values);
    // slope[rank][array][element]: what that rank adds to the derivative.
    std::vector<std::vector<std::vector<double>>> slope(static_cast<std::size_t>(at.ways));
    const auto differences = [&](auto& here, int rank) {
      const std::vector<double> weight = here.read_dy();
      const auto sum_at = [&](std::size_t array, std::size_t i, double by) {
        std::vector<double> moved = *arrays[array];
        moved[i] += by;
        array == 0 ? here.set_x(moved) : here.set_parameter(array - 1, moved);
        here.forward();
        const std::vector<double> y = here.read_y();
        double sum = 0;
        for (std::size_t j = 0; j < y.size(); ++j) sum += y[j] * weight[j];
        return sum;
      };
      constexpr bool each_has_all = !is_split<typename Case::out> && !is_partial<typename Case::out>;
      const double counts = each_has_all && rank > 0 ? 0 : 1;
      for (std::size_t array = 0; array < arrays.size(); ++array) {
        auto& of_array = slope[static_cast<std::size_t>(rank)].emplace_back();
        for (std::size_t i = 0; i < arrays[array]->size(); ++i)
          of_array.push_back(counts * (sum_at(array, i, step) - sum_at(array, i, -step)) / (2 * step));
        array == 0 ? here.set_x(given.x) : here.set_parameter(array - 1, given.parameters[array - 1]);
      }
    };
    const pass_result<double> found = pass_and<Engine, double>(subject, at.ways, given, back::whole, differences);
    verdict all{found.fault};
    for (std::size_t array = 0; array < arrays.size(); ++array) {
      std::vector<double> wanted =
          array == 0 ? std::vector<double>(given.x.size()) : given.gradients[array - 1];  // what was there before
      for (const auto& of_rank : slope)
        for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] += of_rank[array][i];
      const auto& values = array == 0 ? found.dx : found.gradients[array - 1];
      all = both(all, within(array == 0 ? "dx" : "gradient " + std::to_string(array - 1), values, wanted,
                             [&](std::size_t i) { return tolerance * (1 + std::abs(wanted[i])); }));
    }
    return all;
  });
}

/// Law: the two halves of backward, in either order, come to the same bits as the whole; and so do the gradients of
/// parameters where nobody wants that of the input.
template <class Engine, class Case>
verdict halves_make_the_whole(const Case& subject, setting at) {
  return judge([&]() -> verdict {
    const pass_input given = input_of(subject, at.rows, numbers::real);
    const auto whole = pass<Engine, double>(subject, at.ways, given, back::whole);
    verdict all{whole.fault};
    for (back how : {back::halves, back::halves_turned, back::no_input}) {
      const auto other = pass<Engine, double>(subject, at.ways, given, how);
      const bool same_dx = how == back::no_input || same_bits(other.dx, whole.dx);
      bool same = same_dx && same_bits(other.y, whole.y);
      for (std::size_t i = 0; i < whole.gradients.size(); ++i)
        same = same && same_bits(other.gradients[i], whole.gradients[i]);
      if (how != back::no_input) all = both(all, {other.fault});
      if (!same) all = both(all, {"the halves of backward are not the whole, way " + std::to_string(int(how))});
    }
    return all;
  });
}

/// Law: cut over any tensor axis, a layer gives what it gives on one rank: exactly for whole numbers, to 1e-12 of the
/// largest value for real ones.
template <class Engine, class Case>
verdict sharded_equals_whole(const Case& subject, setting at, numbers kind) {
  return judge([&] {
    const pass_input given = input_of(subject, at.rows, kind);
    return close(pass<Engine, double>(subject, at.ways, given), pass<Engine, double>(subject, 1, given),
                 kind == numbers::whole ? 0 : 1e-12);
  });
}

/// Law: no rows are legal, and add nothing to gradients.
template <class Engine, class Case>
verdict no_rows_are_legal(const Case& subject, int ways) {
  return judge([&]() -> verdict {
    const pass_input given = input_of(subject, 0, numbers::real);
    const auto found = pass<Engine, double>(subject, ways, given);
    verdict all = both({found.fault}, {found.y.empty() && found.dx.empty() ? "" : "there are rows of nothing"});
    for (std::size_t i = 0; i < given.gradients.size(); ++i)
      if (!same_bits(found.gradients[i], given.gradients[i])) all = both(all, {"no rows change a gradient"});
    return all;
  });
}

/// Law: in float a layer is as exact as its sums allow.
///
/// A sum of n products in any order is off by at most n * 2^-24 / (1 - n * 2^-24) times the sum of the products' sizes
/// (Higham, "Accuracy and Stability of Numerical Algorithms", section 3.1). Those sizes are what the layer itself gives
/// for the sizes of the same numbers; n is the longest sum, and a bias, a start of a gradient or a function of a few
/// roundings (erf and exp are good to 1 or 2 units) is 16 more. Inputs are exact in both types.
template <class Engine, class Case>
verdict float_agrees_with_double(const Case& subject, setting at) {
  return judge([&] {
    const pass_input given = input_of(subject, at.rows, numbers::coarse);
    pass_input sizes = given;
    sizes.x = sizes_of(given.x), sizes.dy = sizes_of(given.dy);
    for (auto& values : sizes.parameters) values = sizes_of(values);
    for (auto& values : sizes.gradients) values = sizes_of(values);
    const auto single = pass<Engine, float>(subject, at.ways, given);
    const auto exact = pass<Engine, double>(subject, at.ways, given);
    const auto size = pass<Engine, double>(subject, 1, sizes);
    const auto longest = static_cast<double>(std::max({subject.inputs, subject.outputs(), at.rows}) + 16);
    const double relative = longest * 0x1p-24 / (1 - longest * 0x1p-24);
    const auto room_of = [&](const std::vector<double>& of) {
      return [&of, relative](std::size_t i) { return relative * of[i]; };
    };
    verdict all = both({single.fault}, within("y", single.y, exact.y, room_of(size.y)));
    all = both(all, within("dx", single.dx, exact.dx, room_of(size.dx)));
    for (std::size_t i = 0; i < exact.gradients.size(); ++i)
      all = both(all, within("gradient " + std::to_string(i), single.gradients[i], exact.gradients[i],
                             room_of(size.gradients[i])));
    return all;
  });
}

}  // namespace laws
