// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <plait/solve/branch_and_bound.hpp>
#include <plait/solve/check.hpp>
#include <plait/solve/detail/colour_refinement.hpp>
#include <plait/solve/detail/dual_bound.hpp>
#include <plait/solve/detail/editable_matrix.hpp>
#include <plait/solve/detail/factorization.hpp>
#include <plait/solve/detail/form.hpp>
#include <plait/solve/detail/monitor.hpp>
#include <plait/solve/detail/price_row.hpp>
#include <plait/solve/detail/read_back.hpp>
#include <plait/solve/detail/tableau.hpp>
#include <plait/solve/detail/work_vector.hpp>
#include <plait/solve/presolve.hpp>
#include <plait/solve/simplex.hpp>

#include <doctest/doctest.h>

#include "made.hpp"
#include "objectives.hpp"
#include "oracle.hpp"

namespace {

using namespace plait;
using objectives::to_minimize;

/// The same program to maximize, with an offset.
lp turned(const lp& model) {
  lp other = model;
  other.set_sense(objective_sense::maximize);
  for (int j = 0; j < model.columns(); ++j) other.set_cost(j, -model.cost(j));
  other.set_offset(7);
  return other;
}

/// Counts how often somebody asks whether to stop, and says so from some question on.
struct questions {
  int calls = 0, stop_at = 1 << 30;
  static bool ask(void* at) {
    auto& one = *static_cast<questions*>(at);
    return ++one.calls >= one.stop_at;
  }
};

detail::monitor monitor_of(questions& asked) {
  detail::monitor limits;
  limits.context = &asked;
  limits.interrupted = questions::ask;
  return limits;
}

/// How often `work` asks, for each of the steps between two questions that one pass over all entries takes.
template <class Work>
double questions_a_pass(const lp& model, Work&& work) {
  questions asked;
  detail::monitor limits = monitor_of(asked);
  work(&limits);
  return asked.calls * static_cast<double>(detail::monitor::between) / model.entries();
}

/// Whether `work` was stopped, by its k-th question.
template <class Work>
bool stop_at(int k, Work&& work) {
  questions asked{0, k};
  detail::monitor limits = monitor_of(asked);
  try {
    work(&limits);
  } catch (const detail::stop_request&) {
    return true;
  }
  return false;
}

/// A basis of twenty columns; some of the others are at one.
void set_up(detail::tableau& t, const detail::form& program) {
  const int n = program.columns();
  t.attach(program);
  table<basis_status> status(program.variables(), basis_status::basic);
  for (int j = 20; j < n + 20; ++j) status[j] = basis_status::lower;
  t.set_basis(status);
  t.settle_all();
  CHECK(t.refactor() == 0);
  for (int j = n / 2; j < n; ++j) t.x[j] = 1;
}

enum class ending { optimal, infeasible, unbounded, folded };

/// A program without zeros; two parts of its entries take more steps than there may be between two questions.
lp dense_program(ending how, int rows = 150, int columns = 900) {
  oracle::dice d{211};
  const int kinds = how == ending::folded ? 15 : rows;  // of rows and columns that are alike
  std::vector<std::vector<double>> value(static_cast<std::size_t>(kinds));
  for (auto& one : value)
    for (int j = 0; j < columns; ++j) one.push_back(d.unit() + 0.01);
  lp model;
  for (int i = 0; i < rows; ++i) {
    const double bound = 10 + i % kinds;
    // What all rows keep small, the last one wants large.
    if (how == ending::infeasible && i + 1 == rows) {
      model.add_row(1e4 * rows, infinity);
    } else if (how == ending::unbounded) {
      model.add_row(bound, infinity);
    } else {
      model.add_row(-infinity, bound);
    }
  }
  for (int j = 0; j < columns; ++j) {
    table<lp_entry> entries;
    for (int i = 0; i < rows; ++i) {
      entries.push_back({i, value[static_cast<std::size_t>(i % kinds)]
                                 [static_cast<std::size_t>(how == ending::folded ? j % kinds : j)]});
    }
    const double cost = how == ending::folded ? j % kinds + 1 : 1 + d.unit();
    model.add_column(-cost, 0, how != ending::unbounded && j % 4 == 0 ? 2 : infinity,
                     std::span<const lp_entry>{entries.data(), static_cast<std::size_t>(entries.size())});
  }
  return model;
}

}  // namespace

