// SPDX-License-Identifier: Apache-2.0
// The laws of captured work, for a device.
#include <type_traits>
#include <utility>

#include <plait/tensor/cuda.cuh>

#include "tensor/graph_laws.hpp"

TYPE_TO_STRING_AS("cuda", plait::cuda);

PLAIT_GRAPH_LAWS(plait::cuda)

static_assert(!std::is_copy_constructible_v<plait::cuda_graph>);
static_assert(std::is_nothrow_move_constructible_v<plait::cuda_graph>);
