// SPDX-License-Identifier: Apache-2.0
// The readers against texts that were changed at random; tests/fuzz/lp_formats.cpp does the same with more patience.
#include <cstddef>
#include <string>

#include <doctest/doctest.h>

#include "feed_formats.hpp"
#include "oracle.hpp"

TEST_CASE("readers survive texts that were changed at random, and refuse most of them") {
  const std::string seeds[] = {
      "NAME T\nOBJSENSE\n MAX\nROWS\n N cost\n L l\n G g\n E e\nCOLUMNS\n x cost 1 l 1\n x g 1 e 1\n M 'MARKER' "
      "'INTORG'\n"
      " y cost 2 l 1\n M 'MARKER' 'INTEND'\nRHS\n R l 10 g 1\n R cost 3\nRANGES\n R l 4 e -2\nBOUNDS\n UP B x -4\n FR "
      "B y\n"
      " BV B y\nENDATA\nNAME\n XU x l\n XL y g\n* farkas -1.5 l\n* ray 1e-3 y\nENDATA\n",
      "Maximize\n o: 3 x + 2y - 0.5 z + 10\nSubject To\n c1: x + y + z <= 10\n -2 <= x - y <= 8\nBounds\n x <= 4\n "
      "-inf <= y <= 5\n"
      " z free\nGenerals\n x\nBinaries\n y\nEnd\nNAME\n XU x c1\n UL y\n* ray 2 z\nENDATA\n",
      "NAME\n XU x l\n XL y g\n UL x\n LL y\nENDATA\n"};
  oracle::dice d{113};
  int read = 0, refused = 0;
  for (int round = 0; round < 30000; ++round) {
    std::string text = seeds[round % 3];
    const std::string other = seeds[d.between(0, 2)];
    for (int change = d.between(1, 4); change > 0 && !text.empty(); --change) {
      const auto at = static_cast<std::size_t>(d.between(0, static_cast<int>(text.size()) - 1));
      const auto from = static_cast<std::size_t>(d.between(0, static_cast<int>(other.size()) - 1));
      const auto length = static_cast<std::size_t>(d.between(1, 20));
      switch (d.between(0, 4)) {
        case 0:
          text[at] = static_cast<char>(d.between(0, 255));
          break;
        case 1:
          text[at] = "0123456789+-.eE<>=: \n\t"[d.between(0, 21)];
          break;
        case 2:
          text.erase(at, length);
          break;
        case 3:
          text.insert(at, other.substr(from, length));
          break;
        default:
          text.resize(at);
      }
    }
    (formats::feed(text) != 0 ? read : refused) += 1;
  }
  CHECK(read > 300);
  CHECK(refused > 10000);
}