TEST_CASE("a limit on the objective that the optimum keeps is never met, and one that it does not only with a bound") {
  oracle::dice d{107};
  int met = 0, kept = 0;
  for (int trial = 0; trial < 60; ++trial) {
    CAPTURE(trial);
    const made::known one = made::around_optimum(d, d.between(5, 20), d.between(3, 12), 0.5, trial % 3 == 0);
    const lp model = trial % 2 == 0 ? one.model : turned(one.model);
    const double optimum = solve(model).objective;
    CHECK(optimum == doctest::Approx(trial % 2 == 0 ? one.optimum : 7 - one.optimum));
    for (int by = -3; by <= 3; ++by) {
      for (const bool presolve : {true, false}) {
        for (const lp_algorithm algorithm : {lp_algorithm::automatic, lp_algorithm::dual, lp_algorithm::primal}) {
          solve_options options;
          options.presolve = presolve;
          options.algorithm = algorithm;
          options.objective_limit = optimum + by * 1.5;
          const answer found = solve(model, options);
          const double past = to_minimize(model, optimum) - to_minimize(model, options.objective_limit);
          if (found.status == termination::objective_limit) {
            REQUIRE(past > 0);
            CHECK(to_minimize(model, found.bound) > to_minimize(model, options.objective_limit));
            CHECK(to_minimize(model, found.bound) <= to_minimize(model, optimum) + 1e-7 * (1 + std::fabs(optimum)));
            ++met;
            continue;
          }
          REQUIRE(found.status == termination::optimal);
          CHECK(found.objective == doctest::Approx(optimum));
          if (past > 0) CHECK(algorithm != lp_algorithm::dual);
          if (past <= 0) ++kept;
        }
      }
    }
  }
  CHECK(met > 300);
  CHECK(kept > 1000);
}

TEST_CASE("a limit on the objective ends a cold dual solve before its optimum") {
  oracle::dice d{109};
  for (const bool presolve : {true, false}) {
    for (int trial = 0; trial < 3; ++trial) {
      CAPTURE(presolve);
      CAPTURE(trial);
      const made::known one = made::around_optimum(d, 300, 200, 0.05, false);
      const lp model = trial == 1 ? turned(one.model) : one.model;
      solve_options options;
      options.presolve = presolve;
      options.algorithm = lp_algorithm::dual;
      const answer whole = solve(model, options);
      REQUIRE(whole.status == termination::optimal);
      REQUIRE(whole.iterations > 150);
      options.objective_limit = whole.objective - to_minimize(model, 3) * std::fabs(whole.objective);
      const answer found = solve(model, options);
      CHECK(found.status == termination::objective_limit);
      CHECK(found.iterations < whole.iterations);
      CHECK(to_minimize(model, found.bound) > to_minimize(model, options.objective_limit));
      CHECK(to_minimize(model, found.bound) <= to_minimize(model, whole.objective));
      CHECK(found.basis.columns.size() == model.columns());
      // It goes on from there.
      options.objective_limit = infinity;
      const answer on = solve(model, options, found.basis);
      CHECK(on.status == termination::optimal);
      CHECK(on.objective == doctest::Approx(whole.objective));
    }
  }
}

TEST_CASE("what presolve takes out of the objective is the offset of the reduced program") {
  oracle::dice d{113};
  int apart = 0;
  for (int trial = 0; trial < 300; ++trial) {
    CAPTURE(trial);
    const made::known one = made::around_optimum(d, d.between(5, 20), d.between(3, 12), 0.3, trial % 3 == 0);
    presolve before;
    REQUIRE(before.reduce(one.model) == presolve::result::reduced);
    const answer small = solve(before.reduced());
    REQUIRE(small.status == termination::optimal);
    CHECK(small.objective == doctest::Approx(one.optimum).epsilon(1e-7));
    if (before.reduced().columns() > 0 && std::fabs(before.reduced().offset()) > 1e-3) ++apart;
  }
  CHECK(apart > 30);
}

TEST_CASE("multipliers bound the objective only where every sign names a bound") {
  lp model;  // minimize 2 x + 3 y + 1, x + y >= 4, x >= 0, y free
  model.add_row(4, infinity);
  const lp_entry entry[] = {{0, 1}};
  model.add_column(2, 0, infinity, entry);
  model.add_column(3, -infinity, infinity, entry);
  model.set_offset(1);
  table<double> dual(1);
  dual[0] = 3;  // leaves -1 of x, which has no upper bound
  CHECK(detail::bound_by_duals(model, dual) == -infinity);
  dual[0] = 2;  // leaves 1 of y, which has no bound
  CHECK(detail::bound_by_duals(model, dual) == -infinity);
  model.set_column_bounds(1, -5, infinity);
  CHECK(detail::bound_by_duals(model, dual) == 1 + 8 - 5);
  dual[0] = -1;  // the row has no upper bound
  CHECK(detail::bound_by_duals(model, dual) == -infinity);
  model.set_sense(objective_sense::maximize);
  CHECK(detail::bound_by_duals(model, dual) == infinity);
}

