# SPDX-License-Identifier: Apache-2.0
# plait::nccl, ranks on devices of their own: plait::cuda and NCCL 2.28 or later. Used by plait's own build and by the
# installed package alike. Afterwards plait_nccl_missing says what kept plait::nccl from being made, if anything.

set(plait_nccl_missing "")
find_package(NCCL 2.28 QUIET)

if(NOT TARGET plait::cuda)
  set(plait_nccl_missing "plait::nccl needs plait::cuda")
elseif(NOT NCCL_FOUND)
  set(plait_nccl_missing "plait::nccl needs NCCL 2.28 or later (libnccl-dev; or name its folder with NCCL_HOME)")
elseif(NOT TARGET plait::nccl)
  add_library(plait::nccl INTERFACE IMPORTED)
  target_link_libraries(plait::nccl INTERFACE plait::cuda NCCL::NCCL)
endif()
