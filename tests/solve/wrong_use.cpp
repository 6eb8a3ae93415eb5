// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <plait/core/error.hpp>
#include <plait/solve/lp.hpp>
#include <plait/solve/model.hpp>
#include <plait/solve/ranging.hpp>
#include <plait/solve/simplex.hpp>

#include <doctest/doctest.h>

namespace {

using namespace plait;

template <class Act>
bool refuses(Act&& act, const std::string& words) {
  try {
    act();
  } catch (const error& e) {
    CAPTURE(e.what());
    CHECK(e.kind() == error_kind::usage);
    return std::string{e.what()}.find(words) != std::string::npos;
  }
  return false;
}

sparse_matrix matrix(int rows, const std::vector<int>& begin, const std::vector<int>& index) {
  sparse_matrix a;
  a.rows = rows;
  a.columns = static_cast<int>(begin.size()) - 1;
  a.begin.clear();
  for (const int at : begin) a.begin.push_back(at);
  for (const int at : index) {
    a.index.push_back(at);
    a.value.push_back(1);
  }
  return a;
}

lp two_rows(const sparse_matrix& a) {
  const std::vector<double> zero(2), one(2, 1.0);
  return lp::from_columns(a, zero, zero, one, zero, one);
}

}  // namespace

TEST_CASE("compressed columns that do not fit together are refused before they are read") {
  CHECK(two_rows(matrix(2, {0, 1, 3}, {0, 0, 1})).entries() == 3);
  CHECK(refuses([] { two_rows(matrix(2, {0, 100000, 2}, {0, 1})); }, "begin must not decrease"));
  CHECK(refuses([] { two_rows(matrix(2, {0, -5, 2}, {0, 1})); }, "begin must not decrease"));
  CHECK(refuses([] { two_rows(matrix(2, {1, 1, 2}, {0, 1})); }, "increasing positions"));
  CHECK(refuses([] { two_rows(matrix(2, {0, 1, 5}, {0, 1})); }, "one entry for each"));
  CHECK(refuses([] { two_rows(matrix(2, {0, 1, 2}, {0, 2})); }, "out of range"));
  CHECK(refuses([] { two_rows(matrix(2, {0, 1, 2}, {0, -1})); }, "out of range"));
  CHECK(refuses([] { two_rows(matrix(2, {0, 2, 3}, {1, 1, 0})); }, "twice"));
  CHECK(refuses([] { two_rows(matrix(2, {0, 1, 2, 2}, {0, 1})); }, "as many as the matrix has columns"));
  CHECK(refuses([] { two_rows(matrix(3, {0, 1, 2}, {0, 1})); }, "as many as the matrix has rows"));
  lp model = two_rows(matrix(2, {0, 1, 3}, {0, 0, 1}));
  CHECK(refuses([&] { model.take_matrix(matrix(2, {0, 2, 3}, {1, 1, 0})); }, "take_matrix: column 0 has row 1 twice"));
  CHECK(refuses([&] { model.take_matrix(matrix(2, {0, 9, 2}, {0, 1})); }, "take_matrix: begin must not decrease"));
  CHECK(refuses([&] { model.take_matrix(matrix(3, {0, 1, 2}, {0, 1})); }, "rows and columns of the model"));
  CHECK(model.entries() == 3);
}

TEST_CASE("numbers that an answer does not hold are refused by name") {
  linear_model m;
  const variable x = m.add();
  const constraint least = m.add(expression{x} >= 2);
  m.minimize(expression{x});
  const answer found = solve(m.program());
  CHECK(value_of(found, x) == 2);
  CHECK(dual_of(found, least) == -1);  // the row is -x <= -2
  CHECK(reduced_cost_of(found, x) == 0);
  const variable y = m.add();
  const constraint most = m.add(expression{x} <= 1);
  CHECK(refuses([&] { value_of(found, y); }, "value_of"));
  CHECK(refuses([&] { dual_of(found, most); }, "dual_of"));
  CHECK(refuses([&] { reduced_cost_of(found, y); }, "reduced_cost_of"));
  CHECK(refuses([&] { value_of(found, variable{}); }, "value_of"));
  const answer none = solve(m.program());
  REQUIRE(none.status == termination::infeasible);
  CHECK(refuses([&] { value_of(none, x); }, "infeasible"));
  CHECK(refuses([&] { dual_of(none, least); }, "infeasible"));
}

TEST_CASE("ranges need the basis of the model as it is") {
  linear_model m;
  const variable x = m.add(), y = m.add();
  m.add(x + 2 * y <= 4);
  m.maximize(x + y);
  const answer found = solve(m.program());
  CHECK(find_ranges(m.program(), found).found);
  answer other = found;
  other.basis = {};
  CHECK(refuses([&] { find_ranges(m.program(), other); }, "solve it again"));
  other = found;
  for (basis_status& one : other.basis.columns) one = basis_status::basic;
  CHECK(refuses([&] { find_ranges(m.program(), other); }, "as many basic variables"));
  m.add(expression{y} <= 1);
  CHECK(refuses([&] { find_ranges(m.program(), found); }, "solve it again"));
  // Two columns alike: not both are basic in a basis.
  linear_model twice;
  const variable a = twice.add(), b = twice.add();
  twice.add(a + b <= 4);
  twice.add(a + b <= 5);
  twice.maximize(expression{a});
  other = solve(twice.program());
  for (basis_status& one : other.basis.columns) one = basis_status::basic;
  for (basis_status& one : other.basis.rows) one = basis_status::upper;
  CHECK(refuses([&] { find_ranges(twice.program(), other); }, "none of the model"));
}
