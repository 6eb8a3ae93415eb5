// SPDX-License-Identifier: Apache-2.0
// safetensors_files write FOLDER    writes checkpoint 7 of tests/checkpoint/checkpoints.hpp there, and exports it
// safetensors_files read FILE       prints the tensors of a safetensors file as JSON: type, shape, check sum

#include <cstddef>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <plait/checkpoint/export.hpp>

#include "checkpoint/checkpoints.hpp"

int main(int argc, char** argv) {
  using namespace plait;
  try {
    const std::string_view what = argc == 3 ? argv[1] : "";
    if (what == "write") {
      const std::string root = argv[2];
      const checkpoint_reader from{testing::save_small(root, 7)};
      export_safetensors(from, root + "/export.safetensors");
    } else if (what == "read") {
      const input_file file{argv[2]};
      const safetensors_header header = parse_safetensors(read_safetensors_head(file), file.size(), file.path());
      json::object all;
      for (const safetensors_entry& one : header.tensors) {
        std::vector<std::byte> bytes(static_cast<std::size_t>(one.bytes.size()));
        file.read(bytes, header.bytes + one.bytes.begin);
        all.emplace_back(one.name, json::object{{"dtype", one.type},
                                                {"shape", json::array(one.shape.begin(), one.shape.end())},
                                                {"crc32", crc32_text(crc32(bytes))}});
      }
      std::printf("%s\n", json{std::move(all)}.to_text().c_str());
    } else {
      return 2;
    }
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "%s\n", wrong.what());
    return 1;
  }
  return 0;
}
