// SPDX-License-Identifier: Apache-2.0
// Shares of a cluster among jobs: instances, policies, allocations. Uses plait/solve.hpp.
#pragma once

#include <plait/alloc/agnostic.hpp>
#include <plait/alloc/allocation.hpp>
#include <plait/alloc/instance.hpp>
#include <plait/alloc/policies.hpp>
#include <plait/alloc/policy.hpp>
