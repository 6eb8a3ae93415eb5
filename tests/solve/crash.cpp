// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include <plait/solve/detail/price_crash.hpp>
#include <plait/solve/detail/price_walk.hpp>
#include <plait/solve/model.hpp>
#include <plait/solve/presolve.hpp>
#include <plait/solve/simplex.hpp>

#include <doctest/doctest.h>

#include "../../bench/solve/shares.hpp"
#include "made.hpp"

using namespace plait;

TEST_CASE("programs of blocks with few links start at their optimum, and end where they do without the crash") {
  for (const char* family : {"maxmin", "makespan", "cost"}) {
    for (const int jobs : {64, 200, 512}) {
      for (const std::uint64_t seed : {1u, 2u, 3u}) {
        const lp model = shares::by_name(family, jobs, seed);
        solve_options plain;
        plain.crash = false;
        const answer with = solve(model), without = solve(model, plain);
        CAPTURE(family);
        CAPTURE(jobs);
        CAPTURE(seed);
        REQUIRE(with.status == termination::optimal);
        REQUIRE(without.status == termination::optimal);
        CHECK(with.verified);
        CHECK(std::fabs(with.objective - without.objective) <= 1e-9 * std::fmax(1, std::fabs(without.objective)));
        table<basis_status> status;
        detail::price_crash crash;
        if (jobs >= 200) {
          REQUIRE(crash.find(model, status));
          CHECK(with.iterations == 0);
          CHECK(without.iterations > jobs / 10);
        }
      }
    }
  }
}

TEST_CASE("where the capacities suffice for the largest t of all, the start is the optimum as well") {
  for (const char* family : {"maxmin", "makespan"}) {
    for (const int jobs : {64, 200, 512}) {
      for (const double times : {2.0, 4.0, 50.0}) {
        for (const bool bounded : {false, true}) {
          lp model = shares::by_name(family, jobs, 7);
          const double least = solve(model).objective;
          for (int k = 1; k <= shares::kinds; ++k)
            model.set_row_bounds(model.rows() - k, -infinity, times * model.row_upper(model.rows() - k));
          if (bounded) model.set_column_bounds(model.columns() - 1, 0, 1.01 * least);  // t ends at a bound of its own
          solve_options plain;
          plain.crash = plain.fold = false;
          const answer with = solve(model), without = solve(model, plain);
          CAPTURE(family);
          CAPTURE(jobs);
          CAPTURE(times);
          CAPTURE(bounded);
          REQUIRE(with.status == termination::optimal);
          REQUIRE(without.status == termination::optimal);
          CHECK(with.verified);
          CHECK(std::fabs(with.objective - without.objective) <= 1e-9 * without.objective);
          CHECK(with.iterations == 0);
        }
      }
    }
  }
}

TEST_CASE("prices that differ in scale alone say the same where columns cost nothing, and t is what they are worth") {
  oracle::dice d{151};
  const lp model = shares::by_name("maxmin", 150);
  const double best = solve(model).objective;
  detail::priced_blocks one, other;
  int highest = 0;
  REQUIRE(one.recognise(model));
  REQUIRE(other.recognise(model));
  for (int trial = 0; trial < 50; ++trial) {
    one.prices().assign(3, 0.0);
    for (double& price : one.prices()) price = d.unit();
    other.prices() = one.prices();
    for (double& price : other.prices()) price *= 1024;
    one.start();
    other.start();
    REQUIRE(one.answer());
    REQUIRE(other.answer());
    CHECK(one.now_t == doctest::Approx(other.now_t).epsilon(1e-12));
    CHECK(one.now_t >= best - 1e-12);  // no prices prove less than what is best
    CHECK(one.bound == doctest::Approx(-one.now_t).epsilon(1e-12));
    one.uses();
    double worth = 0, capacities = 0;
    for (int l = 0; l < 3; ++l) {
      worth += one.prices()[l] * one.used[l];
      capacities += one.prices()[l] * one.program().capacity[l];
    }
    if (one.at_highest_t(one.bound)) {  // then no scale is the best
      ++highest;
      CHECK(worth <= capacities * (1 + 1e-12));
      continue;
    }
    CHECK(worth == doctest::Approx(capacities).epsilon(1e-9));
    for (int l = 0; l < 3; ++l) CHECK(one.prices()[l] == doctest::Approx(other.prices()[l]).epsilon(1e-9));
    CHECK(one.even_from <= one.now_t);
    CHECK(one.even_to >= one.now_t);
  }
  CHECK(highest > 0);
  CHECK(highest < 50);
}

