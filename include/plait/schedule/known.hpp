// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>

namespace plait {

/// What is known of a schedule, for people who choose one and for programs that print it.
///
/// The formulas are for the unit case: forward, input half and weight half take 1 each, a whole backward pass 2,
/// messages nothing. They are written in the arithmetic that C and Python share, with Python's `a if b else c`, and
/// hold where `holds` does; `tests/examples/draw_schedule.py` puts them beside simulated steps.
/// Letters: p ranks, m micro-batches, v chunks on each rank, n micro-batches of the first group, r rank.
struct schedule_facts {
  std::string_view name;
  std::string_view what;   ///< its definition in a line
  std::string_view needs;  ///< constraints on the shape; empty: none
  std::string_view when;   ///< what it is for
  std::string_view step;   ///< its length; empty: there is no closed form
  std::string_view holds;  ///< for which shapes; empty: all that are legal
  std::string_view
      peak;  ///< activations alive, in chunks: on rank r, or on the rank that keeps most where r is not in it
  std::string_view messages;  ///< of one micro-batch, there and back
  std::string_view versions;  ///< of the weights, on rank r, for m >= 2 * p
};

/// All schedules that come with plait. Each is a type of its own header, whose docstring has pictures and sources.
inline constexpr std::array<schedule_facts, 18> known_schedules{{
    {"gpipe", "all forward passes, then all backward passes", "",
     "micro-batches are few, or activations are recomputed anyway", "3 * (m + p - 1)", "", "m", "2 * (p - 1)", "1"},
    {"1f1b", "after a warm-up, forward and backward passes in turn (PipeDream-Flush)", "",
     "the place to start: least memory of what keeps backward passes whole and stages in one piece", "3 * (m + p - 1)",
     "", "min(m, p - r)", "2 * (p - 1)", "1"},
    {"interleaved_1f1b", "1F1B with several stages a rank, depth first in groups of micro-batches",
     "group 0 or at least p; what is left over after whole groups is 0 or at least p",
     "the bubble matters more than messages", "3 * m * v + 3 * (p - 1)", "m >= p and p > 1",
     "min(m * v, (v - 1) * n + 2 * (p - 1 - r) + 1)", "2 * (v * p - 1)", "1"},
    {"looped_bfs", "several stages a rank; every micro-batch through one chunk before any goes through the next", "",
     "messages are slow, or weights are gathered for each use", "3 * m * v + 3 * (p - 1)", "m >= p and p > 1", "m * v",
     "2 * (v * p - 1)", "1"},
    {"zb_h1", "1F1B with backward passes split; weight halves fill the bubble", "",
     "layers can split their backward pass, and memory is that of 1F1B's first rank on all", "3 * m + p - 1", "m >= p",
     "min(m, p)", "2 * (p - 1)", "1"},
    {"zb_h2", "ZB-H1 with twice the warm-up: no rank idles between its first pass and its last", "",
     "there is twice the memory, and messages take time or input halves are longer than weight halves", "3 * m + p - 1",
     "m >= p", "min(m, 2 * p - 1)", "2 * (p - 1)", "1"},
    {"interleaved_zb", "interleaved 1F1B with backward passes split", "as interleaved_1f1b",
     "a small bubble with stages in loop order", "3 * m * v + p - 1", "m >= p and p > 1", "min(m * v, (v - 1) * n + p)",
     "2 * (v * p - 1)", "1"},
    {"zb_v", "two stages a rank, down and up the ranks (V); backward passes split", "v = 2",
     "almost no bubble at the memory of 1F1B's first rank; sensitive to unequal passes", "6 * m + p - 1", "m >= p",
     "min(2 * m, 2 * p)", "4 * (p - 1)", "1"},
    {"v_half", "a V whose pattern repeats every 6 units; half the memory of 1F1B", "v = 2",
     "memory is short; input halves take no longer than weight halves", "6 * m + 3 * p - (7 if p % 2 == 0 else 4)",
     "m >= 2 * p and p >= 3", "p + (2 if p % 2 == 0 else 1)", "4 * (p - 1)", "1"},
    {"v_min", "a V with the fewest activations that a V can do with, about a third of those of 1F1B", "v = 2",
     "memory is very short and all passes take equally long", "6 * m + 4 * p - (7 if p % 3 == 0 else 5)",
     "m >= 2 * p and p >= 3", "2 * ((p + 1) // 3) + 2", "4 * (p - 1)", "1"},
    {"v_1f1b", "a V with whole backward passes, in the memory of 1F1B", "v = 2",
     "layers cannot split their backward pass", "6 * m + 4 * (p - 1)", "m >= p and p > 1", "", "4 * (p - 1)", "1"},
    {"dualpipe", "micro-batches enter at both ends; forward passes run together with backward passes of the other way",
     "p even; m even and at least 2 p; two copies of every stage", "messages inside layers can hide under other passes",
     "3 * m + p - 2", "", "p + 1", "2 * (p - 1)", "1"},
    {"dualpipe_v", "DualPipe cut in half: a V without copies of stages", "v = 2; m at least 2 p",
     "as dualpipe, without a second copy of the model", "6 * m + 2 * (p - 1)", "", "2 * p + 1", "4 * (p - 1)", "1"},
    {"chimera", "two 1F1B pipelines in opposite directions, in each other's bubbles",
     "p even; m a multiple of p; two copies of every stage",
     "few micro-batches, and memory for two copies of the model", "3 * m + (m // p + 1) * (p - 2)", "",
     "p // 2 + 1 + min(r, p - 1 - r)", "2 * (p - 1)", "1"},
    {"hanayo", "stages in waves, down and up the ranks v / 2 times; backward passes first, then the deepest stage",
     "v even", "as chimera, without a second copy of the model", "", "", "", "2 * v * (p - 1)", "1"},
    {"pipedream", "asynchronous 1F1B: an update after every backward pass, old weights stashed",
     "every micro-batch is a step of its own", "gradients of weights up to p - 1 - r updates old are good enough",
     "3 * (m + p - 1)", "", "min(m, p - r)", "2 * (p - 1)", "p - r"},
    {"pipedream_2bw", "1F1B that does not drain between steps, with two versions of the weights", "m at least p",
     "gradients of weights one update old are good enough, and memory is short", "3 * (m + p - 1)", "", "p - r",
     "2 * (p - 1)", "2"},
    {"forward_only", "the forward passes of 1F1B, or of interleaved 1F1B: evaluation", "as interleaved_1f1b",
     "a model is evaluated", "m * v + p - 1", "m >= p and p > 1", "0", "v * p - 1", "1"},
}};

/// The facts of a name; none where no schedule has it.
constexpr const schedule_facts* find_schedule(std::string_view name) {
  for (const schedule_facts& one : known_schedules)
    if (one.name == name) return &one;
  return nullptr;
}

}  // namespace plait
