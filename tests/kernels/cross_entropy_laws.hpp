// SPDX-License-Identifier: Apache-2.0
#pragma once
// The laws of softmax cross-entropy over classes that are split into parts: a plain softmax in long double over all
// classes says what is right.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <plait/core/ranges.hpp>
#include <plait/kernels/cross_entropy.hpp>
#include <plait/kernels/for_each.hpp>

#include "kernels/laws.hpp"

namespace plait::laws {

/// logits: [rows, classes], label: [rows]
template <real T>
struct judged {
  std::int64_t rows;
  std::int64_t classes;
  std::vector<T> logits;
  std::vector<std::int32_t> label;
};

/// loss, hit: [rows]; gradient: [rows, classes]
template <class Number>
struct verdict {
  std::vector<Number> loss, hit, gradient;
};

template <real T>
verdict<long double> plain_softmax(const judged<T>& given, long double scale) {
  verdict<long double> found;
  for (std::int64_t i = 0; i < given.rows; ++i) {
    const auto row = given.logits.begin() + i * given.classes;
    const auto label = given.label[size_of_values(i)];
    const auto largest = std::max_element(row, row + given.classes);  // the first of equals
    long double sum = 0;
    for (std::int64_t j = 0; j < given.classes; ++j) sum += std::exp(static_cast<long double>(row[j]) - *largest);
    found.loss.push_back(std::log(sum) + *largest - row[label]);
    found.hit.push_back(largest - row == label ? 1 : 0);
    for (std::int64_t j = 0; j < given.classes; ++j)
      found.gradient.push_back(scale *
                               (std::exp(static_cast<long double>(row[j]) - *largest) / sum - (j == label ? 1 : 0)));
  }
  return found;
}

/// Runs the kernels as `parts` ranks would, each with its part of the classes, and reduces between them as they would.
template <class Space, real T>
verdict<T> by_parts(const judged<T>& given, std::int64_t parts, T scale, const desk<Space>& at) {
  using namespace cross_entropy;
  const auto rows = given.rows;
  const auto filled = [&](std::int64_t count) {
    return at.put(std::vector<T>(size_of_values(count), not_a_number<T>));
  };
  const auto label = at.put(given.label);
  struct part {
    index_range classes;
    buffer<T, Space> x;
  };
  std::vector<part> ranks;
  for (std::int64_t p = 0; p < parts; ++p) {
    const index_range classes = balanced_part(given.classes, parts, p);
    std::vector<T> mine;
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = classes.begin; j < classes.end; ++j)
        mine.push_back(given.logits[size_of_values(i * given.classes + j)]);
    ranks.push_back({classes, at.put(mine)});
  }
  /// kernel(rank, out) on each rank, and then one reduction over the ranks
  const auto reduced = [&](std::int64_t count, const auto& kernel, const auto& join) {
    std::vector<T> all;
    for (const part& rank : ranks) {
      const auto out = filled(count);
      kernel(rank, out.data());
      const auto mine = at.get(out);
      if (all.empty())
        all = mine;
      else
        std::transform(all.begin(), all.end(), mine.begin(), all.begin(), join);
    }
    return at.put(all);
  };
  const auto sum = [](T a, T b) { return a + b; };
  const auto largest_of = [](T a, T b) { return std::max(a, b); };

  const auto largest = reduced(
      rows,
      [&](const part& rank, T* out) {
        for_each_row(rows, row_max<T>{rank.x.data(), rank.classes.size(), out}, at.order());
      },
      largest_of);
  const auto sums = reduced(
      2 * rows,
      [&](const part& rank, T* out) {
        for_each_row(rows,
                     row_sums<T>{rank.x.data(), label.data(), largest.data(), rows, rank.classes.size(),
                                 rank.classes.begin, given.classes, out},
                     at.order());
      },
      sum);
  const auto loss = filled(rows), kept = filled(2 * rows);
  for_each_element(rows, row_loss<T>{largest.data(), sums.data(), rows, loss.data(), kept.data()}, at.order());

  verdict<T> found{at.get(loss), {}, std::vector<T>(given.logits.size(), not_a_number<T>)};
  for (const part& rank : ranks) {
    const auto columns = rank.classes.size();
    const auto dx = filled(rows * columns);
    for_each_row(
        rows,
        row_gradient<T>{rank.x.data(), label.data(), kept.data(), rows, columns, rank.classes.begin, scale, dx.data()},
        at.order());
    const auto mine = at.get(dx);
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j)
        found.gradient[size_of_values(i * given.classes + rank.classes.begin + j)] =
            mine[size_of_values(i * columns + j)];
  }

  const auto logit = reduced(
      rows,
      [&](const part& rank, T* out) {
        for_each_element(rows,
                         label_logit<T>{rank.x.data(), label.data(), rank.classes.size(), rank.classes.begin, out},
                         at.order());
      },
      sum);
  const auto beaten = reduced(
      rows,
      [&](const part& rank, T* out) {
        for_each_row(
            rows,
            row_beaten<T>{rank.x.data(), label.data(), logit.data(), rank.classes.size(), rank.classes.begin, out},
            at.order());
      },
      sum);
  const auto hit = filled(rows);
  for_each_element(rows, row_hit<T>{beaten.data(), hit.data()}, at.order());
  found.hit = at.get(hit);
  return found;
}

