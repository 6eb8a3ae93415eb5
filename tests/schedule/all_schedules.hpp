// SPDX-License-Identifier: Apache-2.0
#pragma once
// Every schedule there is.

#include <plait/schedule/chimera.hpp>
#include <plait/schedule/dualpipe.hpp>
#include <plait/schedule/dualpipe_v.hpp>
#include <plait/schedule/forward_only.hpp>
#include <plait/schedule/gpipe.hpp>
#include <plait/schedule/hanayo.hpp>
#include <plait/schedule/interleaved.hpp>
#include <plait/schedule/interleaved_zb.hpp>
#include <plait/schedule/looped_bfs.hpp>
#include <plait/schedule/one_f_one_b.hpp>
#include <plait/schedule/pipedream.hpp>
#include <plait/schedule/pipedream_2bw.hpp>
#include <plait/schedule/v_1f1b.hpp>
#include <plait/schedule/v_half.hpp>
#include <plait/schedule/v_min.hpp>
#include <plait/schedule/zb_h1.hpp>
#include <plait/schedule/zb_h2.hpp>
#include <plait/schedule/zb_v.hpp>
