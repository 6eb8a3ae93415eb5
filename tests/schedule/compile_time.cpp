// SPDX-License-Identifier: Apache-2.0
#include "compile_time.hpp"

#include <doctest/doctest.h>

namespace {

using namespace plait;

TEST_CASE("what compilers prove holds at run time as well") {
  CHECK(completes<interleaved<4>>({16, 64, 4}, {.buckets = 1, .clip = true}));
  CHECK(makespan<interleaved<2>>({4, 8, 2}) == 57);
  CHECK(compile_time::without_a_send().position == 3);
  CHECK(compile_time::second_of(program_of<one_f_one_b>({2, 2, 1}, 1)).kind == op::forward);
}

}  // namespace
