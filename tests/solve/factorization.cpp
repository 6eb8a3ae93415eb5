// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include <plait/solve/detail/factorization.hpp>

#include <doctest/doctest.h>

#include "oracle.hpp"

namespace {

using namespace plait;
using namespace plait::detail;

sparse_matrix random_matrix(oracle::dice& d, int rows, int columns, double density, bool borders) {
  sparse_matrix a;
  a.rows = rows;
  a.columns = columns;
  for (int j = 0; j < columns; ++j) {
    for (int i = 0; i < rows; ++i) {
      // Borders: a few full rows and columns, as linking ones are.
      const bool full = borders && (i < 2 || j < 2);
      if (full || i == j || d.unit() < density) {
        a.index.push_back(i);
        a.value.push_back(i == j ? 3 + d.unit() : d.unit() * 2 - 1);
      }
    }
    a.begin.push_back(a.index.size());
  }
  return a;
}

/// The largest entry of B x - b, and of B' y - c, over unit vectors b and c.
double worst_error(const sparse_matrix& a, const table<int>& basic, factorization& f) {
  const int m = a.rows;
  const auto column = [&](int p, auto&& take) {
    const int j = basic[p];
    if (j >= a.columns) return take(j - a.columns, -1.0);
    for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) take(a.index[k], a.value[k]);
  };
  double worst = 0;
  for (const double expected : {0.0, 1.0}) {  // by walks in depth, and by loops
    for (int s = 0; s < m; s += 1 + m / 17) {
      work_vector x;
      x.resize(m);
      x.set(s, 1);
      f.ftran(x, expected);
      std::vector<double> product(static_cast<std::size_t>(m));
      for (int p = 0; p < m; ++p)
        column(p, [&](int i, double v) { product[static_cast<std::size_t>(i)] += v * x.value[p]; });
      for (int i = 0; i < m; ++i) worst = std::fmax(worst, std::fabs(product[static_cast<std::size_t>(i)] - (i == s)));
      work_vector y;
      y.resize(m);
      y.set(s, 1);
      f.btran(y, expected);
      for (int p = 0; p < m; ++p) {
        double sum = 0;
        column(p, [&](int i, double v) { sum += v * y.value[i]; });
        worst = std::fmax(worst, std::fabs(sum - (p == s)));
      }
    }
  }
  return worst;
}

}  // namespace

TEST_CASE("factors solve with B and its transpose, with and without long rows and columns") {
  oracle::dice d{79};
  for (const int m : {1, 5, 30, 150}) {
    for (const bool borders : {false, true}) {
      const sparse_matrix a = random_matrix(d, m, 2 * m, 3.0 / m, borders);
      table<int> basic;
      for (int i = 0; i < m; ++i) basic.push_back(d.between(0, 3) == 0 ? 2 * m + i : i);
      factorization f;
      CHECK(f.build(a, basic, 0.1) == 0);
      CHECK(worst_error(a, basic, f) < 1e-9);
    }
  }
}

TEST_CASE("after many exchanges the updated factors still solve") {
  oracle::dice d{83};
  const int m = 60;
  const sparse_matrix a = random_matrix(d, m, 3 * m, 0.06, true);
  table<int> basic;
  for (int i = 0; i < m; ++i) basic.push_back(3 * m + i);
  factorization f;
  REQUIRE(f.build(a, basic, 0.1) == 0);
  work_vector column, spike, row, behind;
  for (work_vector* v : {&column, &spike, &row, &behind}) v->resize(m);
  int exchanged = 0;
  for (int trial = 0; trial < 400 && exchanged < 90; ++trial) {
    const int j = d.between(0, 3 * m - 1), p = d.between(0, m - 1);
    bool inside = false;
    for (const int b : basic) inside = inside || b == j;
    if (inside) continue;
    column.clear();
    for (int k = a.begin[j]; k < a.begin[j + 1]; ++k) column.add(a.index[k], a.value[k]);
    f.ftran(column, 0, &spike);
    if (std::fabs(column.value[p]) < 0.1) continue;
    row.clear();
    row.set(p, 1);
    f.btran(row, 0, &behind);
    f.update(p, spike, behind, column.value[p]);
    basic[p] = j;
    ++exchanged;
  }
  CHECK(exchanged == 90);
  CHECK(f.updates() == 90);
  CHECK(worst_error(a, basic, f) < 1e-6);
}

TEST_CASE("columns that depend on each other give way to row activities") {
  sparse_matrix a;
  a.rows = 3;
  a.columns = 3;
  for (int j = 0; j < 3; ++j) {  // column 2 is column 0 plus column 1
    for (int i = 0; i < 3; ++i) {
      a.index.push_back(i);
      a.value.push_back(j == 0 ? i + 1.0 : j == 1 ? 2.0 - i * i : 3.0 + i - i * i);
    }
    a.begin.push_back(a.index.size());
  }
  table<int> basic(std::vector<int>{0, 1, 2});
  factorization f;
  CHECK(f.build(a, basic, 0.1) == 1);
  REQUIRE(f.replaced_variables().size() == 1);
  int activities = 0;
  for (const int v : basic) activities += v >= 3 ? 1 : 0;
  CHECK(activities == 1);
  CHECK(worst_error(a, basic, f) < 1e-12);
}
