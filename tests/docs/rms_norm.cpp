// SPDX-License-Identifier: Apache-2.0
// The layer of docs/add_a_layer.md.
#include "../../examples/rms_norm.hpp"

#include <plait/comm/threads.hpp>
#include <plait/layers/layer.hpp>

#include <doctest/doctest.h>

#include "layers/laws.hpp"

namespace {

// [laws]
static_assert(plait::layer<rms_norm>);

TEST_CASE("rms_norm keeps the laws of layers") {
  using ranks = plait::threads<plait::host>;
  for (int ways = 1; ways <= 3; ++ways) {
    const auto subject = laws::case_of(rms_norm{10}, 10);
    CHECK(laws::gradients_agree<ranks>(subject, {.ways = ways}).fault == "");
    CHECK(laws::halves_make_the_whole<ranks>(subject, {.ways = ways}).fault == "");
    CHECK(laws::sharded_equals_whole<ranks>(subject, {.ways = ways}, laws::numbers::real).fault == "");
    CHECK(laws::no_rows_are_legal<ranks>(subject, ways).fault == "");
  }
}
// [laws]

}  // namespace
