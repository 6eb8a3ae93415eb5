// SPDX-License-Identifier: Apache-2.0
#include <source_location>
#include <string>

#include <plait/core/error.hpp>
#include <plait/core/require.hpp>

#include <doctest/doctest.h>

namespace {

using plait::error;
using plait::error_kind;

// What `require` does in a constant expression: nothing, where the condition holds.
static_assert((plait::require(true, "call", "sentence"), true));

TEST_CASE("an error says its kind, the call, the sentence and the place") {
  const auto here = std::source_location::current();
  const error problem{error_kind::usage, "balanced_part", "ways must be at least 1", here};
  const std::string text = problem.what();
  CHECK(text.starts_with("plait: usage: balanced_part: ways must be at least 1\n  at "));
  CHECK(text.ends_with("error.cpp:" + std::to_string(here.line())));
  CHECK(problem.kind() == error_kind::usage);
  CHECK(problem.call() == "balanced_part");
  CHECK(problem.sentence() == "ways must be at least 1");
  CHECK(problem.rank() == -1);
}

TEST_CASE("an error says on which rank it happened, and the first rank stays") {
  error problem{error_kind::comm, "all_reduce", "rank 3 did not arrive"};
  problem.at_rank(5, "{data 1, tensor 1, pipeline 0}");
  problem.at_rank(2, "{data 0, tensor 1, pipeline 0}");
  CHECK(std::string{problem.what()}.ends_with(", rank 5 = {data 1, tensor 1, pipeline 0}"));
  CHECK(problem.rank() == 5);
  CHECK(problem.coordinates() == "{data 1, tensor 1, pipeline 0}");
}

TEST_CASE("wrong use and bad input end a program with status 2, failures with 1") {
  for (error_kind kind : {error_kind::usage, error_kind::io}) CHECK(error{kind, "call", "it"}.exit_status() == 2);
  for (error_kind kind :
       {error_kind::schedule, error_kind::comm, error_kind::numerics, error_kind::cuda, error_kind::nccl})
    CHECK(error{kind, "call", "it"}.exit_status() == 1);
}

TEST_CASE("every kind of error has a name of its own") {
  CHECK(plait::name_of(error_kind::usage) == "usage");
  CHECK(plait::name_of(error_kind::io) == "io");
  CHECK(plait::name_of(error_kind::schedule) == "schedule");
  CHECK(plait::name_of(error_kind::comm) == "comm");
  CHECK(plait::name_of(error_kind::numerics) == "numerics");
  CHECK(plait::name_of(error_kind::cuda) == "cuda");
  CHECK(plait::name_of(error_kind::nccl) == "nccl");
}

TEST_CASE("a requirement that does not hold is an error at the place of the call, and makes its sentence only then") {
  int made = 0;
  const auto sentence = [&] { return ++made, std::string{"3 does not divide 10"}; };
  plait::require(true, "split", sentence);
  CHECK(made == 0);
  const auto line = std::source_location::current().line() + 2;
  try {
    plait::require(false, "split", sentence);
    FAIL("require let a false condition pass");
  } catch (const error& problem) {
    CHECK(made == 1);
    CHECK(problem.kind() == error_kind::usage);
    CHECK(problem.call() == "split");
    CHECK(problem.sentence() == "3 does not divide 10");
    CHECK(problem.where().line() == line);
  }
}

}  // namespace
