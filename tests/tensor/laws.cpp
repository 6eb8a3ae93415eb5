// SPDX-License-Identifier: Apache-2.0
// The laws of a space, for host memory.
#include "tensor/laws.hpp"

#include <chrono>
#include <thread>

#include <plait/tensor/host.hpp>

#include <doctest/doctest.h>

TYPE_TO_STRING_AS("host", plait::host);

PLAIT_SPACE_LAWS(plait::host)

TEST_CASE("waiting is no work: it counts in the wall time of marks, not in their work time") {
  plait::host::mark begin, end;
  begin.record({});
  std::this_thread::sleep_for(std::chrono::milliseconds{30});
  end.record({});
  CHECK(plait::host::mark::wall_seconds(begin, end) >= 0.03);
  CHECK(plait::host::mark::work_seconds(begin, end) < 0.02);
}

TEST_CASE("marks of two threads are on one axis") {
  plait::host::mark begin, middle, end;
  begin.record({});
  std::thread{[&] { middle.record({}); }}.join();
  end.record({});
  CHECK(plait::host::mark::since(begin, middle) >= 0);
  CHECK(plait::host::mark::since(middle, end) >= 0);
}
