// SPDX-License-Identifier: Apache-2.0
// The main function of every test executable that needs a GPU. Without one it ends with status 77, which ctest shows as
// skipped; listing the test cases needs none.
#define DOCTEST_CONFIG_IMPLEMENT
#include <algorithm>
#include <cstdio>
#include <span>
#include <string_view>

#include <cuda_runtime_api.h>

#include <doctest/doctest.h>

int main(int count, char** arguments) {
  const auto is_query = [](std::string_view argument) {
    return argument.starts_with("--list") || argument.starts_with("-l") || argument == "--help" || argument == "-h";
  };
  if (std::ranges::none_of(std::span{arguments, static_cast<std::size_t>(count)}.subspan(1), is_query)) {
    int devices = 0;
    const cudaError_t status = cudaGetDeviceCount(&devices);
    if (status != cudaSuccess || devices == 0) {
      std::printf("skipped: no GPU to run on (%s)\n",
                  status == cudaSuccess ? "no device found" : cudaGetErrorString(status));
      return 77;
    }
  }
  return doctest::Context{count, arguments}.run();
}
