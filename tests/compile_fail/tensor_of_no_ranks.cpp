// expect: plait::tensor<Ways>: Ways counts ranks, so it is at least 1
// SPDX-License-Identifier: Apache-2.0
#include <plait/mesh/mesh.hpp>

static_assert(plait::mesh<plait::tensor<-2>>::size == -2);
