// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include <plait/solve/detail/form.hpp>
#include <plait/solve/detail/triangular_crash.hpp>
#include <plait/solve/simplex.hpp>

#include <doctest/doctest.h>

#include "made.hpp"

using namespace plait;

namespace {

/// Equations and inequalities over columns of all sorts of bounds, some of them fixed, with entries of many sizes.
lp random_program(oracle::dice& d) {
  lp model;
  const int rows = d.between(1, 12), columns = d.between(1, 18);
  for (int i = 0; i < rows; ++i) {
    const double right = d.between(-4, 9);
    model.add_row(d.between(0, 2) == 0 ? -infinity : right, right);
  }
  for (int j = 0; j < columns; ++j) {
    std::vector<lp_entry> entries;
    for (int i = 0; i < rows; ++i)
      if (d.between(0, 2) == 0) entries.push_back({i, (d.unit() < 0.5 ? -1 : 1) * std::pow(10.0, d.between(-3, 1))});
    const int sort = d.between(0, 3);
    const double lower = sort == 0 ? -infinity : d.between(-3, 2);
    model.add_column(d.between(-5, 5), lower,
                     sort == 1   ? lower
                     : sort == 2 ? lower + d.between(1, 9)
                                 : infinity,
                     entries);
  }
  return model;
}

struct triangular {
  detail::form program;
  table<basis_status> status;
  explicit triangular(const lp& model) {
    program.load(model, false);
    status.assign(program.variables(), basis_status::lower);
    for (int i = 0; i < program.rows(); ++i) status[program.columns() + i] = basis_status::basic;
    detail::triangular_crash{}.run(program, status);
  }
  [[nodiscard]] bool is_basic(int j) const { return status[j] == basis_status::basic; }
};

/// Rows whose activity is not basic, each with the one column that has its last entry there, until none is left.
bool is_triangular(const triangular& found) {
  const sparse_matrix& a = found.program.a;
  std::vector<int> open;
  std::vector<bool> is_open(static_cast<std::size_t>(a.rows));
  for (int i = 0; i < a.rows; ++i) is_open[static_cast<std::size_t>(i)] = !found.is_basic(a.columns + i);
  for (int j = 0; j < a.columns; ++j)
    if (found.is_basic(j)) open.push_back(j);
  while (!open.empty()) {
    const auto next = std::find_if(open.begin(), open.end(), [&](int j) {
      return std::count_if(&a.index[a.begin[j]], &a.index[a.begin[j]] + (a.begin[j + 1] - a.begin[j]),
                           [&](int i) { return is_open[static_cast<std::size_t>(i)]; }) == 1;
    });
    if (next == open.end()) return false;
    for (int k = a.begin[*next]; k < a.begin[*next + 1]; ++k) is_open[static_cast<std::size_t>(a.index[k])] = false;
    open.erase(next);
  }
  return std::find(is_open.begin(), is_open.end(), true) == is_open.end();
}

}  // namespace

TEST_CASE("a triangular crash makes a basis, of columns that can move, in the place of equations alone") {
  oracle::dice d{31};
  int taken = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    const triangular found{random_program(d)};
    const int m = found.program.rows(), n = found.program.columns();
    int basic = 0;
    for (int v = 0; v < n + m; ++v) basic += found.is_basic(v) ? 1 : 0;
    CHECK(basic == m);
    CHECK(is_triangular(found));
    for (int j = 0; j < n; ++j) {
      if (!found.is_basic(j)) continue;
      ++taken;
      CHECK(found.program.lower[j] < found.program.upper[j]);
    }
    for (int i = 0; i < m; ++i)
      if (!found.is_basic(n + i)) CHECK(found.program.lower[n + i] == found.program.upper[n + i]);
  }
  CHECK(taken > 2000);
}

TEST_CASE("of the columns of an equation the freest is taken, then the shortest, and none with a small entry there") {
  const auto taken = [](double low, double high, double entry) {
    lp model;
    const int row = model.add_row(1, 1), other = model.add_row(-infinity, 5);
    const lp_entry of_boxed[] = {{row, 1}}, of_other[] = {{row, entry}, {other, 1}};
    model.add_column(0, 0, 1, of_boxed);
    model.add_column(0, low, high, of_other);
    const triangular found{model};
    return found.is_basic(1) ? 1 : found.is_basic(0) ? 0 : -1;
  };
  CHECK(taken(0, infinity, 1) == 1);
  CHECK(taken(0, 1, 1) == 0);
  CHECK(taken(0, infinity, 0.001) == 0);
  CHECK(taken(0, 0, 1) == 0);
}

TEST_CASE("the primal method needs fewer pivots from a triangular basis and ends at the same objective") {
  // What is left over goes from one period to the next.
  lp chain;
  const int periods = 60;
  for (int t = 0; t < periods; ++t) chain.add_row(1 + t % 3, 1 + t % 3);
  for (int t = 0; t < periods; ++t) {
    const lp_entry makes[] = {{t, 1}}, keeps[] = {{t, -1}, {t + 1, 1}};
    chain.add_column(1 + (7 * t) % 5, 0, 4, makes);
    if (t + 1 < periods) chain.add_column(0.3, 0, infinity, keeps);
  }
  for (const bool presolved : {false, true}) {
    CAPTURE(presolved);
    std::int64_t pivots[2];
    double objective[2];
    for (const bool crash : {false, true}) {
      const answer found = solve(chain, {.algorithm = lp_algorithm::primal, .presolve = presolved, .crash = crash});
      REQUIRE(found.status == termination::optimal);
      pivots[crash ? 1 : 0] = found.iterations;
      objective[crash ? 1 : 0] = found.objective;
    }
    CHECK(objective[0] == doctest::Approx(objective[1]));
    CHECK(pivots[1] < pivots[0] * 3 / 4);
  }
  oracle::dice d{7};
  for (int trial = 0; trial < 300; ++trial) {
    const lp model = random_program(d);
    const answer with = solve(model, {.algorithm = lp_algorithm::primal}),
                 without = solve(model, {.algorithm = lp_algorithm::primal, .crash = false});
    CHECK(with.status == without.status);
    CHECK(with.verified);
    if (with.status == termination::optimal) CHECK(with.objective == doctest::Approx(without.objective));
  }
}
