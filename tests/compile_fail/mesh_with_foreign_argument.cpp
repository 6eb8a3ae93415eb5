// expect: plait::mesh<...>: each argument is data<N>, tensor<N>, pipeline<N, Schedule> or fastest<axis...>
// SPDX-License-Identifier: Apache-2.0
#include <plait/mesh/mesh.hpp>

struct expert {};

const plait::mesh<plait::data<2>, expert> wrong{};
