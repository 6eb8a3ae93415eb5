// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include <plait/solve/detail/dual_pricing.hpp>
#include <plait/solve/detail/dual_ratio_test.hpp>
#include <plait/solve/detail/factorization.hpp>
#include <plait/solve/detail/form.hpp>
#include <plait/solve/detail/tableau.hpp>
#include <plait/solve/lp.hpp>

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

TEST_CASE("rows that are singletons but for long columns are pivots without fill-in, beside blocks that are none") {
  oracle::dice d{97};
  for (const int widest : {1, 2, 3}) {
    // Blocks of one to three rows, which three long rows and three long columns join; and rows with their activities.
    const int blocks = 120, links = 3, spare = 20;
    std::vector<int> first;  // row of each block, and where the last ends
    int inner = 0;
    for (int b = 0; b < blocks; ++b) {
      first.push_back(inner);
      inner += d.between(1, widest);
    }
    first.push_back(inner);
    sparse_matrix a;
    a.columns = inner + links;
    a.rows = a.columns + spare;
    const auto add = [&](int row, double v) {
      a.index.push_back(row);
      a.value.push_back(v);
    };
    int within_blocks = 0;
    for (std::size_t b = 0; b + 1 < first.size(); ++b) {
      const int size = first[b + 1] - first[b];
      within_blocks += size * size;
      for (int c = 0; c < size; ++c) {
        for (int r = 0; r < size; ++r) add(first[b] + r, r == c ? 2 + d.unit() : d.unit() - 0.5);
        for (int l = 0; l < links; ++l) add(inner + l, d.unit());
        a.begin.push_back(a.index.size());
      }
    }
    for (int l = 0; l < links; ++l) {
      for (int i = 0; i < inner; ++i)
        if ((i + l) % 4 != 0) add(i, d.unit());
      for (int k = 0; k < links + spare; ++k) add(inner + k, d.unit());
      a.begin.push_back(a.index.size());
    }
    table<int> basic;
    for (int j = 0; j < a.columns; ++j) basic.push_back(j);
    for (int k = 0; k < spare; ++k) basic.push_back(a.columns + a.columns + k);
    factorization f;
    REQUIRE(f.build(a, basic, 0.1) == 0);
    CHECK(worst_error(a, basic, f) < 1e-9);
    // Only long columns and rows may fill, within their blocks and where they meet.
    const int filled = f.entries() - a.entries() - spare;
    CHECK(filled <= (widest == 1 ? 0 : within_blocks * 2 * links) + links * inner / 4 + links);
  }
}

TEST_CASE("a walk in depth that finds too much gives way to the plain loop, and leaves no trace") {
  const int size = 3000;
  triangle t;  // each place takes the one before it along
  t.reset(size);
  for (int p = 0; p < size; ++p) {
    t.sequence.push_back(p);
    t.begin[p] = t.index.size();
    if (p + 1 < size) {
      t.index.push_back(p + 1);
      t.value.push_back(-1);
    }
    t.end[p] = t.index.size();
  }
  depth_walk walk;
  walk.resize(size);
  work_vector x;
  x.resize(size);
  for (const int start : {0, size - 5, size / 2, size - 1}) {
    x.clear();
    x.set(start, 2);
    solve_triangle<false>(t, nullptr, x, 0, walk);
    CHECK(x.listed);
    CHECK(x.count == size - start);
    int wrong = 0, marks = 0;
    for (int p = 0; p < size; ++p) wrong += x.value[p] == (p < start ? 0 : 2) ? 0 : 1;
    for (const char seen : walk.seen) marks += seen;
    CHECK(wrong == 0);
    CHECK(marks == 0);
  }
}

