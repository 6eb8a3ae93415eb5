// expect: a step must have at least as many micro-batches as the pipeline has ranks
// SPDX-License-Identifier: Apache-2.0
// The second of two weight versions would be written while the first stage still needs it.
#include <plait/schedule/pipedream_2bw.hpp>

static_assert(plait::pipedream_2bw::require_micro<4, 4>());
static_assert(plait::pipedream_2bw::require_micro<4, 3>());
