// SPDX-License-Identifier: Apache-2.0
#pragma once

/// PLAIT_HD marks a function that runs on the host and, where nvcc compiles it, on the device as well.
#if defined(__CUDACC__)
#define PLAIT_HD __host__ __device__
#else
#define PLAIT_HD
#endif