TEST_CASE("cost programs of a hundred seeds start at their optimum, also where prices end between two proposals") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    const lp model = shares::by_name("cost", 128, seed);
    detail::price_crash crash;
    table<basis_status> status;
    CHECK(crash.find(model, status));
    const answer found = solve(model);
    CHECK(found.status == termination::optimal);
    CHECK(found.iterations == 0);
  }
}

TEST_CASE("blocks are found whatever the order of columns, and where a column uses two links") {
  for (const char* family : {"maxmin", "cost"}) {
    for (const bool two_links : {false, true}) {
      const lp given = shares::by_name(family, 150, 5);
      const sparse_matrix& a = given.matrix();
      lp model;
      model.set_sense(given.sense());
      for (int i = 0; i < given.rows(); ++i) model.add_row(given.row_lower(i), given.row_upper(i));
      const int power = two_links ? model.add_row(-infinity, 6) : -1;
      std::vector<lp_entry> column;
      for (int k = 0; k < given.columns(); ++k) {
        const int j = k * 7 % given.columns();  // no size here is a multiple of seven
        column.clear();
        for (int e = a.begin[j]; e < a.begin[j + 1]; ++e) column.push_back({a.index[e], a.value[e]});
        if (two_links && column.size() < 4) column.push_back({power, 0.3 + 0.1 * (j % 3)});
        model.add_column(given.cost(j), given.column_lower(j), given.column_upper(j), column);
      }
      CAPTURE(family);
      CAPTURE(two_links);
      REQUIRE(given.columns() % 7 != 0);
      detail::price_crash crash;
      table<basis_status> status;
      REQUIRE(crash.find(model, status));
      solve_options plain;
      plain.crash = false;
      const answer with = solve(model), without = solve(model, plain), before = solve(given);
      REQUIRE(with.status == termination::optimal);
      CHECK(with.iterations == 0);
      CHECK(std::fabs(with.objective - without.objective) <= 1e-9 * std::fmax(1, without.objective));
      if (two_links) {
        CHECK(std::fabs(with.activity[power] - 6) <= 1e-9);  // it binds, or it would say nothing
      } else {
        CHECK(std::fabs(with.objective - before.objective) <= 1e-9 * std::fmax(1, before.objective));
      }
    }
  }
}

/// Blocks of up to six columns, each of which uses one of the links, or some of them; more than half of the blocks have
/// a demand, which sometimes nothing has to be done for. `grid`: numbers of few values, so that a lot ties.
lp blocks_with_links(oracle::dice& d, int blocks, int links, bool several, bool grid) {
  const auto number = [&](double low, double high) {
    const double drawn = low + (high - low) * d.unit();
    return grid ? std::ceil(2 * drawn) / 2 : drawn;
  };
  lp model;
  model.set_sense(objective_sense::maximize);
  for (int l = 0; l < links; ++l) {
    const bool closed = l > 0 && d.unit() < 0.05;
    model.add_row(-infinity, closed ? 0 : grid ? blocks / 4 : blocks * (0.1 + 0.3 * d.unit()));
  }
  std::vector<lp_entry> column;
  for (int b = 0; b < blocks; ++b) {
    const int budget = model.add_row(-infinity, number(0.5, 2)), count = d.between(1, 6);
    double largest = 0;
    std::vector<double> met;
    for (int k = 0; k < count; ++k) met.push_back(number(0.2, 3));
    for (const double one : met) largest = std::fmax(largest, one);
    const double kind = d.unit();
    const int demand = kind < 0.4 ? -1 : model.add_row(kind < 0.5 ? -1 : 0.05 * largest, infinity);
    for (int k = 0; k < count; ++k) {
      column.assign(1, {budget, number(0.5, 2)});
      if (demand >= 0) column.push_back({demand, met[static_cast<std::size_t>(k)]});
      const int first = d.between(0, links - 1);
      for (int l = 0; l < links; ++l)
        if (l == first || (several && d.unit() < 0.4)) column.push_back({l, number(0.5, 4)});
      model.add_column(number(-1, 6), 0, infinity, column);
    }
  }
  return model;
}

