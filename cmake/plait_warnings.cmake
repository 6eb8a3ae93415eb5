# SPDX-License-Identifier: Apache-2.0
# plait_warnings: what plait's own tests, examples and benchmarks are compiled with. Never installed, never passed on.

set(plait_host_warnings -Wall -Wextra -Wconversion -Wshadow)
if(PLAIT_WARNINGS_AS_ERRORS)
  list(APPEND plait_host_warnings -Werror)
endif()
list(JOIN plait_host_warnings "," plait_host_warnings_through_nvcc)

add_library(plait_warnings INTERFACE)
target_compile_options(
  plait_warnings
  INTERFACE # -Wpedantic is for the host compiler alone: what nvcc gives to it uses line directives that it forbids.
            "$<$<COMPILE_LANGUAGE:CXX>:${plait_host_warnings};-Wpedantic>"
            "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=${plait_host_warnings_through_nvcc}>"
            "$<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<BOOL:${PLAIT_WARNINGS_AS_ERRORS}>>:SHELL:-Werror all-warnings>")
