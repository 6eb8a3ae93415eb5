// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include <plait/core/error.hpp>
#include <plait/core/require.hpp>
#include <plait/data/gzip.hpp>
#include <plait/data/idx.hpp>
#include <plait/data/pixel_scale.hpp>

namespace plait {

/// Images of 8-bit pixels, each with the number of its class. Models `dataset` with Target = std::int32_t.
///
/// The pixels stay as they were read, one byte each; `fill` scales them: (pixel / 255 - mean) / deviation, computed in
/// double and then rounded to the type asked for. Until `rescale` is called the scale is plain pixel / 255.
class classified_images {
 public:
  using target_type = std::int32_t;

  /// images: u8 [samples, ...], labels: u8 [samples], each below `classes`.
  ///
  /// Needs: 1 <= classes <= 256. Throws: usage where it is not; io where the arrays are not as above, are empty or
  /// differ in samples.
  classified_images(idx_array images, idx_array labels, std::int32_t classes)
      : images_{std::move(images)}, labels_{std::move(labels)}, classes_{classes} {
    require(1 <= classes && classes <= 256, "classified_images", "labels are bytes, so there are 1 to 256 classes");
    check();
    samples_ = images_.extents()[0];
    features_ = images_.size() / samples_;
    rescale({});
  }

  [[nodiscard]] std::int64_t samples() const noexcept { return samples_; }
  [[nodiscard]] std::int64_t features() const noexcept { return features_; }  ///< pixels of one image
  [[nodiscard]] std::int64_t target_columns() const noexcept { return 1; }
  [[nodiscard]] std::int32_t classes() const noexcept { return classes_; }

  /// The extents of one image: {28, 28}.
  [[nodiscard]] std::span<const std::int64_t> image_extents() const noexcept { return images_.extents().subspan(1); }

  /// All pixels: [samples, features].
  [[nodiscard]] std::span<const std::byte> pixels() const noexcept { return images_.bytes(); }

  /// The pixels of one image. Throws: usage where there is no such sample.
  [[nodiscard]] std::span<const std::byte> image(std::int64_t sample) const {
    require_sample(sample);
    return pixels().subspan(static_cast<std::size_t>(sample * features_), static_cast<std::size_t>(features_));
  }

  /// The class of one image. Throws: usage where there is no such sample.
  [[nodiscard]] std::int32_t label(std::int64_t sample) const {
    require_sample(sample);
    return std::to_integer<std::int32_t>(labels_.bytes()[static_cast<std::size_t>(sample)]);
  }

  [[nodiscard]] pixel_scale scale() const noexcept { return scale_; }

  /// Takes another scale, as a rule that of the training set: `test.rescale(pixel_scale_of(train.pixels()))`.
  ///
  /// Needs: finite numbers and a deviation above 0. Throws: usage otherwise.
  void rescale(pixel_scale scale) {
    require(std::isfinite(scale.mean) && std::isfinite(scale.deviation) && scale.deviation > 0,
            "classified_images::rescale", "the mean must be finite, and the deviation finite and above 0");
    scale_ = scale;
    for (int pixel = 0; pixel < 256; ++pixel) scaled_[pixel] = (pixel / 255.0 - scale.mean) / scale.deviation;
  }

  /// See `dataset`. Throws: usage where a sample is not there or room has the wrong size.
  template <std::floating_point T>
  void fill(std::span<const std::int64_t> samples, std::span<T> x, std::span<std::int32_t> targets) const {
    require(x.size() == samples.size() * static_cast<std::size_t>(features_) && targets.size() == samples.size(),
            "classified_images::fill", [&] {
              return std::to_string(samples.size()) + " images of " + std::to_string(features_) +
                     " pixels do not fit room for " + std::to_string(x.size()) + " pixels and " +
                     std::to_string(targets.size()) + " labels exactly";
            });
    std::size_t next = 0;
    for (std::size_t row = 0; row < samples.size(); ++row) {
      for (std::byte pixel : image(samples[row])) x[next++] = static_cast<T>(scaled_[std::to_integer<int>(pixel)]);
      targets[row] = label(samples[row]);
    }
  }

 private:
  void check() const {
    const auto fail = [](const std::string& what) { throw error{error_kind::io, "classified_images", what}; };
    const auto held_by = [](const idx_array& array) {
      return array.name() + " holds " + std::string{name_of(array.type())} + " of " + std::to_string(array.rank()) +
             " dimensions";
    };
    if (images_.type() != idx_type::u8 || images_.rank() < 2) {
      fail(held_by(images_) + "; images are u8 of 2 dimensions or more, the first of which counts the samples");
    }
    if (labels_.type() != idx_type::u8 || labels_.rank() != 1) {
      fail(held_by(labels_) + "; labels are u8 of 1 dimension");
    }
    if (images_.extents()[0] != labels_.extents()[0]) {
      fail(images_.name() + " holds " + std::to_string(images_.extents()[0]) + " images, but " + labels_.name() +
           " holds " + std::to_string(labels_.extents()[0]) + " labels");
    }
    if (images_.size() == 0) fail(images_.name() + " holds no pixels, so there is nothing to learn from");
    const std::span<const std::byte> labels = labels_.bytes();
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (const auto label = std::to_integer<std::int32_t>(labels[i]); label >= classes_) {
        fail(labels_.name() + " says class " + std::to_string(label) + " for sample " + std::to_string(i) +
             ", but classes are numbered 0 to " + std::to_string(classes_ - 1));
      }
    }
  }

  void require_sample(std::int64_t sample) const {
    require(0 <= sample && sample < samples_, "classified_images", [&] {
      return images_.name() + " holds " + std::to_string(samples_) + " samples, so there is none at " +
             std::to_string(sample);
    });
  }

  idx_array images_;
  idx_array labels_;
  std::int32_t classes_;
  std::int64_t samples_ = 0;
  std::int64_t features_ = 0;
  pixel_scale scale_;
  double scaled_[256]{};
};

/// Reads classified images from a pair of IDX files, each plain or packed with gzip.
///
/// Throws: io where a file is missing, damaged, or not as `classified_images` needs it; and what `read_bytes` throws.
inline classified_images load_idx_pair(const std::string& images_file, const std::string& labels_file,
                                       std::int32_t classes, std::int64_t limit_bytes = default_file_limit_bytes) {
  return {read_idx(images_file, limit_bytes), read_idx(labels_file, limit_bytes), classes};
}

}  // namespace plait
