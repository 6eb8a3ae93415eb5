// SPDX-License-Identifier: Apache-2.0
// What users read where something is refused.
#pragma once

#include <initializer_list>
#include <string>

#include <plait/core/error.hpp>

#include <doctest/doctest.h>

namespace plait::testing {

/// Calls `act`, which must throw an error of this kind whose one sentence holds all these words.
template <class Act>
void check_refused(error_kind kind, std::initializer_list<std::string> words, Act&& act) {
  try {
    act();
    FAIL_CHECK("nothing was thrown");
  } catch (const error& refused) {
    CHECK(name_of(refused.kind()) == name_of(kind));
    CHECK(refused.sentence().find('\n') == std::string::npos);
    for (const std::string& word : words) {
      CHECK_MESSAGE(refused.sentence().find(word) != std::string::npos, refused.sentence(), " -- lacks: ", word);
    }
  }
}

}  // namespace plait::testing
