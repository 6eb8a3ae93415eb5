// SPDX-License-Identifier: Apache-2.0
// The laws of kernels on a device.
#include <plait/kernels/for_each.cuh>
#include <plait/kernels/gather_rows.cuh>
#include <plait/kernels/matmul.cuh>
#include <plait/kernels/reduce.cuh>
#include <plait/tensor/cuda.cuh>

#include <doctest/doctest.h>

#include "kernels/cross_entropy_laws.hpp"
#include "kernels/elementwise_laws.hpp"
#include "kernels/for_each_laws.hpp"
#include "kernels/gather_rows_laws.hpp"
#include "kernels/invoke_laws.hpp"
#include "kernels/laws.hpp"
#include "kernels/matmul_laws.hpp"
#include "kernels/reduce_laws.hpp"

using cuda_float = plait::laws::kind<plait::cuda, float>;
using cuda_double = plait::laws::kind<plait::cuda, double>;
TYPE_TO_STRING_AS("cuda, float", cuda_float);
TYPE_TO_STRING_AS("cuda, double", cuda_double);

PLAIT_KERNEL_LAWS(cuda_float, cuda_double)