TEST_CASE("the factorization of a dense basis asks by its work whether to stop") {
  oracle::dice d{127};
  const int m = 250;
  sparse_matrix a;
  a.rows = a.columns = m;
  a.begin.assign(1, 0);
  table<int> basic;
  for (int j = 0; j < m; ++j) {
    for (int i = 0; i < m; ++i) {
      a.index.push_back(i);
      a.value.push_back(d.unit() + 0.01);
    }
    a.begin.push_back(a.index.size());
    basic.push_back(j);
  }
  questions asked;
  detail::monitor limits = monitor_of(asked);
  detail::factorization factors;
  factors.limits = &limits;
  CHECK(factors.build(a, basic, 0.1) == 0);
  const int all = asked.calls;
  CHECK(all > m * m / 1000 * m / 200);  // one for some 200 thousand of m^3 steps, or more often
  // A request in the middle of a pivot leaves nothing behind.
  detail::work_vector first, second;
  for (detail::work_vector* const one : {&first, &second}) one->prepare(m);
  for (int i = 0; i < m; ++i) first.value[i] = second.value[i] = 1 + i % 7;
  factors.ftran_whole(first);
  for (asked = {0, all / 2};; asked = {0, asked.stop_at + 7}) {
    limits.reason = detail::stop_reason::none;
    for (int j = 0; j < m; ++j) basic[j] = j;
    try {
      factors.build(a, basic, 0.1);
      break;
    } catch (const detail::stop_request&) {
      asked.stop_at = all < asked.stop_at + 7 ? 1 << 30 : asked.stop_at;
    }
  }
  factors.ftran_whole(second);
  for (int i = 0; i < m; ++i) CHECK(first.value[i] == second.value[i]);
}

TEST_CASE("a dual without a bound that stands for a whole cost proves no bound of the objective") {
  lp model;
  const int row = model.add_row(-infinity, 50);
  const lp_entry of_x[] = {{row, -1e9}}, of_y[] = {{row, 1}};
  model.add_column(-0.0008, -infinity, infinity, of_x);
  model.add_column(1, 0, 5, of_y);
  CHECK(detail::bound_by_duals(model, table<double>(1, 8e-13)) == -infinity);
  model.set_row_bounds(row, -50, 50);  // now it has one: x is at most 5.5e-8
  CHECK(detail::bound_by_duals(model, table<double>(1, 8e-13)) == doctest::Approx(-50 * 8e-13));
}