/// Holds the kernels to the plain softmax, for the classes in 1 to 4 parts. `most` bounds the logits.
template <class Space, real T>
void is_plain_softmax(const judged<T>& given, long double most) {
  const desk<Space> at;
  const T scale{0.25};
  const auto wanted = plain_softmax(given, scale);
  std::vector<long double> exactly(wanted.hit.size()), loss_bound, gradient_bound;
  // Differences of logits carry a rounding of up to 2 * most; each sum carries one for each class.
  const auto roundings = static_cast<long double>(given.classes + 8) * rounding<T>;
  for (long double loss : wanted.loss) loss_bound.push_back(roundings * (1 + std::abs(loss)));
  for (std::size_t i = 0; i < wanted.gradient.size(); ++i) {
    const bool own =
        i % size_of_values(given.classes) == static_cast<std::size_t>(given.label[i / size_of_values(given.classes)]);
    const long double probability = wanted.gradient[i] / scale + (own ? 1 : 0);
    gradient_bound.push_back(scale * (probability * (roundings + 4 * most * rounding<T>)+roundings));
  }
  for (std::int64_t parts = 1; parts <= 4; ++parts) {
    CAPTURE(parts);
    const auto found = by_parts(given, parts, scale, at);
    check_near(found.loss, wanted.loss, loss_bound);
    check_near(found.gradient, wanted.gradient, gradient_bound);
    check_near(found.hit, wanted.hit, exactly);
  }
}

template <real T>
judged<T> drawn(std::int64_t rows, std::int64_t classes, double most) {
  judged<T> given{rows, classes, reals<T>(rows * classes, "logits", most), {}};
  const random_stream draw{3, "labels", 0};
  for (std::int64_t i = 0; i < rows; ++i)
    given.label.push_back(
        static_cast<std::int32_t>(draw.below(static_cast<std::uint64_t>(i), static_cast<std::uint32_t>(classes))));
  return given;
}

TEST_CASE_TEMPLATE_DEFINE("cross-entropy of two equal logits is log 2", Kind, cross_entropy_by_hand) {
  using T = typename Kind::element;
  const desk<typename Kind::space> at;
  const auto found = by_parts(judged<T>{1, 2, {T{5}, T{5}}, {1}}, 1, T{1}, at);
  check_near(found.loss, {0.6931471805599453094L}, {4 * rounding<T>});
  check_near(found.gradient, {0.5L, -0.5L}, {8 * rounding<T>, 8 * rounding<T>});
  CHECK(found.hit == std::vector<T>{0});  // class 0 comes first among equals
}

TEST_CASE_TEMPLATE_DEFINE("cross-entropy is that of a plain softmax, however the classes are split", Kind,
                          cross_entropy_by_parts) {
  using T = typename Kind::element;
  using space = typename Kind::space;
  is_plain_softmax<space>(drawn<T>(40, 10, 4), 4);
  is_plain_softmax<space>(drawn<T>(5, 1000, 4), 4);
  is_plain_softmax<space>(drawn<T>(6, 2, 4), 4);  // in 3 and 4 parts, some have no class
  is_plain_softmax<space>(drawn<T>(3, 1, 4), 4);
  is_plain_softmax<space>(drawn<T>(0, 7, 4), 4);
}

TEST_CASE_TEMPLATE_DEFINE("cross-entropy of huge logits neither overflows nor loses a class", Kind,
                          cross_entropy_of_huge_logits) {
  using T = typename Kind::element;
  using space = typename Kind::space;
  is_plain_softmax<space>(drawn<T>(40, 10, 1e4), 1e4L);
  // all alike, far above and far below what exp can take
  for (T level : {T{1e4}, T{-1e4}}) is_plain_softmax<space>(judged<T>{2, 6, std::vector<T>(12, level), {0, 5}}, 1e4L);
}

TEST_CASE_TEMPLATE_DEFINE("the loss of a label that is no class is not a number, and no other row is touched", Kind,
                          labels_that_are_no_class) {
  using T = typename Kind::element;
  const desk<typename Kind::space> at;
  auto given = drawn<T>(4, 10, 4);
  for (std::int64_t parts = 1; parts <= 4; ++parts) {
    CAPTURE(parts);
    const auto loss = by_parts(given, parts, T{1}, at).loss;
    for (const std::int32_t wrong : {-1, 10, 2000000000}) {
      CAPTURE(wrong);
      auto bad = given;
      bad.label[2] = wrong;
      const auto found = by_parts(bad, parts, T{1}, at).loss;
      CHECK(std::isnan(found[2]));
      for (const std::size_t i : {0, 1, 3}) CHECK(found[i] == loss[i]);
    }
  }
}

TEST_CASE_TEMPLATE_DEFINE("of equal largest logits the first is the answer, on whichever part it lies", Kind,
                          ties_go_to_the_first) {
  using T = typename Kind::element;
  judged<T> given{4, 8, {}, {2, 6, 1, 7}};
  for (int i = 0; i < 4; ++i) given.logits.insert(given.logits.end(), {T{0}, T{1}, T{3}, T{2}, T{1}, T{0}, T{3}, T{2}});
  const desk<typename Kind::space> at;
  for (std::int64_t parts = 1; parts <= 4; ++parts) {
    CAPTURE(parts);
    CHECK(by_parts(given, parts, T{1}, at).hit == std::vector<T>{1, 0, 0, 0});
  }
}

}  // namespace plait::laws
