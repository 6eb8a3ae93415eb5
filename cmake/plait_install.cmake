# SPDX-License-Identifier: Apache-2.0
# Installs the headers, the license, the CMake package and the pkg-config files. Nothing here depends on the machine's
# architecture, so all of it goes below share/.

include(CMakePackageConfigHelpers)
set(plait_package_dir "${CMAKE_INSTALL_DATADIR}/cmake/plait")
set(plait_generated "${PROJECT_BINARY_DIR}/package")

install(
  DIRECTORY "${PROJECT_SOURCE_DIR}/include/plait"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING
  PATTERN "*.hpp"
  PATTERN "*.cuh")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATADIR}/licenses/plait")

install(TARGETS plait EXPORT plait-targets)
install(EXPORT plait-targets NAMESPACE plait:: DESTINATION "${plait_package_dir}")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/plait-config.cmake.in"
                              "${plait_generated}/plait-config.cmake" INSTALL_DESTINATION "${plait_package_dir}")
write_basic_package_version_file("${plait_generated}/plait-config-version.cmake" COMPATIBILITY SameMinorVersion
                                                                                               ARCH_INDEPENDENT)
install(FILES "${plait_generated}/plait-config.cmake" "${plait_generated}/plait-config-version.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/plait-host.cmake" "${PROJECT_SOURCE_DIR}/cmake/plait-cuda.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/plait-mpi.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/plait-nccl.cmake" "${PROJECT_SOURCE_DIR}/cmake/FindNCCL.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/FindCBLAS.cmake"
        DESTINATION "${plait_package_dir}")

# pkg-config finds the headers from where the .pc file lies, so an installed tree can be moved.
file(RELATIVE_PATH PLAIT_PC_INCLUDE "${CMAKE_INSTALL_FULL_DATADIR}/pkgconfig" "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
set(PLAIT_PC_REQUIRES "plait = ${PROJECT_VERSION}")
set(PLAIT_PC_CFLAGS "-pthread")
set(PLAIT_PC_LIBS "-pthread")
if(TARGET CBLAS::CBLAS)
  string(APPEND PLAIT_PC_CFLAGS " -DPLAIT_USE_CBLAS=1")
  if(PC_OPENBLAS_FOUND AND CBLAS_LIBRARY MATCHES "openblas")
    string(APPEND PLAIT_PC_REQUIRES ", openblas")
  else()
    string(APPEND PLAIT_PC_CFLAGS " -I${CBLAS_INCLUDE_DIR}")
    string(APPEND PLAIT_PC_LIBS " ${CBLAS_LIBRARY}")
  endif()
endif()
if(TARGET ZLIB::ZLIB)
  string(APPEND PLAIT_PC_CFLAGS " -DPLAIT_USE_ZLIB=1")
  string(APPEND PLAIT_PC_REQUIRES ", zlib")
endif()
set(PLAIT_PC_FILES plait plait-host)
if(TARGET plait::mpi AND PkgConfig_FOUND)
  pkg_check_modules(PC_MPI QUIET ompi-c)
  if(PC_MPI_FOUND)
    list(APPEND PLAIT_PC_FILES plait-mpi) # requires what this MPI calls itself
  endif()
endif()
foreach(pc IN LISTS PLAIT_PC_FILES)
  configure_file("${PROJECT_SOURCE_DIR}/cmake/${pc}.pc.in" "${plait_generated}/${pc}.pc" @ONLY)
  install(FILES "${plait_generated}/${pc}.pc" DESTINATION "${CMAKE_INSTALL_DATADIR}/pkgconfig")
endforeach()
