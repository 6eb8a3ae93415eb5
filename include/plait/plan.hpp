// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The deciding half: layouts, schedules, cuts. Plain C++20; no CUDA, no thread, no library. What is used at run time
/// alone, orders as values, timelines, memory, has headers of its own; <plait/plait.hpp> has it all.
#include <plait/core/error.hpp>
#include <plait/core/require.hpp>
#include <plait/core/units.hpp>
#include <plait/cost/cut.hpp>
#include <plait/mesh/dispatch.hpp>
#include <plait/mesh/mesh.hpp>
#include <plait/mesh/name.hpp>
#include <plait/schedule/chimera.hpp>
#include <plait/schedule/dualpipe.hpp>
#include <plait/schedule/dualpipe_v.hpp>
#include <plait/schedule/forward_only.hpp>
#include <plait/schedule/gpipe.hpp>
#include <plait/schedule/hanayo.hpp>
#include <plait/schedule/interleaved.hpp>
#include <plait/schedule/interleaved_zb.hpp>
#include <plait/schedule/looped_bfs.hpp>
#include <plait/schedule/makespan.hpp>
#include <plait/schedule/of_layout.hpp>
#include <plait/schedule/one_f_one_b.hpp>
#include <plait/schedule/pipedream.hpp>
#include <plait/schedule/pipedream_2bw.hpp>
#include <plait/schedule/program.hpp>
#include <plait/schedule/program_of.hpp>
#include <plait/schedule/simulate.hpp>
#include <plait/schedule/v_1f1b.hpp>
#include <plait/schedule/v_half.hpp>
#include <plait/schedule/v_min.hpp>
#include <plait/schedule/verify.hpp>
#include <plait/schedule/zb_h1.hpp>
#include <plait/schedule/zb_h2.hpp>
#include <plait/schedule/zb_v.hpp>
#include <plait/version.hpp>
