// SPDX-License-Identifier: Apache-2.0
#pragma once
// What compilers prove about schedules, within their default limits. Host compilers and nvcc, which hands its own
// rendering of the headers to the host compiler, both compile this.

#include <plait/mesh/mesh.hpp>
#include <plait/schedule/of_layout.hpp>
#include <plait/schedule/simulate.hpp>
#include <plait/schedule/verify.hpp>

#include "all_schedules.hpp"

namespace compile_time {

using namespace plait;

// The largest shape that is promised: 16 ranks, 64 micro-batches, 4 chunks.
static_assert(completes<interleaved<4>>({16, 64, 4}, {.buckets = 1, .clip = true}));

static_assert(completes<gpipe>({4, 8, 1}) && completes<one_f_one_b>({4, 8, 1}) && completes<interleaved<2>>({4, 8, 2}));
static_assert(completes<interleaved<2>>({4, 7, 2}, {.buckets = 3}) && completes<one_f_one_b>({8, 3, 1}));
static_assert(!completes<interleaved<2, 4>>({3, 10, 2}) && !completes<gpipe>({4, 0, 1}));

// 3 (micro + ranks - 1), and 3 micro chunks + 3 (ranks - 1).
static_assert(makespan<gpipe>({4, 8, 1}) == 33 && makespan<one_f_one_b>({4, 8, 1}) == 33);
static_assert(makespan<interleaved<2>>({4, 8, 2}) == 57);
static_assert(makespan<interleaved<4>>({16, 64, 4}) == 3 * 64 * 4 + 3 * 15);  // within default limits

// Every other schedule, at a moderate size: it completes, and takes what its docstring says.
static_assert(completes<looped_bfs<2>>({8, 16, 2}) && makespan<looped_bfs<2>>({8, 16, 2}) == 3 * 32 + 3 * 7);
static_assert(completes<zb_h1>({8, 24, 1}) && makespan<zb_h1>({8, 24, 1}) == 3 * 24 + 7);
static_assert(completes<zb_h2>({8, 24, 1}) && makespan<zb_h2>({8, 24, 1}) == 3 * 24 + 7);
static_assert(completes<interleaved_zb<2>>({8, 16, 2}) && makespan<interleaved_zb<2>>({8, 16, 2}) == 3 * 32 + 7);
static_assert(completes<zb_v>({8, 16, 2}) && makespan<zb_v>({8, 16, 2}) == 6 * 16 + 7);
static_assert(completes<zb_v>({4, 6, 2}) && makespan<zb_v>({4, 6, 2}) == 6 * 6 + 3);
static_assert(completes<v_half>({4, 8, 2}) && makespan<v_half>({4, 8, 2}) == 6 * 8 + 5);
static_assert(completes<v_min>({4, 8, 2}) && makespan<v_min>({4, 8, 2}) == 6 * 8 + 11);
static_assert(completes<v_1f1b>({8, 16, 2}) && makespan<v_1f1b>({8, 16, 2}) == 6 * 16 + 28);
static_assert(completes<dualpipe>(shape_of<dualpipe>(8, 16)) &&
              makespan<dualpipe>(shape_of<dualpipe>(8, 16)) == 3 * 16 + 6);
static_assert(completes<dualpipe_v>({8, 16, 2}) && makespan<dualpipe_v>({8, 16, 2}) == 6 * 16 + 14);
static_assert(completes<chimera>(shape_of<chimera>(8, 16), {.buckets = 2, .clip = true}) &&
              makespan<chimera>(shape_of<chimera>(8, 16)) == 3 * 16 + 3 * 6);
static_assert(completes<hanayo<1>>({4, 8, 2}) && completes<hanayo<2>>({4, 4, 4}));
static_assert(completes<pipedream<>>({8, 1, 1, 24}) && makespan<pipedream<>>({8, 1, 1, 24}) == 3 * 24 + 21);
static_assert(completes<pipedream<weight_versions::synchronised>>({8, 1, 1, 24}));
static_assert(completes<pipedream<weight_versions::stash, 2, 1>>({3, 1, 1, 12, 2}));
static_assert(completes<pipedream_2bw>({8, 8, 1, 3}) && pipedream_2bw::require_micro<8, 8>());
static_assert(!completes<pipedream_2bw>({8, 7, 1, 3}) && !completes<chimera>(shape_of<chimera>(8, 12)));
static_assert(completes<zb_h1>({4, 8, 1}, {.post_validate = true}));
static_assert(completes<forward_only<zb_v>>({4, 8, 2}) && completes<forward_only<one_f_one_b>>({4, 8, 1}));

// Skip edges; on a V both ends of these are on one rank.
static_assert(completes<one_f_one_b>({4, 8, 1}, {.skips = {{0, 3}, {1, 2}}}));
static_assert(completes<zb_v>({4, 8, 2}, {.skips = {{0, 7}, {1, 6}}}));

// Stages have copies, and ranks run their own micro-batches only.
static_assert(rank_of<bidirectional_placement>(shape_of<chimera>(4, 4), 1, 0) == 1);
static_assert(rank_of<bidirectional_placement>(shape_of<chimera>(4, 4), 1, 1) == 2);
static_assert(rank_of<replicated_placement<2, 1>>({3, 1, 1, 6, 2}, 0, 3) == 1);
static_assert(rank_of<wave_placement>({4, 8, 2}, 4) == 3 && rank_of<wave_placement>({4, 8, 2}, 8) == -1);

// The weight buffers of a program.
static_assert(program_of<pipedream<>>({4, 1, 1, 8}, 1).versions[0] == 3);
static_assert(program_of<pipedream_2bw>({4, 4, 1, 2}, 1).versions[0] == 2);

// The fields of actions, by name: nvcc 13 drops the names of designated initialisers in some places.
constexpr action second_of(const program& one) {
  return one.actions[1];
}
static_assert(second_of(program_of<one_f_one_b>({2, 2, 1}, 1)) ==
              action{.kind = op::forward, .stage = 1, .chunk = 0, .micro = 0, .slot = 0});
static_assert(second_of(program_of<one_f_one_b>({2, 2, 1}, 0)) ==
              action{.kind = op::send_activation, .stage = 0, .chunk = 0, .micro = 0, .peer = 1, .slot = 0});

// The verdict says where and why.
constexpr verification without_a_send() {
  auto programs = programs_of<one_f_one_b>({2, 2, 1}, {.optimize = false});
  programs[0].actions[3] = programs[0].actions[2];
  return verify(programs);
}
static_assert(!without_a_send().valid && without_a_send().rank == 0 && without_a_send().position == 3);
static_assert(without_a_send().reason == "it has already run");

// Layouts, as types.
using pipeline_of_four = mesh<data<2>, pipeline<4>>;
static_assert(pipe_shape_of<pipeline_of_four>(micro(8)) == pipe_shape{.ranks = 4, .micro = 8, .chunks = 1});
static_assert(step_options_of<pipeline_of_four>() == step_options{.buckets = 1});
static_assert(step_options_of<mesh<tensor<2>>>(true) == step_options{.clip = true});
static_assert(completes<pipeline_of_four>(micro(8)) && peak_activations<pipeline_of_four>(micro(8)) == 4);
static_assert(peak_activations<pipeline_of_four>(micro(2)) == 2);

using twice_round = mesh<pipeline<4, interleaved<2>>>;
static_assert(pipe_shape_of<twice_round>(micro(8)).stages() == 8);
static_assert(completes<twice_round>(micro(8)) && peak_activations<twice_round>(micro(8)) == 11);
static_assert(completes<mesh<>>(micro(1)) && peak_activations<mesh<>>(micro(5)) == 1);

}  // namespace compile_time
