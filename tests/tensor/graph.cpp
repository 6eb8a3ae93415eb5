// SPDX-License-Identifier: Apache-2.0
// The laws of captured work, for queues of the host that stand in for those of a device.
#include "comm/queued_space.hpp"
#include "tensor/graph_laws.hpp"

TYPE_TO_STRING_AS("queued", plait::queued);

PLAIT_GRAPH_LAWS(plait::queued)
