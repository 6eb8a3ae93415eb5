// expect: plait::mesh<...>: each axis may be named only once
// SPDX-License-Identifier: Apache-2.0
#include <plait/mesh/mesh.hpp>

static_assert(plait::mesh<plait::data<2>, plait::tensor<2>, plait::data<4>>::size == 16);
