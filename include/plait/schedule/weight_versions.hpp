// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace plait {

/// Which weights a pass reads. Versions are counted by updates: version v has had v of them.
///
///   flush            the pipeline drains before every update, so there is one version
///   stash            forward reads the newest version that its stage has; the backward pass of the same micro-batch
///                    reads the same one, which is kept until then.   Versions held: stages - stage.
///   synchronised     as stash, but a micro-batch reads one and the same version at all stages: the newest of the first
///                    stage when it came in ("vertical sync").   Versions held: stages.
///   double_buffered  step t reads version t - 1, and its update makes version t + 1 of version t.   Versions held: 2.
///
/// Source: Narayanan et al., "PipeDream: Generalized Pipeline Parallelism for DNN Training", SOSP 2019, section 3.3;
/// "Memory-Efficient Pipeline-Parallel DNN Training", ICML 2021, section 3.1 (2BW).
enum class weight_versions : std::uint8_t { flush, stash, synchronised, double_buffered };

constexpr std::string_view name_of(weight_versions policy) {
  constexpr std::array<std::string_view, 4> names{"flush", "stash", "synchronised", "double_buffered"};
  return names[static_cast<std::size_t>(policy)];
}

/// The version that micro-batch `micro` must read, where the policy fixes it beforehand; -2: the newest when its
/// forward pass runs. Version -1 is what the first step of a double-buffered run reads: a second copy of the start.
///
/// synchronised: the first stage has run backward as far as micro-batch `micro` - ranks when `micro` comes in.
constexpr int fixed_version(weight_versions policy, int micro, int micro_of_step, int ranks) {
  if (policy == weight_versions::double_buffered) return micro / micro_of_step - 1;
  if (policy == weight_versions::synchronised) return micro < ranks ? 0 : (micro - ranks + 1) / micro_of_step;
  return -2;
}

}  // namespace plait
