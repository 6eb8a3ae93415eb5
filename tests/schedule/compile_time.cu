// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <doctest/doctest.h>

#include "compile_time.hpp"

namespace {

using namespace plait;

// The same programs, made at run time by what nvcc hands to the host compiler.
TEST_CASE("nvcc makes the programs that host compilers make") {
  const program one = program_of<interleaved<2>>({2, 4, 2}, 1, {.buckets = 2, .clip = true});
  std::string text;
  for (const action& act : one.actions) text += to_string(act) + "; ";
  CHECK(
      text.starts_with("receive_activation stage 1 micro 0 from rank 0; forward stage 1 micro 0; "
                       "send_activation stage 1 micro 0 to rank 0; "));
  CHECK(
      text.ends_with("reduce_gradients stage 1 bucket 1; reduce_gradients stage 1 bucket 0; reduce_norm; "
                     "optimizer_step; reduce_loss; "));
  for (const action& act : one.actions) CHECK(act.version == 0);
  CHECK(verify(programs_of<interleaved<2>>({2, 4, 2}, {.buckets = 2, .clip = true})).valid);
}

}  // namespace
