// expect: plait::pipeline<Ways, Schedule>: Ways counts ranks, so it is at least 1
// SPDX-License-Identifier: Apache-2.0
#include <plait/mesh/mesh.hpp>

static_assert(plait::mesh<plait::pipeline<0>>::size == 0);
