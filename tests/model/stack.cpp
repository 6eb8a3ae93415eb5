// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/core/repeat.hpp>
#include <plait/layers/activation.hpp>
#include <plait/layers/bias.hpp>
#include <plait/layers/collective.hpp>
#include <plait/layers/linear.hpp>
#include <plait/layers/softmax_cross_entropy.hpp>
#include <plait/layers/squared_error.hpp>
#include <plait/model/stack.hpp>

#include <doctest/doctest.h>

namespace {

using plait::block;
using plait::column_linear;
using plait::gelu;
using plait::relu;
using plait::repeat;
using plait::row_linear;
using plait::softmax_cross_entropy;
using plait::split_features;
using plait::squared_error;
using plait::stack;
using plait::whole_features;

/// A layer as `visit` shows it: its name, its placements and its parameters with their extents.
template <class Model>
std::string text_of(const Model& model, int index) {
  std::string text = model.layer_name(index);
  model.visit(index, [&]<class In, class Out>(const auto& one, std::type_identity<In>, std::type_identity<Out>) {
    const auto placed = [](bool split) { return split ? "split" : "whole"; };
    text.append(" ").append(placed(std::is_same_v<In, split_features>));
    text.append(" to ").append(placed(std::is_same_v<Out, split_features>));
    one.parameters([&](const plait::parameter& each) {
      text.append(", ").append(each.name).append(" ").append(std::to_string(each.rows));
      text.append("x").append(std::to_string(each.columns));
    });
  });
  return text;
}

template <class Model>
std::vector<std::string> texts_of(const Model& model) {
  std::vector<std::string> all;
  for (int index = 0; index < Model::layers; ++index) all.push_back(text_of(model, index));
  return all;
}

TEST_CASE("layers are numbered from 0, and each says how its input and output are placed") {
  const stack model{column_linear{20, 32},    relu{}, row_linear{32, 24}, gelu{}, column_linear{24, 10},
                    softmax_cross_entropy{10}};
  static_assert(decltype(model)::layers == 5);
  CHECK(texts_of(model) == std::vector<std::string>{
                               "0.column_linear whole to split, weight 32x20, bias 1x32",
                               "1.relu split to split",
                               "2.row_linear split to whole, weight 24x32, bias 1x24",
                               "3.gelu whole to whole",
                               "4.column_linear whole to split, weight 10x24, bias 1x10",
                           });
  CHECK(model.features(20) == std::vector<std::int64_t>{20, 32, 32, 24, 24, 10});
  CHECK(model.loss().classes == 10);
}

TEST_CASE("blocks and repeats are numbered as if their layers were written out") {
  const block pair{column_linear{8, 16}, relu{}, row_linear{16, 8}};
  const stack short_form{repeat<3>(pair), column_linear{8, 2}, softmax_cross_entropy{2}};
  const stack long_form{column_linear{8, 16},
                        relu{},
                        row_linear{16, 8},
                        column_linear{8, 16},
                        relu{},
                        row_linear{16, 8},
                        column_linear{8, 16},
                        relu{},
                        row_linear{16, 8},
                        column_linear{8, 2},
                        softmax_cross_entropy{2}};
  static_assert(decltype(short_form)::layers == 10 && decltype(long_form)::layers == 10);
  CHECK(texts_of(short_form) == texts_of(long_form));
  CHECK(short_form.features(8) == long_form.features(8));
}

TEST_CASE("blocks nest, a repeat may stand in a block and a block in a repeat") {
  const block inner{relu{}, gelu{}};
  const stack nested{block{block{column_linear{4, 6}, inner}, repeat<2>(repeat<2>(inner))}, repeat<1>(row_linear{6, 3}),
                     repeat<2>(relu{}), plait::scatter_features{}, squared_error{3}};
  static_assert(decltype(nested)::layers == 1 + 2 + 8 + 1 + 2 + 1);
  const stack plain{column_linear{4, 6},
                    relu{},
                    gelu{},
                    relu{},
                    gelu{},
                    relu{},
                    gelu{},
                    relu{},
                    gelu{},
                    relu{},
                    gelu{},
                    row_linear{6, 3},
                    relu{},
                    relu{},
                    plait::scatter_features{},
                    squared_error{3}};
  CHECK(texts_of(nested) == texts_of(plain));
  CHECK(nested.features(4) == plain.features(4));
}

TEST_CASE("each of the layers of a block keeps its own settings") {
  const stack model{block{column_linear{4, 6}, row_linear{6, 5}}, block{column_linear{5, 7}, row_linear{7, 4}},
                    plait::scatter_features{}, squared_error{4}};
  CHECK(model.features(4) == std::vector<std::int64_t>{4, 6, 5, 7, 4, 4});
}

TEST_CASE("compositions compile once the collective they need is written") {
  // The twins of tests/compile_fail: each of these without the layer in the middle does not compile.
  const stack gathered{column_linear{4, 6}, plait::gather_features{}, column_linear{6, 2}, softmax_cross_entropy{2}};
  const stack summed{column_linear{4, 6}, plait::row_product{6, 4}, plait::sum_partials{}, relu{},
                     column_linear{4, 2}, softmax_cross_entropy{2}};
  const stack biased{column_linear{4, 6},   plait::row_product{6, 4},
                     plait::sum_partials{}, plait::bias<whole_features>{4},
                     column_linear{4, 2},   softmax_cross_entropy{2}};
  const stack scattered{column_linear{4, 6}, row_linear{6, 2}, plait::scatter_features{}, softmax_cross_entropy{2}};
  const stack repeated{repeat<2>(block{column_linear{4, 4}, plait::gather_features{}}), column_linear{4, 2},
                       softmax_cross_entropy{2}};
  CHECK(gathered.features(4).back() == 2);
  CHECK(summed.features(4).back() == 2);
  CHECK(biased.features(4).back() == 2);
  CHECK(scattered.features(4).back() == 2);
  CHECK(repeated.features(4).back() == 2);
}

TEST_CASE("neighbours that disagree on features are refused with both numbers") {
  const auto sentence_of = [](const auto& model, std::int64_t inputs) {
    try {
      static_cast<void>(model.features(inputs));
    } catch (const plait::error& found) {
      CHECK(found.kind() == plait::error_kind::usage);
      return found.call() + ": " + found.sentence();
    }
    return std::string{"no error"};
  };
  const stack good{column_linear{20, 32}, relu{}, row_linear{32, 24}, plait::scatter_features{}, squared_error{24}};
  CHECK(sentence_of(good, 20) == "no error");
  CHECK(sentence_of(good, 21) == "plait::column_linear: it takes 20 features, and the layer before gives 21");
  CHECK(sentence_of(
            stack{column_linear{20, 32}, relu{}, row_linear{30, 24}, plait::scatter_features{}, squared_error{24}},
            20) == "plait::row_linear: it takes 30 features, and the layer before gives 32");
  CHECK(sentence_of(stack{column_linear{20, 32}, plait::bias<split_features>{31}, softmax_cross_entropy{32}}, 20) ==
        "plait::bias: it takes 31 features, and the layer before gives 32");
  CHECK(sentence_of(stack{column_linear{20, 32}, softmax_cross_entropy{10}}, 20) ==
        "plait::softmax_cross_entropy: it takes 10 features, and the layer before gives 32");
  CHECK(sentence_of(stack{column_linear{20, 32}, squared_error{31}}, 20) ==
        "plait::squared_error: it takes 31 features, and the layer before gives 32");
  const stack uneven{repeat<2>(block{column_linear{4, 6}, row_linear{6, 5}}), plait::scatter_features{},
                     squared_error{5}};
  CHECK(sentence_of(uneven, 4) == "plait::column_linear: it takes 4 features, and the layer before gives 5");
}

}  // namespace
