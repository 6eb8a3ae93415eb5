// SPDX-License-Identifier: Apache-2.0
// A program of another project: it sees plait as its users do, through the include path and what the package gives it.
#include <plait/version.hpp>

#if __has_include(<plait/plait.hpp>)
#include <plait/plait.hpp>
#else
#include <plait/core/random.hpp>
#include <plait/core/ranges.hpp>
#include <plait/mesh/mesh.hpp>
#endif

#include <cstdio>

// What the target promises must be there, and linked.
#if defined(EXPECT_CBLAS) && EXPECT_CBLAS
#ifndef PLAIT_USE_CBLAS
#error "plait::host was built with a CBLAS here, but PLAIT_USE_CBLAS is not defined"
#endif
#include <cblas.h>
#endif
#if defined(EXPECT_ZLIB) && EXPECT_ZLIB
#ifndef PLAIT_USE_ZLIB
#error "plait::host was built with zlib here, but PLAIT_USE_ZLIB is not defined"
#endif
#include <zlib.h>
#endif
#if !defined(EXPECT_CBLAS) && (defined(PLAIT_USE_CBLAS) || defined(PLAIT_USE_ZLIB))
#error "the include path alone must not ask for libraries"
#endif

static_assert(__cplusplus >= 202002L, "the package gives C++20");
static_assert(plait::balanced_part(10, 4, 2) == plait::index_range{6, 8});

int main() {
  using layout = plait::mesh<plait::data<2>, plait::tensor<2>>;
  static_assert(layout::size == 4);
  const plait::random_stream stream{7, "consumer", 0};
  bool good = stream.uniform(3) >= 0 && stream.uniform(3) < 1;
#if defined(EXPECT_CBLAS) && EXPECT_CBLAS
  const float x[] = {1, 2, 3};
  good = good && cblas_sdot(3, x, 1, x, 1) == 14;
#endif
#if defined(EXPECT_ZLIB) && EXPECT_ZLIB
  good = good && zlibVersion()[0] == ZLIB_VERSION[0];
#endif
  std::printf("plait %d.%d.%d: %s\n", PLAIT_VERSION_MAJOR, PLAIT_VERSION_MINOR, PLAIT_VERSION_PATCH,
              good ? "good" : "broken");
  return good ? 0 : 1;
}
