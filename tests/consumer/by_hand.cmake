# SPDX-License-Identifier: Apache-2.0
# Compiles SOURCE into PROGRAM with COMPILE and flags that come from WAY (include_path, pkg_config), and runs it.

if(WAY STREQUAL "include_path")
  set(flags "-I${INCLUDE}")
else()
  find_program(PKG_CONFIG NAMES pkg-config pkgconf)
  if(NOT PKG_CONFIG)
    message(STATUS "skipped: pkg-config is not installed")
    return()
  endif()
  set(ENV{PKG_CONFIG_PATH} "${PREFIX}/share/pkgconfig:$ENV{PKG_CONFIG_PATH}")
  execute_process(COMMAND "${PKG_CONFIG}" --exact-version=${VERSION} plait COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND "${PKG_CONFIG}" --cflags --libs plait-host OUTPUT_VARIABLE flags COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(flags UNIX_COMMAND "${flags}")
  list(APPEND flags ${EXPECTED})
endif()

# The libraries come after the source that needs them.
execute_process(COMMAND ${COMPILE} "${SOURCE}" -o "${PROGRAM}" ${flags} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${PROGRAM}" COMMAND_ERROR_IS_FATAL ANY)