TEST_CASE(
    "prices are walked to from corner to corner, and the basis there is optimal, whatever blocks and links are like") {
  oracle::dice d{167};
  int walked = 0, none = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    CAPTURE(trial);
    const bool grid = trial % 4 == 3;
    const int links = 1 + trial % 5;
    const lp model = blocks_with_links(d, d.between(80, 330), links, trial % 3 == 2, grid);
    detail::block_program program;
    REQUIRE(program.recognise(model));
    REQUIRE(program.link_row.size() == links);
    detail::price_walk walk;
    table<basis_status> status;
    const detail::price_walk::result ended = walk.find(program);
    REQUIRE(ended != detail::price_walk::result::unknown);
    if (ended == detail::price_walk::result::found) REQUIRE(walk.read_basis(model, status));
    if (trial >= 400) continue;
    solve_options plain;
    plain.crash = plain.fold = false;
    const answer without = solve(model, plain);
    if (without.status == termination::infeasible) {
      CHECK(ended != detail::price_walk::result::found);
      ++none;
      continue;
    }
    REQUIRE(without.status == termination::optimal);
    REQUIRE(ended == detail::price_walk::result::found);
    basis start;
    for (int v = 0; v < status.size(); ++v) (v < model.columns() ? start.columns : start.rows).push_back(status[v]);
    const answer with = solve(model, {}, start);
    REQUIRE(with.status == termination::optimal);
    CHECK(with.verified);
    CHECK(std::fabs(with.objective - without.objective) <= 1e-9 * std::fmax(1, std::fabs(without.objective)));
    CHECK(with.iterations == 0);
    if (walk.steps() > links) ++walked;
  }
  CHECK(walked > 200);
  CHECK(none < 100);
}

TEST_CASE("a walk takes few steps, and the same ones every time") {
  for (const int jobs : {128, 512, 2048}) {
    const lp model = shares::by_name("cost", jobs, 5);
    detail::block_program program;
    REQUIRE(program.recognise(model));
    detail::price_walk walk, again;
    table<basis_status> status, other;
    for (int time = 0; time < 2; ++time) {
      REQUIRE(walk.find(program) == detail::price_walk::result::found);
      REQUIRE(walk.read_basis(model, status));
      CHECK(walk.steps() <= 40);
      REQUIRE(again.find(program) == detail::price_walk::result::found);
      REQUIRE(again.read_basis(model, other));
      CHECK(status == other);
      CHECK(walk.steps() == again.steps());
    }
  }
}

TEST_CASE("programs of another kind are left alone by the price crash") {
  oracle::dice d{89};
  table<basis_status> status;
  detail::price_crash crash;
  CHECK_FALSE(crash.find(made::around_optimum(d, 60, 40, 0.3, false).model, status));
  CHECK_FALSE(crash.find(made::transportation(25, d).model, status));
  lp changed = shares::by_name("maxmin", 200);
  changed.set_column_bounds(5, -1, infinity);
  CHECK_FALSE(crash.find(changed, status));
}

