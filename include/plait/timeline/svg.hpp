// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <span>
#include <string>

#include <plait/timeline/detail/svg_picture.hpp>
#include <plait/timeline/detail/text.hpp>
#include <plait/timeline/time_unit.hpp>
#include <plait/timeline/timeline.hpp>

namespace plait {

/// Draws timelines as one self-contained picture (SVG 1.1: no script, no font, no reference to anything outside).
///
/// Each rank is a lane and each action a box; passes carry the number of their micro-batch, and the letter of their
/// chunk where a rank has several; messages along skip edges are thin curves between two forward passes. Kinds differ
/// in colour and in hatching, so a grey print can be read; idle time within the makespan is hatched lightly. Several
/// timelines stand one above the other on one scale of time, such as a predicted step above the measured one; boxes
/// tell more when pointed at.
///
///     write_svg(out, std::vector{predicted, measured}, {.title = "1F1B, 4 ranks, 8 micro-batches"});
///
/// Waiting is not drawn, nor are actions that take no time. Throws: usage, for rows whose times are not finite or run
/// backwards.
inline void write_svg(std::ostream& out, std::span<const timeline> timelines, const svg_options& options = {}) {
  detail::require_drawable(timelines, "plait::write_svg");
  detail::svg_picture{timelines, options}.write(out);
}

/// The same into a file. Throws: io, when it cannot be written.
inline void save_svg(const std::string& file, std::span<const timeline> timelines, const svg_options& options = {}) {
  detail::save(file, "plait::save_svg", [&](std::ostream& out) { write_svg(out, timelines, options); });
}

}  // namespace plait
