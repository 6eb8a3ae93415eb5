// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Everything, with the CUDA side; needs nvcc, and cuBLASLt at the link (CMake target `plait::cuda`). Includes no
/// Thrust and no whole of CUB, which would cost more to compile than all the rest.
#include <plait/comm/threads.cuh>
#include <plait/kernels/for_each.cuh>
#include <plait/kernels/gather_rows.cuh>
#include <plait/kernels/matmul.cuh>
#include <plait/kernels/reduce.cuh>
#include <plait/plait.hpp>
#include <plait/tensor/cuda.cuh>