TEST_CASE("the master finds the mixture of least cost, of each group one, also as proposals come and limits move") {
  shares::dice dice{11};
  for (int time = 0; time < 300; ++time) {
    CAPTURE(time);
    const int links = 1 + time % 5, groups = 1 << (time % 4);
    table<double> capacity(links), lowest(links), highest(links), use(links), prices;
    for (int l = 0; l < links; ++l) {
      capacity[l] = groups * (0.5 + dice.unit());
      lowest[l] = dice.unit();
      highest[l] = lowest[l] + 5 * dice.unit();
    }
    // The same program for the simplex methods: mixtures, what is left and what is exceeded of each capacity.
    lp same;
    for (int l = 0; l < links; ++l) same.add_row(capacity[l], capacity[l]);
    for (int g = 0; g < groups; ++g) same.add_row(1, 1);
    for (int l = 0; l < links; ++l) {
      same.add_column(-lowest[l], 0, infinity, std::vector<lp_entry>{{l, 1}});
      same.add_column(highest[l], 0, infinity, std::vector<lp_entry>{{l, -1}});
    }
    detail::dense_master master;
    master.reset(capacity, lowest, highest, groups);
    for (int round = 0; round < 6; ++round) {
      CAPTURE(round);
      for (int g = 0; g < groups; ++g) {
        const bool twin = round == 4;  // nearly what the group has proposed just before
        std::vector<lp_entry> column{{links + g, 1}};
        for (int l = 0; l < links; ++l) {
          use[l] = twin ? use[l] * (1 + 1e-13 * dice.unit()) : 2 * dice.unit();
          column.push_back({l, use[l]});
        }
        const double cost = -5 * dice.unit();
        master.add(use.data(), cost, g);
        same.add_column(cost, 0, infinity, column);
      }
      if (round == 3) {
        highest[0] += 3;
        master.limit(0, lowest[0], highest[0]);
        same.set_cost(1, highest[0]);
      }
      double value = 0;
      REQUIRE(master.solve(prices, value));
      const answer right = solve(same);
      REQUIRE(right.verified);
      CHECK(value == doctest::Approx(right.objective).epsilon(1e-9));
      for (int l = 0; l < links; ++l) {
        CHECK(prices[l] >= lowest[l] - 1e-9);
        CHECK(prices[l] <= highest[l] + 1e-9);
      }
    }
  }
}

TEST_CASE("settled blocks do what they would do if they were looked at, as long as prices stay near") {
  oracle::dice d{139};
  int fewer = 0, left = 0;
  for (const char* family : {"maxmin", "makespan", "cost"}) {
    const lp model = shares::by_name(family, 300);
    detail::priced_blocks all, some;
    REQUIRE(all.recognise(model));
    REQUIRE(some.recognise(model));
    const double scale = family[0] == 'c' ? 30 : 1e-3;
    for (int trial = 0; trial < 60; ++trial) {
      CAPTURE(family);
      CAPTURE(trial);
      table<double> center(3), by(3);
      for (int l = 0; l < 3; ++l) {
        center[l] = scale * d.unit();
        by[l] = 0.02 * scale * d.unit();
      }
      some.prices() = center;
      some.start();
      REQUIRE(some.answer());
      some.settle(by, 0.02);
      if (some.looked_at() < 150) ++fewer;
      for (int near = 0; near < 5; ++near) {
        for (int l = 0; l < 3; ++l)
          some.prices()[l] = std::fmax(0, center[l] + (near == 4 ? 20 : 1) * by[l] * (2 * d.unit() - 1));
        all.prices() = some.prices();
        all.start();
        REQUIRE(all.answer());
        REQUIRE(some.answer());
        if (!some.is_settled()) ++left;
        const double cost = all.uses();
        CHECK(some.value == doctest::Approx(all.value).epsilon(1e-11));
        CHECK(some.now_t == doctest::Approx(all.now_t).epsilon(1e-11));
        CHECK(some.uses() == doctest::Approx(cost).epsilon(1e-9));
        for (int l = 0; l < 3; ++l) CHECK(some.used[l] == doctest::Approx(all.used[l]).epsilon(1e-9));
      }
    }
  }
  CHECK(fewer > 60);
  CHECK(left > 30);
}

