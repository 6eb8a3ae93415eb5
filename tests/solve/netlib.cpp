// SPDX-License-Identifier: Apache-2.0
// The public test problems, where they are at hand: in the folder that PLAIT_LP_DATA names, or in shared/data/lp beside
// the repository. Elsewhere these tests are skipped.
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <plait/solve/read_mps.hpp>
#include <plait/solve/simplex.hpp>

#include <doctest/doctest.h>

namespace {

using namespace plait;

std::filesystem::path folder() {
  if (const char* named = std::getenv("PLAIT_LP_DATA")) return named;
  return std::filesystem::path{__FILE__}.parent_path() / "../../../shared/data/lp";
}

struct problem {
  std::string name, status;
  double optimum = 0;
};

std::vector<problem> problems() {
  std::vector<problem> all;
  std::ifstream table_file{folder() / "optima.csv"};
  std::string line;
  std::getline(table_file, line);
  while (std::getline(table_file, line)) {
    std::istringstream fields{line};
    problem one;
    std::string optimum;
    std::getline(fields, one.name, ',');
    std::getline(fields, one.status, ',');
    std::getline(fields, optimum, ',');
    if (!optimum.empty()) one.optimum = std::stod(optimum);
    all.push_back(one);
  }
  return all;
}

auto if_at_hand() {
  return doctest::skip(problems().empty());
}
auto where_from() {
  return doctest::description("needs the public problems; PLAIT_LP_DATA names the folder that holds them");
}

void all_right(lp_algorithm algorithm, bool presolve) {
  simplex solver;
  REQUIRE_FALSE(problems().empty());
  for (const problem& one : problems()) {
    CAPTURE(one.name);
    const lp model = read_mps((folder() / (one.name + ".mps")).string()).model;
    solve_options options;
    options.algorithm = algorithm;
    options.presolve = presolve;
    const answer found = solver.solve(model, options);
    CHECK(name_of(found.status) == one.status);
    CHECK(found.verified);
    const answer again = solver.solve(model, options, found.basis);
    CHECK(again.status == found.status);
    CHECK(again.verified);
    CHECK(again.iterations == 0);
    CHECK(again.objective == found.objective);
    if (found.status != termination::optimal) continue;
    // The table leaves out the constant that a right-hand side of the objective row makes.
    const double optimum = one.optimum + model.offset();
    CHECK(std::fabs(found.objective - optimum) <= 1e-9 * std::fmax(1, std::fabs(optimum)));
    CHECK(found.relative_gap <= 1e-9);
  }
}

}  // namespace

TEST_CASE("public problems by the dual method" * if_at_hand() * where_from()) {
  all_right(lp_algorithm::dual, false);
}
TEST_CASE("public problems by the primal method" * if_at_hand() * where_from()) {
  all_right(lp_algorithm::primal, false);
}
TEST_CASE("public problems by the dual method after presolve" * if_at_hand() * where_from()) {
  all_right(lp_algorithm::dual, true);
}
TEST_CASE("public problems by the primal method after presolve" * if_at_hand() * where_from()) {
  all_right(lp_algorithm::primal, true);
}
TEST_CASE("public problems by the method that is chosen for each, after presolve" * if_at_hand() * where_from()) {
  all_right(lp_algorithm::automatic, true);
}
TEST_CASE("public problems by the method that is chosen for each" * if_at_hand() * where_from()) {
  all_right(lp_algorithm::automatic, false);
}
