// SPDX-License-Identifier: Apache-2.0
#pragma once
// The laws of the concept `loss_layer`, in the form of those of layers (`laws.hpp`).

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <plait/layers/layer.hpp>

#include "layers/values.hpp"

namespace laws {

/// What a loss is given, whole: x: [rows, inputs], targets: [rows, target_columns].
template <class Loss>
struct loss_input {
  std::int64_t rows = 0;
  std::int64_t inputs = 0;
  std::vector<double> x{};
  std::vector<plait::target_of<Loss, double>> targets{};
  double scale = 0.25;
};
template <class T>
struct loss_result {
  std::vector<T> row_loss;
  std::vector<T> dx;
  std::vector<T> hits;  ///< of losses that can tell
  std::string fault{};
};

/// Class numbers go round, so that every shard has some; real targets are drawn.
template <class Loss>
loss_input<Loss> input_of(const Loss& one, std::int64_t inputs, std::int64_t rows, numbers kind) {
  loss_input<Loss> given{.rows = rows, .inputs = inputs, .x = draw(kind, rows * inputs, 1)};
  if constexpr (std::is_same_v<typename Loss::target, plait::real_target>)
    given.targets = draw(kind, rows * one.target_columns(), 2);
  else
    for (std::int64_t i = 0; i < rows * one.target_columns(); ++i)
      given.targets.push_back(static_cast<typename Loss::target>((i * 3 + 1) % inputs));
  return given;
}

/// A loss on one rank of the tensor axis, with its buffers.
template <class T, class Loss, class Comm>
class loss_on_rank {
 public:
  using space = typename Comm::space;
  using stream = typename space::stream;
  using context = plait::layer_context<T, space, Comm>;
  using in = typename Loss::takes;
  using target = plait::target_of<Loss, T>;

  loss_on_rank(const Loss& one, Comm& tensor, const loss_input<Loss>& given, stream order)
      : one_{&one},
        inputs_{given.inputs},
        rows_{given.rows},
        here_{tensor.size(), tensor.rank()},
        x_{rows_ * features_here<in>(inputs_, here_), order},
        targets_{std::vector<target>(given.targets.begin(), given.targets.end()), order},
        row_loss_{rows_, order},
        hits_{rows_, order},
        dx_{rows_ * features_here<in>(inputs_, here_), order},
        saved_{one.saved(rows_, here_), order},
        scratch_{one.scratch(rows_, here_), order},
        context_{&tensor, here_, order, nullptr, nullptr, saved_.data(), scratch_.data()} {
    set_x(given.x);
  }
  loss_on_rank(const loss_on_rank&) = delete;

  void set_x(const std::vector<double>& whole) { x_.write(part_of<in>(as<T>(whole), inputs_, here_)); }

  void forward() {
    row_loss_.spoil();
    saved_.spoil();
    scratch_.spoil();
    one_->forward(context_, x(), targets_.data(), row_loss_.data());
  }
  void hits() {
    if constexpr (requires { one_->hits(context_, x(), targets_.data(), hits_.data()); }) {
      hits_.spoil();
      scratch_.spoil();
      one_->hits(context_, x(), targets_.data(), hits_.data());
    } else {
      hits_.write(std::vector<T>(static_cast<std::size_t>(rows_)));
    }
  }
  void backward(double scale) {
    dx_.spoil();
    scratch_.spoil();
    one_->backward(context_, x(), targets_.data(), static_cast<T>(scale),
                   plait::matrix<T, space, in>{dx_.data(), {rows_, features_here<in>(inputs_, here_)}});
  }

  [[nodiscard]] std::vector<T> read_row_loss() const { return row_loss_.read(); }
  [[nodiscard]] loss_result<T> read(const loss_input<Loss>& given) const {
    loss_result<T> all{.row_loss = row_loss_.read(), .dx = dx_.read(), .hits = hits_.read()};
    if (!same_bits(x_.read(), part_of<in>(as<T>(given.x), inputs_, here_))) all.fault = "the loss changes its input";
    if (!x_.intact() || !targets_.intact() || !row_loss_.intact() || !hits_.intact() || !dx_.intact() ||
        !saved_.intact() || !scratch_.intact())
      all.fault = "the loss writes past an end";
    return all;
  }

 private:
  [[nodiscard]] plait::matrix<const T, space, in> x() const {
    return {x_.data(), {rows_, features_here<in>(inputs_, here_)}};
  }

