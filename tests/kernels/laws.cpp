// SPDX-License-Identifier: Apache-2.0
// The laws of kernels in host memory.
#include "kernels/laws.hpp"

#include <plait/tensor/host.hpp>

#include <doctest/doctest.h>

#include "kernels/cross_entropy_laws.hpp"
#include "kernels/elementwise_laws.hpp"
#include "kernels/for_each_laws.hpp"
#include "kernels/gather_rows_laws.hpp"
#include "kernels/invoke_laws.hpp"
#include "kernels/matmul_laws.hpp"
#include "kernels/reduce_laws.hpp"

using host_float = plait::laws::kind<plait::host, float>;
using host_double = plait::laws::kind<plait::host, double>;
TYPE_TO_STRING_AS("host, float", host_float);
TYPE_TO_STRING_AS("host, double", host_double);

PLAIT_KERNEL_LAWS(host_float, host_double)
