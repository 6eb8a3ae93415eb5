# SPDX-License-Identifier: Apache-2.0
# Installs the build folder BUILD into PREFIX, emptied first, and looks whether every header and the license arrived.

file(REMOVE_RECURSE "${PREFIX}")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${PREFIX}" --config "${CONFIG}"
                COMMAND_ERROR_IS_FATAL ANY)

file(GLOB_RECURSE headers RELATIVE "${CMAKE_CURRENT_LIST_DIR}/../../include" "${CMAKE_CURRENT_LIST_DIR}/../../include/*.*")
foreach(header IN LISTS headers)
  file(GLOB installed "${PREFIX}/include*/${header}")
  if(NOT installed)
    message(FATAL_ERROR "${header} was not installed")
  endif()
endforeach()
if(NOT EXISTS "${PREFIX}/share/licenses/plait/LICENSE")
  message(FATAL_ERROR "the license was not installed")
endif()