  const Loss* one_;
  std::int64_t inputs_, rows_;
  plait::tensor_place here_;
  cells<T, space> x_;
  cells<target, space> targets_;
  cells<T, space> row_loss_, hits_, dx_, saved_, scratch_;
  context context_;
};

/// Runs a loss forward, for hits and back on `ways` ranks and joins what comes out; then calls `more(loss_on_rank)` on
/// each.
template <class Engine, class T, class Loss, class More>
loss_result<T> loss_pass_and(const Loss& one, int ways, const loss_input<Loss>& given, More&& more) {
  std::vector<loss_result<T>> parts(static_cast<std::size_t>(ways));
  Engine{10}.run(ways, [&](typename Engine::communicator_type& tensor) {
    using comm = typename Engine::communicator_type;
    const typename comm::space::owned_stream order;
    loss_on_rank<T, Loss, comm> here{one, tensor, given, order};
    here.forward();
    here.hits();
    here.backward(given.scale);
    parts[static_cast<std::size_t>(tensor.rank())] = here.read(given);
    more(here, tensor.rank());
  });
  std::vector<std::vector<T>> row_loss, dx, hits;
  loss_result<T> whole;
  for (loss_result<T>& part : parts) {
    if (whole.fault.empty()) whole.fault = part.fault;
    row_loss.push_back(part.row_loss);
    dx.push_back(part.dx);
    hits.push_back(part.hits);
  }
  whole.row_loss = join(row_loss, given.rows, 1, -1, "loss", whole.fault);
  whole.dx = join_placed<typename Loss::takes>(dx, given.rows, given.inputs, "dx", whole.fault);
  whole.hits = join(hits, given.rows, 1, -1, "hits", whole.fault);
  return whole;
}
template <class Engine, class T, class Loss>
loss_result<T> loss_pass(const Loss& one, int ways, const loss_input<Loss>& given) {
  return loss_pass_and<Engine, T>(one, ways, given, [](auto&, int) {});
}

/// Law: dx is `scale` times the derivative of the sum of the rows' losses. For the step and the tolerance see
/// `gradients_agree` of layers.
template <class Engine, class Loss>
verdict loss_gradient_agrees(const Loss& one, std::int64_t inputs, setting at) {
  return judge([&]() -> verdict {
    constexpr double step = 1e-4, tolerance = 1e-7;
    const loss_input<Loss> given = input_of(one, inputs, at.rows, numbers::real);
    std::vector<double> slope;
    const auto found = loss_pass_and<Engine, double>(one, at.ways, given, [&](auto& here, int rank) {
      for (std::size_t i = 0; i < given.x.size(); ++i) {
        const auto sum_at = [&](double by) {
          std::vector<double> moved = given.x;
          moved[i] += by;
          here.set_x(moved);
          here.forward();
          double sum = 0;
          for (double row : here.read_row_loss()) sum += row;
          return sum;
        };
        const double difference = given.scale * (sum_at(step) - sum_at(-step)) / (2 * step);
        if (rank == 0) slope.push_back(difference);
      }
    });
    return both({found.fault},
                within("dx", found.dx, slope, [&](std::size_t i) { return tolerance * (1 + std::abs(slope[i])); }));
  });
}

/// Law: with the features cut over any tensor axis, a loss is what it is on one rank, to `tolerance` of the largest
/// value; hits are equal.
template <class Engine, class Loss>
verdict sharded_loss_equals_whole(const Loss& one, const loss_input<Loss>& given, int ways, double tolerance) {
  return judge([&] {
    const auto found = loss_pass<Engine, double>(one, ways, given), wanted = loss_pass<Engine, double>(one, 1, given);
    verdict all = both({found.fault}, {wanted.fault});
    all = both(all, close("loss", found.row_loss, wanted.row_loss, tolerance));
    all = both(all, close("hits", found.hits, wanted.hits, 0));
    return both(all, close("dx", found.dx, wanted.dx, tolerance));
  });
}

/// Law: no rows are legal.
template <class Engine, class Loss>
verdict no_rows_of_loss_are_legal(const Loss& one, std::int64_t inputs, int ways) {
  return judge([&]() -> verdict {
    const auto found = loss_pass<Engine, double>(one, ways, input_of(one, inputs, 0, numbers::real));
    return both({found.fault}, {found.row_loss.empty() && found.dx.empty() ? "" : "there are rows of nothing"});
  });
}

/// Law: in float a loss is within `loss_bound` of double, its gradient within `gradient_bound`, and hits are equal.
template <class Engine, class Loss>
verdict float_loss_agrees_with_double(const Loss& one, const loss_input<Loss>& given, int ways, double loss_bound,
                                      double gradient_bound) {
  return judge([&] {
    const auto single = loss_pass<Engine, float>(one, ways, given);
    const auto exact = loss_pass<Engine, double>(one, ways, given);
    verdict all =
        both({single.fault}, within("loss", single.row_loss, exact.row_loss, [=](auto) { return loss_bound; }));
    all = both(all, within("hits", single.hits, exact.hits, [](auto) { return 0.0; }));
    return both(all, within("dx", single.dx, exact.dx, [=](auto) { return gradient_bound; }));
  });
}

}  // namespace laws
