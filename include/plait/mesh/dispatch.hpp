// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <plait/core/require.hpp>
#include <plait/mesh/name.hpp>

namespace plait {

/// The names of layouts, in the order given.
template <layout... Layouts>
std::vector<std::string> names_of_layouts() {
  return {name_of_layout<Layouts>()...};
}

/// Calls `body(std::type_identity<L>{})` for the layout among those compiled in whose name is `name`.
///
///     dispatch<mesh<>, mesh<data<4>>, mesh<tensor<4>>>(name, [&]<class L>(std::type_identity<L>) { train<L>(options);
///     });
///
/// Throws: usage, when there is none of that name; the sentence lists those there are.
template <layout... Layouts, class Body>
void dispatch(std::string_view name, Body&& body) {
  const bool found =
      ((name_of_layout<Layouts>() == name && (static_cast<void>(body(std::type_identity<Layouts>{})), true)) || ...);
  require(found, "plait::dispatch", [&] {
    std::string sentence = "no layout is named " + std::string{name} + "; there are";
    for (const std::string& known : names_of_layouts<Layouts...>()) sentence.append(" ").append(known);
    return sentence;
  });
}

}  // namespace plait
