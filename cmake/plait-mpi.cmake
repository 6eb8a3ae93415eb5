# SPDX-License-Identifier: Apache-2.0
# plait::mpi, ranks as processes: plait::host and an MPI (Open MPI is what it is tested with). Used by plait's own build
# and by the installed package alike. Afterwards plait_mpi_missing says what kept plait::mpi from being made, if anything.

set(plait_mpi_missing "")
set(MPI_CXX_SKIP_MPICXX TRUE)
find_package(MPI QUIET COMPONENTS CXX)

if(NOT TARGET plait::host)
  set(plait_mpi_missing "plait::mpi needs plait::host")
elseif(NOT TARGET MPI::MPI_CXX)
  set(plait_mpi_missing "plait::mpi needs an MPI, and none was found (Debian, Ubuntu: libopenmpi-dev openmpi-bin)")
elseif(NOT TARGET plait::mpi)
  add_library(plait::mpi INTERFACE IMPORTED)
  target_link_libraries(plait::mpi INTERFACE plait::host MPI::MPI_CXX)
endif()
