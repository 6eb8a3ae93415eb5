// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>

#include <plait/core/error.hpp>
#include <plait/data/classified_images.hpp>

namespace plait {

/// The two parts that published data sets come in.
enum class data_split : std::uint8_t { train, test };

/// Where the Debian package dataset-fashion-mnist puts the data.
inline constexpr const char* fashion_mnist_directory = "/usr/share/datasets/fashion-mnist";

/// Reads one part of Fashion-MNIST: 28 x 28 pictures of clothes in 10 classes, 60 000 to train and 10 000 to test with.
///
/// The directory holds `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
/// `t10k-labels-idx1-ubyte`, each plain or with `.gz`; where both are there the plain one is read. MNIST itself, and
/// others with its file names and 10 classes, are read as well.
/// Throws: io where the directory or a file is missing, and as `load_idx_pair` does.
/// Source: Xiao, Rasul, Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms",
/// arXiv 1708.07747, 2017.
inline classified_images load_fashion_mnist(const std::string& directory, data_split split) {
  const auto find = [&](const std::string& name) {
    const std::filesystem::path plain = std::filesystem::path{directory} / name, packed = plain.string() + ".gz";
    std::error_code ignored;
    if (std::filesystem::exists(plain, ignored)) return plain.string();
    if (std::filesystem::exists(packed, ignored)) return packed.string();
    throw error{error_kind::io, "load_fashion_mnist",
                "directory " + directory + " has no " + name +
                    ", with or without .gz; name the directory that has it, or install " +
                    "the Debian package dataset-fashion-mnist, which puts the files into " + fashion_mnist_directory};
  };
  const std::string part = split == data_split::train ? "train" : "t10k";
  const std::string images = find(part + "-images-idx3-ubyte"), labels = find(part + "-labels-idx1-ubyte");
  return load_idx_pair(images, labels, 10);
}

}  // namespace plait
