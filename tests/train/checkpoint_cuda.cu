// SPDX-License-Identifier: Apache-2.0
// A run moves between a GPU and host memory.

#include <plait/plait.cuh>

#include <doctest/doctest.h>

#include "exact_model.hpp"
#include "stopped.hpp"

namespace {

using namespace harness;
using gpu = plait::cuda;  // the toolkit has a namespace of that name

TEST_CASE("a run that is stopped on a GPU goes on in host memory, and the other way round, bit for bit") {
  const auto model = exact_model();
  const auto optimizer = exact_optimizer<double>();
  const auto job = exact_task<double>(3, 4);
  const layout_handle one = layout_of({1, 1, 1}, 1, 1), many = layout_of({2, 2, 2}, 1, 1);
  const auto whole = train_part<double, double>(serial{}, one, model, optimizer, exact_task<double>(1), {0, 4, "", ""});
  CHECK(equal_bits(
      stopped_and_resumed<double, double>(threads<gpu>{}, many, threads<host>{}, one, model, optimizer, job, 2),
      whole));
  CHECK(equal_bits(
      stopped_and_resumed<double, double>(threads<host>{}, many, threads<gpu>{}, many, model, optimizer, job, 2),
      whole));
  CHECK(equal_bits(
      stopped_and_resumed<double, double>(threads<gpu>{}, one, threads<gpu>{}, many, model, optimizer, job, 2), whole));
}

}  // namespace
