// SPDX-License-Identifier: Apache-2.0
// A solve that is repeated on a model of the same shape allocates nothing, and no limit is overrun by ten milliseconds.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <new>
#include <string>

#include <plait/solve/simplex.hpp>

#include <doctest/doctest.h>

#include "../../bench/solve/shares.hpp"
#include "../counted_allocations.hpp"
#include "made.hpp"

namespace {

thread_local std::int64_t allocated = 0;

}  // namespace

// Not inlined: g++ would see malloc and free through one of a pair and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocated;
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

using namespace plait;

namespace {

/// The allocations of the third of three equal solves; bounds differ between them, the shape does not.
std::int64_t allocations_of_repeated(lp& model, const solve_options& options, bool warm) {
  simplex solver;
  answer found;
  const double upper = model.row_upper(model.rows() - 1);
  std::int64_t last = 0;
  for (int time = 0; time < 4; ++time) {
    if (upper < infinity && model.row_lower(model.rows() - 1) == -infinity)
      model.set_row_bounds(model.rows() - 1, -infinity, time % 2 == 0 ? upper : 0.99 * upper);
    const std::int64_t before = allocated;
    if (warm) {
      solver.solve(model, options, found.basis, found);
    } else {
      solver.solve(model, options, {}, found);
    }
    last = allocated - before;
    REQUIRE(found.status == termination::optimal);
    REQUIRE(found.verified);
    if (time == 0) CHECK(last > 0);
  }
  return last;
}

/// The processor time of the longest stretch of a solve in which nobody asked whether to stop, in milliseconds; the
/// solve is told to stop when `until` milliseconds are used up.
struct watch {
  std::clock_t began, last;
  double longest = 0, until;
  int asked = 0;
  static double milliseconds(std::clock_t t) { return 1e3 * static_cast<double>(t) / CLOCKS_PER_SEC; }
  void see() {
    const std::clock_t now = std::clock();
    longest = std::max(longest, milliseconds(now - last));
    last = now;
  }
};

double longest_silence(const lp& model, solve_options options, double until, termination& status, int& asked) {
  watch w{};
  w.until = until;
  w.began = w.last = std::clock();
  options.context = &w;
  options.interrupt = [](void* context) {
    watch& seen = *static_cast<watch*>(context);
    seen.see();
    ++seen.asked;
    return watch::milliseconds(seen.last - seen.began) > seen.until;
  };
  simplex solver;
  status = solver.solve(model, options).status;
  w.see();
  asked = w.asked;
  return w.longest;
}

}  // namespace

TEST_CASE("a solve that is repeated on a model of the same shape allocates nothing") {
  oracle::dice d{7};
  for (const bool warm : {false, true}) {
    CAPTURE(warm);
    for (const char* family : {"maxmin", "cost", "pack", "kinds_maxmin", "kinds_packall"}) {
      lp model = shares::by_name(family, 128);
      CAPTURE(std::string{family});
      CHECK(allocations_of_repeated(model, {}, warm) == 0);
      for (const lp_algorithm algorithm : {lp_algorithm::dual, lp_algorithm::primal}) {
        solve_options plain;
        plain.crash = false;
        plain.algorithm = algorithm;
        CHECK(allocations_of_repeated(model, plain, warm) == 0);
      }
    }
    lp many = shares::by_name("pack", 450);  // by way of prices
    CHECK(allocations_of_repeated(many, {}, warm) == 0);
    lp model = made::transportation(20, d).model;
    CHECK(allocations_of_repeated(model, {}, warm) == 0);
  }
}

TEST_CASE("whatever a solve is at, it asks within ten milliseconds whether to stop, and then stops") {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr double allowed = 150;  // each access to memory is looked at as well, for up to fifteen times the time
#else
  constexpr double allowed = 10;
#endif
  struct one {
    const char* family;
    int jobs;
    bool crash, presolve;
    lp_algorithm algorithm;
  };
  const one all[] = {{"maxmin", 8192, true, true, lp_algorithm::automatic},
                     {"maxmin", 8192, false, true, lp_algorithm::dual},
                     {"maxmin", 8192, false, false, lp_algorithm::primal},
                     {"cost", 8192, true, true, lp_algorithm::automatic},
                     {"pack", 2048, true, true, lp_algorithm::automatic},
                     {"kinds_packall", 256, true, true, lp_algorithm::automatic}};
  for (const one& way : all) {
    const lp model = shares::by_name(way.family, way.jobs);
    CHECK(model.entries() > 0);  // read once, so that no solve sorts the rows in
    solve_options options;
    options.crash = way.crash;
    options.presolve = way.presolve;
    options.algorithm = way.algorithm;
    CAPTURE(std::string{way.family});
    CAPTURE(way.crash);
    for (const double until : {0.0, 30.0, 400.0}) {
      CAPTURE(until);
      // Somebody else's work on the same processor shows in the longest stretch: the least of some tries counts.
      double least = 1e9;
      termination status{};
      int asked = 0;
      for (int tries = 0; tries < 5 && least > allowed; ++tries)
        least = std::min(least, longest_silence(model, options, until, status, asked));
      CHECK(least <= allowed);
      CHECK(asked > 0);
      CHECK((status == termination::interrupted || status == termination::optimal));
      if (until == 0) CHECK(status == termination::interrupted);
      // The same for a time limit: no more processor time than that and ten milliseconds.
      if (until == 0) continue;
      options.time_limit = 1e-3 * until;
      double late = 1e9;
      for (int tries = 0; tries < 5 && late > allowed; ++tries) {
        const std::clock_t began = std::clock();
        const answer found = solve(model, options);
        late = std::min(late, watch::milliseconds(std::clock() - began) - until);
        if (found.status == termination::optimal) continue;
        CHECK(found.status == termination::time_limit);
        CHECK(found.x.size() == model.columns());
        CHECK(found.basis.rows.size() == model.rows());
        CHECK_FALSE(found.verified);
      }
      CHECK(late <= allowed);
      options.time_limit = infinity;
    }
  }
}

TEST_CASE("a solver that was stopped anywhere solves the next program as a fresh one does") {
  const lp model = shares::by_name("pack", 128);
  const answer whole = solve(model);
  for (int after = 0; after < 60; after += 3) {
    int left = after;
    solve_options options;
    options.context = &left;
    options.interrupt = [](void* count) { return --*static_cast<int*>(count) < 0; };
    simplex solver;
    const answer stopped = solver.solve(model, options);
    CHECK((stopped.status == termination::interrupted || stopped.status == termination::optimal));
    const answer again = solver.solve(model);
    CHECK(again.x == whole.x);
    CHECK(again.iterations == whole.iterations);
    if (stopped.status == termination::optimal) continue;
    CHECK(solver.solve(model, {}, stopped.basis).status == termination::optimal);
  }
}