TEST_CASE("passes over a large program ask by their steps whether to stop") {
  const lp model = dense_program(ending::optimal, 700, 900);
  CHECK(questions_a_pass(dense_program(ending::optimal, 700, 900), [](detail::monitor*) {}) == 0);
  const lp unsorted = dense_program(ending::optimal, 700, 900);
  CHECK_FALSE(unsorted.settled());
  questions asked;
  detail::monitor stopped = monitor_of(asked);
  asked.stop_at = 5;
  CHECK_THROWS_AS((void)unsorted.matrix(&stopped), detail::stop_request);
  CHECK_FALSE(unsorted.settled());
  CHECK(questions_a_pass(model, [&](detail::monitor* limits) { (void)unsorted.matrix(limits); }) > 3);
  CHECK(unsorted.matrix() == model.matrix());
  lp copied;
  CHECK(questions_a_pass(model, [&](detail::monitor* limits) { copied.copy_unnamed(model, limits); }) > 2);
  CHECK(copied.matrix() == model.matrix());
  CHECK(copied.matrix_edition().surely_same(model.matrix_edition()));
  CHECK(copied.costs() == model.costs());
  CHECK(copied.column_uppers() == model.column_uppers());
  CHECK(copied.row_uppers() == model.row_uppers());
  questions of_search;
  solve_options limited;
  limited.context = &of_search;
  limited.interrupt = questions::ask;
  branching_options no_node;
  no_node.node_limit = 0;
  CHECK(branch_and_bound(model, limited, no_node).status == termination::node_limit);
  CHECK(of_search.calls > 2);  // all of them while the program is copied
  of_search = {0, 2};
  CHECK(branch_and_bound(model, limited, no_node).status == termination::interrupted);
  // As many passes as there are, some of which count more than a step for an entry.
  detail::form program;
  CHECK(questions_a_pass(model, [&](detail::monitor* limits) {
          program.limits = limits;
          program.load(model, false);
        }) > 2);
  CHECK(questions_a_pass(model, [&](detail::monitor* limits) {
          program.limits = limits;
          program.load(model, true);
        }) > 13);
  CHECK(questions_a_pass(model, [&](detail::monitor* limits) {
          program.limits = limits;
          (void)program.by_rows();
        }) > 4.7);
  sparse_matrix t;
  CHECK(questions_a_pass(model, [&](detail::monitor* limits) { transpose(model.matrix(), t, limits); }) > 4.7);
  detail::editable_matrix lists;
  CHECK(questions_a_pass(model, [&](detail::monitor* limits) { lists.load(model.matrix(), limits); }) > 7);
  detail::colour_refinement colours;
  const lp kinds = dense_program(ending::folded, 700, 900);
  CHECK(questions_a_pass(kinds, [&](detail::monitor* limits) { CHECK(colours.run(kinds, limits)); }) > 8);
  presolve before;
  CHECK(questions_a_pass(model, [&](detail::monitor* limits) { (void)before.reduce(model, limits); }) > 30);
  answer point;
  point.status = termination::optimal;
  point.x.assign(model.columns(), 1);
  point.dual.assign(model.rows(), -1);
  detail::check_memory memory;
  const auto check_within = [&](detail::monitor* limits) {
    memory.limits = limits;
    (void)check(model, point, {}, memory);
  };
  CHECK(questions_a_pass(model, check_within) > 7);  // activities, their terms, reduced costs, signs
  point.status = termination::infeasible;
  point.farkas = point.dual;
  CHECK(questions_a_pass(model, check_within) > 0.8);
  point.status = termination::unbounded;
  point.ray = point.x;
  CHECK(questions_a_pass(model, check_within) > 2);
  // Twenty columns are basic.
  program.limits = nullptr;
  program.load(model, false);
  detail::tableau tableau;
  set_up(tableau, program);
  CHECK(questions_a_pass(model, [&](detail::monitor* limits) {
          program.limits = limits;
          tableau.compute_values();
        }) > 0.8);
  CHECK(questions_a_pass(model, [&](detail::monitor* limits) {
          program.limits = limits;
          tableau.compute_reduced_costs();
        }) > 0.8);
}

TEST_CASE("whatever a request to stop leaves, the next who use it make clean") {
  const lp model = dense_program(ending::optimal, 700, 900);
  // A form that was loaded in part, with or without scales.
  for (const bool scaled : {true, false}) {
    detail::form program, whole;
    whole.load(model, !scaled);
    for (int k = 1; k < 40; k += 3) {
      CAPTURE(k);
      program.limits = nullptr;
      program.load(model, k % 2 == 0);
      stop_at(k, [&](detail::monitor* limits) {
        program.limits = limits;
        program.load(model, scaled);
      });
      program.limits = nullptr;
      program.load(model, !scaled);
      CHECK(program.a == whole.a);
      CHECK(program.column_scale == whole.column_scale);
      CHECK(program.row_scale == whole.row_scale);
      CHECK(program.cost == whole.cost);
      CHECK(program.by_rows() == whole.by_rows());
    }
  }
  // Vectors, of which what is listed alone is cleared.
  detail::form program;
  program.load(model, false);
  detail::tableau tableau;
  set_up(tableau, program);
  const auto clears = [](detail::work_vector& v) {
    v.clear();
    for (const double one : v.value)
      if (one != 0) return false;
    return true;
  };
  CHECK(stop_at(2, [&](detail::monitor* limits) {
    program.limits = limits;
    tableau.compute_values();
  }));
  CHECK(clears(tableau.buffer));
  detail::refinement refine;
  CHECK(stop_at(3, [&](detail::monitor* limits) {
    refine.memory.limits = limits;
    refine.values(tableau);
  }));
  CHECK(clears(tableau.buffer));
  program.limits = nullptr;
  detail::work_vector rho, row;
  row.resize(model.columns());
  for (const int each : {1, 4}) {  // by columns, and by rows
    rho.resize(model.rows());
    for (int i = 0; i < model.rows(); i += each) rho.set(i, 1);
    (void)program.by_rows();
    CHECK(stop_at(1, [&](detail::monitor* limits) {
      program.limits = limits;
      detail::density often{1, 20};
      detail::price_row(program, tableau.status, rho, row, often);
    }));
    CHECK(clears(row));
    program.limits = nullptr;
  }
  // A variable that was to go to its other bound.
  table<basis_status> status = tableau.status;
  CHECK(tableau.factorize(status) == 0);
  CHECK(tableau.x[40] == 0);
  status[40] = basis_status::upper;
  CHECK(stop_at(1, [&](detail::monitor* limits) {
    limits->spend(detail::monitor::between - 1);
    program.limits = limits;
    tableau.factorize(status);
  }));
  program.limits = nullptr;
  CHECK(tableau.factorize(status) == 0);
  CHECK(tableau.x[40] == 2);
}