TEST_CASE("blocks that cannot meet their demands are infeasible, and the proof is given") {
  lp cost = shares::by_name("cost", 512);
  cost.set_row_bounds(3, 1e9, infinity);
  lp maxmin = shares::by_name("maxmin", 512);
  maxmin.set_column_bounds(maxmin.columns() - 1, 7, infinity);
  lp full = shares::by_name("cost", 512);
  for (int k = 1; k <= 3; ++k) full.set_row_bounds(full.rows() - k, -infinity, 0.01);
  for (const lp* model : {&cost, &maxmin, &full}) {
    const answer found = solve(*model);
    CHECK(found.status == termination::infeasible);
    CHECK(found.verified);
  }
}

TEST_CASE("where columns join blocks, sifting takes the prices' basis to the optimum that all columns at once have") {
  for (const char* family : {"pack", "packall"}) {
    for (const std::uint64_t seed : {1u, 2u, 3u}) {
      const lp model = shares::by_name(family, 60, seed);
      CAPTURE(family);
      CAPTURE(seed);
      detail::price_crash crash;
      table<basis_status> status;
      REQUIRE(crash.find(model, status));
      CHECK(crash.left_out() == model.columns() - 3 * 60 - 1);
      detail::form whole;
      whole.load(model, true);
      detail::engine engine;
      detail::monitor limits;
      detail::sifting sift;
      REQUIRE(sift.run(whole, engine, limits, 1e-7, 0, {}, status));
      CHECK(sift.at_work() < model.rows());  // about twice as many where columns that have become bad stay
      solve_options plain;
      plain.crash = false;
      const answer with = solve(model), without = solve(model, plain);
      REQUIRE(with.status == termination::optimal);
      REQUIRE(without.status == termination::optimal);
      CHECK(with.verified);
      CHECK(std::fabs(with.objective - without.objective) <= 1e-9 * std::fmax(1, std::fabs(without.objective)));
      // The basis that came out needs no further pivot, or hardly any.
      basis start;
      for (int v = 0; v < status.size(); ++v) (v < model.columns() ? start.columns : start.rows).push_back(status[v]);
      CHECK(solve(model, {}, start).iterations <= 2);
    }
  }
}

TEST_CASE("sifting finds a feasible point first where the columns at work have none, and columns may rest anywhere") {
  oracle::dice d{101};
  int hard = 0;
  for (int trial = 0; trial < 40; ++trial) {
    const made::known one = made::around_optimum(d, 120, 12, 0.3, trial % 2 == 1);
    const lp& model = one.model;
    table<basis_status> status(132, basis_status::lower);
    for (int j = 0; j < 120; ++j) {
      const bool low = model.column_lower(j) > -infinity, high = model.column_upper(j) < infinity;
      status[j] = low ? basis_status::lower : high ? basis_status::upper : basis_status::free;
    }
    for (int i = 0; i < 12; ++i) status[120 + i] = basis_status::basic;
    detail::form whole;
    whole.load(model, true);
    detail::engine engine;
    detail::monitor limits;
    detail::sifting sift;
    CAPTURE(trial);
    REQUIRE(sift.run(whole, engine, limits, 1e-9, 0, {}, status));
    if (sift.rounds() > 1) ++hard;
    basis start;
    for (int v = 0; v < 132; ++v) (v < 120 ? start.columns : start.rows).push_back(status[v]);
    const answer found = solve(model, {}, start);
    REQUIRE(found.status == termination::optimal);
    CHECK(found.iterations <= 2);
    CHECK(std::fabs(found.objective - one.optimum) <= 1e-9 * std::fmax(1, std::fabs(one.optimum)));
  }
  CHECK(hard > 10);
}

