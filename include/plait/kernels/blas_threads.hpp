// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(PLAIT_USE_CBLAS) && defined(__GNUC__)
extern "C" void openblas_set_num_threads(int count) __attribute__((weak));
#endif

namespace plait {

/// Makes the CBLAS of this process use one thread for each call, where it can be told (OpenBLAS): ranks are threads
/// themselves, and a rank's products would otherwise take the processors of the others. One thread also makes the order
/// of its sums repeatable.
inline void use_one_blas_thread() {
#if defined(PLAIT_USE_CBLAS) && defined(__GNUC__)
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
#endif
}

}  // namespace plait
