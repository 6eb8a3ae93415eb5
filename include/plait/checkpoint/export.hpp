// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <plait/checkpoint/box.hpp>
#include <plait/checkpoint/file.hpp>
#include <plait/checkpoint/reader.hpp>
#include <plait/checkpoint/safetensors.hpp>
#include <plait/core/error.hpp>
#include <plait/tensor/dtype.hpp>

namespace plait {

/// Writes the tensors of a checkpoint to one safetensors file, each whole, whatever layout it was saved under; without
/// those whose names begin with `leave_out`, if any. A file of that name is replaced once the new one is whole.
///
///     export_safetensors(checkpoint_reader{"runs/a/step-00000120"}, "model.safetensors", "optimizer.");
///
/// Memory: the largest tensor. Throws: io.
inline void export_safetensors(const checkpoint_reader& from, const std::string& path,
                               std::string_view leave_out = "") {
  std::vector<safetensors_entry> entries;
  std::int64_t used = 0;
  for (const auto& [name, tensor] : from.tensors()) {
    if (!leave_out.empty() && name.starts_with(leave_out)) continue;
    const std::int64_t bytes = *byte_size(tensor.shape, size_of(tensor.type));
    entries.push_back({name, std::string{safetensors_name_of(tensor.type)}, tensor.shape, {used, used + bytes}});
    used += bytes;
  }
  const std::string partial = path + ".partial";
  std::error_code ignored;
  std::filesystem::remove(partial, ignored);
  try {
    output_file file{partial};
    file.append(bytes_of_text(safetensors_text(entries, {{"format", "pt"}})));
    std::vector<std::byte> whole;
    for (const safetensors_entry& one : entries) {
      whole.resize(static_cast<std::size_t>(one.bytes.size()));
      from.read(one.name, box::whole(one.shape), whole);
      file.append(whole);
    }
    file.finish();
    if (std::rename(partial.c_str(), path.c_str()) != 0) detail::file_failure("export_safetensors", "rename", partial);
  } catch (...) {
    std::filesystem::remove(partial, ignored);
    throw;
  }
}

}  // namespace plait
