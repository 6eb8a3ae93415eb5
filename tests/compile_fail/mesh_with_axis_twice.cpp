// expect: plait::mesh<...>: each axis may be named only once
// SPDX-License-Identifier: Apache-2.0
#include <plait/mesh/mesh.hpp>

const plait::mesh<plait::data<2>, plait::tensor<2>, plait::data<4>> wrong{};
