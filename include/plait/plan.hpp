// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The deciding half: layouts, schedules, timelines, costs. Plain C++20; no CUDA, no thread, no library.
#include <plait/core/error.hpp>
#include <plait/core/require.hpp>
#include <plait/core/units.hpp>
#include <plait/cost/calibrate.hpp>
#include <plait/cost/cut.hpp>
#include <plait/cost/layer_profile.hpp>
#include <plait/cost/memory.hpp>
#include <plait/mesh/dispatch.hpp>
#include <plait/mesh/mesh.hpp>
#include <plait/mesh/name.hpp>
#include <plait/schedule/gpipe.hpp>
#include <plait/schedule/interleaved.hpp>
#include <plait/schedule/makespan.hpp>
#include <plait/schedule/of_layout.hpp>
#include <plait/schedule/one_f_one_b.hpp>
#include <plait/schedule/program.hpp>
#include <plait/schedule/simulate.hpp>
#include <plait/schedule/simulate_shared.hpp>
#include <plait/schedule/verify.hpp>
#include <plait/timeline/shared.hpp>
#include <plait/timeline/timeline.hpp>
#include <plait/version.hpp>