TEST_CASE("the point of a stopped solve is looked at where that takes a few milliseconds") {
  lp model = dense_program(ending::optimal, 700, 900);
  questions asked{0, 1};
  solve_options options;
  options.context = &asked;
  options.interrupt = questions::ask;
  const answer unsorted = solve(model, options);
  CHECK(unsorted.primal == point_status::none);
  CHECK_FALSE(model.settled());
  for (int j = 0; j < model.columns(); ++j) model.set_column_bounds(j, j < 400 ? 1 : 0, 2);
  CHECK(model.entries() == 700 * 900);
  const answer few = solve(model, options);
  CHECK(few.status == termination::interrupted);
  CHECK(few.primal == point_status::infeasible);
  REQUIRE(few.activity.size() == model.rows());
  CHECK(few.activity[0] > 100);
  for (int j = 0; j < model.columns(); ++j) model.set_column_bounds(j, 1, 2);
  const answer many = solve(model, options);
  CHECK(many.status == termination::interrupted);
  CHECK(many.primal == point_status::none);
  CHECK(many.activity.empty());
  CHECK(many.x.size() == model.columns());
}

TEST_CASE("a solve that is stopped at any of its questions claims nothing, and is repeated to the bit") {
  for (const ending how : {ending::optimal, ending::infeasible, ending::unbounded, ending::folded}) {
    CAPTURE(static_cast<int>(how));
    const lp model = dense_program(how);
    CHECK(model.entries() > detail::monitor::between);
    for (const int way : {0, 1, 2, 3}) {
      CAPTURE(way);
      if (way == 3 && how != ending::optimal) continue;
      if (way != 1 && how == ending::unbounded) continue;  // the dual method takes many pivots there
      questions asked;
      solve_options options;
      options.presolve = way == 0;
      options.algorithm = way == 0 ? lp_algorithm::automatic : way == 1 ? lp_algorithm::primal : lp_algorithm::dual;
      options.context = &asked;
      options.interrupt = questions::ask;
      const basis start = way == 3 ? solve(model).basis : basis{};
      const answer whole = solve(model, options, start);
      const int all = asked.calls;
      CHECK(all > 10);
      CHECK(whole.verified);
      // In a fresh solver, and in one that has solved the program before.
      simplex used;
      (void)used.solve(model, options, start);
      asked = {};
      (void)used.solve(model, options, start);
      const int all_of_used = asked.calls;
      // Where nothing is loaded and no pivot made, what asks is values, multipliers, their refinement and the check.
      if (way == 3) CHECK(all_of_used >= 15);
      for (int place = 0; place <= 5; ++place) {
        CAPTURE(place);
        const bool again_used = place % 2 == 1;
        const int last = again_used ? all_of_used : all;
        simplex fresh;
        simplex& solver = again_used ? used : fresh;
        asked = {0, place >= 4 ? last : 1 + (2 * place + 1) * last / 8};
        const answer stopped = solver.solve(model, options, start);
        REQUIRE(stopped.status == termination::interrupted);
        CHECK_FALSE(stopped.verified);
        CHECK(stopped.certificate == certificate_kind::none);
        CHECK(stopped.dual.empty());
        CHECK(stopped.farkas.empty());
        CHECK(stopped.ray.empty());
        CHECK(stopped.x.size() == model.columns());
        CHECK(stopped.basis.rows.size() == model.rows());
        asked = {};
        const answer again = solver.solve(model, options, start);
        REQUIRE(again.status == whole.status);
        CHECK(again.verified);
        CHECK(again.iterations == whole.iterations);
        CHECK(again.objective == whole.objective);
        for (const auto of : {&answer::x, &answer::dual, &answer::reduced_cost, &answer::farkas, &answer::ray}) {
          CHECK(same_bits(again.*of, whole.*of));
        }
      }
    }
  }
}
