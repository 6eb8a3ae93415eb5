# SPDX-License-Identifier: Apache-2.0
# Finds a CBLAS: the header <cblas.h> and the library that belongs to it. OpenBLAS comes first; CMAKE_PREFIX_PATH,
# CBLAS_INCLUDE_DIR and CBLAS_LIBRARY choose another one. Makes CBLAS::CBLAS.

find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(PC_OPENBLAS QUIET openblas)
endif()
find_path(CBLAS_INCLUDE_DIR cblas.h HINTS ${PC_OPENBLAS_INCLUDE_DIRS} PATH_SUFFIXES openblas openblas-pthread)
find_library(CBLAS_LIBRARY NAMES openblas cblas blas HINTS ${PC_OPENBLAS_LIBRARY_DIRS} NAMES_PER_DIR)
mark_as_advanced(CBLAS_INCLUDE_DIR CBLAS_LIBRARY)

# A BLAS without the C names, or a header without its library, is as good as none.
if(CBLAS_INCLUDE_DIR AND CBLAS_LIBRARY AND CMAKE_CXX_COMPILER_LOADED)
  include(CheckCXXSourceCompiles)
  include(CMakePushCheckState)
  cmake_push_check_state(RESET)
  set(CMAKE_REQUIRED_INCLUDES "${CBLAS_INCLUDE_DIR}")
  set(CMAKE_REQUIRED_LIBRARIES "${CBLAS_LIBRARY}")
  set(CMAKE_REQUIRED_QUIET ON)
  check_cxx_source_compiles("#include <cblas.h>
    int main() { float x = 1; return cblas_sdot(1, &x, 1, &x, 1) == 1 ? 0 : 1; }" CBLAS_LINKS)
  cmake_pop_check_state()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CBLAS REQUIRED_VARS CBLAS_LIBRARY CBLAS_INCLUDE_DIR CBLAS_LINKS)

if(CBLAS_FOUND AND NOT TARGET CBLAS::CBLAS)
  add_library(CBLAS::CBLAS UNKNOWN IMPORTED)
  set_target_properties(CBLAS::CBLAS PROPERTIES IMPORTED_LOCATION "${CBLAS_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES
                                                                                     "${CBLAS_INCLUDE_DIR}")
endif()