TEST_CASE("a solve of which every place is wanted is the same as one that keeps lists") {
  oracle::dice d{101};
  const int m = 80;
  const sparse_matrix a = random_matrix(d, m, m, 0.05, true);
  table<int> basic;
  for (int i = 0; i < m; ++i) basic.push_back(i);
  factorization f;
  REQUIRE(f.build(a, basic, 0.1) == 0);
  work_vector listed, whole;
  listed.resize(m);
  whole.resize(m);
  for (int s = 0; s < m; ++s) {
    for (const bool transposed : {false, true}) {
      listed.clear();
      whole.clear();
      listed.set(s, 1);
      whole.set(s, 1);
      transposed ? f.btran(listed, 0) : f.ftran(listed, 0);
      transposed ? f.btran_whole(whole) : f.ftran_whole(whole);
      double off = 0;
      for (int i = 0; i < m; ++i) off = std::fmax(off, std::fabs(listed.value[i] - whole.value[i]));
      CHECK(off < 1e-12);
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

TEST_CASE("factorize leaves what is not basic at its bounds, wherever others moved it and whatever moved the bounds") {
  oracle::dice d{83};
  const int m = 12, n = 70;  // more than one stretch of bounds that are compared at once
  lp model;
  for (int i = 0; i < m; ++i) model.add_row(0, 9);
  for (int j = 0; j < n; ++j) {
    const lp_entry column[] = {{j % m, 2.0 + d.unit()}, {(j + 5) % m, 1.0}};
    model.add_column(1, 0, 4, column);
  }
  form program;
  program.load(model, false);
  tableau t;
  t.attach(program);
  table<basis_status> wanted(n + m, basis_status::lower);
  for (int i = 0; i < m; ++i) wanted[n + i] = basis_status::basic;
  wanted[3] = basis_status::upper;
  const auto settled = [&] {
    t.attach(program);
    t.factorize(wanted);
    for (int j = 0; j < n; ++j)
      if (t.x[j] != (wanted[j] == basis_status::upper ? model.column_upper(j) : model.column_lower(j))) return false;
    return t.factors.updates() == 0;
  };
  CHECK(settled());
  CHECK(settled());
  for (const int j : {0, 3, 64, n - 1}) {
    model.set_column_bounds(j, -1, 5);
    program.load(model, false);
    CHECK(settled());
  }
  // As crossover does: other factors, and values of its own.
  t.refactor();
  t.x[7] = 2.5;
  CHECK(settled());
  // Another basis in between.
  const table<basis_status> kept = wanted;
  wanted[8] = basis_status::upper;
  CHECK(settled());
  wanted = kept;
  CHECK(settled());
}

TEST_CASE("what is kept of a basis is not taken for that of another, and multipliers are those of the costs at hand") {
  lp model;
  for (int i = 0; i < 3; ++i) model.add_row(-infinity, 4 + i);
  for (int j = 0; j < 4; ++j) {
    const lp_entry column[] = {{j % 3, 2.0}, {(j + 1) % 3, 1.0}};
    model.add_column(-1 - j, 0, infinity, column);
  }
  form program;
  program.load(model, false);
  tableau t;
  t.attach(program);
  table<basis_status> wanted(7, basis_status::lower);
  for (const int j : {0, 1, 6}) wanted[j] = basis_status::basic;
  t.factorize(wanted);
  const auto multipliers = [&] {
    t.compute_multipliers();
    const table<double> y = t.buffer.value;
    t.buffer.clear();
    return y;
  };
  const table<double> first = multipliers();
  CHECK(multipliers() == first);
  // Other costs, as a first phase or a perturbation has them, and back.
  t.cost[0] = 7;
  t.costs_apart = true;
  CHECK_FALSE(multipliers() == first);
  t.restore_costs();
  CHECK(multipliers() == first);
  // Costs of the program that changed.
  model.set_cost(1, 5);
  program.load(model, false);
  t.attach(program);
  t.factorize(wanted);
  CHECK_FALSE(multipliers() == first);
  // An exchange whose factors were never updated, as where t stands beside the basis.
  const int place = t.place[1];
  t.exchange(place, 2, basis_status::lower);
  t.x[1] = 0;
  wanted = t.status;
  t.factorize(wanted);
  CHECK(t.place[1] == -1);
  REQUIRE(t.place[2] >= 0);
  CHECK(t.basic[t.place[2]] == 2);
  CHECK(worst_error(program.a, t.basic, t.factors) < 1e-12);
}

TEST_CASE("of squared infeasibilities over weights the largest is chosen, wherever it stands") {
  struct seen : dual_pricing {
    using dual_pricing::choose_row;
    using dual_pricing::note_infeasibilities;
    void attach(tableau& t) {
      t_ = &t;
      infeasible_.assign(t.rows(), 0.0);
    }
  };
  for (int m = 1; m < 10; ++m) {
    lp model;
    for (int i = 0; i < m; ++i) model.add_row(-1, 1);
    const lp_entry column[] = {{0, 1.0}};
    model.add_column(1, 0, 1, column);
    form program;
    program.load(model, false);
    tableau t;
    t.attach(program);
    table<basis_status> wanted(m + 1, basis_status::basic);
    wanted[0] = basis_status::lower;
    t.factorize(wanted);
    t.compute_values();
    seen pricing;
    pricing.attach(t);
    pricing.note_infeasibilities();
    CHECK(pricing.choose_row() == -1);
    for (int p = 0; p < m; ++p) {
      CAPTURE(m);
      CAPTURE(p);
      t.x[t.basic[p]] = p % 2 == 0 ? 3 : -3;
      pricing.note_infeasibilities();
      CHECK(pricing.choose_row() == p);
      // A larger one elsewhere counts less where its weight is large.
      const int other = (p + 1) % m;
      if (other != p) {
        t.x[t.basic[other]] = 5;
        pricing.note_infeasibilities();
        CHECK(pricing.choose_row() == other);
        t.weight[other] = 100;
        CHECK(pricing.choose_row() == p);
        t.weight[other] = 1;
        t.x[t.basic[other]] = 0;
      }
      t.x[t.basic[p]] = 0;
    }
  }
}

TEST_CASE("what limits a dual step moves towards it: free variables either way, and no entry that is next to nothing") {
  lp model;
  model.add_row(0, 1);
  const lp_entry column[] = {{0, 1.0}};
  model.add_column(1, 0, infinity, column);
  model.add_column(0, -infinity, infinity, column);
  model.add_column(-1, -infinity, 0, column);
  form program;
  program.load(model, false);
  tableau t;
  t.attach(program);
  table<basis_status> wanted(4, basis_status::basic);
  wanted[0] = basis_status::lower;
  wanted[1] = basis_status::free;
  wanted[2] = basis_status::upper;
  t.factorize(wanted);
  t.compute_reduced_costs();
  dual_ratio_test ratio;
  const auto chosen = [&](int j, double entry, bool up) {
    work_vector row, rho;
    row.resize(3);
    rho.resize(1);
    row.set(j, entry);
    return ratio.choose(t, row, rho, up, 1, 1e-9, 1e-9);
  };
  for (const bool up : {false, true}) {
    const double towards = up ? -1 : 1;
    CHECK(chosen(0, towards, up) == 0);
    CHECK(chosen(0, -towards, up) == -1);
    CHECK(chosen(2, -towards, up) == 2);
    CHECK(chosen(2, towards, up) == -1);
    for (const double sign : {1.0, -1.0}) {
      CHECK(chosen(1, sign, up) == 1);
      CHECK(chosen(1, 1e-11 * sign, up) == -1);
    }
  }
}

TEST_CASE("factors that were built of one matrix leave nothing behind for those of the next") {
  oracle::dice d{89};
  factorization used;
  for (int trial = 0; trial < 60; ++trial) {
    // Few entries, so that columns and rows are singletons in turns, and some activities.
    const int m = d.between(2, 60);
    const sparse_matrix a = random_matrix(d, m, m, 1.2 / m, trial % 3 == 0);
    table<int> basic;
    for (int j = 0; j < m; ++j) basic.push_back(d.unit() < 0.2 ? m + j : j);
    table<int> again = basic;
    factorization fresh;
    used.build(a, basic, 0.1);
    fresh.build(a, again, 0.1);
    CAPTURE(trial);
    CHECK(basic == again);
    CHECK(worst_error(a, basic, used) < 1e-9);
  }
}

TEST_CASE("the squared length of a vector counts each place that it lists") {
  for (int count = 0; count < 11; ++count) {
    work_vector v;
    v.resize(40);
    double sum = 0;
    for (int k = 0; k < count; ++k) {
      v.set(39 - 3 * k, k + 1);
      sum += (k + 1.0) * (k + 1.0);
    }
    CHECK(v.squared_length() == sum);
  }
}