TEST_CASE("presolve takes away what bounds decide and gives back an optimal basis") {
  // x is fixed, the row on y alone is a bound, w only costs, the last row is implied, u is alone in an equation.
  linear_model m;
  const variable x = m.add("x", 2, 2), y = m.add("y"), z = m.add("z", 0, 4), w = m.add("w"), u = m.add("u", -infinity);
  m.minimize(x - 3 * y - z + w + 0.5 * u);
  const constraint on_y = m.add(2 * y <= 6), both = m.add(x + y + z - w <= 7);
  m.add(x + z <= 100);
  const constraint alone = m.add(u + y - z == 1);
  presolve small;
  REQUIRE(small.reduce(m.program()) == presolve::result::reduced);
  CHECK(small.reduced().rows() == 1);
  CHECK(small.reduced().columns() == 2);  // y is worth more than w, which bounds the dual of the row, can cost
  for (const bool on : {false, true}) {
    solve_options options;
    options.presolve = on;
    const answer found = solve(m.program(), options);
    REQUIRE(found.status == termination::optimal);
    // y = 3; z: -1 + 0.5 with the row at 7 - 2 - 3: z = 2; u = 1 - y + z = 0.
    CHECK(found.objective == doctest::Approx(-9));
    CHECK(value_of(found, y) == 3);
    CHECK(value_of(found, z) == 2);
    CHECK(value_of(found, w) == 0);
    CHECK(dual_of(found, alone) == doctest::Approx(0.5));
    CHECK(dual_of(found, both) == doctest::Approx(-0.5));
    CHECK(dual_of(found, on_y) == doctest::Approx((-3 - 0.5 + 0.5) / 2));
  }
}

TEST_CASE("presolve fixes a column that is never worth its cost, whatever the duals are") {
  // s buys what the row needs for 2 each, so its dual is at most 2, and x, which gives 3 for 7, is never bought. z
  // gives 1 for 1 and is.
  linear_model m;
  const variable x = m.add("x", 0, 9), s = m.add("s"), z = m.add("z", 0, 4), w = m.add("w", 1, 5);
  m.minimize(7 * x + 2 * s + z + 3 * w);
  const constraint need = m.add(3 * x + s + z + 2 * w >= 10), cap = m.add(x + z - w <= 8);
  presolve small;
  REQUIRE(small.reduce(m.program()) == presolve::result::reduced);
  CHECK(small.reduced().columns() == 3);
  const answer found = solve(m.program());
  REQUIRE(found.status == termination::optimal);
  CHECK(found.verified);
  CHECK(value_of(found, x) == 0);
  CHECK(value_of(found, z) == 4);
  CHECK(value_of(found, w) == 3);  // 1.5 for each unit
  CHECK(value_of(found, s) == 0);
  CHECK(found.objective == 13);
  CHECK(dual_of(found, need) == doctest::Approx(-1.5));  // a >= b is kept as b <= a
  CHECK(reduced_cost_of(found, x) == doctest::Approx(2.5));
  CHECK(dual_of(found, cap) == 0);
  // For 5 it would be: then it stays.
  m.minimize(5 * x + 2 * s + z + 3 * w);
  REQUIRE(small.reduce(m.program()) == presolve::result::reduced);
  CHECK(small.reduced().columns() == 4);
}

TEST_CASE("expressions, relations and readings of the modelling layer build the program that they say") {
  linear_model m;
  const variable x = m.add("x", 0, 4), y = m.add("y");
  const constraint two = m.add(3 * x + 2 * y <= 18 + x - x, "two"), range = m.add(between(-5, x - y + 1, 5));
  m.maximize(3 * x + 5 * y + 7);
  m.add(2 * y <= 12);
  CHECK(m.program().row_name(two.row) == "two");
  CHECK(m.program().row_lower(range.row) == -6);
  CHECK(m.program().coefficient(two.row, x.column) == 3);
  const answer found = solve(m.program());
  CHECK(found.objective == 43);
  CHECK(value_of(found, x) == 2);
  CHECK(dual_of(found, two) == 1);
  CHECK(reduced_cost_of(found, y) == 0);
}
